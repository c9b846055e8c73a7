"""Calibration errors against closed forms, scikit-learn and planted temperatures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import binom
from sklearn.metrics import brier_score_loss, log_loss

from workbench.audit.models.calibration import calibration
from workbench.audit.models.calibration_bins import Bins
from workbench.errors import DataError


def planted(n: int, scale: float, seed: int = 0):
    rng = np.random.default_rng(seed)
    margin = rng.normal(0, 2, n)
    y = (rng.random(n) < expit(margin)).astype(float)
    return margin * scale, y, (np.arange(n) // 2).astype(str)


def estimates(found):
    return found.to_frame().set_index("term")["estimate"]


def test_closed_forms():
    """All predictions .8, true share .6: ECE .2 in both orderings; Brier and log-loss known."""
    n = 1000
    margin = np.full(n, logit(0.8))
    y = np.r_[np.ones(600), np.zeros(400)]
    found = estimates(calibration(margin, y, np.arange(n).astype(str)))
    for name in ("ECE", "ACE", "MCE"):
        assert found[f"{name}, raw"] == pytest.approx(0.2)
    assert found["Brier, raw"] == pytest.approx(0.6 * 0.04 + 0.4 * 0.64)
    assert found["log-loss, raw"] == pytest.approx(-(0.6 * np.log(0.8) + 0.4 * np.log(0.2)))


def test_brier_and_log_loss_are_scikit_learn_s_over_both_orderings():
    margin, y, cluster = planted(500, 1.7)
    found = estimates(calibration(margin, y, cluster, replicates=20))
    p, both = np.r_[expit(margin), expit(-margin)], np.r_[y, 1 - y]
    assert found["Brier, raw"] == pytest.approx(brier_score_loss(both, p))
    assert found["log-loss, raw"] == pytest.approx(log_loss(both, p))
    naive = sum(
        abs(p[m].sum() - both[m].sum()) for k in range(10)
        if (m := np.minimum((p * 10).astype(int), 9) == k).any()
    ) / len(p)  # fmt: skip
    assert found["ECE, raw"] == pytest.approx(naive)


def test_a_planted_temperature_is_found_and_mends_held_out():
    margin, y, cluster = planted(4000, 3.0)
    found = calibration(margin, y, cluster, replicates=100)
    assert found.settings["temperature"] == pytest.approx(3.0, rel=0.1)
    table = estimates(found)
    assert table["ECE, raw"] > 0.08
    assert table["ECE, temperature"] < 0.025
    assert table["ECE, isotonic"] < 0.03
    assert found.curve["n"].sum() == 2 * 4000
    assert found.plot().data
    assert "temperature" in found.summary()


def test_exchanging_a_and_b_changes_nothing():
    margin, y, cluster = planted(400, 1.3)
    flip = np.random.default_rng(0).random(400) < 0.5
    turned = np.where(flip, -margin, margin), np.where(flip, 1 - y, y)
    one, two = (calibration(*both, cluster, replicates=50) for both in ((margin, y), turned))
    assert estimates(one).to_numpy() == pytest.approx(estimates(two).to_numpy())


def test_what_cannot_be_held_against_preferences_is_refused():
    with pytest.raises(DataError, match="finite"):
        calibration(np.array([np.nan]), np.array([1.0]), np.array(["c"]))
    with pytest.raises(DataError, match="as many"):
        calibration(np.zeros(2), np.array([1.0]), np.array(["c"]))


def test_groups_are_calibrated_apart_and_labels_turned_to_the_chosen_side():
    import workbench as wb
    from workbench.audit.models.whole import audit_scores
    from workbench.scoring.training.kept import ModelScores

    n = 200
    pairs = pd.DataFrame({"prompt": [f"p{k}" for k in range(n)], "response_a": "yes",
                          "response_b": "no", "scenario": ["one", "two"] * (n // 2)})  # fmt: skip
    people = pd.DataFrame({"pair": range(n), "annotator": "ann", "kind": "human",
                           "preference": [1.0, 0.0] * (n // 2)})  # fmt: skip
    # the judge says the contrary, always
    judge = people.assign(annotator="j", kind="llm", preference=1 - people["preference"])
    data = wb.PreferenceData.from_tables(pairs, pd.concat([people, judge], ignore_index=True))
    ids = data.pairs["pair_id"].tolist()
    side = ["a" if x == 1 else "b" for x in people["preference"]]
    order = {i: k for k, i in enumerate(ids)}
    place = [order[i] for i in data.labels.loc[data.labels["kind"] == "human", "pair_id"]]
    assert place == list(range(n))
    base = pd.DataFrame({"pair_id": ids, "cluster": ids, "chosen": 0.0, "rejected": 0.0,
                         "n_chosen": 2.0, "n_rejected": 2.0, "votes": 1.0, "side": side,
                         "scenario": data.pairs["scenario"], "reason": None})  # fmt: skip
    # the implicit reward is sure of the people's side
    last = base.assign(chosen=50.0)
    scores = ModelScores({"reference": base, "model": last}, True, 0.1, 0.0)
    found = next(r for r in audit_scores(scores, data) if type(r).__name__ == "Calibration")
    groups = found.groups[found.groups["term"] == "ECE"].set_index("group")["estimate"]
    p = 1 / (1 + np.exp(-5.0))
    assert groups["human"] == pytest.approx(1 - p)
    assert groups["llm"] == pytest.approx(p)
    assert groups["one"] == groups["two"] == pytest.approx(1 - p)
    assert "human: ECE" in found.summary()


@pytest.mark.parametrize("n", [50, 100])
def test_a_calibrated_model_is_seldom_called_miscalibrated(n):
    found, runs = 0, 120
    for run in range(runs):
        rng = np.random.default_rng(run)
        margin = rng.normal(size=n)
        y = (rng.random(n) < expit(margin)).astype(float)
        found += bool(calibration(margin, y, np.arange(n).astype(str), replicates=100).findings())
    assert found <= binom.ppf(0.999, runs, 0.025)


def test_prompts_that_share_their_luck_are_no_miscalibration():
    """Five pairs a prompt, half of whose outcomes are one draw; a pair alone would be called."""
    n, found, runs = 100, 0, 60
    prompt = np.arange(n) // 5
    for run in range(runs):
        rng = np.random.default_rng(run)
        margin = rng.normal(size=n)
        luck = np.where(rng.random(n) < 0.7, rng.random(20)[prompt], rng.random(n))
        y = ((luck < expit(np.abs(margin))) == (margin >= 0)).astype(float)
        found += bool(calibration(margin, y, prompt.astype(str), replicates=100).findings())
    assert found <= binom.ppf(0.999, runs, 0.025)


def test_a_planted_miscalibration_is_found():
    rng = np.random.default_rng(0)
    margin = rng.normal(size=400)
    y = (rng.random(400) < expit(margin)).astype(float)
    found = calibration(3 * margin, y, np.arange(400).astype(str), replicates=200)
    assert [one.rule_id for one in found.findings()] == ["miscalibrated"]
    row = found.to_frame().set_index("term").loc["ECE, raw"]
    assert row["expected"] < row["conf_low"]
    assert row["p_value"] < 0.01


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.sampled_from([-40.0, 0.0, 40.0]), st.floats(-3, 3)),
            st.sampled_from([0.0, 0.5, 1.0]),
            st.integers(0, 3),
        ),
        min_size=2,
        max_size=12,
    )
)
def test_every_measure_lies_in_its_interval_and_every_nan_has_a_reason(rows):
    margin, y = (np.array([row[k] for row in rows]) for k in (0, 1))
    cluster = np.unique([row[2] for row in rows], return_inverse=True)[1]
    for row in Bins(expit(margin), y, cluster, 10).rows(0.95, 20, 0):
        if np.isnan(row.get("conf_low", np.nan)):
            assert row["reason"]
            continue
        assert 0 <= row["conf_low"] <= row["estimate"] <= row["conf_high"]
        assert row["conf_low"] < row["conf_high"]
        assert row["conf_high"] <= 1 or row["term"].startswith("log-loss")


def test_margins_without_information_are_told_with_a_reason():
    found = calibration(np.full(60, 0.3), np.tile([1.0, 0.0], 30), np.arange(60) // 2)
    text = found.summary()
    assert "nan" not in text
    assert "the end of the search: the margins tell nothing of the labels" in text
    assert "no variation: the error is not known" in text
    margin, y, cluster = planted(400, 2.0)
    assert "end of the search" not in calibration(margin, y, cluster, replicates=20).summary()
