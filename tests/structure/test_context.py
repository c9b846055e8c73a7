"""Contexts, placebos, trade-offs and reversals: planted, by hand, and refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import workbench as wb


def opposed(
    pairs: int = 200, obeys: float = 0.9, placebo: float = 0.1, seed: int = 0
) -> wb.PreferenceData:
    """Two opposed criteria a pair; a judge asked with, without, by nonsense and by negation."""
    rng = np.random.default_rng(seed)
    stand = pd.DataFrame({"item": [f"p{k}" for k in range(pairs)]})
    stand["cluster"] = [f"c{k // 2}" for k in range(pairs)]
    blind = rng.random(pairs) < 0.5
    rows = []
    for k in range(pairs):
        for criterion, side in (("brief", 1.0), ("full", 0.0)):
            rows.append((k, "gold", "objective", criterion, side))
            follows = rng.random() < obeys
            rows.append((k, "judge", "llm", criterion, side if follows else float(blind[k])))
        rows.append((k, "judge", "llm", "overall", float(blind[k])))
        nonsense = not blind[k] if rng.random() < placebo else blind[k]
        rows.append((k, "judge", "llm", "placebo: blue", float(nonsense)))
        rows.append((k, "judge", "llm", "not brief", 0.0))
    columns = ["pair", "annotator", "kind", "criterion", "preference"]
    return wb.PreferenceData.from_tables(stand, pd.DataFrame(rows, columns=columns))


def row_of(table: pd.DataFrame, term: str, **where: str) -> pd.Series:
    found = table[table["term"] == term]
    for name, value in where.items():
        found = found[found[name] == value]
    assert len(found) == 1, found
    return found.iloc[0]


def test_flips_gains_placebos_and_negations_are_found():
    found = wb.context(opposed())
    judge = {term: row_of(found.estimates, term, group="judge") for term in (
        "flip rate", "accuracy with context", "context gain", "placebo flips", "negation flips",
        "flip rate minus reference")}  # fmt: skip
    # a pair flips unless one criterion is ignored, and then the blind answer is one of both
    assert judge["flip rate"]["conf_low"] < 0.9 < judge["flip rate"]["conf_high"]
    accuracy = 0.9 + 0.1 * 0.5
    assert judge["accuracy with context"]["conf_low"] < accuracy
    assert accuracy < judge["accuracy with context"]["conf_high"]
    assert judge["context gain"]["conf_low"] < accuracy - 0.5 < judge["context gain"]["conf_high"]
    assert judge["context gain"]["q_value"] < 1e-6
    assert judge["placebo flips"]["conf_low"] < 0.1 < judge["placebo flips"]["conf_high"]
    assert judge["negation flips"]["estimate"] > 0.8
    assert judge["flip rate minus reference"]["q_value"] < 0.05
    assert row_of(found.estimates, "flip rate", group="gold")["estimate"] == 1.0


def test_without_context_one_half_is_right_by_construction():
    found = wb.context(opposed(seed=3), opposed=True)
    blind = row_of(found.estimates, "accuracy without context", group="judge")
    assert blind["estimate"] == 0.5
    assert np.isnan(blind["conf_low"])
    assert "by construction" in blind["reason"]
    assert row_of(found.estimates, "best accuracy without context")["estimate"] == 0.5
    assert found.settings["by_construction"]
    assert "exactly one half" in found.summary()


def test_data_that_contradict_the_layout_are_refused():
    data = opposed(20)
    labels = data.labels.copy()
    first = labels["annotator"].eq("gold") & labels["criterion"].eq("full")
    labels.loc[first.idxmax(), "preference"] = 1.0
    broken = wb.PreferenceData.from_tables(data.pairs, labels)
    with pytest.raises(wb.DataError, match="contradict the layout"):
        wb.context(broken, opposed=True)
    assert not wb.context(broken).estimates.empty


def longer_is_better(pairs: int = 1200, within: float = -0.6, seed: int = 0) -> wb.PreferenceData:
    """Better models write longer, and of one pair of models the shorter answer is preferred."""
    rng = np.random.default_rng(seed)
    strength = {"m1": 0.0, "m2": 1.2, "m3": 2.4}
    names = np.array(list(strength))
    sides = np.array([rng.choice(3, 2, replace=False) for _ in range(pairs)])
    gap = sides[:, 0].astype(float) - sides[:, 1]
    words = 2.0 * gap + rng.normal(size=pairs)
    p = 1 / (1 + np.exp(-(2.0 * gap + within * (words - 2.0 * gap))))
    stand = pd.DataFrame(
        {"item": np.arange(pairs).astype(str), "cluster": np.arange(pairs).astype(str),
         "model_a": names[sides[:, 0]], "model_b": names[sides[:, 1]],
         "scenario": rng.choice(["x", "y", "z"], pairs)}
    )  # fmt: skip
    labels = pd.DataFrame(
        {"pair": np.arange(pairs), "annotator": "ann", "kind": "human",
         "preference": (rng.random(pairs) < p) * 1.0}
    )  # fmt: skip
    data = wb.PreferenceData.from_tables(stand, labels)
    frame = pd.DataFrame({"words": words, "noise": rng.normal(size=pairs)})
    specs = {name: {"coding": {"transform": "difference"}} for name in frame}
    return data.with_factors(frame, pd.DataFrame(index=frame.index), specs)


def test_a_planted_reversal_is_found_with_the_groups_that_cause_it():
    found = wb.context(longer_is_better())
    turned = found.reversals[found.reversals["reversed"]]
    assert turned[["column", "term", "kind"]].to_numpy().tolist() == [
        ["models", "words", "pooled against within groups"]
    ]
    row = turned.iloc[0]
    assert row["conf_low"] > 0
    assert row["within_high"] < 0
    assert row["within_low"] < -0.6 < row["within_high"]
    # longer answers are of the better model in every group: that is what the pooled weight shows
    groups = found.composition
    assert groups["group"].tolist() == ["m1 / m2", "m1 / m3", "m2 / m3"]
    assert (groups["mean_difference"] < 0).all()
    assert (groups["first_preferred"] < 0.5).all()
    assert (groups["estimate"] < 0).all()
    assert groups["share"].sum() == pytest.approx(1.0)
    assert [one.rule_id for one in found.findings()] == ["sign-turns"]


def turned_by_group(null: bool, seed: int, labels: int = 900) -> wb.PreferenceData:
    """A factor that is liked in one group and disliked in another, or nothing at all."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(labels, 4))
    groups = {name: rng.integers(0, 2 + k, labels) for k, name in enumerate(("tone", "topic"))}
    eta = 0.0 if null else np.where(groups["tone"] == 0, 0.9, -0.9) * X[:, 0]
    stand = pd.DataFrame({"item": np.arange(labels).astype(str), **{k: v.astype(str) for k, v in
                          groups.items()}})  # fmt: skip
    stand["cluster"] = [str(k // 3) for k in range(labels)]
    told = pd.DataFrame(
        {
            "pair": np.arange(labels),
            "annotator": "ann",
            "preference": 1.0 * (rng.random(labels) < 1 / (1 + np.exp(-eta))),
        }
    )
    data = wb.PreferenceData.from_tables(stand, told)
    frame = pd.DataFrame(X, columns=["first", "second", "third", "fourth"])
    specs = {name: {"coding": {"transform": "difference"}} for name in frame}
    return data.with_factors(frame, pd.DataFrame(index=frame.index), specs)


def test_a_weight_of_opposite_signs_in_two_groups_is_found():
    found = wb.context(turned_by_group(null=False, seed=1))
    turned = found.reversals[found.reversals["reversed"]]
    assert turned[["column", "term", "kind"]].to_numpy().tolist() == [
        ["tone", "first", "groups of opposite sign"]
    ]
    assert (turned["groups_above"].item(), turned["groups_below"].item()) == ("0", "1")


def test_nothing_planted_is_hardly_ever_reported():
    reported = 0
    for seed in range(8):
        found = wb.context(turned_by_group(null=True, seed=seed, labels=240)).reversals
        reported += int(found["reversed"].any())
    assert reported <= 1
