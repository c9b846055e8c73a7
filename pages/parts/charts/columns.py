"""What the columns of our tables mean, one hover away from their heads."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

# Streamlit reads help as Markdown: only these texts of ours go there, no name of the data
_MEANING = {
    "group": "Whose labels: an annotator, or a kind that is pooled.",
    "term": "The factor (or the shown position) whose number this is.",
    "against": "The group that is subtracted.",
    "reference": "The group that is subtracted.",
    "estimate": "Log-odds per unit of the factor's coding, unless the title says otherwise.",
    "std_error": "Standard error of the estimate.",
    "conf_low": "Lower end of the interval.",
    "conf_high": "Upper end of the interval.",
    "p_value": "How often chance alone would give an estimate as far from no effect.",
    "q_value": "Rate of false discoveries among all rows with at most this q (Benjamini-Hochberg).",
    "q_within": "The same, over the terms of this group only.",
    "n": "Labels behind the number.",
    "n_clusters": "Independent clusters of labels: prompts, sessions or people.",
    "effective_clusters": "Clusters that really carry this weight; few make it uncertain.",
    "df": "Degrees of freedom of the interval's t distribution.",
    "per_sd": "Log-odds per standard deviation of the factor: compares factors of other units.",
    "ame": "Mean change of the chance to be preferred, per unit of the factor.",
    "probability": "Chance to be preferred where a side is one unit higher in this factor only.",
    "vif": "How much collinearity with the other factors inflates the variance.",
    "over": "What the interval generalises over.",
    "method": "How estimate and interval were made.",
    "reason": "Why there is no number.",
    "verdict": "differs, equivalent within the margin, or cannot tell.",
    "detectable": "The difference that such data find four times in five.",
    "ratio": "How many times as sharp as the reference.",
    "kappa": "Agreement beyond chance (Cohen).",
    "elo": "Rating in Elo points: 400 more are odds of ten to one.",
    "rank": "Place by rating.",
    "rank_low": "Best place that the data allow.",
    "rank_high": "Worst place that the data allow.",
    "rank_arena": "1 + the models whose interval lies above (the Arena's rule).",
    "tau": "Standard deviation of the weight over scenarios; or rank correlation with the labels.",
    "shrinkage": "0: the scenario speaks for itself; 1: it borrows all from the others.",
}

_SMALL = 1e-4
"""Numbers below it are told by their first digits, as rows of zeros are not read."""


def configured(frame: pd.DataFrame) -> dict[Any, Any]:
    """Return how the columns of a table are shown, and what they mean."""
    shown: dict[Any, Any] = {}
    for name in frame.columns:
        told = _MEANING.get(str(name))
        if str(name) in ("p_value", "q_value", "q_within"):
            shown[name] = st.column_config.NumberColumn(format="%.2g", help=told)
        elif str(name).startswith("elo"):
            shown[name] = st.column_config.NumberColumn(format="%.0f", help=told)
        elif _tiny(frame[name]):
            shown[name] = st.column_config.NumberColumn(format="%.3g", help=told)
        elif told is not None:
            shown[name] = st.column_config.Column(help=told)
    return shown


def _tiny(column: pd.Series) -> bool:
    """Tell whether numbers would be rows of zeros where every digit is shown."""
    if not pd.api.types.is_float_dtype(column.dtype):
        return False
    size = column.abs()
    return bool((size[size > 0] < _SMALL).any())
