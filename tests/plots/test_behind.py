"""Marks know whose number they are, by the raw names of the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tests.hostile import HOSTILE
from workbench.plots.behind import drawn_points, selected
from workbench.plots.concordance import tau_against_weight
from workbench.plots.forest import forest
from workbench.plots.heatmap import heatmap
from workbench.plots.held_out import held_out_dots
from workbench.plots.ratings import rating_dots
from workbench.plots.scale import against_reference
from workbench.plots.waterfall import waterfall

NAME = "<b>$x$</b> =1+1"
ENDS = {"estimate": 1.0, "conf_low": 0.5, "conf_high": 2.0}


def _marks(figure) -> list[dict[str, str]]:
    return [
        selected({"customdata": row})
        for trace in figure.data
        if trace.customdata is not None
        for row in trace.customdata
    ]


def test_every_mark_of_a_term_tells_group_and_term_by_their_own_names():
    row = pd.DataFrame([{"group": NAME, "term": "words", **ENDS}])
    assert _marks(forest(row)) == [{"group": NAME, "term": "words"}]
    both = forest(row.assign(against="human"))
    assert _marks(both) == [{"group": NAME, "term": "words", "against": "human"}]
    assert NAME not in both.data[0].name
    sizes = {"per_sd": 1.0, "per_sd_low": 0.5, "per_sd_high": 2.0, "confounded": False}
    tau = tau_against_weight(row.assign(**sizes))
    assert _marks(tau) == [{"group": NAME, "term": "words"}]
    scale = {"group_estimate": 1.0, "reference_estimate": 0.5, "ratio": 2.0, "verdict": "differs"}
    beside = against_reference(row.assign(**scale), "human")
    assert _marks(beside) == [{"group": NAME, "term": "words", "against": "human"}]


def test_marks_of_groups_models_and_shares_tell_what_they_have():
    scores = {"accuracy": 0.7, "accuracy_low": 0.6, "accuracy_high": 0.8, "n": 9, "reason": None}
    held = held_out_dots(pd.DataFrame([{"group": NAME, "predictor": "factors", **scores}]))
    assert _marks(held) == [{"group": NAME}]
    elo = pd.DataFrame([{"term": NAME, "elo": 1000.0, "elo_low": 990.0, "elo_high": 1010.0}])
    assert _marks(rating_dots({"ratings": elo})) == [{"term": NAME}]
    shares = waterfall(pd.DataFrame([{"term": "words", **ENDS}]), start=0.0)
    assert _marks(shares) == [{"term": "words"}, {}]


@pytest.mark.parametrize("point", [{}, {"customdata": None}, {"customdata": [1.0]}])
def test_a_point_without_a_name_leads_nowhere(point):
    assert selected(point) == {}


def test_the_table_of_a_figure_has_its_numbers_and_raw_names():
    rows = [{"group": name, "term": "words", **ENDS} for name in HOSTILE[:4]]
    table = drawn_points(forest(pd.DataFrame(rows)))
    assert table["group"].tolist() == list(HOSTILE[:4])
    np.testing.assert_allclose(table[["x", "x_low", "x_high"]], [[1.0, 0.5, 2.0]] * 4)
    both = pd.DataFrame([[1.0, 0.4], [0.4, 1.0]], ["a", "b"], ["a", "b"])
    assert drawn_points(heatmap(both))["value"].tolist() == [1.0, 0.4, 0.4, 1.0]
    assert drawn_points(forest(pd.DataFrame(rows[:0], columns=list(rows[0])))).empty
