"""The pairs behind a number: their pulls add up to it, and the first of them show it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import workbench as wb
from tests.planted import planted
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.explain.behind import behind

ALL = 10_000
PERSON = [0.5, -0.4, 0.3, 0.2]


@pytest.fixture(scope="module")
def data():
    # the judge has the people's taste, twice as sharp, and rewards f0 beyond that
    judge = [2 * w for w in PERSON]
    judge[0] += 0.8
    weights = {"judge": judge, "person": PERSON}
    return planted(weights, n=2000, clusters=900, position=0.3, correlation=0.5)


@pytest.fixture(scope="module")
def fit(data):
    return wb.decompose(data, folds=0)


def _numbers(data, annotator):
    """Differences with the position, and labels, straight from the tables."""
    own = data.labels[data.labels["annotator"].eq(annotator)]
    x = data.factors.set_index("pair_id").loc[own["pair_id"]].to_numpy()
    shown = own["order_shown"].map({"ab": 1.0, "ba": -1.0}).to_numpy()
    return own["pair_id"].to_numpy(), np.column_stack([x, shown]), own["preference"].to_numpy()


def _held_at(x, y, k, value):
    """Fit all weights but one, which is held, by a general optimiser."""
    rest = np.delete(x, k, axis=1)

    def loss(b):
        eta = rest @ b + value * x[:, k]
        p = 1 / (1 + np.exp(-eta))
        return np.logaddexp(0, eta).sum() - y @ eta, rest.T @ (p - y)

    found = minimize(loss, np.zeros(rest.shape[1]), jac=True, method="BFGS", tol=1e-9)
    p = 1 / (1 + np.exp(-rest @ found.x - value * x[:, k]))
    w = p * (1 - p)
    told = np.linalg.solve(rest.T @ (w[:, None] * rest), rest.T @ (w * x[:, k]))
    tilde = x[:, k] - rest @ told
    return tilde * (y - p) / (w @ tilde**2)


@pytest.mark.parametrize("term", ["f0", "f1", "position"])
def test_pulls_are_the_scores_of_a_fit_without_the_factor(data, fit, term):
    pairs, x, y = _numbers(data, "judge")
    k = fit.terms.index(term)
    sign = np.sign(fit.fits["judge"].coef[k])
    expected = pd.Series(sign * _held_at(x, y, k, 0.0), pairs)
    found = behind(fit, "judge", term, n=ALL).set_index("pair_id")
    np.testing.assert_allclose(found["pull"], expected[found.index], atol=1e-8)
    np.testing.assert_allclose(found["value"], pd.Series(x[:, k], pairs)[found.index])
    assert found["pull"].sum() > 0
    assert (found["label"] == pd.Series(y, pairs)[found.index]).all()


@pytest.mark.parametrize("term", ["f0", "f1", "f2"])
def test_pulls_on_a_difference_are_taken_at_the_shared_taste(data, fit, term):
    row = wb.contrast(fit, "person").to_frame().set_index("term").loc[term]
    ratio, k = row["ratio"], fit.terms.index(term)
    (pairs, x, y), (_, x2, y2) = (_numbers(data, who) for who in ("judge", "person"))
    information = [1 / fit.fits[who].bread[k, k] for who in ("judge", "person")]
    top = ratio * information[0] * row["group_estimate"]
    top += information[1] * row["reference_estimate"]
    taste = top / (ratio**2 * information[0] + information[1])
    mine, theirs = _held_at(x, y, k, ratio * taste), _held_at(x2, y2, k, taste)
    expected = pd.Series(np.sign(row["estimate"]) * (mine - ratio * theirs), pairs)
    found = behind(fit, "judge", term, against=(fit, "person"), n=ALL).set_index("pair_id")
    np.testing.assert_allclose(found["pull"], expected[found.index], atol=1e-8)
    assert found["pull"].sum() > 0
    told = behind(fit, "judge", term, against=(fit, "person"), ratio=ratio, n=ALL)
    pd.testing.assert_frame_equal(told, found.reset_index())


def test_first_come_pairs_where_the_judge_goes_with_the_factor_and_people_do_not(fit):
    found = behind(fit, "judge", "f0", against=(fit, "person"), n=ALL)
    top, last = found.head(100), found.tail(50)
    assert (top["value"].abs() > 0.5).all()
    assert ((top["value"] > 0) == (top["label"] == 1)).all()
    assert (top["label"] + top["other_label"] == 1).all()
    assert ((last["value"] > 0) == (last["label"] == 0)).all()
    assert (last["label"] + last["other_label"] == 1).all()
    parts = found.groupby("speaks", sort=False)
    assert list(parts.groups) == ["for", "neither", "against"]
    assert all(part["pull"].is_monotonic_decreasing for _, part in parts)


def test_first_come_pairs_whose_labels_take_the_side_that_is_rewarded(fit):
    for group, term, rewarded in (("judge", "f0", 1), ("judge", "f1", -1), ("person", "f1", -1)):
        top = behind(fit, group, term, n=100)
        assert (rewarded * top["value"] * (top["label"] - 0.5) > 0).all()


def test_a_judge_that_punishes_more_has_pairs_where_it_leaves_the_factor():
    data = planted({"judge": [-0.6, -0.4, 0.5], "person": [0.6, -0.4, 0.5]}, n=800)
    fit = wb.decompose(data, folds=0)
    top = behind(fit, "judge", "f0", against=(fit, "person"), n=40)
    assert ((top["value"] > 0) == (top["label"] == 0)).all()
    assert ((top["value"] > 0) == (top["other_label"] == 1)).all()


def test_swapping_the_sides_and_the_order_of_rows_change_nothing(data, fit):
    rng = np.random.default_rng(1)
    at = rng.permutation(len(data.pairs))
    labels = data.labels.assign(
        preference=1 - data.labels["preference"],
        order_shown=data.labels["order_shown"].map({"ab": "ba", "ba": "ab"}),
    )
    names = data.factor_names
    turned = data.factors.assign(**(-data.factors[names])).iloc[at].reset_index(drop=True)
    swapped = PreferenceData(
        data.pairs.iloc[at].reset_index(drop=True),
        labels.sample(frac=1, random_state=2).reset_index(drop=True),
        turned,
        data.factor_values.iloc[at].reset_index(drop=True),
    )
    other = wb.decompose(swapped, folds=0)
    for against in (None, "person"):
        one = behind(fit, "judge", "f2", against=against and (fit, against))
        two = behind(other, "judge", "f2", against=against and (other, against))
        assert one["pair_id"].tolist() == two["pair_id"].tolist()
        np.testing.assert_allclose(one["pull"], two["pull"], atol=1e-7)


def test_pooled_people_with_ties_soft_labels_and_both_orders(data):
    """Labels of one pair add up; two copies of a label weigh as one of twice the weight."""
    own = data.labels[data.labels["annotator"].eq("person")]
    again = own.assign(annotator="another", order_shown=own["order_shown"].iloc[::-1].to_numpy())
    rng = np.random.default_rng(3)
    again["preference"] = rng.choice([0.0, 0.3, 0.5, 1.0], len(again))
    labels = pd.concat([data.labels, again])
    more = replace(data, labels=labels.reset_index(drop=True))
    people = wb.decompose(more, annotator="human", folds=0)
    judges = wb.decompose(more, annotator=["judge"], folds=0)
    found = behind(judges, "judge", "f0", against=(people, "human"), n=ALL)
    assert (found["other_n_labels"] == 2).all()
    assert found["pair_id"].is_unique
    mean = labels[labels["kind"].eq("human")].groupby("pair_id")["preference"].mean()
    np.testing.assert_allclose(found["other_label"], mean[found["pair_id"]])
    top = found.head(50)
    assert (np.sign(top["value"]) * (top["label"] - top["other_label"]) >= 0.5).all()


def test_only_some_pairs_and_so_many(data, fit):
    whole = behind(fit, "judge", "f0", n=ALL)
    some = whole["pair_id"].iloc[::7].tolist()
    found = behind(fit, "judge", "f0", among=some, n=9)
    assert found["pair_id"].tolist() == some[:9]
    assert behind(fit, "judge", "f0", among=[]).empty


def test_without_a_common_pair_the_groups_own_are_shown(data):
    pairs = data.pairs["pair_id"]
    first = data.labels["pair_id"].isin(set(pairs.iloc[:1000]))
    keep = data.labels["annotator"].eq("judge") == first
    apart = replace(data, labels=data.labels[keep].reset_index(drop=True))
    fit = wb.decompose(apart, folds=0)
    found = behind(fit, "judge", "f0", against=(fit, "person"), n=20)
    assert "no pair was labelled by both" in found["method"].iloc[0]
    assert found["other_label"].isna().all()
    assert (found["speaks"] == "for").all()


def test_what_is_not_told_has_no_pairs_but_a_reason(data, fit):
    flat = data.with_factors(
        data.factors.drop(columns="pair_id").assign(f1=0.0),
        pd.DataFrame(index=data.factors.index),
        {},
    )
    with pytest.raises(DesignError, match="no weight of f1") as told:
        behind(wb.decompose(flat, folds=0), "judge", "f1")
    assert "vary" in str(told.value) or "differ" in str(told.value)
    for group, term, n in (("nobody", "f0", 5), ("judge", "nothing", 5), ("judge", "f0", 0)):
        with pytest.raises(DesignError):
            behind(fit, group, term, n=n)
    with pytest.raises(DesignError, match="nobody"):
        behind(fit, "judge", "f0", against=(fit, "nobody"))


def test_separated_pairs_have_no_part(data):
    """Pairs that a separating factor decides say nothing on the other weights."""
    factors = data.factors.drop(columns="pair_id").copy()
    own = data.labels[data.labels["annotator"].eq("judge")].set_index("pair_id")
    label = own["preference"].loc[data.pairs["pair_id"]].to_numpy()
    factors["f3"] = np.where(np.arange(len(factors)) < 50, 2 * label - 1, 0.0)
    fit = wb.decompose(
        data.with_factors(factors, pd.DataFrame(index=factors.index), {}),
        annotator=["judge"],
        folds=0,
    )
    found = behind(fit, "judge", "f0", n=ALL)
    assert len(found) == 1950
    assert not set(found["pair_id"]) & set(data.pairs["pair_id"].iloc[:50])


def test_a_pair_shown_in_both_orders_speaks_of_the_position_by_what_changed():
    """Who always takes the first response says nothing of a pair, and all of the position."""
    n = 300
    data = planted({"judge": [0.8, -0.5, 0.4]}, n=n, position=0.5)
    turned = data.labels.assign(
        order_shown=data.labels["order_shown"].map({"ab": "ba", "ba": "ab"})
    )
    first = data.labels["order_shown"].eq("ab").to_numpy()
    always = np.arange(n) < 40
    turned.loc[always, "preference"] = 1.0 - first[always]
    labels = data.labels.copy()
    labels.loc[always, "preference"] = first[always].astype(float)
    both = replace(data, labels=pd.concat([labels, turned], ignore_index=True))
    fit = wb.decompose(both, folds=0)
    top = behind(fit, "judge", "position", n=30)
    assert set(top["pair_id"]) <= set(data.pairs["pair_id"].iloc[:40])
    assert (top["speaks"] == "for").all()
    assert (top["n_labels"] == 2).all()


def test_a_column_that_is_only_large_beside_the_others_does_not_come_first():
    data = planted({"judge": [0.7, 0.7, 0.3]}, n=1500, correlation=2.0)
    fit = wb.decompose(data, folds=0)
    top = behind(fit, "judge", "f0", n=100)
    x = data.factors.set_index("pair_id").loc[top["pair_id"], ["f0", "f1", "f2"]].to_numpy()
    rest = x[:, 0] - x[:, 1:] @ np.linalg.lstsq(
        data.factors[["f1", "f2"]].to_numpy(), data.factors["f0"].to_numpy(), rcond=None
    )[0]  # fmt: skip
    # what the others leave, by plain least squares: close to the fit's own
    assert (np.abs(top["value"]) > 0.3 * np.abs(rest)).all()
    assert (top["value"] * (top["label"] - 0.5) > 0).all()
