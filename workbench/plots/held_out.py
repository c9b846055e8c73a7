"""Held-out scores of a fit beside its baselines."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from workbench.plots.forest import forest

_TITLES = {
    "accuracy": "held-out accuracy",
    "auc": "held-out AUC",
    "log_loss": "held-out log-loss (less is better)",
    "brier": "held-out Brier score (less is better)",
}


def held_out_dots(frame: pd.DataFrame, measure: str = "accuracy") -> go.Figure:
    """Draw one row a group of labels, one mark a predictor.

    Parameters
    ----------
    frame : DataFrame
        ``group, predictor, n``, the measure with ``_low`` and ``_high``, ``reason``.
    measure : {"accuracy", "auc", "log_loss", "brier"}
        Undefined scores are left out of the figure; the table gives their reason.
    """
    table = pd.DataFrame(
        {
            "term": frame["group"],
            "group": frame["predictor"],
            "estimate": frame[measure],
            "conf_low": frame[f"{measure}_low"],
            "conf_high": frame[f"{measure}_high"],
            "n": frame["n"],
        }
    )
    return forest(table[table["estimate"].notna()], x_title=_TITLES[measure], reference=None)
