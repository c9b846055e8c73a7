"""Groups of people: what labels of one prompt share is no group, and why what is undefined."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.structure.test_groups import planted
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.structure.groups.fitted import _by_cell, of_classes
from workbench.structure.groups.mixture import Problems, evaluate
from workbench.structure.groups.number import fits
from workbench.structure.groups.panel import panel
from workbench.structure.labels import person_labels
from workbench.structure.planted import planted_people


def without_overlap(people: int = 12) -> PreferenceData:
    data = planted(2, people=people, labels=20)
    who = data.labels["annotator"]
    own = dict(zip(data.labels["pair_id"], who, strict=True))  # of each pair one person stays
    return replace(data, labels=data.labels[who.eq(data.labels["pair_id"].map(own))])


def people_alike(seed: int, people: int = 24) -> PreferenceData:
    """Every prompt weighs the factors otherwise, people do not."""
    rng = np.random.default_rng(seed)
    of_prompt = np.array([1.0, -0.5]) + rng.normal(size=(24, 2))
    X = rng.normal(size=(24 * 4, 2))
    rows = []
    for p in range(people):
        at = (rng.choice(24, 6, replace=False)[:, None] * 4 + np.arange(4)).ravel()
        eta = (X[at] * of_prompt[at // 4]).sum(axis=1)
        said = (rng.random(len(at)) < 1 / (1 + np.exp(-eta))) * 1.0
        rows.append(pd.DataFrame({"pair": at, "annotator": f"p{p:02d}", "kind": "human",
                                  "preference": said}))  # fmt: skip
    pairs = pd.DataFrame({"item": [f"pair {k}" for k in range(96)],
                          "cluster": [f"prompt {k // 4}" for k in range(96)]})  # fmt: skip
    data = PreferenceData.from_tables(pairs, pd.concat(rows, ignore_index=True))
    frame = pd.DataFrame(X, columns=["first", "second"])
    specs = {name: {"coding": {"transform": "difference"}} for name in frame}
    return data.with_factors(frame, pd.DataFrame(index=frame.index), specs)


def test_people_without_a_common_prompt_are_not_told_from_prompts() -> None:
    found = wb.groups(without_overlap(), max_groups=2, simulations=0)
    assert found.settings["verdict"].startswith("undefined: no prompt has labels of two people")
    assert found.groups == 1
    assert found.number["p_exchange"].isna().all()
    assert "people cannot be told from their prompts" in found.number["reason"].iloc[1]
    assert "people-not-told-from-prompts" in {one.rule_id for one in found.findings()}


def test_what_labels_of_one_prompt_share_is_no_group_of_people() -> None:
    verdicts, p, misfit = [], [], []
    for seed in range(5):
        found = wb.groups(people_alike(seed), max_groups=2, simulations=19 * (seed < 2), folds=3)
        verdicts.append(found.settings["verdict"])
        p.append(found.number["p_exchange"].iloc[1])
        misfit.append(found.number["misfit_p"].iloc[0])
    assert verdicts.count("one public") >= 4
    assert (np.array(p) <= 0.05).sum() <= 1
    # labels that are simulated from the pooled fit share nothing: they call it a misfit
    assert np.nanmin(misfit) == 0.05


def test_errors_of_weights_know_what_labels_of_one_prompt_share() -> None:
    rng = np.random.default_rng(0)
    data, _ = planted_people(people=16, labels=30, pairs=40, tastes=[(0.0, 0.0)], seed=1)
    gap = 1.5 * rng.normal(size=40)[data.pair_rows]
    said = (rng.random(len(gap)) < 1 / (1 + np.exp(-gap))) * 1.0
    data = replace(data, labels=data.labels.assign(preference=said))
    labels = person_labels(data)
    laid = panel(labels)
    whole, prompt = fits(laid, labels, 1, 0), labels.prompt[laid.cells]
    fit = of_classes(whole.best[0], laid, whole.weight, whole.votes, prompt)
    alone = of_classes(whole.best[0], laid, whole.weight, whole.votes, np.arange(len(prompt)))
    ratio = np.diag(fit.covariance) / np.diag(alone.covariance)
    assert (ratio > 2).all()  # 12 labels of each prompt lean its way
    assert np.linalg.eigvalsh(fit.covariance - alone.covariance)[0] > -1e-12


def test_cells_move_scores_as_the_likelihood_says() -> None:
    labels = person_labels(planted(2, people=12, labels=20))
    laid = panel(labels)
    whole = fits(laid, labels, 2, 0)
    best, zero = whole.best[1], np.zeros(1, int)
    moved = _by_cell(best, laid, whole.weight, whole.votes)
    for i in (3, 100):
        score = []
        for turn in (1e-5, -1e-5):
            votes = whole.votes.copy()
            votes[i] += turn
            other = Problems(laid, whole.weight[:, None], votes[:, None])
            score.append(evaluate(other, zero, best.b, best.log_pi, False).gradient[0])
        slope = (score[0] - score[1]) / 2e-5
        p = 1 / (1 + np.exp(-(best.b[0] @ laid.X[i])))
        r = best.posterior[0, laid.person[i]]
        said = whole.votes[i]
        # the label's own pull has each class's residual, what it moves beside the mean one
        own = r[:, None] * laid.X[i]
        beside = (slope[:6].reshape(2, 3) - own) * (said - r @ p)
        wanted = own * (said - p)[:, None] + beside
        np.testing.assert_allclose(moved[i, :6].reshape(2, 3), wanted, atol=1e-6)
        np.testing.assert_allclose(moved[i, 6:], slope[6:] * (said - r @ p), atol=1e-6)


def test_two_groups_that_were_not_tried_are_no_one_public() -> None:
    few = wb.groups(planted(2, people=5, labels=20), max_groups=3, simulations=0)
    assert few.settings["verdict"] == (
        "undefined: too few people to try two groups: 6 needed, 5 there"
    )
    assert "Detectable" not in few.summary()
    assert "at most 1 group is tried, not 3" in few.summary()
    asked = wb.groups(planted(2, people=12, labels=20), max_groups=1, simulations=0)
    assert asked.settings["verdict"] == "undefined: two groups were not tried: max_groups is 1"
    capped = wb.groups(planted(2, people=7, labels=20), max_groups=3, simulations=0)
    assert "at most 2 groups are tried, not 3: 7 people" in capped.summary()


def test_a_gain_of_next_to_nothing_is_none() -> None:
    data = planted(1, people=12, labels=20)
    tied = data.labels.assign(preference=0.5)
    tied.loc[0, "preference"] = 1.0
    found = wb.groups(replace(data, labels=tied), max_groups=3, simulations=0)
    assert found.groups == 1
    assert "[+0.0000, +0.0000]" not in found.summary()
    assert "[-0.0000, +0.0000]" not in found.summary()


def test_fewer_prompts_than_folds_are_refused_with_what_helps() -> None:
    data = planted(1, people=12, labels=20)
    pairs = data.pairs.assign(cluster=[f"prompt {k % 3}" for k in range(len(data.pairs))])
    with pytest.raises(DesignError, match="too few prompts for 5 folds") as refused:
        wb.groups(replace(data, pairs=pairs), max_groups=2, simulations=0)
    assert "Ask for 2 to 3 folds" in str(refused.value)
    assert wb.groups(replace(data, pairs=pairs), max_groups=2, simulations=0, folds=3)


def test_every_table_says_how_it_was_made() -> None:
    data = planted(2, people=16, labels=30)
    gone = data.labels["preference"].mask(np.arange(len(data.labels)) % 7 == 0, 0.5)
    found = wb.groups(
        replace(data, labels=data.labels.assign(preference=gone)), ties="drop", max_groups=2,
        simulations=0,
    )  # fmt: skip
    assert found.groups == 2
    for name, table in found.tables().items():
        assert name == "exclusions" or (table["method"].str.len() > 0).all(), name
    assert {"n", "method"} <= set(found.detectable)
    left = found.tables()["exclusions"]
    assert list(left) == ["annotator", "reason", "n"]
    assert left["n"].sum() == found.settings["n_left_out"] == (gone == 0.5).sum()
