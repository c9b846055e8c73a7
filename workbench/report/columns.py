"""Which columns of a result a report shows, and what it calls them."""

from __future__ import annotations

TESTS = {"p_value": "p", "q_value": "q", "n": "n", "n_clusters": "clusters"}

WEIGHTS = {
    "group": "group",
    "term": "term",
    "per_sd": "weight per SD",
    "ame": "marginal effect",
    "estimate": "weight per unit",
    "p_value": "p",
    "q_value": "q",
    "q_within": "q within group",
    "probability": "P(A preferred)",
    "vif": "VIF",
    "n": "n",
    "n_clusters": "clusters",
    "effective_clusters": "effective clusters",
    "df": "df",
    "over": "holds for",
    "reason": "undefined because",
}

DIFFERENCES = {
    "group": "group",
    "term": "term",
    "per_sd": "difference per SD",
    "estimate": "difference per unit",
    "p_value": "p",
    "q_value": "q",
    "q_within": "q within group",
    "verdict": "verdict",
    "detectable": "detectable per SD",
    "group_estimate": "its weight",
    "reference_estimate": "reference weight",
    "expected": "ratio x reference",
    "df": "df",
    "n": "n of both",
    "n_shared": "shared clusters",
    "reason": "undefined because",
}

SCALE = {
    "group": "group",
    "ratio": "sharpness",
    "p_value": "p of 1",
    "statistic": "F",
    "df": "df",
    "df_residual": "residual df",
    "proportional_p": "p of another taste",
    "q_value": "q",
    "anchors": "factors in proportion",
    "apart": "not used for it",
    "n": "n of both",
    "n_shared": "shared clusters",
    "reason": "remark",
}

RAW = {
    "group": "group",
    "term": "term",
    "estimate": "raw difference",
    "p_value": "p",
    "q_value": "q",
    "ame": "difference of marginal effects",
    "ame_p_value": "its p",
    "group_ame": "its effect",
    "reference_ame": "reference effect",
    "n": "n of both",
    "reason": "undefined because",
}

VERDICTS = {
    "group": "group",
    "verdict": "verdict",
    "q_value": "q",
    "interactions": "interactions scanned",
    "undefined": "of them undefined",
    "scanned": "among the clearest factors",
    "factors": "of factors",
    "n": "n",
    "n_clusters": "clusters",
}

SAID = ["method", "kind", "factor", "other"]
"""Columns of a check that captions and terms say already."""
