"""Held-out scores of a fit beside its baselines."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from workbench.errors import DataError
from workbench.plots.behind import of_rows
from workbench.plots.forest import forest

_TITLES = {
    "accuracy": "held-out accuracy (line: chance)",
    "auc": "held-out AUC (line: chance)",
    "log_loss": "held-out log-loss (less is better)",
    "brier": "held-out Brier score (less is better)",
}

_CHANCE = {"accuracy": 0.5, "auc": 0.5}


def held_out_dots(frame: pd.DataFrame, measure: str = "accuracy") -> go.Figure:
    """Draw one row a group of labels, one mark a predictor.

    Parameters
    ----------
    frame : DataFrame
        ``group, predictor, n``, the measure with ``_low`` and ``_high``, ``reason``.
    measure : {"accuracy", "auc", "log_loss", "brier"}

    Returns
    -------
    plotly Figure
        A score that is undefined, as that of a rule that never decides, is a cross whose
        hover text gives the reason.

    Raises
    ------
    DataError
        An unknown measure, or one that the frame does not have.

    Examples
    --------
    >>> scores = {"accuracy": [0.7], "accuracy_low": [0.6], "accuracy_high": [0.8]}
    >>> about = {"group": ["ann"], "predictor": ["factors"], "n": [90], "reason": [None]}
    >>> held_out_dots(pd.DataFrame({**about, **scores})).data[0].name
    'factors'
    """
    if measure not in _TITLES or measure not in frame:
        raise DataError(
            f"There is no held-out measure {measure!r} to draw.",
            found=", ".join(name for name in _TITLES if name in frame) or "no held-out scores",
            expected=" or ".join(_TITLES),
            fix="Choose one of the measures, or fit with folds=5.",
        )
    table = pd.DataFrame(
        {
            "term": frame["group"],
            "group": frame["predictor"],
            "estimate": frame[measure],
            "conf_low": frame[f"{measure}_low"],
            "conf_high": frame[f"{measure}_high"],
            "n": frame["n"],
            "method": "prompt-grouped folds, interval that knows they share training data",
            "reason": frame["reason"],
        }
    )
    figure = forest(table, x_title=_TITLES[measure], reference=_CHANCE.get(measure))
    return of_rows(figure, "group")
