"""The choices of a comparison, kept in the URL so that a link opens the same view."""

from __future__ import annotations

import shlex
from typing import Any

import streamlit as st

import workbench as wb
from workbench.cli.command import Run
from workbench.cli.flags import flags_of
from workbench.config import RunConfig
from workbench.factors import FAMILIES
from workbench.factors.dissection_subsets import CASES
from workbench.report.main_job import has_text

_SHOWN = 8
"""Annotators compared at first: more are hard to read in one figure."""


def choose(data: wb.PreferenceData) -> dict[str, Any]:
    """Show the choices in the side bar and return them as options of the main job."""
    with st.sidebar:
        return {
            **_who(data),
            "criteria": criteria(data),
            **_what(data),
            "covariance": one("Standard errors", ["cluster", "HC1", "classical"], "covariance"),
            "cluster": _clusters(data),
            "ties": one("Ties", ["half", "drop"], "ties"),
            "folds": one("Held-out folds (0: none)", [5, 10, 2, 0], "folds"),
        }


def criteria(data: wb.PreferenceData) -> tuple[str, ...]:
    """Let one criterion be chosen where the labels answer several questions."""
    if len(data.criteria) < 2:
        return ()
    return (one("Criterion", data.criteria, "criterion", help="Different questions stay apart."),)


def one(label: str, options: list[Any], key: str, **more: Any) -> Any:
    """Let one option be chosen; the choice stands in the link."""
    return st.selectbox(label, options, key=key, bind="query-params", **more)


def some(label: str, options: list[str], key: str, **more: Any) -> list[str]:
    """Let some options be chosen; the choice stands in the link."""
    return st.multiselect(label, options, key=key, bind="query-params", **more)


def _who(data: wb.PreferenceData) -> dict[str, Any]:
    table = data.annotators
    names, kinds = table["annotator"].tolist(), sorted(table["kind"].unique())
    reference = one(
        "Reference",
        [*kinds, *names],
        "reference",
        index=kinds.index("human") if "human" in kinds else 0,
        help="A kind pools all its annotators.",
    )
    same = table["annotator"].eq(reference)
    same = same if same.any() else table["kind"].eq(reference)
    others = table[~same]
    judges = others.loc[others["kind"] != "human", "annotator"].tolist()
    chosen = some(
        "Compared with it",
        others["annotator"].tolist(),
        "annotators",
        default=(judges or others["annotator"].tolist())[:_SHOWN],
    )
    # nobody but the reference itself: the main job takes an empty choice for everybody
    return {
        "reference": reference,
        "annotators": tuple(chosen or table.loc[same, "annotator"]),
    }


def _clusters(data: wb.PreferenceData) -> tuple[str, ...]:
    """Let it be chosen what the labels are clustered by."""
    named = [name for name in ("session", "user") if name in data.labels or name in data.pairs]
    told = "Empty: prompts, and people where ten or more are pooled. Several are crossed."
    return tuple(some("Clustered by", ["prompt", "annotator", *named], "cluster", help=told))


def _what(data: wb.PreferenceData) -> dict[str, Any]:
    # a family is computed when chosen, so only texts have any
    options = list(FAMILIES) if has_text(data) else []
    families = some("Factor families", options, "families") if options else []
    names = [spec.name for family in families for spec in FAMILIES[family]] or data.factor_names
    factors = some("Factors (all when empty)", names, "factors")
    known = sorted(data.pairs["scenario"].dropna().unique())
    known += [case for case, fact in CASES.items() if fact in data.pairs]
    scenarios = some("Scenarios (all when empty)", known, "scenarios") if known else []
    return {
        "families": tuple(families),
        "factors": tuple(factors) or None,
        "scenarios": tuple(scenarios),
    }


def command_of(data: wb.PreferenceData, choices: dict[str, Any]) -> str:
    """Return the commands that make the report of these choices again."""
    report = data.load_report
    source = "DATA" if report is None else "sample" if report.format == "sample" else report.source
    options = {key: value for key, value in choices.items() if key != "families"}
    said = {} if report is None else report.settings.get("said", {})
    reading = {key: tuple(v) if isinstance(v, list) else v for key, v in said.items()}
    first = []
    if choices["families"] or choices["scenarios"]:
        # a saved folder keeps the scale of all scenarios, as this view does
        flags = flags_of(RunConfig().updated("dashboard", **reading))
        first = ["workbench", "factors", source, *flags, "--out", "scored"]
        if choices["families"]:
            first += ["--families", ",".join(choices["families"])]
        source, reading = "scored", {}
    config = RunConfig().updated("dashboard", source=source, **reading, **options)
    again = Run(config, as_json=False, out=None, quiet=True).report_command("report.html")
    return f"{shlex.join(first)} && {again}" if first else again
