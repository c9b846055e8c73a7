"""The first section of a report of the main job: what matters, in words for people."""

from __future__ import annotations

import pandas as pd

from workbench.overview.overview import Overview, verdict_in_words
from workbench.plots.fold import folded
from workbench.report.page import Figure, Section, Table

_COLUMNS = {"message": "what matters most", "how_sure": "how sure", "to_do": "what to do"}


def opening(found: Overview) -> Section:
    """Show the overview: its line, its findings, its figure, a verdict on each judge."""
    text = [found.line, *([found.empty] if found.empty else []), *found.also]
    tables = []
    points = found.to_frame()
    if len(points):
        tables.append(Table.of(points, "What matters most, the first before the rest", _COLUMNS))
    if len(found.verdicts):
        told = [verdict_in_words(row).strip() for row in found.verdicts.to_dict("records")]
        tables.append(Table.of(pd.DataFrame({"verdict": told}), "A verdict on each judge"))
    figure = Figure(folded(found.plot()), "What differs most, or what the reference rewards")
    return Section("overview", "Overview", tuple(text), figures=(figure,), tables=tuple(tables),
                   unfolded=True)  # fmt: skip
