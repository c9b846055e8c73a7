"""Workers and truth: planted errors, a hand-worked round, refusals, and the check of taste."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.structure.planted import planted_people
from workbench.structure.reliability.dawid_skene import dawid_skene, without_own
from workbench.structure.reliability.gate import taste_gate


def _truth_answers(folder, name: str) -> tuple[np.ndarray, ...]:
    said = pd.read_csv(folder / "crowd_truth" / f"{name}.answer.csv")
    truth = pd.read_csv(folder / "crowd_truth" / f"{name}.truth.csv").set_index("question")
    task, tasks = pd.factorize(said["question"])
    answer, classes = pd.factorize(said["answer"], sort=True)
    right = truth["truth"].reindex(tasks).map({c: k for k, c in enumerate(classes)})
    return task, pd.factorize(said["worker"])[0], answer, right.to_numpy()


@pytest.mark.parametrize(("name", "classes", "accuracy"), [("duck", 2, 0.898), ("dog", 4, 0.843)])
def test_public_answers_have_the_accuracy_that_was_measured(
    shared_data, name: str, classes: int, accuracy: float
) -> None:
    task, worker, answer, right = _truth_answers(shared_data, name)
    found = dawid_skene(task, worker, answer, classes)
    assert found.converged
    assert np.mean(found.posterior.argmax(axis=1) == right) == pytest.approx(accuracy, abs=5e-4)


def test_one_round_by_hand() -> None:
    # two tasks; workers a, b say 0 and 0 of the first, 1 and 0 of the second
    task, worker = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    answer, e = np.array([0, 0, 1, 0]), 0.5
    found = dawid_skene(task, worker, answer, 2, smoothing=e, rounds=1, tolerance=-1.0)
    # votes: (1, 0), (1/2, 1/2); shares (3/4, 1/4)
    # a: truth 0 counts (1, 1/2) -> 1.5/2.5, 1/2.5; truth 1 counts (0, 1/2) -> .5/1.5, 1/1.5
    # b: truth 0 counts (3/2, 0) -> 2/2.5, .5/2.5; truth 1 counts (1/2, 0) -> 1/1.5, .5/1.5
    first = np.array([0.75 * 0.6 * 0.8, 0.25 * (1 / 3) * (2 / 3)])
    second = np.array([0.75 * 0.4 * 0.8, 0.25 * (2 / 3) * (2 / 3)])
    np.testing.assert_allclose(found.posterior[0], first / first.sum(), rtol=1e-12)
    np.testing.assert_allclose(found.posterior[1], second / second.sum(), rtol=1e-12)
    assert found.log_likelihood == pytest.approx(np.log(first.sum()) + np.log(second.sum()))


def test_the_posterior_without_an_answer_is_that_of_the_others() -> None:
    rng = np.random.default_rng(0)
    task, worker = np.repeat(np.arange(30), 3), np.tile(np.arange(3), 30)
    answer = np.where(rng.random(90) < 0.8, np.repeat(rng.integers(2, size=30), 3), 0)
    found = dawid_skene(task, worker, answer, 2)
    alone = without_own(found, task, worker, answer)
    k = 7
    others = (task == task[k]) & (np.arange(90) != k)
    # the tables are those of the last step, the posterior that of the step before: at rest, one
    by_hand = found.prior * np.prod(
        [found.confusion[w, :, a] for w, a in zip(worker[others], answer[others], strict=True)],
        axis=0,
    )
    np.testing.assert_allclose(alone[k], by_hand / by_hand.sum(), atol=1e-4)


def _facts(
    right: list[float], pairs: int = 160, each: int = 100, seed: int = 0, first: float = 0.0
) -> tuple[wb.PreferenceData, np.ndarray]:
    """Return workers who know the truth with some chance; the last one likes the first shown."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(2, size=pairs)
    rows = []
    for w, chance in enumerate(right):
        for k in rng.choice(pairs, each, replace=False):
            order = "ab" if rng.random() < 0.5 else "ba"
            y = truth[k] if rng.random() < chance else 1 - truth[k]
            if w == len(right) - 1 and rng.random() < first:
                y = int(order == "ab")
            rows.append({"pair": k, "annotator": f"w{w:02d}", "kind": "human",
                         "preference": float(y), "order_shown": order})  # fmt: skip
    stand = pd.DataFrame({"item": [f"i{k}" for k in range(pairs)],
                          "cluster": [f"p{k:03d}" for k in range(pairs)]})  # fmt: skip
    return wb.PreferenceData.from_tables(stand, pd.DataFrame(rows)), truth


def test_planted_workers_are_found() -> None:
    right = [0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.5, 0.2]
    data, truth = _facts(right)
    found = wb.reliability(data, truth="exists")
    rows = found.to_frame().set_index("term")
    # of 8 intervals of 95 %, 2 may miss by chance
    assert ((rows["conf_low"] < right) & (rows["conf_high"] > right)).sum() >= 6
    np.testing.assert_allclose(rows["estimate"], right, atol=0.13)
    worse = [one.group for one in found.findings() if one.rule_id == "worse-than-chance"]
    assert worse == ["w07"]
    said = found.pairs["answer"].eq("A").to_numpy()
    place = data.pairs.set_index("pair_id")["item"].str[1:].astype(int)[found.pairs["pair_id"]]
    known = truth[place.to_numpy()] == 1
    votes = found.pairs["majority"].map({"A": 1.0, "B": 0.0, "split": 0.5})
    majority = 1 - np.abs(votes.to_numpy() - known).mean()
    assert (said == known).mean() > majority
    assert found.pairs["entropy"].between(0, 1).all()
    assert "taste-not-checked" in {one.rule_id for one in found.findings()}


def test_who_likes_the_first_shown_is_seen() -> None:
    data, _ = _facts([0.9] * 6 + [0.9], first=0.7, seed=3)
    rows = wb.reliability(data, truth="exists").to_frame().set_index("term")
    assert rows.loc["w06", "slot_low"] > 0.3
    assert (rows.drop(index="w06")["slot_low"] < 0).all()
    assert (rows["slot_high"] <= 1).all()


def test_names_order_and_sides_change_nothing() -> None:
    data, _ = _facts([0.9, 0.8, 0.7, 0.6, 0.3], pairs=60, each=40)
    first = wb.reliability(data, truth="exists")
    labels = data.labels.sample(frac=1.0, random_state=1)
    same = wb.PreferenceData(data.pairs, labels, data.factors, data.factor_values)
    pd.testing.assert_frame_equal(
        wb.reliability(same, truth="exists").to_frame(), first.to_frame(), check_exact=False
    )
    turned = data.labels.assign(
        preference=1 - data.labels["preference"],
        order_shown=data.labels["order_shown"].map({"ab": "ba", "ba": "ab"}),
    )
    other = wb.reliability(
        wb.PreferenceData(data.pairs, turned, data.factors, data.factor_values), truth="exists"
    ).to_frame()
    np.testing.assert_allclose(other["estimate"], first.to_frame()["estimate"], atol=1e-6)
    np.testing.assert_allclose(other["sensitivity"], first.to_frame()["specificity"], atol=1e-6)
    np.testing.assert_allclose(other["slot_bias"], first.to_frame()["slot_bias"], atol=1e-6)


def test_ties_are_a_class_of_their_own() -> None:
    data, _ = _facts([0.9, 0.8, 0.7], pairs=40, each=30)
    y = data.labels["preference"].where(data.labels["pair_id"] > "8", 0.5)
    tied = wb.PreferenceData(
        data.pairs, data.labels.assign(preference=y), data.factors, data.factor_values
    )
    found = wb.reliability(tied, truth="exists")
    assert found.settings["classes"] == ["A", "tie", "B"]
    assert {"p_a", "p_tie", "p_b"} <= set(found.pairs)
    assert found.pairs["answer"].eq("tie").any()


def test_taste_is_refused_and_reliability_is_not() -> None:
    taste, _ = planted_people(people=24, labels=50, tastes=[(1.5, 0.5), (-1.5, 0.5)], seed=1)
    with pytest.raises(wb.DesignError, match="differ in taste") as told:
        wb.reliability(taste, truth="exists")
    assert "log-loss" in told.value.found
    sharp, _ = planted_people(people=24, labels=50, tastes=[(1.5, 0.5)], sharpness=0.8, seed=1)
    gate = taste_gate(sharp, None, "annotator", 0)
    assert gate.checked
    assert not gate.taste
    assert wb.reliability(sharp, truth="exists").settings["gate"]["checked"]


def test_the_truth_must_be_said() -> None:
    data, _ = _facts([0.9, 0.8], pairs=20, each=15)
    with pytest.raises(wb.DesignError, match="must be said"):
        wb.reliability(data)
    with pytest.raises(wb.DesignError, match="must be said"):
        wb.reliability(data, truth="maybe")


def test_what_says_nothing_of_workers_is_refused_with_the_reason() -> None:
    data, _ = _facts([0.9, 0.8, 0.7], pairs=20, each=15)
    with pytest.raises(wb.DesignError, match="one worker"):
        wb.reliability(data.filter(annotators=["w00"]), truth="exists")
    labels = data.labels.assign(preference=1.0)
    same = wb.PreferenceData(data.pairs, labels, data.factors, data.factor_values)
    with pytest.raises(wb.DesignError, match="no variation"):
        wb.reliability(same, truth="exists")
    once = data.labels.drop_duplicates("pair_id")
    single = wb.PreferenceData(data.pairs, once, data.factors, data.factor_values)
    with pytest.raises(wb.DesignError, match="no pair that two workers answered"):
        wb.reliability(single, truth="exists")
    labels = data.labels.assign(preference=np.nan, reason="failed")
    nothing = wb.PreferenceData(data.pairs, labels, data.factors, data.factor_values)
    with pytest.raises(wb.DesignError, match="no answers"):
        wb.reliability(nothing, truth="exists")
    with pytest.raises(wb.DataError, match="no answers of workers"):
        dawid_skene(np.array([0]), np.array([0]), np.array([3]), 2)


def test_a_worker_whom_nobody_can_check_has_a_reason_and_no_number() -> None:
    data, _ = _facts([0.9, 0.8, 0.7], pairs=40, each=10)
    last = data.labels["pair_id"].max()
    others = data.labels[data.labels["pair_id"] != last]
    alone = others.iloc[:1].assign(annotator="alone", pair_id=last, preference=0.3, n_votes=7.0)
    again = others.iloc[:1].assign(annotator="alone", pair_id=last)
    labels = pd.concat([others, again, alone.assign(replicate=1)], ignore_index=True)
    found = wb.reliability(
        wb.PreferenceData(data.pairs, labels, data.factors, data.factor_values), truth="exists"
    )
    row = found.to_frame().set_index("term").loc["alone"]
    assert np.isnan(row["estimate"])
    assert row["reason"] == "labels no pair that another worker labels"
    assert found.exclusions["n"].tolist() == [1]
    assert "undefined: labels no pair" in found.summary()


def test_one_answer_each_says_nothing_of_who_is_right():
    data, _ = planted_people(people=30, labels=1, pairs=10, seed=1)
    with pytest.raises(wb.DesignError, match=r"1\.00 answers a worker"):
        wb.reliability(data, truth="exists")


def test_answers_without_weight_are_none_and_others_count_alike():
    data, _ = planted_people(people=8, labels=40, pairs=40, tastes=[(3.0, 0.0)], seed=1)
    weight = np.where(data.labels.index < 30, 0.0, 1.0)
    weight[40] = 1e6
    odd = replace(data, labels=data.labels.assign(weight=weight))
    plain = replace(data, labels=data.labels.assign(weight=(weight > 0) * 1.0))
    found, same = (wb.reliability(one, truth="exists") for one in (odd, plain))
    assert found.exclusions.groupby("reason")["n"].sum().to_dict() == {"no positive weight": 30}
    pd.testing.assert_frame_equal(found.to_frame(), same.to_frame())
    assert found.settings["gate"] == same.settings["gate"]
