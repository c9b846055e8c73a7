"""The lines that an audit of a model opens with, of models whose truth is planted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.audit.models.verdict import (
    CALIBRATED,
    DISPLACED,
    NO,
    NOT_ASKED,
    OPEN,
    RANKS,
    REACHES,
    YES,
    verdict,
)
from workbench.audit.models.whole import audit_scores
from workbench.scoring.training.kept import ModelScores

BETA = 0.1


def scores(
    n: int = 400, *, right: float = 0.9, fall: float = 0.0, margin: float = 20.0, seed: int = 0
) -> ModelScores:
    """Scores of a model that ranks a share rightly and moved the preferred ones by so much.

    Its margins moved by `margin` nats, so that its probabilities are sigmoid(beta margin).
    """
    rng = np.random.default_rng(seed)
    base = pd.DataFrame(
        {"pair_id": [f"p{k}" for k in range(n)], "cluster": [f"c{k}" for k in range(n)],
         "scenario": None, "side": "a", "votes": 1.0, "reason": None,
         "chosen": rng.normal(-60, 5, n), "n_chosen": 20, "n_rejected": 20}
    )  # fmt: skip
    base["rejected"] = base["chosen"]
    sign = np.where(rng.random(n) < right, 1.0, -1.0)
    moved = fall + rng.normal(0, 1, n)
    last = base.assign(chosen=base["chosen"] + moved,
                       rejected=base["rejected"] + moved - sign * margin)  # fmt: skip
    return ModelScores({"reference": base, "model": last}, True, BETA, 0.0)


def told(found: ModelScores) -> pd.DataFrame:
    return verdict(audit_scores(found)).set_index("question")


def test_a_model_that_ranks_well_and_keeps_what_is_preferred():
    # 88 % right, and a probability of sigmoid(0.1 x 20) = 0.88; from a reference that prefers
    # neither, a perfect solution would rank all of them
    rows = told(scores(2000, right=0.88, fall=1.0))
    assert rows["word"].tolist() == [YES, NO, NO, YES]
    assert rows["sound"].tolist() == [True, False, True, True]
    assert rows.loc[REACHES, "estimate"] == pytest.approx(0.12, abs=0.02)
    assert told(scores(2000, right=0.98)).loc[REACHES, "word"] == YES
    assert rows.loc[RANKS, "estimate"] == pytest.approx(0.88, abs=0.02)
    assert rows.loc[DISPLACED, "estimate"] == pytest.approx(1.0, abs=0.1)
    assert (rows["conf_low"] < rows["estimate"]).all()
    assert (rows["n"] >= 2000).all()


def test_a_model_that_ranks_the_wrong_way_and_drives_the_preferred_away():
    rows = told(scores(right=0.3, fall=-3.0))
    assert rows.loc[RANKS, "word"] == NO
    assert rows.loc[DISPLACED, "word"] == YES
    assert rows.loc[CALIBRATED, "word"] == NO
    assert not rows.loc[[RANKS, DISPLACED, CALIBRATED], "sound"].any()


def test_margins_that_grow_while_the_preferred_fall_are_called_displacement():
    rows = told(scores(right=0.95, fall=-3.0))
    assert "likelihood displacement" in rows.loc[DISPLACED, "note"]
    rows = told(scores(right=0.05, fall=-3.0))
    assert rows.loc[DISPLACED, "note"] is None or pd.isna(rows.loc[DISPLACED, "note"])


def test_few_pairs_tell_nothing():
    rows = told(scores(12, right=0.6))
    assert rows.loc[RANKS, "word"] == OPEN
    assert pd.isna(rows.loc[RANKS, "sound"])


def test_without_a_reference_three_questions_are_not_measured_and_why():
    whole = scores()
    alone = ModelScores({"model": whole.tables["model"]}, False, BETA, 0.0)
    rows = told(alone)
    assert rows.loc[RANKS, "word"] == YES
    for question in (REACHES, DISPLACED, CALIBRATED):
        assert rows.loc[question, "word"] == NOT_ASKED
        assert "reference" in rows.loc[question, "note"]
        assert np.isnan(rows.loc[question, "estimate"])


def test_a_word_and_its_interval_never_disagree():
    for seed in range(6):
        rows = told(scores(60, right=0.55, fall=-0.2, seed=seed))
        for question, at in ((RANKS, 0.5), (DISPLACED, 0.0)):
            row = rows.loc[question]
            inside = row["conf_low"] <= at <= row["conf_high"]
            assert inside == (row["word"] == OPEN)
