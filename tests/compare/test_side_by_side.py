"""Two data sets beside each other: planted weights, independent errors, what both hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.compare.side_by_side import SetSide, side_by_side


def planted(
    weights: dict[str, float], n: int, seed: int, start: int = 0, spread: float = 1.0
) -> wb.PreferenceData:
    """Labels of one annotator "m" on pairs number `start` on, three a prompt, by these weights.

    The weights are per unit of the columns, whose differences vary by `spread`.
    """
    rng = np.random.default_rng(seed)
    # the factors of a pair are its own, in whichever set it is
    values = {name: spread * np.random.default_rng(7 + k).normal(size=5000)[start : start + n]
              for k, name in enumerate(weights)}  # fmt: skip
    x = sum(weight * values[name] for name, weight in weights.items())
    table = {f"{name}_a": value for name, value in values.items()}
    table |= {f"{name}_b": np.zeros(n) for name in values}
    frame = pd.DataFrame(
        {"prompt": [f"prompt {k // 3}" for k in range(start, start + n)],
         "text_a": [f"one {k}" for k in range(start, start + n)],
         "text_b": [f"two {k}" for k in range(start, start + n)], **table,
         "label": np.where(rng.random(n) < 1 / (1 + np.exp(-x)), "a", "b"), "annotator": "m"}
    )  # fmt: skip
    return wb.factors.from_columns(wb.load(frame))


ONE, OTHER = {"x": 1.5, "y": -0.5, "z": 0.0}, {"x": 0.5, "y": -0.5, "z": 0.0}


@pytest.fixture(scope="module")
def found():
    sides = (SetSide("one", planted(ONE, 900, 1), "m"),
             SetSide("other", planted(OTHER, 900, 2, start=1500), "m"))  # fmt: skip
    return side_by_side(*sides)


def test_the_difference_of_planted_weights_is_found(found):
    rows = found.to_frame().set_index("term")
    for term, truth in (("x", 1.0), ("y", 0.0), ("z", 0.0)):
        assert rows.loc[term, "conf_low"] < truth < rows.loc[term, "conf_high"]
    assert rows.loc["x", "conf_low"] > 0.5
    assert rows.loc["x", "q_value"] < 0.001


def test_errors_of_sets_without_a_prompt_in_common_add_up(found):
    rows = found.to_frame().set_index("term")
    assert (rows["n_shared"] == 0).all()
    own = found.weights.pivot(index="term", columns="group", values="std_error")
    for term in ("x", "y", "z"):
        assert rows.loc[term, "std_error"] ** 2 == pytest.approx((own.loc[term] ** 2).sum())
    each = found.weights.pivot(index="term", columns="group", values="estimate")
    gap = each["one"] - each["other"]
    assert rows.loc[["x", "y", "z"], "estimate"].tolist() == pytest.approx(
        gap[["x", "y", "z"]].tolist()
    )


def test_swapping_the_sides_turns_every_sign(found):
    turned = side_by_side(SetSide("other", planted(OTHER, 900, 2, start=1500), "m"),
                          SetSide("one", planted(ONE, 900, 1), "m"))  # fmt: skip
    # the units are those of the first set, and in spreads of both the same either way
    by = [one.to_frame().set_index("term") for one in (found, turned)]
    for name in ("per_sd", "p_value"):
        sign = -1 if name == "per_sd" else 1
        assert (sign * by[1].loc[["x", "y", "z"], name]).tolist() == pytest.approx(
            by[0].loc[["x", "y", "z"], name].tolist()
        )


def test_units_of_the_two_sets_are_the_same():
    # a set standardises by its own spread: the same weights a unit of the column are no difference
    found = side_by_side(
        SetSide("narrow", planted({"x": 0.6}, 900, 1), "m"),
        SetSide("wide", planted({"x": 0.6}, 900, 2, start=1500, spread=3.0), "m"),
    )
    row = found.to_frame().set_index("term").loc["x"]
    assert row["conf_low"] < 0 < row["conf_high"]
    assert row["conf_high"] - row["conf_low"] < 0.4
    own = found.weights.query("term == 'x'").set_index("group")["estimate"]
    assert own["wide"] == pytest.approx(own["narrow"], abs=0.2)


def test_sets_that_share_pairs_say_so_and_their_errors_go_together():
    # the second set has 300 of the first set's pairs
    sides = (SetSide("one", planted(ONE, 900, 1), "m"),
             SetSide("other", planted(ONE, 900, 1, start=600), "m"))  # fmt: skip
    # the labels of the shared pairs are drawn anew: the two agree more often than chance
    both = side_by_side(*sides)
    counts = both.counts.set_index("what")
    assert counts.loc["of them in both sets"].tolist() == [300, 300]
    assert both.to_frame()["n_shared"].iloc[0] == 100
    row = both.agreement.set_index("term").loc["agreement"]
    assert row["n"] == 300
    assert row["n_clusters"] == 100
    labels = [side.data.labels.set_index("pair_id")["preference"] for side in sides]
    same = pd.concat(labels, axis=1, join="inner")
    assert row["estimate"] == pytest.approx((same.iloc[:, 0] == same.iloc[:, 1]).mean())
    assert row["conf_low"] > 0.5


def test_without_a_pair_in_common_there_is_no_agreement_but_a_reason(found):
    row = found.agreement.iloc[0]
    assert np.isnan(row["estimate"])
    assert "no pair of both sets" in row["reason"]
    assert "agreement undefined" in found.summary()


def test_only_what_both_have_in_one_coding_is_compared():
    one, other = planted({"x": 1.0, "own": 0.5}, 300, 1), planted({"x": 1.0, "y": 0.5}, 300, 2)
    found = side_by_side(SetSide("one", one, "m"), SetSide("other", other, "m"))
    assert set(found.to_frame()["term"]) == {"x", "position"}
    assert dict(found.left_out.values.tolist()) == {"own": "only in one", "y": "only in other"}
    none = side_by_side(SetSide("one", planted({"p": 1.0}, 60, 1), "m"),
                        SetSide("other", planted({"q": 1.0}, 60, 2), "m"))  # fmt: skip
    assert none.to_frame().empty
    assert none.parts() == []
    assert "share no factor" in none.headline()
    # the same pairs are in both, and their verdicts can be compared all the same
    assert none.counts.set_index("what").loc["of them in both sets"].tolist() == [60, 60]
    assert none.agreement.set_index("term").loc["agreement", "n"] == 60
    assert "p: not compared: only in one" in none.summary()
    with pytest.raises(wb.DesignError, match="one name"):
        side_by_side(SetSide("one", one, "m"), SetSide("one", other, "m"))


def test_a_judge_that_is_sharper_everywhere_has_another_scale_and_the_same_taste():
    soft = {"x": 0.4, "y": -0.8, "z": 0.6}
    sharp = {name: 2.5 * weight for name, weight in soft.items()}
    found = side_by_side(SetSide("sharp", planted(sharp, 1500, 1), "m"),
                         SetSide("soft", planted(soft, 1500, 2, start=1500), "m"))  # fmt: skip
    assert found.to_frame().set_index("term").loc["y", "p_value"] < 0.001
    ratio = found.contrast.scale.iloc[0]
    assert ratio["ratio_low"] < 2.5 < ratio["ratio_high"]
    assert (found.contrast.to_frame()["verdict"] != "differs").all()
    assert "sharpness" in found.summary()
    assert found.contrast.to_frame()["reference"].unique().tolist() == ["soft"]


def test_shares_of_verdicts_are_of_those_that_were_read():
    frame = pd.DataFrame(
        {"prompt": [f"p{k}" for k in range(10)], "x_a": np.arange(10.0), "x_b": 0.0,
         "label": ["a"] * 4 + ["b"] * 3 + ["tie"] * 1 + ["failed"] * 2, "annotator": "m"}
    )  # fmt: skip
    data = wb.factors.from_columns(wb.load(frame))
    other = wb.factors.from_columns(wb.load(frame.assign(prompt=[f"q{k}" for k in range(10)])))
    found = side_by_side(SetSide("one", data, "m"), SetSide("other", other, "m"))
    own = found.shares[found.shares["group"] == "one"].set_index("term")
    assert own.loc["A is preferred", ["estimate", "n"]].tolist() == [0.5, 8.0]
    assert own.loc["B is preferred", "estimate"] == 0.375
    assert own.loc["a tie", "estimate"] == 0.125
    assert own.loc["no verdict", ["estimate", "n"]].tolist() == [0.2, 10.0]
    order = own.loc["the first shown is preferred"]
    assert np.isnan(order["estimate"])
    assert "shown first" in order["reason"]


def test_the_headline_says_what_differs_and_how_surely(found):
    said = found.headline()
    assert "1 of 3 factors differ" in said
    assert "\n  x +" in said
    assert "sharpness" in said
    assert found.ranked[0] == "x"


def test_the_figures_hold_both_sides(found):
    whole = found.figures()["Weights of both"]
    assert [trace.name for trace in whole.data] == ["one", "other"]
    assert set(found.tables()) >= {"differences", "weights", "counts", "verdicts", "agreement"}
