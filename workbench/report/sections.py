"""What stands in each section of a report: plain values for the template."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from workbench.data.dataset import PreferenceData
from workbench.decompose.contrast import Contrast
from workbench.decompose.decomposition import Decomposition
from workbench.plots.held_out import held_out_dots
from workbench.report.findings import Finding, findings_frame
from workbench.results import Result


@dataclass(frozen=True, eq=False)
class Table:
    """A table as it stands on the page."""

    caption: str
    columns: list[str]
    rows: list[list[str]]

    @classmethod
    def of(cls, frame: pd.DataFrame, caption: str, columns: Sequence[str] | None = None) -> Table:
        """Format a frame, or some columns of it."""
        names = list(frame.columns) if columns is None else [c for c in columns if c in frame]
        rows = [[show(row[name], name) for name in names] for row in frame.to_dict("records")]
        return cls(caption, [name.replace("_", " ") for name in names], rows)


@dataclass(frozen=True, eq=False)
class Figure:
    """A figure with the text that stands for it."""

    figure: go.Figure
    alt: str


@dataclass(frozen=True, eq=False)
class Section:
    """A headed part of the page."""

    anchor: str
    title: str
    paragraphs: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()


_ESTIMATES = (
    "group", "reference", "term", "estimate", "conf_low", "conf_high", "p_value", "q_value",
    "ame", "ame_low", "ame_high", "probability", "probability_low", "probability_high", "n",
    "n_clusters", "n_shared", "reason",
)  # fmt: skip


_COUNTS = ("n", "n_shared", "n_clusters", "n_tied", "df", "row", "rows", "count")


def show(value: Any, name: str = "") -> str:
    """Format a value for a person: few digits, a dash where there is none.

    Examples
    --------
    >>> show(0.123456), show(1234), show(float("nan")), show(0.00001, "p_value")
    ('0.123', '1,234', '–', '1.0e-05')
    """
    if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, int) or name in _COUNTS:
        return f"{int(value):,}"
    if name in ("p_value", "q_value"):
        return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:,.0f}"


def verdict(found: list[Finding], results: Sequence[Result]) -> Section:
    """Say first what was found."""
    warnings = [f for f in found if f.level == "warning"]
    text = (
        f"{len(warnings)} findings crossed their threshold; "
        if warnings
        else "No finding crossed its threshold; "
    )
    text += f"{len(found) - len(warnings)} notes on what the labels cannot tell."
    columns = (
        "level", "rule_id", "message", "estimate", "conf_low", "conf_high", "threshold", "n",
        "help",
    )  # fmt: skip
    table = Table.of(findings_frame(found), "Findings, differences first", columns)
    return Section("findings", "Verdict and findings", (text,), tables=(table,) if found else ())


def data_card(data: PreferenceData) -> Section:
    """Say what the data are: counts, annotators, and every row left out by reason."""
    report = data.load_report
    labels = data.labels
    facts = {
        "source": report.source if report else "not recorded",
        "format": report.format if report else "not recorded",
        "pairs": len(data.pairs),
        "labels": len(labels),
        "prompts (clusters)": data.pairs["cluster"].nunique(),
        "ties": int((labels["preference"] == 0.5).sum()),
        "no verdict": int(labels["preference"].isna().sum()),
        "digest": data.digest,
    }
    tables = [
        Table.of(pd.DataFrame(facts.items(), columns=["what", "value"]), "Data card"),
        Table.of(data.annotators, "Annotators"),
    ]
    notes: tuple[str, ...] = ()
    if report is not None:
        counts = [{"reason": "kept", "rows": report.rows_kept}]
        counts += [{"reason": r, "rows": e.count} for r, e in report.left_out.items()]
        caption = f"Rows of the file: {report.rows_read:,} read"
        tables.append(Table.of(pd.DataFrame(counts), caption))
        if report.left_out:
            tables.append(Table.of(report.to_frame(), "Examples of rows left out"))
        notes = report.notes
    return Section("data", "Data", notes, tables=tuple(tables))


def method(fit: Decomposition) -> Section:
    """Explain the numbers in a few sentences."""
    s = fit.settings
    errors = {
        "cluster": "cluster-robust over prompts",
        "HC1": "heteroskedasticity-robust (HC1)",
        "classical": "classical (inverse Hessian)",
    }[s["covariance"]]
    ties = "count as half a vote for each side" if s["ties"] == "half" else "are left out"
    return Section(
        "method",
        "Method",
        (
            "Each annotator's labels are fitted jointly on all factors by logistic regression, "
            "P(A preferred) = 1 / (1 + exp(-(x'b + p s))), with x the coded differences A minus B "
            "and s the shown order (+1 A first, -1 B first). There is no intercept: exchanging A "
            "and B only flips signs.",
            f"Standard errors are {errors}; intervals are at {s['level']:.0%}; q-values are "
            f"Benjamini-Hochberg within an annotator. Ties {ties}. Held-out scores come from "
            f"{s['folds']} folds that never split a prompt.",
        ),
    )


def weights(fit: Decomposition, title: str, anchor: str) -> Section:
    """Show a decomposition: figure, then every number."""
    names = ", ".join(fit.groups)
    caption = (
        "Weights: log-odds per unit of the coded difference; ame: change of P(A preferred) per "
        "unit; probability: P(A preferred) where A is one unit better on this factor only; "
        f"{fit.to_frame()['method'].iloc[0]}"
    )
    figure = Figure(fit.plot(), f"Forest plot of the factor weights of {names} with intervals")
    table = Table.of(fit.to_frame(), caption, _ESTIMATES)
    return Section(anchor, title, (), (figure,), (table,))


def differences(gap: Contrast) -> Section:
    """Show a contrast: figure, weights, joint tests and agreement."""
    reference = gap.settings["reference"]
    figure = Figure(gap.plot(), f"Forest plot of weight differences to {reference} with intervals")
    return Section(
        "differences",
        f"Differences to {reference}",
        (
            f"Each annotator's weight minus that of {reference}. Both labelled the same pairs, so "
            "the error of a difference comes from their joint cluster-robust covariance.",
        ),
        (figure,),
        (
            Table.of(
                gap.to_frame(),
                f"Weight minus that of {reference}; {gap.to_frame()['method'].iloc[0]}",
                _ESTIMATES,
            ),
            Table.of(gap.wald, "Joint Wald test that all factors weigh the same"),
            Table.of(gap.agreement, "Agreement on the same pairs, ties apart"),
        ),
    )


def held_out(fits: Sequence[Decomposition]) -> Section:
    """Show how well each fit predicts labels it has not seen, beside baselines."""
    table = pd.concat([fit.held_out for fit in fits], ignore_index=True)
    figure = Figure(
        held_out_dots(table), "Held-out accuracy of each fit beside the baselines, with intervals"
    )
    text = (
        "The baselines prefer the more frequent side, the response shown first, or the longer "
        "one. Ties count in log-loss and Brier score, not in accuracy and AUC.",
    )
    caption = "Held-out scores by prompt-grouped folds"
    return Section("held-out", "Held-out scores", text, (figure,), (Table.of(table, caption),))


def limits(fits: Sequence[Decomposition]) -> Section:
    """List warnings and labels left out of the fits."""
    warnings = pd.DataFrame({"warning": [w for fit in fits for w in fit.warnings]})
    left_out = pd.concat([fit.exclusions for fit in fits], ignore_index=True)
    diagnostics = pd.concat([fit.diagnostics for fit in fits], ignore_index=True)
    tables = [Table.of(diagnostics.drop(columns="warnings"), "Fits: size and conditioning")]
    if len(warnings):
        tables.append(Table.of(warnings, "Warnings"))
    if len(left_out):
        tables.append(Table.of(left_out, "Labels left out of the fits, by reason"))
    text = (
        "Weights describe associations in these pairs: a factor that was not measured can stand "
        "behind one that was.",
    )
    return Section("limits", "Limits", text, tables=tuple(tables))


def provenance(results: Sequence[Result]) -> Section:
    """Record versions, code state, seed, data digest and settings of each result."""
    rows = []
    for result in results:
        record = result.provenance.to_dict()
        packages = ", ".join(f"{k} {v}" for k, v in record.pop("packages").items())
        settings = ", ".join(f"{k}={v}" for k, v in result.settings.items() if k != "codings")
        rows.append(
            {"result": type(result).__name__, **record, "packages": packages, "settings": settings}
        )
    table = Table.of(pd.DataFrame(rows), "Provenance of each result")
    return Section("provenance", "Provenance", tables=(table,))


def rerun(command: str) -> Section:
    """Say how to make the report again."""
    return Section("rerun", "How to rerun", (command,))
