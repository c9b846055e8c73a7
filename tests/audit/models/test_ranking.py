"""Ranking accuracy against the theorems, on tabular policies and by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import expit, log_softmax, logit

from workbench.audit.models.ranking import (
    idealised,
    ranking_accuracy,
    required_loss,
)
from workbench.audit.models.training import transitions
from workbench.errors import DataError


def table(n: int = 200, seed: int = 0, **columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    chosen, rejected = rng.normal(-60, 20, (2, n))
    return pd.DataFrame(
        {
            "pair_id": [f"p{k}" for k in range(n)],
            "cluster": [f"c{k // 2}" for k in range(n)],
            "chosen": chosen,
            "rejected": rejected,
            "n_chosen": rng.integers(5, 60, n),
            "n_rejected": rng.integers(5, 60, n),
            "ref_chosen": chosen + rng.normal(0, 5, n),
            "ref_rejected": rejected + rng.normal(0, 5, n),
            **columns,
        }
    )


def test_a_perfect_dpo_solution_reaches_the_idealised_accuracy():
    """Theorem 3.1 and corollary 3.3: a tabular policy, trained to the bottom, soft labels."""
    rng = np.random.default_rng(0)
    beta = 0.5
    for alpha in (0.6, 0.75, 0.9):
        reference = log_softmax(rng.normal(0, 2, (30, 3)), axis=1)

        def loss(flat, reference=reference, alpha=alpha):
            policy = log_softmax(flat.reshape(30, 3), axis=1)
            h = beta * ((policy[:, 0] - policy[:, 1]) - (reference[:, 0] - reference[:, 1]))
            return float((alpha * np.logaddexp(0, -h) + (1 - alpha) * np.logaddexp(0, h)).sum())

        found = minimize(loss, reference.ravel(), method="BFGS", options={"gtol": 1e-8})
        policy = log_softmax(found.x.reshape(30, 3), axis=1)
        c = reference[:, 1] - reference[:, 0]
        margin = policy[:, 0] - policy[:, 1]
        assert margin == pytest.approx(-c + logit(alpha) / beta, abs=1e-3)
        ideal = idealised(c, np.full(30, alpha), beta)
        assert (margin > 0).astype(float).tolist() == ideal.tolist()


def test_a_loss_below_the_required_one_is_a_right_ranking_and_no_other():
    """Theorem 4.1: right exactly where the DPO loss is at most -log sigma(beta c)."""
    rng = np.random.default_rng(1)
    beta, c, margin = 0.1, rng.normal(0, 30, 500), rng.normal(0, 30, 500)
    loss = -np.log(expit(beta * (margin + c)))
    assert ((loss < required_loss(c, beta)) == (margin > 0)).all()
    # proposition 2.6: a reference that ranks rightly and a loss of 0.6 are enough
    easy = c < 0
    assert (margin[easy & (loss <= 0.6)] > 0).all()


def test_the_measures_by_hand():
    scores = table(4, chosen=[-10.0, -20, -30, -5], rejected=[-12.0, -18, -30, -9],
                   n_chosen=[5, 10, 10, 1], n_rejected=[5, 6, 10, 3],
                   ref_chosen=[-11.0, -25, -29, -8],
                   ref_rejected=[-11.0, -18, -20, -6])  # fmt: skip
    found = ranking_accuracy(scores, beta=0.1).to_frame().set_index("term")["estimate"]
    assert found["ranking accuracy"] == (1 + 0 + 0.5 + 1) / 4
    # -2 > -2.4, -2 > -3, equal, -5 < -3
    assert found["length-normalised ranking accuracy"] == (1 + 1 + 0.5 + 0) / 4
    # margins 2, -2, 0, 4 minus the reference's 0, -7, -9, -2: all moved the right way
    assert found["reward accuracy"] == 1.0
    assert found["reference ranking accuracy"] == (0.5 + 0 + 0 + 0) / 4
    for ties, wanted in (("drop", 2 / 3), ("wrong", 0.5)):
        rows = ranking_accuracy(scores, ties=ties).to_frame().set_index("term")
        assert rows.loc["ranking accuracy", "estimate"] == pytest.approx(wanted)
    wide = ranking_accuracy(scores, band=2.0).to_frame().set_index("term")
    assert wide.loc["ranking accuracy", "ties"] == 0.75


def test_the_idealised_accuracy_is_the_distribution_of_c():
    scores = table(400, seed=3)
    found = ranking_accuracy(scores)
    c = (scores["ref_rejected"] - scores["ref_chosen"]).to_numpy()
    for row in found.ideal.to_dict("records"):
        limit = logit(0.999) / row["beta"]
        assert row["estimate"] == pytest.approx((c < limit).mean())
    # beta 0.1: 69 nats, as stated for unanimous votes
    assert logit(0.999) / 0.1 == pytest.approx(69.07, abs=0.01)
    assert logit(0.75) / 0.1 == pytest.approx(10.99, abs=0.01)
    released = ranking_accuracy(scores, as_released=True)
    assert released.settings["as_released"]
    assert not released.ideal.equals(found.ideal)


def test_pairs_never_learnt_and_transitions():
    scores = table(300, seed=4)
    before = ranking_accuracy(scores, beta=0.1)
    # a loss of .3 at beta .1 leaves pairs with c above 10.5 nats wrong
    c = (scores["ref_rejected"] - scores["ref_chosen"]).to_numpy()
    assert set(before.never_learnt["pair_id"]) == set(scores["pair_id"][c > 10.5])
    moved = scores.assign(chosen=scores["chosen"] + 15)
    table_of = transitions(before, ranking_accuracy(moved))
    was = (scores["chosen"] > scores["rejected"]).to_numpy()
    now = (moved["chosen"] > moved["rejected"]).to_numpy()
    counts = table_of.set_index(["before", "after"])["n"]
    assert counts["wrong", "right"] == (~was & now).sum()
    assert counts["right", "wrong"] == 0
    assert table_of["share"].sum() == pytest.approx(1)
    assert before.plot().data
    assert "alignment gap" in before.summary()
    with pytest.raises(DataError, match="same pairs"):
        transitions(before, ranking_accuracy(scores.head(10)))


def test_likelihoods_that_are_none_are_refused():
    scores = table(5)
    with pytest.raises(DataError, match="finite"):
        ranking_accuracy(scores.assign(chosen=np.nan))
    with pytest.raises(DataError, match="n_rejected"):
        ranking_accuracy(scores.drop(columns="n_rejected"))
