"""Sections of strength, curation, ratings and transitivity: what is said before the tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from workbench.curate.curation_result import Curation
from workbench.curate.strength_result import Strength
from workbench.ratings.result import Ratings
from workbench.report.columns import WEIGHTS
from workbench.report.page import Figure, Section, Table
from workbench.report.sections import other
from workbench.results import Result
from workbench.structure.transitivity.result import Transitivity
from workbench.structure.transitivity.verdict import ranking_line

_MEASURES = {
    "group": "pairs", "term": "measure", "estimate": "value", "p_value": "p", "n": "n",
    "n_clusters": "clusters", "method": "method", "reason": "remark",
}  # fmt: skip
_SUSPECTS = {
    "term": "suspects", "estimate": "outvoted by the others", "base_rate": "of all votes",
    "recall": "part of all that are outvoted", "expected": "expected by the fit",
    "expected_base": "of all, expected", "n": "votes", "n_clusters": "clusters",
    "reason": "remark",
}  # fmt: skip
_CELLS = {
    "model": "the factors", "others": "the other voters", "reading": "reading",
    "estimate": "share of the votes", "n": "votes", "n_clusters": "clusters", "reason": "remark",
}  # fmt: skip
_PEOPLE = {
    "annotator": "annotator", "share": "votes that both are against", "base_rate": "of all votes",
    "estimate": "difference", "p_value": "p", "q_value": "q", "n": "votes", "verdict": "verdict",
    "reason": "remark",
}  # fmt: skip
_ROWS = {"reason": "pairs", "n": "n", "share": "share of all"}


def section_of(result: Result, number: int) -> Section:
    """Return the section of a result that is neither a fit nor a comparison."""
    if isinstance(result, Strength):
        return strength(result, number)
    if isinstance(result, Curation):
        return curation(result, number)
    if isinstance(result, Transitivity):
        return transitivity(result, number)
    if isinstance(result, Ratings):
        page = other(result, number)
        return replace(page, paragraphs=(*page.paragraphs, ranking_line(result)))
    return other(result, number)


def transitivity(result: Transitivity, number: int) -> Section:
    """Show whether items may be ranked: the verdicts first, then what they stand on."""
    page = other(result, number)
    said = (f"{one['group']}: {one['verdict']}." for one in result.verdicts)
    gone = (f"{name}: refused: {why}" for name, why in result.refused.items())
    return replace(page, paragraphs=(*page.paragraphs, *said, *gone))


def strength(result: Strength, number: int) -> Section:
    """Show how strong labels are, what suspects are worth, and what they may be."""
    used = result.settings
    text = [
        result.about,
        f"P(A preferred) of {used['n_pairs']:,} pairs stands on {used['source']}; "
        f"{used['n_voted']:,} pairs have votes, {used['n_repeated']:,} two or more.",
        *(f"{name.capitalize()}: {how}." for name, how in used["sources"].items()),
    ]
    captions: dict[str, tuple[str, dict[str, str] | None]] = {
        "strength": ("How far votes go together, and how well each source tells votes that it has "
                     "not seen", _MEASURES),
        "suspects": (f"Votes of the smallest out-of-fold margins. {_method(result.suspects)}",
                     _SUSPECTS),
        "two_way": (f"The factors' verdict by that of the other voters. {_method(result.cells)}",
                    _CELLS),
        "annotators": (f"Who is at odds with both. {_method(result.people)}", _PEOPLE),
        "cutpoints": ("Graded labels: the interval of log-odds that each grade stands for, and "
                      "its mean", None),
    }  # fmt: skip
    return _section(result, number, text, captions)


def curation(result: Curation, number: int) -> Section:
    """Show a rule, the pairs that stay and go, and what that did."""
    parts = {name: ", ".join(map(str, value)) if isinstance(value, list) else value
             for name, value in result.settings["rule"].items()}  # fmt: skip
    rule = "; ".join(f"{name} = {value}" for name, value in parts.items())
    text = [
        result.about,
        f"Rule: {rule or 'every pair with a majority stays'}.",
        *(f"{name.capitalize()}: {told}." for name, told in result.settings["notes"].items()),
        f"Digest of the curated data: {result.data.digest}.",
    ]
    if result.held_out.empty:
        text.append("Its effect is not known: no scored factors, or too few prompts.")
    captions: dict[str, tuple[str, dict[str, str] | None]] = {
        "rows": ("Pairs that stay, and pairs left out by reason", _ROWS),
        "held_out": ("How well fits to every pair's majority and to the curated pairs tell "
                     "untouched labels of other prompts", _MEASURES),
        "balance": ("What the balanced factors tell of the chosen side, held out: one half is "
                    "nothing", _MEASURES),
        "weights": ("Factor weights before and after; log-odds", WEIGHTS),
    }  # fmt: skip
    return _section(result, number, text, captions)


def _section(
    result: Result, number: int, text: list[str],
    captions: dict[str, tuple[str, dict[str, str] | None]],
) -> Section:  # fmt: skip
    level, tables = result.settings["level"], result.tables()
    return Section(
        f"result-{number}",
        result.heading,
        tuple(text),
        figures=tuple(
            Figure(figure, f"Figure of {shown} with {level:.0%} intervals")
            for shown, figure in result.figures().items()
        ),
        tables=tuple(
            Table.of(tables[name], caption, columns, level)
            for name, (caption, columns) in captions.items()
            if len(tables.get(name, ()))
        ),
    )


def _method(table: pd.DataFrame) -> str:
    """Return the method of a table whose rows share one."""
    found: Any = table["method"].unique() if len(table) else ()
    return f"Method: {found[0]}" if len(found) == 1 else ""
