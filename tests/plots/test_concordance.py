"""Tau against weight: names where they fit, data text as text, undefined points counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.errors import DataError
from workbench.plots.concordance import tau_against_weight


def _frame(n: int, term: str = "factor") -> pd.DataFrame:
    return pd.DataFrame(
        {
            "group": "g",
            "term": [f"{term} {k}" for k in range(n)],
            **dict.fromkeys(("estimate", "conf_low", "conf_high"), 0.1),
            **dict.fromkeys(("per_sd", "per_sd_low", "per_sd_high"), 0.2),
            "confounded": True,
        }
    )


@pytest.mark.parametrize(("n", "named"), [(12, True), (13, False)])
def test_names_stand_beside_their_points_only_where_they_fit(n, named):
    [points] = tau_against_weight(_frame(n)).data
    assert [bool(text) for text in points.text] == [named] * n
    assert all(f"factor {k}" in points.hovertext[k] for k in range(n))


def test_data_text_is_text_and_undefined_points_are_counted():
    frame = _frame(3, "<b>$x$")
    frame.loc[1, "per_sd"] = np.nan
    [points] = tau_against_weight(frame).data
    assert len(points.x) == 2
    assert "1 undefined" in points.name
    assert "<b>$" not in "".join(points.text)


def test_a_missing_column_is_named():
    with pytest.raises(DataError, match="confounded"):
        tau_against_weight(_frame(1).drop(columns="confounded"))
