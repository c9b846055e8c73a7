"""On- and off-policy responses: counts by hand, planted samples, what cannot be said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.audit.models.likelihoods.on_policy import OnPolicy
from workbench.errors import DataError, DesignError


def made(n: int = 40, names: bool = True) -> tuple[wb.PreferenceData, pd.DataFrame]:
    """Pairs whose A is the model's own in the first half, and scores that rank A first."""
    pairs = pd.DataFrame({"prompt": [f"q{k}" for k in range(n)],
                          "response_a": [f"a{k}" for k in range(n)],
                          "response_b": [f"b{k}" for k in range(n)]})  # fmt: skip
    if names:
        pairs["model_a"] = ["me"] * (n // 2) + ["you"] * (n - n // 2)
        pairs["model_b"] = ["me"] * (n // 4) + ["you"] * (n - n // 4)
    chose = [1.0] * (n - n // 4) + [0.0] * (n // 4)
    labels = pd.DataFrame({"pair": range(n), "annotator": "eye", "preference": chose})
    data = wb.PreferenceData.from_tables(pairs, labels)
    number = data.pairs["prompt"].str[1:].astype(int).to_numpy()
    first = np.array(chose)[number] > 0.5
    like = np.where(number < n // 2, -1.0, -5.0)
    scores = pd.DataFrame({
        "pair_id": data.pairs["pair_id"], "n_chosen": 10.0, "n_rejected": 10.0,
        "chosen": 10 * np.where(first, like, -9.0), "rejected": 10 * np.where(first, -9.0, like),
    })  # fmt: skip
    return data, scores


def rows(found: OnPolicy) -> pd.DataFrame:
    return found.to_frame().set_index("term")


SAMPLES = pd.DataFrame({"logprob": np.linspace(-20, -5, 101), "n": 10})


def test_shares_by_name_are_counts() -> None:
    data, scores = made()
    table = rows(wb.on_policy(data, "me", scores))
    # 40 pairs: A is chosen in 30, of which 20 have A by me; B by me in the first 10
    assert table.loc["by name: chosen", "estimate"] == pytest.approx(20 / 40)
    assert table.loc["by name: rejected", "estimate"] == pytest.approx(10 / 40)
    assert table.loc["by name: chosen less rejected", "estimate"] == pytest.approx(0.25)
    assert table.loc["by name: both", "estimate"] == pytest.approx(10 / 40)
    on, off = (f"by name: ranking accuracy, {what}" for what in ("both on-policy", "other pairs"))
    assert table.loc[on, ["estimate", "n"]].tolist() == [1.0, 10.0]
    # of the 30 others the last 10 are turned
    assert table.loc[off, "estimate"] == pytest.approx(20 / 30)
    gap = table.loc["by name: ranking accuracy, both on-policy less others"]
    assert gap["estimate"] == pytest.approx(1 / 3)
    assert gap["conf_low"] < 1 / 3 < gap["conf_high"]


def test_shares_by_likelihood_are_within_the_samples_and_the_threshold_is_told() -> None:
    data, scores = made(names=False)
    found = wb.on_policy(data, scores=scores, samples=SAMPLES, within=0.9)
    mean = SAMPLES["logprob"] / 10
    assert found.settings["threshold"] == pytest.approx(np.quantile(mean, [0.05, 0.95]).tolist())
    table = rows(found)
    assert table.loc["by likelihood: chosen", "estimate"] == pytest.approx(0.5)
    assert table.loc["by likelihood: rejected", "estimate"] == 0
    assert "the middle 90% of 101 samples" in found.summary()
    assert not table.index.str.startswith("by name").any()


def test_the_model_s_own_samples_are_on_policy_as_often_as_is_said() -> None:
    rng = np.random.default_rng(0)
    data, scores = made(400, names=False)
    draw = {name: 10 * rng.normal(-2, 0.5, 400) for name in ("chosen", "rejected")}
    samples = pd.DataFrame({"logprob": 10 * rng.normal(-2, 0.5, 2000), "n": 10})
    table = rows(wb.on_policy(data, scores=scores.assign(**draw), samples=samples))
    for side in ("chosen", "rejected"):
        assert table.loc[f"by likelihood: {side}", "estimate"] == pytest.approx(0.95, abs=0.03)


def test_without_samples_or_scores_it_says_so() -> None:
    data, _ = made()
    text = wb.on_policy(data, "me").summary()
    assert "no samples of the model: nothing is told by likelihood" in text
    assert "no scores: nothing is told of ranking" in text
    assert "ranking accuracy" not in text


def test_pairs_without_names_or_scores_are_counted() -> None:
    data, scores = made()
    pairs = data.pairs.assign(model_a=data.pairs["model_a"].mask(data.pairs.index < 4))
    part = wb.PreferenceData.from_tables(pairs, data.labels.drop(columns="replicate"))
    found = wb.on_policy(part, "me", scores.iloc[:30])
    assert "left out: 10 pairs, no score" in found.summary()
    assert "4 pairs do not say who wrote both responses" in found.summary()
    assert rows(found).loc["by name: chosen", "n"] == 26


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({}, DesignError),
        ({"own": "nobody"}, DataError),
        ({"samples": SAMPLES}, DesignError),
        ({"own": "me", "within": 1.0}, DesignError),
        ({"own": "me", "level": 0}, DesignError),
        ({"own": "me", "annotators": ["nobody"]}, DataError),
    ],
)
def test_what_cannot_be_is_refused(given: dict, error: type) -> None:
    with pytest.raises(error):
        wb.on_policy(made()[0], **given)


def test_few_samples_and_scores_of_other_pairs_are_refused() -> None:
    data, scores = made()
    with pytest.raises(DesignError, match="not known"):
        wb.on_policy(data, scores=scores, samples=SAMPLES.head(39))
    with pytest.raises(DesignError, match="not known"):
        wb.on_policy(data, scores=scores, samples=SAMPLES.drop(columns="n"))
    with pytest.raises(DataError, match="No pair"):
        wb.on_policy(data, "me", scores.assign(pair_id="other"))
