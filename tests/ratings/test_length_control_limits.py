"""Length control where nearly nothing is known: a number in its range, or none and a reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.ratings.test_length_control import as_data
from workbench.errors import DesignError
from workbench.ratings.length_control import length_control


def frame(n: int, win: list[float], own: int | None = None) -> pd.DataFrame:
    """Return ``n`` verdicts; lengths that differ unless they are given."""
    lengths = [own or 5 + 10 * (k % 7) for k in range(n)]
    columns = {"prompt": [f"question {k}" for k in range(n)], "base": 30, "own": lengths}
    return pd.DataFrame(columns).assign(win=[win[k % len(win)] for k in range(n)])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("difficulty", [None, "none"])
@pytest.mark.parametrize(
    ("case", "reason"),
    [
        (frame(1, [1.0]), "fewer than 10"),
        (frame(2, [0.4, 0.6]), "fewer than 10"),
        (frame(12, [1.0]), "one class"),
        (frame(40, [0.5]), "no variation"),
        (frame(40, [0.5], own=30), "no variation"),
        (frame(40, [0.0, 1.0, 1.0], own=30), "length gap is the same"),
        (frame(10, [0.0, 1.0]), None),
    ],
)
def test_numbers_are_in_range_or_have_a_reason(
    case: pd.DataFrame, reason: str | None, difficulty: None
) -> None:
    found = length_control(as_data(case), baseline="base", difficulty=difficulty)
    [row] = found.to_frame().to_dict("records")
    assert (reason or "") in str(row["reason"])
    for at, low, high in (
        ("estimate", "conf_low", "conf_high"),
        ("win_rate", "win_rate_low", "win_rate_high"),
    ):
        value, ends = row[at], (row[low], row[high])
        assert np.isnan(value) or 0 <= value <= 100
        assert np.isnan(ends).all() or 0 <= ends[0] <= value <= ends[1] <= 100
        assert ends[0] != ends[1]
    # an error of 0 would be one that is known
    assert np.isnan(row["std_error"]) == np.isnan(row["conf_low"])
    assert np.isfinite(row["conf_low"]) or isinstance(row["reason"], str)
    assert "nan" not in found.summary()
    assert found.plot().data


def test_a_judge_without_any_verdict_is_refused() -> None:
    with pytest.raises(DesignError, match="no verdict of this judge") as caught:
        length_control(as_data(frame(12, [np.nan])), baseline="base")
    assert "0 of them with a verdict" in str(caught.value.found)
