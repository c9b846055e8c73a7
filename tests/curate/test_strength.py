"""How strong labels are: planted agreement, planted mislabels, planted tastes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.voted import pairs_of, turned, voted, with_factors
from workbench.curate.beta_binomial import fit_prior, posterior
from workbench.curate.grades import grade_margins
from workbench.curate.sources import left_by_model
from workbench.errors import DataError, DesignError


def table(found: wb.Strength) -> pd.DataFrame:
    return found.to_frame().set_index("term")


@pytest.mark.parametrize("alpha", [0.5, 2.0, 8.0])
def test_the_correlation_of_votes_is_recovered(alpha: float) -> None:
    rng = np.random.default_rng(1)
    data = voted(rng.beta(alpha, alpha, 4000), 5, seed=2)
    row = table(wb.strength(data)).loc["correlation of two votes on a pair"]
    truth = 1 / (1 + 2 * alpha)
    assert abs(row["estimate"] - truth) < 0.02
    assert row["conf_low"] < truth < row["conf_high"]


def test_the_interval_of_the_correlation_covers() -> None:
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(200):
        a = rng.binomial(4, rng.beta(1.5, 1.5, 150)).astype(float)
        found = fit_prior(a, 4 - a, np.arange(150))
        hits += found.conf_low < 0.25 < found.conf_high
    assert 180 <= hits <= 198


def test_the_posterior_is_the_formula() -> None:
    a, b, ties = np.array([7.0, 0, 1]), np.array([3.0, 0, 0]), np.array([0.0, 2, 0])
    p, sd = posterior(a, b, ties, 1.5)
    np.testing.assert_allclose(p, [8.5 / 13, 2.5 / 5, 2.5 / 4])
    np.testing.assert_allclose(sd, np.sqrt(p * (1 - p) / (np.array([13, 5, 4]) + 1)))


def test_soft_labels_are_calibrated_for_votes_never_seen() -> None:
    rng = np.random.default_rng(4)
    truth = rng.beta(1.2, 1.2, 6000)
    found = wb.strength(voted(truth, rng.integers(1, 6, 6000), seed=5))
    p, y = found.pairs["p_soft"].to_numpy(), rng.random(6000) < truth
    bins = np.minimum((p * 10).astype(int), 9)
    ece = sum(abs((p - y)[bins == k].sum()) for k in range(10)) / len(p)
    assert ece < 0.02
    # the share itself is too sure
    share = voted(truth, rng.integers(1, 6, 6000), seed=5).labels["preference"].to_numpy()
    bins = np.minimum((share * 10).astype(int), 9)
    assert sum(abs((share - y)[bins == k].sum()) for k in range(10)) / len(p) > 0.05
    row = table(found).loc["ECE, votes"]
    assert row["conf_low"] < 0.02
    assert row["n"] == (found.pairs["n_votes"] >= 2).sum()


def test_grades_stand_for_the_means_of_logistic_intervals() -> None:
    # six equal shares: cutpoints at logit(k / 6), means by numerical integration
    side, grade = np.tile([1.0, -1.0], 3), np.array([1.0, 1, 2, 2, 3, 3])
    margin, cutpoints = grade_margins(side, grade)
    ends = np.log(np.arange(1, 6) / np.arange(5, 0, -1))
    np.testing.assert_allclose(cutpoints["upper"].to_numpy()[:-1], ends, atol=1e-12)
    p = (np.arange(200_000) + 0.5) / 200_000
    means = [np.log(q / (1 - q)).mean() for q in np.array_split(p, 6)]
    np.testing.assert_allclose(cutpoints["margin"], means, atol=2e-3)
    assert margin[0] == -margin[1]


def graded(n: int = 1500, seed: int = 0) -> wb.PreferenceData:
    rng = np.random.default_rng(seed)
    taste = rng.normal(size=n) * 1.5
    rows = []
    for person in ("ann", "bob", "cay"):
        said = taste + rng.logistic(size=n)
        rows.append(pd.DataFrame({
            "pair": np.arange(n), "annotator": person, "kind": "human",
            "preference": (said > 0).astype(float),
            "strength": 1.0 + (np.abs(said) > 1) + (np.abs(said) > 2.5),
        }))  # fmt: skip
    return with_factors(pairs_of(n), pd.concat(rows, ignore_index=True), None)


def test_grades_are_brought_to_what_other_people_say() -> None:
    found = wb.strength(graded(), source="grades")
    rows = table(found)
    assert rows.loc["ECE, grades", "estimate"] < 0.2
    assert found.settings["sources"]["grades"].startswith("temperature")
    # one person's grade, taken at its face, is surer than two others confirm
    assert float(found.settings["sources"]["grades"].split()[1]) > 1.2


def mislabelled(n: int, flips: float, seed: int = 0) -> tuple[wb.PreferenceData, np.ndarray]:
    """Five voters who follow the factors; of the first one's labels some are turned.

    Returns which labels are against the factors.
    """
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2)) * 3
    eta = x @ np.array([4.0, -3.0])
    wrong = rng.random(n) < flips
    rows = []
    for person in ("ann", "bob", "cay", "dan", "eve"):
        y = rng.random(n) < 1 / (1 + np.exp(-eta))
        if person == "ann":
            y = y ^ wrong
        rows.append(pd.DataFrame({"pair": np.arange(n), "annotator": person, "kind": "human",
                                  "preference": y.astype(float)}))  # fmt: skip
    labels = pd.concat(rows, ignore_index=True)
    data = with_factors(pairs_of(n), labels, {"f": x[:, 0], "g": x[:, 1]})
    return data, ((labels["preference"] > 0.5) != (eta > 0)[labels["pair"]]).to_numpy()


def test_planted_mislabels_are_found_with_the_told_precision() -> None:
    data, wrong = mislabelled(1500, 0.3)
    found = wb.strength(data)
    labels, pairs = data.labels, found.pairs.set_index("pair_id")["margin"]
    signed = np.where(labels["preference"] > 0.5, 1, -1) * labels["pair_id"].map(pairs)
    assert wrong.mean() < 0.15
    for row in found.suspects.itertuples():
        flagged = signed.to_numpy() <= np.quantile(signed, row.cut)
        assert abs(wrong[flagged].mean() - row.estimate) < 0.08
        assert row.estimate > 2 * row.base_rate


def test_expected_precision_without_repeats_is_what_another_vote_says() -> None:
    rng = np.random.default_rng(7)
    x = rng.normal(size=6000)
    chance = 1 / (1 + np.exp(-1.2 * x))
    y, again = rng.random(6000) < chance, rng.random(6000) < chance
    labels = pd.DataFrame({"pair": np.arange(6000), "annotator": "ann", "kind": "human",
                           "preference": y.astype(float)})  # fmt: skip
    found = wb.strength(with_factors(pairs_of(6000), labels, {"f": x}))
    assert found.settings["source"] == "model"
    signed = np.where(y, 1, -1) * found.pairs["margin"].to_numpy()
    for row in found.suspects.itertuples():
        assert np.isnan(row.estimate)
        assert "no label is repeated" in row.reason
        flagged = signed <= np.quantile(signed, row.cut)
        assert abs((again != y)[flagged].mean() - row.expected) < 0.05
        assert abs((again != y).mean() - row.expected_base) < 0.02


def test_another_taste_is_told_from_mislabels() -> None:
    rng = np.random.default_rng(9)
    n = 1200
    x = rng.normal(size=n) * 2
    rows = []
    for k in range(5):
        sign = -1 if k == 4 else 1
        y = rng.random(n) < 1 / (1 + np.exp(-sign * 2 * x))
        rows.append(pd.DataFrame({"pair": np.arange(n), "annotator": f"p{k}", "kind": "human",
                                  "preference": y.astype(float)}))  # fmt: skip
    found = wb.strength(with_factors(pairs_of(n), pd.concat(rows), {"f": x}))
    verdicts = found.people.set_index("annotator")["verdict"]
    assert verdicts["p4"] == "of another taste"
    assert set(verdicts.drop("p4")) == {"as the rest"}
    readings = found.cells.groupby("reading")["n"].sum()
    assert readings["of another taste"] > 5 * readings["mislabelled"]


def test_exchanging_sides_changes_nothing() -> None:
    data, _ = mislabelled(300, 0.2)
    one, other = wb.strength(data), wb.strength(turned(data))
    np.testing.assert_allclose(one.pairs["p_soft"], 1 - other.pairs["p_soft"])
    np.testing.assert_allclose(one.pairs["margin"], -other.pairs["margin"], atol=1e-6)
    pd.testing.assert_frame_equal(one.suspects, other.suspects, rtol=1e-5)


def test_judges_that_give_probabilities_are_a_source() -> None:
    rng = np.random.default_rng(11)
    n = 2000
    chance = rng.beta(1.5, 1.5, n)
    odds = np.log(chance / (1 - chance))
    people = pd.DataFrame({"pair": np.arange(n), "annotator": "ann", "kind": "human",
                           "preference": (rng.random(n) < chance).astype(float)})  # fmt: skip
    # twice as sure as it should be
    judge = pd.DataFrame({"pair": np.arange(n), "annotator": "gpt", "kind": "llm",
                          "preference": 1 / (1 + np.exp(-2 * odds))})  # fmt: skip
    found = wb.strength(with_factors(pairs_of(n), pd.concat([people, judge]), None))
    assert found.settings["source"] == "judge"
    assert abs(float(found.settings["sources"]["judge"].split()[1]) - 2) < 0.25
    assert np.abs(found.pairs["p_judge"] - chance).mean() < 0.03


def test_without_any_source_it_says_so() -> None:
    labels = pd.DataFrame({"pair": [0, 1], "annotator": "a", "preference": [1.0, 0.0]})
    with pytest.raises(DataError, match="how strong"):
        wb.strength(with_factors(pairs_of(2), labels, None))
    with pytest.raises(DesignError, match="source"):
        wb.strength(wb.load("sample"), source="stars")


def test_the_result_is_whole() -> None:
    found = wb.strength(mislabelled(300, 0.2)[0])
    assert set(found.tables()) == {"strength", "suspects", "two_way", "annotators"}
    assert "base rate" in found.summary()
    assert found.plot().data
    assert found.to_dict()["type"] == "Strength"
    assert found.provenance.dataset


def test_a_pair_whose_factors_do_not_differ_is_no_certainty() -> None:
    """P of such pairs is a draw of the beta prior: its deviation is that of the prior."""
    rng = np.random.default_rng(31)
    x = np.where(rng.random(800) < 0.4, 0.0, rng.normal(size=800))
    data = voted(rng.beta(2, 2, 800), 4, {"x": x}, seed=32)
    sd = wb.strength(data, source="model").pairs["p_sd"].to_numpy()
    assert sd[x == 0].std() < 1e-9
    assert sd.max() < 0.5
    # nothing that lies in [0, 1] with this mean varies more, however far the fits are apart
    p = np.array([0.5, 0.9])
    assert (left_by_model(p, np.array([9.0, 9.0]), np.nan) <= np.sqrt(p * (1 - p))).all()
    # P is drawn from Beta(2, 2), whose deviation is sqrt(1 / 20)
    assert abs(sd[x == 0][0] - np.sqrt(1 / 20)) < 0.02


@pytest.mark.filterwarnings("error")
def test_pairs_that_a_model_cannot_tell_apart_weigh_least() -> None:
    rng = np.random.default_rng(33)
    x = np.where(rng.random(600) < 0.3, 0.0, 1.5 * rng.normal(size=600))
    data = voted(1 / (1 + np.exp(-2 * x)), 1, {"x": x}, seed=34, texts=True)
    made = wb.curate(data, {"weight": "variance", "source": "model"})
    weight = made.pairs.set_index("pair_id")["weight"].reindex(data.pairs["pair_id"]).to_numpy()
    assert len(made.data) == 600
    # one vote a pair bounds nothing: one over P (1 - P)
    assert weight[x == 0].max() == pytest.approx(weight.min())
    assert np.median(weight[np.abs(x) > 1]) > weight[x == 0].max()
