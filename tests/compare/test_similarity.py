"""Similarity: known correlations, the correction for noise, intervals, clusters."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.cluster.hierarchy import cophenet
from scipy.spatial.distance import squareform
from scipy.stats import spearmanr

from tests.planted import planted
from workbench.compare.similarity import similarity
from workbench.decompose.bootstrap import bootstrap
from workbench.decompose.decomposition import decompose
from workbench.decompose.weights import Weights
from workbench.errors import DesignError

K = 29
ERROR = 0.12
"""Typical error of a weight; the weights themselves vary by about 0.2."""


def _weights(values, draws=None, method="bootstrap", annotators=None):
    """Weights of values of shape (annotators, scenarios, terms)."""
    A, S, terms = np.shape(values)
    names = [f"a{k}" for k in range(A)] if annotators is None else annotators
    keys = pd.DataFrame([{"annotator": a, "scenario": f"s{s}"} for a in names for s in range(S)])
    flat = None if draws is None else draws.reshape(len(draws), A * S, terms)
    values = np.asarray(values, dtype=float).reshape(A * S, terms)
    n = np.full(A * S, 100)
    posterior = method == "posterior mean"
    return Weights([f"t{k}" for k in range(terms)], keys, values, flat, n, method, posterior)


def _truth(rng, A=6, S=2, spread=0.2):
    """Weights of annotators who share a taste each to another degree."""
    common = rng.normal(size=(1, S, K))
    share = np.linspace(0.2, 0.95, A)[:, None, None]
    own = rng.normal(size=(A, S, K))
    return spread * (np.sqrt(share) * common + np.sqrt(1 - share) * own)


def _noise(rng, shape, scale, shared):
    """Errors that annotators of the same pairs share to the degree ``shared``."""
    common = rng.normal(size=(*shape[:-3], 1, *shape[-2:]))
    return scale * (np.sqrt(shared) * common + np.sqrt(1 - shared) * rng.normal(size=shape))


def _true_similarity(values):
    return np.mean([np.corrcoef(values[:, s]) for s in range(values.shape[1])], axis=0)


def _studies(rng, shared, repeats, method="pearson", truths=4, draws=400):
    """Return what repeated studies find of several truths."""
    tables = []
    for study in range(truths):
        truth = _truth(rng)
        scale = ERROR * rng.uniform(0.5, 1.4, size=truth.shape[1:])
        for _ in range(repeats):
            seen = truth + _noise(rng, truth.shape, scale, shared)
            again = seen + _noise(rng, (draws, *truth.shape), scale, shared)
            table = similarity(_weights(seen, again), method=method).to_frame()
            table["true"] = _true_similarity(truth)[np.triu_indices(len(truth), 1)]
            table["term"] = f"{study} " + table["term"]
            tables.append(table)
    both = pd.concat(tables)
    both["typical"] = both.groupby("term")["estimate"].transform("mean")
    return both


@pytest.fixture(scope="module", params=[0.0, 0.5])
def studies(request):
    return _studies(np.random.default_rng(7), request.param, repeats=25)


def test_pearson_is_the_mean_over_scenarios():
    values = np.random.default_rng(0).normal(size=(4, 3, K))
    found = similarity(_weights(values))
    np.testing.assert_allclose(found.matrix(), _true_similarity(values))
    one = similarity(_weights(values), scenario="s1")
    np.testing.assert_allclose(one.matrix(), np.corrcoef(values[:, 1]))
    two = similarity(_weights(values), scenario=["s0", "s2"])
    np.testing.assert_allclose(two.matrix(), _true_similarity(values[:, [0, 2]]))
    assert (found.to_frame()["n"] == 600).all()


def test_spearman_is_that_of_scipy():
    values = np.random.default_rng(0).integers(0, 6, size=(3, 2, K)).astype(float)
    found = similarity(_weights(values), method="spearman").matrix().to_numpy()
    expected = np.mean([spearmanr(values[:, s].T).statistic for s in range(2)], axis=0)
    np.testing.assert_allclose(found, expected)


def test_without_draws_nothing_is_invented():
    frame = similarity(_weights(np.random.default_rng(0).normal(size=(3, 2, K)))).to_frame()
    undefined = ["std_error", "conf_low", "conf_high", "disattenuated", "disattenuated_low"]
    assert frame[undefined].isna().all(axis=None)
    assert frame["estimate"].notna().all()
    assert set(frame["reason"]) == {"no interval: the weights come without draws"}
    assert "no intervals" in similarity(_weights(np.eye(3)[:, None])).summary()


def test_correction_is_unbiased_where_the_raw_value_is_not(studies):
    mean = studies.groupby("term")[["estimate", "disattenuated", "true"]].mean()
    assert abs((mean["disattenuated"] - mean["true"]).mean()) < 0.02
    assert (mean["disattenuated"] - mean["true"]).abs().mean() < 0.03
    # errors that are shared pull it up where little else is, other errors pull it down
    assert (mean["estimate"] - mean["true"]).abs().mean() > 0.05


def test_intervals_cover_the_truth(studies):
    inside = studies["true"].between(studies["disattenuated_low"], studies["disattenuated_high"])
    assert 0.93 <= inside.mean() <= 0.97
    raw = studies["typical"].between(studies["conf_low"], studies["conf_high"])
    assert 0.93 <= raw.mean() <= 0.97
    assert studies["true"].between(studies["conf_low"], studies["conf_high"]).mean() < 0.9


def test_standard_error_is_that_of_repeated_studies(studies):
    by_term = studies.groupby("term")
    ratio = by_term["std_error"].mean() / by_term["estimate"].std()
    assert 0.9 < ratio.mean() < 1.1


def test_correction_of_shrunk_posterior_means():
    rng = np.random.default_rng(3)
    spread, found = 0.2, []
    for _ in range(60):
        truth = _truth(rng, A=4, S=3, spread=spread)
        estimate = truth + ERROR * rng.normal(size=truth.shape)
        shrink = spread**2 / (spread**2 + ERROR**2)
        draws = shrink * estimate + np.sqrt(shrink) * ERROR * rng.normal(size=(200, *truth.shape))
        frame = similarity(_weights(shrink * estimate, draws, "posterior mean")).to_frame()
        frame["true"] = _true_similarity(truth)[np.triu_indices(4, 1)]
        found.append(frame)
    both = pd.concat(found)
    assert abs((both["disattenuated"] - both["true"]).mean()) < 0.03
    assert (both["estimate"] - both["true"]).mean() < -0.05
    inside = both["true"].between(both["disattenuated_low"], both["disattenuated_high"])
    assert inside.mean() > 0.9
    assert "posterior variance" in both["method"].iloc[0]


def test_spearman_interval_covers_its_average_and_is_not_corrected():
    both = _studies(np.random.default_rng(5), 0.2, repeats=25, method="spearman")
    assert 0.93 <= both["typical"].between(both["conf_low"], both["conf_high"]).mean() <= 0.97
    assert both["disattenuated"].isna().all()
    assert both["reason"].str.contains("Pearson").all()


def test_weights_that_are_only_noise_are_not_corrected():
    rng = np.random.default_rng(1)
    values = np.zeros((2, 1, K))
    values[1] = rng.normal(size=K)
    values[0] = 0.05 * rng.normal(size=K)
    draws = values + 0.3 * rng.normal(size=(200, *values.shape))
    row = similarity(_weights(values, draws)).to_frame().iloc[0]
    assert np.isnan(row["disattenuated"])
    assert np.isnan(row["disattenuated_low"])
    assert row["reason"].startswith("no correction")
    assert np.isfinite([row["estimate"], row["conf_low"], row["conf_high"]]).all()
    assert row["reliability"] < 0 < row["other_reliability"]


def test_order_of_rows_and_signs_of_all_weights_change_nothing():
    rng = np.random.default_rng(2)
    truth = _truth(rng, A=4, S=3)
    weights = _weights(truth, truth + ERROR * rng.normal(size=(100, *truth.shape)))
    first = similarity(weights)
    shuffled = similarity(weights.take(rng.permutation(12)))
    pd.testing.assert_frame_equal(first.to_frame(), shuffled.to_frame())
    flipped = similarity(
        Weights(
            weights.terms, weights.keys, -weights.values, -weights.draws, weights.n, "bootstrap"
        )
    )
    pd.testing.assert_frame_equal(first.to_frame(), flipped.to_frame())
    assert first.order == shuffled.order


def test_missing_scenarios_and_terms_are_left_out_by_pair():
    rng = np.random.default_rng(4)
    values = rng.normal(size=(3, 2, K))
    values[0, 1] = np.nan
    values[1, 0, :5] = np.nan
    draws = values + 0.1 * rng.normal(size=(50, *values.shape))
    frame = similarity(_weights(values, draws)).to_frame().set_index(["annotator", "other"])
    assert frame["n_scenarios"].to_dict() == {("a0", "a1"): 1, ("a0", "a2"): 1, ("a1", "a2"): 2}
    assert frame["n_terms"].to_dict() == {("a0", "a1"): 24, ("a0", "a2"): 29, ("a1", "a2"): 24}
    expected = np.corrcoef(values[0, 0, 5:], values[1, 0, 5:])[0, 1]
    assert frame.loc[("a0", "a1"), "estimate"] == pytest.approx(expected)
    numbers = ["estimate", "conf_low", "conf_high", "disattenuated", "disattenuated_high"]
    assert frame[numbers].notna().all(axis=None)


def test_a_replicate_that_failed_is_left_out_and_many_take_the_interval():
    rng = np.random.default_rng(4)
    values = rng.normal(size=(3, 1, K))
    draws = values + 0.1 * rng.normal(size=(400, *values.shape))
    whole = similarity(_weights(values, draws)).to_frame()
    few, many = draws.copy(), draws.copy()
    few[:3, 0, 0, 4] = np.nan
    many[:100, 0, 0, 4] = np.nan
    some = similarity(_weights(values, few)).to_frame()
    np.testing.assert_allclose(some["conf_low"], whole["conf_low"], atol=0.01)
    lost = similarity(_weights(values, many)).to_frame()
    assert lost["conf_low"].isna().tolist() == [True, True, False]
    assert lost["reason"].iloc[0].startswith("no interval: undefined")
    np.testing.assert_allclose(lost["disattenuated"], whole["disattenuated"], atol=0.01)


def test_what_cannot_be_compared_has_a_reason_and_the_rest_comes_out():
    values = np.random.default_rng(0).normal(size=(4, 2, K))
    values[3] = 0.25
    values[2, :, 2:] = np.nan
    found = similarity(_weights(values))
    frame = found.to_frame().set_index(["annotator", "other"])
    assert frame["estimate"].notna().tolist() == [True, False, False, False, False, False]
    assert frame.loc[("a0", "a3"), "reason"].startswith("no scenario in which both")
    assert found.order[:2] == ["a0", "a1"]
    assert found.clusters(1).isna().sum() == 2
    assert "undefined" in found.summary()
    found.plot()


def test_equal_weights_correlate_by_one():
    values = np.repeat(np.random.default_rng(0).normal(size=(1, 1, K)), 2, axis=0)
    rng = np.random.default_rng(1)
    noise = np.repeat(0.1 * rng.normal(size=(100, 1, 1, K)), 2, axis=1)
    row = similarity(_weights(values, values + noise)).to_frame().iloc[0]
    assert row["estimate"] == pytest.approx(1.0)
    # a corrected value of 1 without an interval would claim to know
    assert row[["conf_low", "conf_high", "disattenuated", "disattenuated_low"]].isna().all()
    assert row["reason"].startswith("no interval: the two have the same weights in every replicate")
    assert "no corrected value" in row["reason"]


def test_an_opposite_copy_is_not_called_the_same():
    values = np.random.default_rng(0).normal(size=(1, 1, K))
    noise = 0.1 * np.random.default_rng(1).normal(size=(100, 1, 1, K))
    values, noise = (np.concatenate([part, -part], axis=-3) for part in (values, noise))
    found = similarity(_weights(values, values + noise))
    row = found.to_frame().iloc[0]
    assert row["estimate"] == pytest.approx(-1.0)
    assert np.isnan(row["disattenuated"])
    assert "opposite weights" in row["reason"]
    assert "same" not in row["reason"]
    fixed = np.array([[[1.0, 2, 4]], [[1.0, 3, 2]]])
    unmoved = similarity(_weights(fixed, np.repeat(fixed[None], 9, axis=0)))
    assert "same weights" not in unmoved.to_frame()["reason"][0]


def test_an_estimate_in_its_range_is_never_the_end_of_its_interval():
    inside = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        seen = rng.normal(size=(3, 2, 4))
        again = seen + 1.5 * rng.normal(size=(200, *seen.shape))
        found = similarity(_weights(seen, again))
        frame = found.to_frame()
        for name, low, high in (
            ("estimate", "conf_low", "conf_high"),
            ("disattenuated", "disattenuated_low", "disattenuated_high"),
        ):
            known = frame[frame[low].notna() & (frame[name].abs() < 1)]
            assert (known[low] < known[name]).all()
            assert (known[name] < known[high]).all()
            inside += len(known)
        assert (
            (frame["disattenuated"].abs() != 1).where(frame["disattenuated_low"].isna(), True).all()
        )
        mean = found.between({"all": ["a0", "a1", "a2"]}).iloc[0]
        assert mean["conf_low"] < mean["estimate"] < mean["conf_high"]
    assert inside > 60


def test_the_mean_of_many_pairs_says_over_which_it_is():
    values = np.random.default_rng(0).normal(size=(7, 1, K))
    values[6] = 0.25
    some = similarity(_weights(values))
    mean = some.to_frame()["estimate"].mean()
    line = next(line for line in some.summary().splitlines() if "mean" in line)
    assert f"mean {mean:.3f} of the 15 of 21 pairs that are defined" in line
    assert "no scenario in which both" in line
    values[:] = 0.25
    none = similarity(_weights(values)).summary()
    assert "mean of 21 pairs undefined: no scenario in which both" in none
    assert "nan" not in none


@given(
    st.integers(0, 10**6), st.integers(3, 6), st.integers(1, 3), st.sampled_from([0.0, 0.3, 1, 3]),
    st.sampled_from([1, 2, 40]), st.sampled_from(["pearson", "spearman"]), st.booleans(),
)  # fmt: skip
@settings(max_examples=50, deadline=None)
def test_no_number_leaves_its_range_or_its_interval(seed, terms, S, noise, draws, method, shrunk):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(3, S, terms))
    values[rng.integers(3)] = values[rng.integers(3)] * rng.choice([0.0, 1.0, -1.0, 1e6])
    seen = values + noise * rng.normal(size=values.shape)
    seen[rng.random(seen.shape) < 0.05] = np.nan
    again = seen + noise * rng.normal(size=(draws, *values.shape))
    again[rng.random(again.shape) < 0.01] = np.nan
    weights = _weights(seen, again, "posterior mean" if shrunk else "bootstrap")
    found = similarity(weights, method=method)
    frame = found.to_frame()
    for name, low, high in (
        ("estimate", "conf_low", "conf_high"),
        ("disattenuated", "disattenuated_low", "disattenuated_high"),
    ):
        known = frame[frame[low].notna()]
        assert (known[low] >= -1).all()
        assert (known[high] <= 1).all()
        assert known[name].between(known[low], known[high]).all()
        assert (known[low] < known[high]).all()
        assert frame.loc[frame[low].isna(), "reason"].notna().all()
        assert not (frame[name].abs() > 1).any()
    found.between({"x": ["a0", "a1"], "y": ["a2"]})
    found.summary()


def test_from_labels_to_similarity():
    data = planted(
        {"judge-a": [1, 0, -1, 0.5], "judge-b": [1, 0.2, -1, 0.4], "judge-c": [-1, 0, 1, 0.5]},
        n=600,
        clusters=150,
    )
    fit = decompose(data, folds=0)
    plain = similarity(fit)
    drawn = similarity(bootstrap(fit, replicates=100))
    np.testing.assert_allclose(plain.matrix(), drawn.matrix(), atol=1e-9)
    frame = drawn.to_frame()
    assert frame["n"].tolist() == [1200] * 3
    assert frame["estimate"].between(frame["conf_low"], frame["conf_high"]).all()
    assert frame["conf_low"].iloc[0] > frame["conf_high"].iloc[1]
    clusters = drawn.clusters(2)
    assert clusters["judge-a"] == clusters["judge-b"] != clusters["judge-c"]
    assert drawn.provenance.dataset == data.digest
    hover = drawn.plot().data[0].hovertext
    assert all("[" in hover[i][j] for i in range(3) for j in range(3) if i != j)


def test_overlapping_query_cases_are_left_out_unless_asked_for():
    rng = np.random.default_rng(0)
    keys = [{"annotator": a, "scenario": s} for a in "ab" for s in ("Code", "w_stances")]
    weights = Weights(
        ["x", "y", "z"],
        pd.DataFrame(keys),
        rng.normal(size=(4, 3)),
        None,
        np.zeros(4, int),
        "given",
    )
    found = similarity(weights)
    assert found.settings["scenarios"] == ["Code"]
    assert found.settings["scenarios_left_out"] == ["w_stances"]
    assert "w_stances" in found.summary()
    assert similarity(weights, scenario="w_stances").settings["scenarios"] == ["w_stances"]


def test_weights_by_annotator_or_kind_alone():
    values = np.random.default_rng(0).normal(size=(2, 4))
    for key in ("annotator", "kind"):
        keys = pd.DataFrame({key: ["human", "llm"]})
        weights = Weights(list("abcd"), keys, values, None, np.array([3, 4]), "given")
        row = similarity(weights).to_frame().iloc[0]
        assert row["estimate"] == pytest.approx(np.corrcoef(values)[0, 1])
        assert row["n"] == 7


def _blocks():
    """Three groups of annotators: alike within, not across."""
    rng = np.random.default_rng(8)
    centre = rng.normal(size=(3, 1, 2, K))
    return (centre + 0.3 * rng.normal(size=(3, 3, 2, K))).reshape(9, 2, K)


def test_clusters_are_the_planted_groups():
    found = similarity(_weights(_blocks()))
    for clusters in (found.clusters(3), found.clusters(distance=0.5)):
        groups = clusters.groupby(clusters).groups
        assert {tuple(sorted(g)) for g in groups.values()} == {
            ("a0", "a1", "a2"), ("a3", "a4", "a5"), ("a6", "a7", "a8")
        }  # fmt: skip
        assert clusters.index.tolist() == found.order
        assert clusters.is_monotonic_increasing
    assert found.clusters(1).eq(1).all()
    names, tree = found.linkage()
    heights = squareform(cophenet(tree))
    assert heights[names.index("a0"), names.index("a1")] < 0.3


def test_mean_within_and_across_groups():
    values = _blocks()
    rng = np.random.default_rng(1)
    found = similarity(_weights(values, values + 0.1 * rng.normal(size=(200, *values.shape))))
    groups = {"first": ["a0", "a1", "a2"], "second": ["a3", "a4"], "alone": ["a8"]}
    table = found.between(groups).set_index(["group", "other"])
    r = _true_similarity(values)
    assert table.loc[("first", "second"), "estimate"] == pytest.approx(r[:3, 3:5].mean())
    inner = r[:3, :3][np.triu_indices(3, 1)].mean()
    assert table.loc[("first", "first"), "estimate"] == pytest.approx(inner)
    assert table["n_pairs"].tolist() == [3, 6, 3, 1, 2, 0]
    known = table.drop(("alone", "alone"))
    assert known["estimate"].between(known["conf_low"], known["conf_high"]).all()
    assert table.loc[("alone", "alone"), "reason"].startswith("no pair")


def test_neighbours_matrix_and_export():
    values = _blocks()
    found = similarity(
        _weights(values, values + 0.1 * np.random.default_rng(1).normal(size=(40, *values.shape)))
    )
    near = found.neighbours("a4")
    assert set(near["other"].iloc[:2]) == {"a3", "a5"}
    assert near["estimate"].is_monotonic_decreasing
    assert len(near) == 8
    low = found.matrix("conf_low")
    assert np.allclose(low, low.T)
    assert (np.diag(low) == 1).all()
    json.dumps(found.to_dict(), allow_nan=False)
    assert "95% interval" in found.summary()
    assert "36 pairs" in found.summary()


def test_bad_questions_are_errors():
    weights = _weights(np.random.default_rng(0).normal(size=(2, 2, 4)))
    for options, text in (
        ({"scenario": "Cooking"}, "no scenario 'Cooking'"),
        ({"scenario": []}, "No scenario"),
        ({"terms": ["t0", "odd", "t1"]}, "no term 'odd'"),
        ({"terms": ["t0", "t1"]}, "at least 3 terms"),
        ({"method": "kendall"}, "method is out of range"),
        ({"level": 95}, "level is out of range"),
    ):
        with pytest.raises(DesignError, match=text):
            similarity(weights, **options)
    with pytest.raises(DesignError, match="at least two annotators"):
        similarity(weights.select(annotator="a0"))
    keys = pd.DataFrame({"topic": ["x", "y"]})
    with pytest.raises(DesignError, match="whose weights"):
        similarity(Weights(list("abc"), keys, np.ones((2, 3)), None, np.ones(2, int), "given"))
    found = similarity(weights)
    for call in (
        lambda: found.clusters(),
        lambda: found.clusters(0),
        lambda: found.neighbours("b"),
        lambda: found.between({"x": ["b"]}),
        lambda: found.matrix("reason"),
    ):
        with pytest.raises(DesignError):
            call()


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_annotators_without_a_common_term_are_undefined_with_draws_too(method):
    values = np.random.default_rng(0).normal(size=(2, 1, 6))
    values[0, 0, :3] = np.nan
    values[1, 0, 3:] = np.nan
    draws = np.repeat(values[None], 20, axis=0)
    row = similarity(_weights(values, draws), method=method).to_frame().iloc[0]
    assert np.isnan(row["estimate"])
    assert row["reason"].startswith("no scenario in which both")
