"""What a score varies by: published tables, planted components, and designs that cannot tell."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.calibration.graded import SHROUT_FLEISS, crossed, rated
from tests.calibration.measured import exchanged, simulated
from workbench.calibration.instrument.components import components_of
from workbench.calibration.instrument.facets import Scores
from workbench.calibration.instrument.pivots import coefficients, pivots_of
from workbench.errors import DataError, DesignError

TRUTH = {"item": 1.0, "judge": 0.3, "item x judge": 0.5, "rest": 0.6, "seed": 0.0,
         "judge x seed": 0.0, "item x seed": 0.0}  # fmt: skip


def components(found: wb.VarianceSplit) -> pd.Series:
    return found.to_frame().set_index("term")["estimate"]


def test_the_table_of_shrout_and_fleiss_has_its_mean_squares_and_correlations() -> None:
    found = wb.variance_split(rated(SHROUT_FLEISS), score="rating")
    # printed: BMS = 11.24, JMS = 32.49, EMS = 1.02
    told = components(found)
    assert told["item"] == pytest.approx((11.24 - 1.02) / 4, abs=0.01)
    assert told["judge"] == pytest.approx((32.49 - 1.02) / 6, abs=0.01)
    assert told["rest"] == pytest.approx(1.02, abs=0.005)
    designs = found.d_study.set_index("design")
    one, data = designs.loc["one of each"], designs.loc["as in the data"]
    # printed: ICC(2,1) .29, ICC(3,1) .71, ICC(2,4) .62, ICC(3,4) .91
    assert [round(row[name], 2) for row in (one, data) for name in ("phi", "e_rho2")] == [
        0.29, 0.71, 0.62, 0.91,
    ]  # fmt: skip
    # the F interval of ICC(3,1) is [.342, .946] (McGraw and Wong 1996)
    assert one["e_rho2_low"] == pytest.approx(0.342, abs=0.01)
    assert one["e_rho2_high"] == pytest.approx(0.946, abs=0.01)
    assert found.settings["balanced"]
    assert found.d_study["phi"].is_monotonic_increasing
    assert designs.loc["2 more: judge", "n_judge"] == 6


def test_two_facets_are_the_analysis_of_variance_by_hand() -> None:
    y = crossed(np.random.default_rng(0), 12, 4, 3)
    n, J, S = y.shape
    found = wb.variance_split(rated(y), score="rating")
    whole = y.mean()
    i, j, s = y.mean(axis=(1, 2)), y.mean(axis=(0, 2)), y.mean(axis=(0, 1))
    ij, is_, js = y.mean(axis=2), y.mean(axis=1), y.mean(axis=0)
    ms = {
        "i": J * S * ((i - whole) ** 2).sum() / (n - 1),
        "ij": S * ((ij - i[:, None] - j + whole) ** 2).sum() / ((n - 1) * (J - 1)),
        "is": J * ((is_ - i[:, None] - s + whole) ** 2).sum() / ((n - 1) * (S - 1)),
    }
    rest = y - ij[:, :, None] - is_[:, None, :] - js + i[:, None, None] + j[:, None] + s - whole
    ms["rest"] = (rest**2).sum() / ((n - 1) * (J - 1) * (S - 1))
    told = found.to_frame().set_index("term")["unbiased"]
    assert told["rest"] == pytest.approx(ms["rest"])
    assert told["item x judge"] == pytest.approx((ms["ij"] - ms["rest"]) / S)
    assert told["item x seed"] == pytest.approx((ms["is"] - ms["rest"]) / J)
    assert told["item"] == pytest.approx((ms["i"] - ms["ij"] - ms["is"] + ms["rest"]) / (J * S))


def as_scores(y: np.ndarray) -> Scores:
    i, j, s = np.nonzero(np.isfinite(y))
    value = y[i, j, s]
    return Scores(value - value.mean(), {"judge": j, "seed": s, "item": i}, None, i,
                  pd.DataFrame(), pd.DataFrame(), 0.0, [], 1)  # fmt: skip


@pytest.mark.parametrize("missing", [0.0, 0.25])
def test_planted_components_are_met_on_average_and_intervals_cover(missing: float) -> None:
    rng, runs = np.random.default_rng(0), 30
    found, inside, phi = [], [], 0
    true_phi = 1 / (1 + 0.3 / 6 + 0.5 / 6 + 0.6 / 12)
    for _ in range(runs):
        scores = as_scores(crossed(rng, missing=missing))
        pivots = pivots_of(components_of(scores), scores.cluster, 0)
        names = [one.name for one in pivots.effects]
        found.append(dict(zip(names, pivots.estimate, strict=True)))
        assert pivots.draws is not None
        ends = [pivots.interval(np.maximum(part, 0), 0.95) for part in pivots.draws]
        inside.append({name: low <= TRUTH[name] <= high
                       for name, (low, high) in zip(names, ends, strict=True)})  # fmt: skip
        row = coefficients(pivots, {"judge": 6.0, "seed": 2.0}, 0.95)
        phi += row["phi_low"] <= true_phi <= row["phi_high"]
    table = pd.DataFrame(found)
    error = table.std() / runs**0.5
    truth = pd.Series(TRUTH)[table.columns]
    assert ((table.mean() - truth).abs() < 3.5 * error + 1e-9).all()
    assert (pd.DataFrame(inside).mean() > 0.85).all()
    assert phi / runs > 0.85


def test_more_judges_raise_dependability_as_the_planted_components_say() -> None:
    rng = np.random.default_rng(3)
    found = wb.variance_split(rated(crossed(rng, 800, 30, 2)), score="rating")
    curve = found.curves[found.curves["group"] == "judge"].set_index("levels")
    for number in (1, 4, 12):
        truth = 1 / (1 + 0.3 / number + 0.5 / number + 0.6 / (2 * number))
        assert curve.loc[number, "estimate"] == pytest.approx(truth, abs=0.04)
        assert curve.loc[number, "conf_low"] <= truth <= curve.loc[number, "conf_high"]


def test_a_component_below_0_is_0_with_an_end_above() -> None:
    rng = np.random.default_rng(1)
    found = wb.variance_split(rated(rng.normal(size=(30, 4))), score="rating").to_frame()
    low = found[found["unbiased"] < 0]
    assert len(low)
    assert (low["estimate"] == 0).all()
    assert (low["conf_low"] == 0).all()
    assert (low["conf_high"] > 0).all()
    assert low["reason"].str.contains("below 0").all()


def test_half_of_the_verdicts_lacking_leaves_intervals_that_cover() -> None:
    # items, items and judges, and the order shown turn a score of +-0.5; the rest is chance
    truth, n, k = {"item": 0.04, "item x judge": 0.02, "rest": 0.18}, 300, 4
    missed = dict.fromkeys(truth, 0)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        part = 0.2 * rng.choice([-1, 1], n)[:, None] + np.sqrt(0.02) * rng.choice([-1, 1], (n, k))
        y = (rng.random((n, k, 2)) < 0.5 + part[:, :, None] + [0.1, -0.1]) - 0.5
        item, judge, order = np.nonzero(rng.random((n, k, 2)) < 0.5)
        sign = 1.0 - 2 * order
        code = np.unique(item, return_inverse=True)[1]
        scores = Scores(y[item, judge, order], {"judge": judge, "order": order, "item": code},
                        sign, code, pd.DataFrame(), pd.DataFrame(), 0.0, [], 1)  # fmt: skip
        found = pivots_of(components_of(scores), code, seed)
        for one, drawn in zip(found.effects, found.draws, strict=True):
            if one.name in truth:
                low, high = found.interval(np.maximum(drawn, 0), 0.95)
                missed[one.name] += not low <= truth[one.name] <= high
    # with draws of chi-squares alone, a quarter were missed
    assert max(missed.values()) <= 2


def test_an_interval_that_is_0_alone_is_none() -> None:
    # two scores of an item that nearly offset each other: less alike than chance
    rng = np.random.default_rng(0)
    e = rng.normal(size=400)
    y = np.column_stack([e, -e + 0.3 * rng.normal(size=400)])
    found = wb.variance_split(rated(y), score="rating").to_frame().set_index("term")
    item = found.loc["item"]
    assert item["unbiased"] < -0.5
    assert item["estimate"] == 0
    assert np.isnan(item["conf_high"])
    assert np.isnan(item["share_high"])
    assert "do not follow the model" in item["reason"]
    # judges that say the same: nothing else varies, and that is no error of 0
    same = wb.variance_split(rated(np.repeat(y[:40, :1], 3, axis=1)), score="rating")
    table = same.to_frame().set_index("term")
    assert table.loc[["judge", "rest"], "reason"].str.startswith("no variation").all()
    assert table.loc[["judge", "rest"], "conf_high"].isna().all()
    assert table.loc["item", "share"] == pytest.approx(1)
    assert table["share_low"].isna().all()
    assert same.d_study["phi"].to_list() == pytest.approx([1.0] * 3)
    assert same.d_study[["phi_low", "phi_high", "e_rho2_low"]].isna().all(axis=None)
    assert same.d_study["reason"].str.startswith("no variation").all()


def test_verdicts_turn_with_their_sides_and_nothing_else_changes() -> None:
    data = simulated(400, judges={"a": (1.0, 0.2, 0.6), "b": (2.0, 0.2, 0.6),
                                  "c": (1.0, 0.2, 0.6)})  # fmt: skip
    tables = [wb.variance_split(one) for one in (data, exchanged(data))]
    one, other = (t.to_frame().set_index("term") for t in tables)
    assert list(one.index) == ["order", "item", "judge x order", "item x order", "rest"]
    columns = ["estimate", "conf_low", "conf_high", "share"]
    np.testing.assert_allclose(
        one[columns].astype(float), other.loc[one.index, columns].astype(float), rtol=1e-6
    )
    assert one.loc["order", "estimate"] > 0.005
    designs = tables[0].d_study.set_index("design")
    assert designs.loc["as in the data", "phi"] > designs.loc["one of each", "phi"]


def test_a_spread_between_verdicts_is_that_of_the_kappa_like_share() -> None:
    # two judges, no order: the item's component is the mean product of both scores
    data = simulated(500, judges={"a": (1.0, 0.2, 0.0), "b": (1.5, 0.2, 0.0)})
    labels = data.labels.assign(order_shown=None)
    plain = wb.PreferenceData.from_tables(data.pairs, labels)
    wide = labels[labels["kind"] == "llm"].pivot_table("preference", "pair_id", "annotator") - 0.5
    found = components(wb.variance_split(plain))
    assert found["item"] == pytest.approx(float((wide["a"] * wide["b"]).mean()))
    # what one verdict varies by beyond the item
    assert found["rest"] == pytest.approx(float(((wide["a"] - wide["b"]) ** 2).mean() / 2))


def test_graded_responses_are_items_and_count_once() -> None:
    pairs = pd.DataFrame({
        "pair_id": ["x", "y", "z"], "prompt": "q", "response_a": ["r1", "r1", "r2"],
        "response_b": ["r2", "r3", "r3"], "cluster": ["c", "d", "e"],
    })  # fmt: skip
    grade = {"j": {"r1": 5.0, "r2": 3.0, "r3": 1.0}, "k": {"r1": 4.0, "r2": 4.0, "r3": 2.0}}
    rows = [{"pair_id": row.pair_id, "annotator": name, "kind": "llm", "preference": 0.5,
             "grade_a": own[row.response_a], "grade_b": own[row.response_b]}
            for name, own in grade.items() for row in pairs.itertuples()]  # fmt: skip
    data = wb.PreferenceData.from_tables(pairs, pd.DataFrame(rows))
    found = wb.variance_split(data, score="grade")
    assert (found.settings["n"], found.settings["n_items"]) == (6, 3)
    assert found.exclusions["n"].tolist() == [6]


def test_designs_that_cannot_tell_say_why() -> None:
    rng = np.random.default_rng(2)
    y = crossed(rng, 40, 4, 1)[:, :, 0]
    same = wb.variance_split(rated(np.full((20, 3), 4.0)), score="rating")
    assert (same.to_frame()["estimate"] == 0).all()
    assert same.to_frame()["reason"].eq("every score is the same").all()
    assert same.d_study["phi"].isna().all()
    with pytest.raises(DesignError, match="1 items"):
        wb.variance_split(rated(y[:1]), score="rating")
    alone = np.where(np.arange(40)[:, None] % 4 == np.arange(4), y, np.nan)
    with pytest.raises(DesignError, match="no item has scores under two of them"):
        wb.variance_split(rated(alone), score="rating")
    with pytest.raises(DesignError, match="no score 'mark'"):
        wb.variance_split(rated(y), score="mark")
    with pytest.raises(DataError, match="no judge"):
        wb.variance_split(rated(y), ["nobody"], score="rating")
    halves = y.copy()
    halves[:20, :2], halves[20:, 2:] = np.nan, np.nan
    apart = wb.variance_split(rated(halves), score="rating")
    assert "2 groups that share no item" in apart.settings["notes"][0]
    one = wb.variance_split(rated(y, each=40), score="rating").to_frame()
    assert one["reason"].eq("one cluster of items: the error is not known").all()
    twin = wb.variance_split(rated(np.repeat(y[:, :1], 2, axis=1)), score="rating")
    assert components(twin)["rest"] == pytest.approx(0)
    constant = y.copy()
    constant[:, 0] = 3.0
    assert components(wb.variance_split(rated(constant), score="rating"))["item"] >= 0
    copied = wb.variance_split(
        rated(np.repeat(y[:, :, None], 2, axis=2)), facets=("judge", "annotator", "item"),
        score="rating",
    )  # fmt: skip
    told = copied.facets.set_index("facet")
    assert told.loc["annotator", "reason"] == "tells the same as judge"


def test_clusters_of_items_widen_intervals() -> None:
    rng = np.random.default_rng(5)
    y = np.repeat(crossed(rng, 60, 4, 1), 5, axis=0)[:, :, 0] + rng.normal(0, 0.2, (300, 4))
    alone, together = (
        wb.variance_split(rated(y, each=each), score="rating").to_frame().set_index("term")
        for each in (1, 5)
    )
    assert together.loc["item", "estimate"] == alone.loc["item", "estimate"]
    width = [t.loc["item", "conf_high"] - t.loc["item", "conf_low"] for t in (alone, together)]
    assert width[1] > 1.5 * width[0]


def test_figures_findings_and_text_hold_what_was_found() -> None:
    rng = np.random.default_rng(4)
    noisy = crossed(rng, 80, 3, 1, item=0.2, judge=0.1, both=1.0)[:, :, 0]
    found = wb.variance_split(rated(noisy), score="rating")
    assert list(found.tables())[:3] == ["components", "designs", "curves"]
    assert len(found.figures()) == 2
    assert [one.rule_id for one in found.findings()] == ["score-undependable"]
    assert "2 more: judge" in found.summary()


def test_a_facet_that_nobody_named_goes_where_scores_cannot_tell_it() -> None:
    data = wb.load("sample")
    found = wb.variance_split(data)
    assert found.settings["facets"] == ["judge"]
    assert found.settings["notes"][0].startswith("order is left out: too few scores of an item")
    assert found.to_frame()["conf_low"].notna().all()
    named = wb.variance_split(data, facets=["judge", "order", "item"])
    assert named.settings["facets"] == ["judge", "order"]
    assert named.to_frame()["conf_low"].isna().all()


def test_items_that_were_scored_once_are_refused() -> None:
    data = wb.load("sample")
    few = data.pairs["pair_id"][:40]
    data = data.filter(annotators=["sim-judge-length"], pair_ids=few)
    shown = np.where(np.arange(len(data.labels)) % 2 > 0, "ab", "ba")
    once = replace(data, labels=data.labels.assign(order_shown=shown))
    with pytest.raises(DesignError, match="each scored once"):
        wb.variance_split(once)
    nothing = replace(once, labels=once.labels.assign(weight=0.0))
    with pytest.raises(DesignError, match="judge: no score that counts"):
        wb.variance_split(nothing)


def test_no_end_is_above_what_verdicts_can_vary() -> None:
    rng = np.random.default_rng(0)
    pairs = pd.DataFrame({"item": range(40)})
    labels = pd.DataFrame({
        "pair": np.repeat(range(40), 2), "annotator": "judge", "kind": "llm",
        "order_shown": ["ab", "ba"] * 40, "preference": rng.integers(0, 2, 80).astype(float),
    })  # fmt: skip
    found = wb.variance_split(wb.PreferenceData.from_tables(pairs, labels)).to_frame()
    # of two orders there is one degree of freedom
    assert found.set_index("term").loc["order", "conf_high"] == 0.25
    assert (found["conf_high"] <= 0.25).all()
