"""Leaderboards: ratings with intervals, with and without covariates."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from workbench.plots.behind import of_rows
from workbench.plots.forest import forest


def rating_dots(tables: Mapping[str, pd.DataFrame], title: str | None = None) -> go.Figure:
    """Draw ratings in Elo points, one row a model in the order of the first table.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By what the reader is to call it, a table with ``term, elo, elo_low, elo_high``.
    title : str, optional

    Returns
    -------
    plotly Figure

    Examples
    --------
    >>> row = {"term": "x", "elo": 1000.0, "elo_low": 990.0, "elo_high": 1010.0}
    >>> len(rating_dots({"ratings": pd.DataFrame([row])}).data)
    1
    """
    names = {"elo": "estimate", "elo_low": "conf_low", "elo_high": "conf_high"}
    parts = [
        table.drop(columns=[*names.values(), "q_value"], errors="ignore")
        .rename(columns=names)
        .assign(group=group)
        for group, table in tables.items()
    ]
    frame = pd.concat(parts, ignore_index=True)
    figure = forest(frame, title, "rating (Elo points)", reference=None)
    return of_rows(figure, "term")
