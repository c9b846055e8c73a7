"""Alternative texts say the main message with its numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.plots.concordance import tau_against_weight
from workbench.plots.curve import curve
from workbench.plots.forest import forest
from workbench.plots.heatmap import heatmap
from workbench.plots.ranking import clear_first
from workbench.plots.ratings import rating_dots
from workbench.plots.waterfall import waterfall
from workbench.plots.words import alt_of

NAME = "<b>$x$</b> **y**"


def _forest() -> pd.DataFrame:
    rows = [("human", "words", 0.5), ("human", "bold", -0.9), ("judge", "words", 0.05),
            ("judge", "bold", np.nan)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["group", "term", "estimate"])
    return frame.assign(
        conf_low=frame["estimate"] - 0.2, conf_high=frame["estimate"] + 0.2, reason="rare"
    )


def test_a_forest_says_its_clearest_rows_and_what_has_no_number():
    told = alt_of(forest(_forest(), ranking=clear_first(_forest())), "Weights")
    assert told == (
        "Weights: 3 marks of human, judge. Largest: bold, human -0.90 [-1.10, -0.70]; words, human "
        "+0.50 [+0.30, +0.70]. No number for bold (judge): rare."
    )


def test_where_nothing_is_clear_it_says_so_and_ratings_have_no_zero():
    frame = _forest().assign(conf_low=-3.0, conf_high=3.0)
    assert "No interval is away from 0." in alt_of(forest(frame))
    elo = pd.DataFrame({"term": ["m", "n"], "elo": [1000.0, 900.0]})
    elo["elo_low"], elo["elo_high"] = elo["elo"] - 10, elo["elo"] + 10
    told = alt_of(rating_dots({"ratings": elo}))
    assert told.startswith("rating (Elo points): 2 marks of ratings. Largest: m, ratings +1000.00")


def test_heatmaps_curves_and_points_say_their_ends():
    matrix = pd.DataFrame([[1, 0.4, -0.2], [0.4, 1, 0.1], [-0.2, 0.1, 1]], list("abc"), list("abc"))
    assert alt_of(heatmap(matrix), "Similarity") == (
        "Similarity: 3 rows. Most alike: b and a (0.40); least: c and a (-0.20)."
    )
    line = pd.DataFrame({"n": [1.0, 2.0], "estimate": [0.6, 0.7]})
    told = alt_of(curve(line, x="n", x_title="pairs", y_title="accuracy"))
    assert told == "pairs: 2 marks. From 0.60 (at 1) to 0.70 (at 2)."
    shares = waterfall(_forest().iloc[:2].drop(columns="group"), start=0.0)
    assert "3 marks" in alt_of(shares)


def test_names_are_plain_text_as_the_data_have_them():
    frame = _forest().replace({"human": NAME, "words": NAME})
    assert f"{NAME} +0.50" in alt_of(forest(frame))
    sizes = {"per_sd": 1.0, "per_sd_low": 0.5, "per_sd_high": 2.0, "confounded": False}
    assert NAME in alt_of(tau_against_weight(frame.assign(**sizes)))
