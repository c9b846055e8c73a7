"""The figures of the overview: few rows, those that a finding is of."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go

from workbench.compare.contrast import Contrast
from workbench.data.columns import possessive
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import POSITION
from workbench.overview.job import Job
from workbench.overview.point import Point
from workbench.overview.points import SLOT
from workbench.overview.rules import Q_LEVEL
from workbench.overview.taste import clear_differences
from workbench.overview.words import who
from workbench.plots.forest import forest, in_units

_ROWS = 10
"""Terms of a figure at most: the largest."""


def first(job: Job) -> go.Figure:
    """Return the differences that are clear; without any, what the reference rewards most."""
    clear = None if job.gap is None else clear_differences([job.gap])
    if job.gap is not None and clear is not None and len(clear):
        return _gaps(clear, job.gap)
    return _weights(job.people)


def of_point(job: Job, point: Point) -> go.Figure | None:
    """Return the clear rows of the group that a finding is of; None where it is of none."""
    if point.group is None:
        return None
    if point.rule_id == SLOT:
        return _slots(job)
    if job.gap is not None and point.against is not None:
        own = clear_differences([job.gap])
        own = own[own["group"].eq(point.group)]
        if len(own):
            return _gaps(own, job.gap)
        return _both(job, point)
    fit = job.judges if job.judges is not None and point.group in job.judges.groups else job.people
    return _weights(fit[point.group])


def agreement(verdicts: pd.DataFrame) -> go.Figure:
    """Return how far judges agree with the people."""
    names = {"conf_low": "agreement_low", "conf_high": "agreement_high"}
    rows = verdicts.assign(term=verdicts["judge"], estimate=verdicts["agreement"])
    return forest(
        rows.assign(**{end: verdicts[name] for end, name in names.items()}),
        x_title="agreement with people",
        reference=None,
    )


def _largest(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the terms that have the largest values, the largest first."""
    size = table["estimate"].abs().groupby(table["term"]).max().sort_values(ascending=False)
    place = {term: k for k, term in enumerate(size.index[:_ROWS])}
    kept = table[table["term"].isin(list(place))]
    return kept.sort_values("term", key=lambda names: names.map(place), kind="stable")


def _gaps(table: pd.DataFrame, gap: Contrast) -> go.Figure:
    name = who(gap.settings["reference"])
    return forest(
        _largest(in_units(table, "per_sd")).assign(against=gap.settings["reference"]),
        x_title=f"beyond {possessive(name)} taste (log-odds/SD)",
    )


def _weights(fit: Decomposition) -> go.Figure:
    table = fit.to_frame()
    table = in_units(table[table["term"].ne(POSITION) & table["estimate"].notna()], "per_sd")
    clear = table[table["q_value"].lt(Q_LEVEL)]
    return forest(
        _largest(clear if len(clear) else table),
        x_title="weight (log-odds/SD)",
    )


def _both(job: Job, point: Point) -> go.Figure:
    """Return the weights of a group and of its reference, where either is clear."""
    fits = [fit for fit in (job.judges, job.people) if fit is not None]
    table = pd.concat([fit.to_frame() for fit in fits], ignore_index=True)
    own = table[table["group"].isin([point.group, point.against]) & table["term"].ne(POSITION)]
    clear = own.loc[own["q_value"].lt(Q_LEVEL), "term"]
    own = own[own["term"].isin(clear) & own["estimate"].notna()]
    return forest(_largest(in_units(own, "per_sd")), x_title="weight (log-odds/SD)")


def _slots(job: Job) -> go.Figure:
    """Return how often the first response wins, of everybody whose shown order is known."""
    fits = [fit for fit in (job.judges, job.people) if fit is not None]
    table = pd.concat([fit.to_frame() for fit in fits], ignore_index=True)
    own = in_units(table[table["term"].eq(POSITION) & table["estimate"].notna()], "probability")
    away = (own["estimate"] - 0.5).abs().sort_values(ascending=False, kind="stable").index
    rows: dict[str, Any] = {"term": own["group"], "group": ""}
    figure = forest(
        own.loc[away].head(_ROWS).assign(**rows),
        x_title="P(first shown is preferred)",
        reference=0.5,
    )
    for trace in figure.data:
        # the rows are annotators, and each number is that of the position
        trace.customdata = [[row[1], POSITION, None] for row in trace.customdata]
    return figure
