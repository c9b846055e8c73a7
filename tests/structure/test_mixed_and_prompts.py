"""Spread of people's weights: what labels of one prompt share is no spread, and no certainty."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import workbench as wb
from workbench.data.dataset import PreferenceData
from workbench.structure.mixed import table as tables
from workbench.structure.mixed.draws import normal_draws
from workbench.structure.mixed.likelihood import Simulated
from workbench.structure.mixed.profile import Spread
from workbench.structure.mixed.sets import choice_sets
from workbench.structure.planted import planted_people


def people_alike(seed: int) -> PreferenceData:
    """Each pair has a gap of its own that no factor measures; people do not differ."""
    rng = np.random.default_rng(seed)
    data, _ = planted_people(people=16, labels=25, pairs=35, tastes=[(0.0, 0.0)], seed=seed)
    gap = 1.5 * rng.normal(size=35)[data.pair_rows]
    said = (rng.random(len(gap)) < 1 / (1 + np.exp(-gap))) * 1.0
    return replace(data, labels=data.labels.assign(preference=said))


def test_what_labels_of_one_prompt_share_is_in_the_errors_and_not_in_the_test_of_tau() -> None:
    p, tau_p, wider = [], [], []
    for seed in range(3):
        rows = wb.mixed(people_alike(seed)).to_frame()
        p += rows["p_value"].tolist()
        tau_p += rows["tau_p_value"].tolist()
        wider += (rows["std_error"] / rows["hessian_error"]).tolist()
    assert np.mean(np.array(p) < 0.05) <= 0.2
    assert np.mean(np.array(tau_p) < 0.05) <= 0.2
    assert np.mean(wider) > 1.5


def test_rows_move_the_scores_as_the_likelihood_says() -> None:
    rng = np.random.default_rng(1)
    X, who = rng.normal(size=(40, 2, 2)), np.repeat(np.arange(4), 10)
    said = (rng.random(40) < 0.5) * 1.0
    theta = np.array([0.5, -0.3, 0.8, 0.6])

    def of(votes: np.ndarray) -> Simulated:
        sets = choice_sets(X, np.c_[votes, 1 - votes], who)
        return Simulated(sets, normal_draws("sobol", 4, 2, 128, 0), np.arange(2))

    moved = of(said).by_row(theta)
    # a person's rows pull as his score does, but for what they move of the shares of the draws
    halves = of(np.full(40, 0.5)).by_row(theta)
    assert moved.shape == halves.shape == (40, 4)
    for i in (0, 17):
        score = []
        for turn in (1e-5, -1e-5):
            votes = said.copy()
            votes[i] = 0.5 + turn
            score.append(of(votes).scores(theta)[1].sum(axis=0))
        slope = (score[0] - score[1]) / 2e-5
        votes[i] = 0.5
        here = of(votes).by_row(theta)[i, :2]
        # along the slope, as far as the label is from what is expected of it
        assert np.linalg.matrix_rank(np.stack([here, slope[:2]]), tol=1e-4) == 1
        nothing = replace_share(of(votes), theta, i)
        np.testing.assert_allclose(here, slope[:2] * nothing, atol=1e-5)


def replace_share(model: Simulated, theta: np.ndarray, i: int) -> float:
    """Return the residual of one label under the mean of its person's draws, by hand."""
    sets, p = model.sets, int(model.sets.person[i])
    b = theta[:2] + theta[2:] * model.z[p]
    rows = sets.person == p
    eta = sets.rows[rows, 0] @ b.T
    ll = (sets.votes[rows] * eta - np.logaddexp(0, eta)).sum(axis=0)
    share = np.exp(ll - ll.max())
    share /= share.sum()
    mean = share @ (1 / (1 + np.exp(-(sets.rows[i, 0] @ b.T))))
    return float(sets.votes[i, 0] - mean)


def test_interval_and_test_that_disagree_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "profile", lambda *_: Spread(0.2, 1.0))
    data, _ = planted_people(people=10, labels=12, tastes=[(1.0, -0.5)], seed=2)
    data = replace(data, labels=data.labels.assign(preference=np.arange(120) % 2 * 1.0))
    found = wb.mixed(data)
    rows = found.to_frame()
    apart = (rows["tau_low"] > 0) & (rows["tau_p_value"] > 0.05)
    assert apart.any()
    assert rows.loc[apart, "tau_reason"].str.contains("labels of one prompt share").all()
    assert rows.loc[~apart, "tau_reason"].isna().all()
    assert f"note: {rows.loc[apart, 'term'].iloc[0]}: the interval leaves out 0" in found.summary()


def test_people_without_a_common_prompt_have_no_test() -> None:
    data, _ = planted_people(people=12, labels=20, tastes=[(1.0, -0.5)], seed=2)
    who = data.labels["annotator"]
    own = dict(zip(data.labels["pair_id"], who, strict=True))  # of each pair one person stays
    alone = replace(data, labels=data.labels[who.eq(data.labels["pair_id"].map(own))])
    found = wb.mixed(alone)
    rows = found.to_frame()
    assert rows["tau_p_value"].isna().all()
    assert rows["tau_reason"].str.contains("no prompt").all()
    assert "people cannot be told from their prompts" in found.summary()
    assert "spread-not-told-from-prompts" in {one.rule_id for one in found.findings()}


def test_a_tau_that_nothing_bounds_is_undefined_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tables, "profile", lambda *_: Spread(0.0, float("inf")))
    data, _ = planted_people(people=10, labels=12, tastes=[(1.0, -0.5)], seed=2)
    found = wb.mixed(data)
    rows = found.to_frame()
    assert rows["tau_high"].isna().all()
    assert rows["tau_reason"].str.contains("do not bound tau from above").all()
    assert rows["share_high"].tolist() == [0.5, 0.5]
    assert "inf" not in found.summary().replace("infer", "")
