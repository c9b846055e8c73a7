"""The leaderboard as a result: ranks, counterfactuals, reasons and bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.battles import battles, ratings_of, simulate
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.intervals import NO_VARIATION, ONE_CLUSTER
from workbench.ratings.bradley_terry import rate
from workbench.ratings.ranks import rank_sets


def test_ranks_follow_the_arenas_rule_and_the_best_comes_first():
    data, _, _ = simulate(n=3000)
    table = rate(data).to_frame()
    assert table["term"].tolist() == [f"m{k}" for k in (5, 4, 3, 2, 1, 0)]
    assert table["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    by_hand = [1 + (table["conf_low"] > high).sum() for high in table["conf_high"]]
    assert table["rank_arena"].tolist() == by_hand
    assert (table["rank_low"] <= table["rank"]).all()
    assert (table["rank"] <= table["rank_high"]).all()


def test_elo_is_a_scale_and_an_anchor_shifts_it():
    data, _, _ = simulate()
    plain, anchored = rate(data).to_frame(), rate(data, anchor=("m2", 1114)).to_frame()
    points = 400 / np.log(10)
    np.testing.assert_allclose(plain["elo"], 1000 + points * plain["estimate"])
    row = anchored.set_index("term").loc["m2"]
    assert (row["estimate"], row["elo"]) == (0.0, 1114.0)
    assert np.isnan(row["p_value"])
    moved = anchored["estimate"] - plain["estimate"]
    np.testing.assert_allclose(moved, moved.iloc[0], atol=1e-12)
    # 400 points are odds of ten to one
    assert points * np.log(10) == pytest.approx(400)


def test_style_control_undoes_a_planted_confound():
    rng = np.random.default_rng(4)
    n, names = 8000, np.array(["plain", "wordy", "other"])
    a = rng.integers(0, 3, n)
    b = (a + rng.integers(1, 3, n)) % 3
    style = np.array([0.0, 2.0, 0.0])
    x = style[a] - style[b] + rng.normal(size=n)
    y = (rng.random(n) < 1 / (1 + np.exp(-0.5 * x))).astype(float)
    found = rate(battles(names[a], names[b], y, {"words": x}), covariates=["words"])
    change = found.counterfactual.set_index("term")
    # the models are equal but for style: without control the wordy one leads by 0.9 or so
    assert change.loc["wordy", "rank_without"] == 1
    assert change.loc["wordy", "rating_without"] > 0.4
    assert (change["rating_with"].abs() < 0.12).all()
    assert change.loc["wordy", "conf_high"] < -0.4
    row = change.loc["wordy"]
    assert row["rank_change"] == row["rank_with"] - row["rank_without"]
    assert row["rank_change_low"] <= row["rank_change"] <= row["rank_change_high"]
    assert found.covariates["estimate"].iloc[0] == pytest.approx(0.5, abs=0.08)
    equal = found.pairwise["predicted"]
    assert equal.between(0.45, 0.55).all()


def test_models_that_cannot_be_rated_get_a_reason_and_the_rest_its_ratings():
    data, _, _ = simulate(n=400, M=4)
    base = ratings_of(rate(data))
    extra = [("m0", "best", 0.0), ("m1", "worst", 1.0), ("x", "y", 1.0), ("y", "x", 1.0)]
    a, b, y = map(list, zip(*extra, strict=True))
    more = battles(
        [*data.pairs["model_a"], *a], [*data.pairs["model_b"], *b], [*data.labels["preference"], *y]
    )
    found = rate(more)
    table = found.to_frame().set_index("term")
    np.testing.assert_allclose(table.loc[base.index, "estimate"], base, atol=1e-9)
    assert "never lost against" in table.loc["best", "reason"]
    assert "never won against" in table.loc["worst", "reason"]
    assert "no chain" in table.loc["x", "reason"]
    assert table.loc["best", "estimate":"conf_high"].isna().all()
    assert table.loc["best", ["n", "wins"]].tolist() == [1, 1]
    row = found.exclusions.set_index("reason")["n"]
    assert row["a model without a finite rating"] == 4
    assert sum("not rated" in text for text in found.warnings) == 4
    assert "undefined" in found.summary()
    found.plot()


def test_rows_left_out_are_counted_by_reason():
    a = ["p", "q", "p", "p", None, "p", "q", "p", "q"]
    b = ["q", "p", "p", "q", "q", "q", "p", "q", "p"]
    y = [1.0, 1.0, 1.0, np.nan, 1.0, 1.0, 0.5, 0.0, 0.0]
    x = np.array([1.0, -1, 0, 0, 0, np.nan, 0, 1, 2])
    weight = np.array([1.0, 1, 1, 1, 1, 1, 1, 1, 0])
    found = rate(battles(a, b, y, {"x": x}, weight=weight), covariates=["x"], ties="drop")
    assert found.exclusions.set_index("reason")["n"].to_dict() == {
        "a model against itself": 1,
        "failed": 1,
        "missing covariate value": 1,
        "no model name": 1,
        "no positive weight": 1,
        "tie": 1,
    }


def test_covariates_that_cannot_be_told_get_a_reason_and_the_others_a_weight():
    data, _, _ = simulate(n=800, K=1)
    strength = {f"m{k}": float(k) for k in range(6)}
    gap = data.pairs["model_a"].map(strength) - data.pairs["model_b"].map(strength)
    factors = {
        "x0": data.factors["x0"].to_numpy(),
        "twice": 2 * data.factors["x0"].to_numpy(),
        "zero": np.zeros(800),
        "model": gap.to_numpy(),
    }
    sides = (data.pairs["model_a"], data.pairs["model_b"])
    more = battles(*sides, data.labels["preference"], factors)
    found = rate(more, covariates=list(factors))
    alone = rate(more, covariates=["x0"])
    table = found.covariates.set_index("term")
    assert table.loc["x0", "estimate"] == pytest.approx(alone.covariates["estimate"].iloc[0])
    assert "linear combination" in table.loc["twice", "reason"]
    assert "0 in every battle" in table.loc["zero", "reason"]
    assert "models in a battle determine" in table.loc["model", "reason"]


def test_a_covariate_that_decides_every_battle_leaves_the_plain_ratings():
    data, _, _ = simulate(n=300)
    y = data.labels["preference"].to_numpy()
    sides = (data.pairs["model_a"], data.pairs["model_b"])
    found = rate(battles(*sides, y, {"oracle": y - 0.5}), covariates=["oracle"])
    assert np.isnan(found.covariates["estimate"].iloc[0])
    assert "no finite maximum" in found.covariates["reason"].iloc[0]
    pd.testing.assert_series_equal(ratings_of(found), ratings_of(rate(data)))
    assert found.counterfactual.empty
    found.plot()


def _with_a_separating_covariate(n=1500):
    """Two covariates that matter, and one that each of the twenty battles it differs in obeys."""
    data, _, beta = simulate(n=n, K=2)
    y = data.labels["preference"].to_numpy()
    rare = np.where(np.arange(n) < 20, np.where(y > 0.5, 1.0, -1.0), 0.0)
    factors = {name: data.factors[name].to_numpy() for name in ("x0", "x1")}
    sides = (data.pairs["model_a"], data.pairs["model_b"])
    return battles(*sides, y, {"x0": factors["x0"], "rare": rare, "x1": factors["x1"]}), beta


@pytest.mark.parametrize("ties", ["half", "davidson"])
@pytest.mark.parametrize("intervals", ["cluster", "bootstrap"])
def test_a_separating_covariate_is_left_out_alone(ties, intervals):
    data, beta = _with_a_separating_covariate()
    options = {"ties": ties, "intervals": intervals, "replicates": 100}
    found = rate(data, covariates=["x0", "rare", "x1"], **options)
    without = rate(data, covariates=["x0", "x1"], **options)
    pd.testing.assert_series_equal(ratings_of(found), ratings_of(without))
    table = found.covariates.set_index("term")
    assert table["held_constant"].to_dict() == {"x0": True, "rare": False, "x1": True}
    assert "with more won all 20 battles" in table.loc["rare", "reason"]
    assert table.loc[["x0", "x1"], "reason"].isna().all()
    kept = table.loc[["x0", "x1"]]
    assert ((kept["estimate"] - beta).abs() < 3 * kept["std_error"]).all()
    assert found.held_constant == ["x0", "x1"]
    assert found.control.startswith("held constant: x0, x1; not held constant: rare (the side")
    assert found.control in found.summary()
    assert "held constant: x0, x1;" in found.method
    assert "held constant" not in found.without_covariates["method"].iloc[0]
    assert sum("not held constant: rare" in text for text in found.warnings) == 1


def test_covariates_that_separate_together_lose_the_last_of_them():
    # apart neither decides, their sum does
    data, _, _ = simulate(n=600)
    rng = np.random.default_rng(0)
    y = data.labels["preference"].to_numpy()
    first = rng.normal(size=600)
    second = np.where(y > 0.5, 1.0, -1.0) * rng.uniform(0.1, 1.0, 600) - first
    sides = (data.pairs["model_a"], data.pairs["model_b"])
    more = battles(*sides, y, {"first": first, "second": second})
    found = rate(more, covariates=["first", "second"])
    assert found.held_constant == ["first"]
    reason = found.covariate_reasons["second"]
    assert reason.startswith("with the models, first it predicts some labels perfectly")


def test_nothing_held_constant_is_said():
    data, _, _ = simulate(n=300)
    sides = (data.pairs["model_a"], data.pairs["model_b"])
    y = data.labels["preference"]
    found = rate(battles(*sides, y, {"zero": np.zeros(300)}), covariates=["zero"])
    assert found.control.startswith("held constant: nothing; not held constant: zero (")
    assert rate(battles(*sides, y)).control == "held constant: nothing"


def test_weights_of_other_units_agree_per_standard_deviation():
    data, _, _ = simulate(n=1500, K=2)
    factors = {name: data.factors[name].to_numpy() for name in ("x0", "x1")}
    sides = (data.pairs["model_a"], data.pairs["model_b"])
    y = data.labels["preference"]
    one = rate(battles(*sides, y, factors), covariates=["x0", "x1"]).covariates
    factors = {"x0": 250 * factors["x0"], "x1": factors["x1"]}
    other = rate(battles(*sides, y, factors), covariates=["x0", "x1"]).covariates
    assert other["estimate"].iloc[0] == pytest.approx(one["estimate"].iloc[0] / 250)
    columns = ["per_sd", "per_sd_low", "per_sd_high"]
    np.testing.assert_allclose(one[columns], other[columns], rtol=1e-6)
    sd = np.sqrt(np.mean(data.factors["x0"] ** 2))
    np.testing.assert_allclose(one["per_sd"].iloc[0], one["estimate"].iloc[0] * sd)


def test_resamples_without_finite_ratings_are_counted_and_widen_the_limits():
    # the one win of "rare" is missing from about a third of all resamples
    a = ["p"] * 20 + ["q"] * 20 + ["rare"] * 11
    b = ["q"] * 20 + ["p"] * 20 + ["p"] * 11
    y = [1.0] * 12 + [0.0] * 8 + [1.0] * 9 + [0.0] * 11 + [1.0] + [0.0] * 10
    found = rate(battles(a, b, y), intervals="bootstrap", replicates=400)
    assert any("resamples have no finite ratings" in text for text in found.warnings)
    table = found.to_frame()
    assert np.isfinite(table["estimate"]).all()
    assert table["conf_low"].isna().all()


def test_annotators_are_chosen_by_name_or_kind():
    data, _, _ = simulate(n=600)
    kind = np.where(np.arange(600) < 400, "human", "llm")
    labels = data.labels.assign(kind=kind, annotator=np.where(kind == "human", "ann", "bot"))
    data = replace(data, labels=labels)
    assert len(rate(data, annotator="human").used) == 400
    assert len(rate(data, annotator=["bot"]).used) == 200
    assert len(rate(data).used) == 600
    with pytest.raises(DesignError, match="no annotator 'nobody'"):
        rate(data, annotator="nobody")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ties": "sideways"}, "Option ties"),
        ({"intervals": "guess"}, "Option intervals"),
        ({"replicates": 5}, "Option replicates"),
        ({"ridge": -1.0}, "Option ridge"),
        ({"level": 95}, "Option level"),
        ({"covariates": ["nothing"]}, "no factor 'nothing'"),
        ({"covariates": ["x0", "x0"]}, "named twice"),
        ({"anchor": "nobody"}, "anchor 'nobody'"),
    ],
)
def test_bad_options_say_what_to_do(change, message):
    data, _, _ = simulate(n=100, K=1)
    with pytest.raises(DesignError, match=message) as caught:
        rate(data, **change)
    assert caught.value.fix


def test_data_without_names_or_with_nothing_to_compare_say_so():
    nameless = PreferenceData.from_tables(
        pd.DataFrame({"item": [1, 2]}),
        pd.DataFrame({"pair": [0, 1], "annotator": "x", "preference": [1.0, 0.0]}),
    )
    with pytest.raises(DesignError, match="do not say which models"):
        rate(nameless)
    with pytest.raises(DesignError, match="No two models can be compared"):
        rate(battles(["a", "a"], ["b", "b"], [1.0, 1.0]))
    with pytest.raises(DesignError, match="No label can be rated"):
        rate(battles(["a", "b"], ["a", "b"], [1.0, 1.0]))


def test_davidson_without_ties_is_the_plain_model_and_says_so():
    data, _, _ = simulate(n=500)
    found = rate(data, ties="davidson")
    np.testing.assert_allclose(ratings_of(found), ratings_of(rate(data)), atol=1e-12)
    assert any("no ties" in text for text in found.warnings)
    assert found.tie_parameter.empty


def test_everything_survives_as_plain_values():
    import json

    data, _, _ = simulate(n=300, K=1, ties=0.2)
    found = rate(data, covariates=["x0"], ties="davidson")
    record = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert set(record["tables"]) >= {"estimates", "covariates", "counterfactual", "pairwise"}
    assert found.provenance.dataset == data.digest
    for text in ("n = 300", "95% interval", "method: Bradley-Terry"):
        assert text in found.summary()
    assert list(found.to_frame())[:8] == [
        *("term", "estimate", "std_error", "conf_low", "conf_high"),
        *("p_value", "q_value", "n"),
    ]


def test_rank_sets_cover_the_true_ranks_even_where_models_are_close():
    rng = np.random.default_rng(0)
    truth = np.array([0.5, 0.05, 0.04, 0.03, -0.6])
    rank = np.array([1, 2, 3, 4, 5])
    covered = []
    for _ in range(300):
        estimate = truth + 0.1 * rng.normal(size=5)
        draws = estimate + 0.1 * rng.normal(size=(400, 5))
        low, high = rank_sets(estimate, draws, 0.95)
        covered.append((low <= rank) & (rank <= high))
    assert np.mean(covered, axis=0).min() >= 0.93
    assert low[0] == high[0] == 1


@pytest.mark.parametrize("intervals", ["cluster", "bootstrap"])
@pytest.mark.parametrize("ties", ["half", "davidson"])
def test_one_cluster_gives_ratings_without_intervals(intervals, ties):
    data, _, _ = simulate(n=300, K=1, ties=0.2, clusters=1)
    options = {"covariates": ["x0"], "ties": ties, "intervals": intervals}
    found = rate(data, replicates=100, **options)
    assert np.isfinite(found.to_frame()["estimate"]).all()
    for name in ("estimates", "counterfactual", "pairwise", "covariates"):
        table = found.tables()[name]
        assert table[["std_error", "conf_low", "conf_high", "p_value"]].isna().all(axis=None)
    assert found.to_frame()[["rank_low", "rank_high"]].isna().all(axis=None)
    assert any("one cluster" in text for text in found.warnings)
    found.plot(), found.summary(), found.to_dict()


def test_two_models_have_the_log_odds_of_their_wins():
    found = rate(battles(["p"] * 40, ["q"] * 40, [1.0] * 30 + [0.0] * 10))
    pair = found.pairwise.iloc[0]
    assert pair["estimate"] == pytest.approx(np.log(3))
    # the cluster-robust variance of a proportion p is p (1 - p) / (n - 1): delta method
    assert pair["std_error"] == pytest.approx(np.sqrt(1 / (39 * 0.75 * 0.25)))
    assert (pair["observed"], pair["n"]) == (0.75, 40)
    assert pair["predicted"] == pytest.approx(0.75)


def test_ties_throughout_have_no_interval():
    rows = [("x", "y", "tie")] * 10
    data = wb.load(pd.DataFrame(rows, columns=["model_a", "model_b", "winner"]))
    found = wb.rate(data)
    assert found.to_frame()[["conf_low", "conf_high"]].isna().all(axis=None)
    assert any("ties" in warning for warning in found.warnings)


@pytest.mark.parametrize("ties", ["half", "davidson", "drop"])
def test_a_count_table_is_its_battles(ties):
    counts = pd.DataFrame(
        [("m", "n", 7, 3, 2), ("n", "o", 4, 4, 4), ("o", "m", 2, 9, 1)],
        columns=["model_a", "model_b", "wins_a", "wins_b", "ties"],
    )
    fought = [
        (row.model_a, row.model_b, winner)
        for row in counts.itertuples()
        for winner, n in (("model_a", row.wins_a), ("model_b", row.wins_b), ("tie", row.ties))
        for _ in range(n)
    ]
    rows = pd.DataFrame(fought, columns=["model_a", "model_b", "winner"])
    one, other = (wb.rate(wb.load(table), ties=ties).to_frame() for table in (counts, rows))
    numbers = ["estimate", "std_error", "conf_low", "conf_high", "n"]
    pd.testing.assert_frame_equal(one[["term", *numbers]], other[["term", *numbers]])


@pytest.mark.parametrize("intervals", ["cluster", "bootstrap"])
def test_every_number_without_an_interval_says_why(intervals):
    data, _, _ = simulate(n=200, M=3, K=1)
    ties = replace(data, labels=data.labels.assign(preference=0.5))
    together = replace(data, pairs=data.pairs.assign(cluster="c"))
    for given, why in ((ties, NO_VARIATION), (together, ONE_CLUSTER)):
        found = rate(given, covariates=["x0"], intervals=intervals, replicates=100)
        tables = [found.to_frame(), found.pairwise, found.covariates, found.counterfactual]
        assert len(found.counterfactual) == 3
        for table in tables:
            lacking = table["conf_low"].isna()
            assert lacking.all()
            assert set(table["reason"]) == {why}
        assert "nan" not in found.summary()
