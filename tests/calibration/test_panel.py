"""Panels: votes by hand, weights and gains with planted truth, effective numbers, edge cases."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from scipy.stats import t as student

import workbench as wb
from workbench.audit.judges.verdicts.elsewhere import beyond_best, chosen_elsewhere
from workbench.calibration.panel.combine import by_truth, led, majority
from workbench.calibration.panel.joint import KISH, VARIANCE, effective_rows_of, joint_errors
from workbench.calibration.panel.votes import votes_of
from workbench.errors import DesignError


def as_data(table: dict[str, Any], per: int = 1, **kinds: str) -> wb.PreferenceData:
    """Return data of columns of verdicts; a NaN is no label. ``per`` pairs have one prompt."""
    n = len(next(iter(table.values())))
    numbers = pd.Series(range(n)).astype("str")
    prompts = pd.Series(np.arange(n) // per).astype("str")
    pairs = pd.DataFrame({"prompt": "p" + prompts, "response_a": "a" + numbers,
                          "response_b": "b" + numbers})  # fmt: skip
    parts = []
    for name, said in table.items():
        said = np.asarray(said, dtype=float)
        kind = kinds.get(name, "human" if name.startswith("ann") else "llm")
        at = np.flatnonzero(np.isfinite(said))
        parts.append(pd.DataFrame({"pair": at, "annotator": name, "kind": kind,
                                   "preference": said[at]}))  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, pd.concat(parts, ignore_index=True))


def planted(
    n: int = 400, k: int = 5, shared: float = 0.3, right: float = 0.75, seed: int = 0, per: int = 1
) -> wb.PreferenceData:
    """Simulated judges whose errors have one part in common, and people who are right."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n).astype(float)
    wrong = errors(rng, n, k, shared, 1 - right)
    said = {f"judge{j}": np.where(wrong[:, j], 1 - truth, truth) for j in range(k)}
    return as_data({**said, "ann": truth}, per)


def errors(rng: np.random.Generator, n: int, k: int, shared: float, rate: float) -> np.ndarray:
    one = np.sqrt(shared) * rng.standard_normal((n, 1))
    return (one + np.sqrt(1 - shared) * rng.standard_normal((n, k))) < norm.ppf(rate)


def gain(found: wb.Panel, how: str = "majority") -> pd.Series:
    return found.gains.set_index("panel").loc[how]


def test_votes_by_hand():
    said = np.array([[1, 1, -1], [1, -1, np.nan], [0, 0, 1], [np.nan] * 3, [1, -1, 0]], float)
    side, strength = led(said, np.ones(3))
    assert side.tolist()[:3] == [1.0, 0.0, 1.0]
    assert np.isnan(side[3])
    assert side[4] == 0
    assert strength[[0, 1, 2]].tolist() == pytest.approx([2 / 3, 0.5, 2 / 3])
    # thirds that cancel are a tie, whatever their order; who is worse than chance turns round
    even = np.array([[1.0, 1.0, -1.0]])
    assert led(even, np.array([0.1, 0.2, 0.3]))[0][0] == 0
    assert led(even, np.array([0.1, -0.2, 0.05]))[0][0] == -1


def test_log_odds_weights_are_of_other_prompts():
    data = planted(n=40, k=3)
    found = wb.panel(data, folds=4)
    votes = votes_of(data, None, "human")
    agree = votes.agreement(votes.side, votes.unread)
    for j, name in enumerate(votes.members):
        r, d = agree[:, j].sum(), len(agree)
        assert found.weights()[name] == pytest.approx(np.log((r + 1) / (d - r + 1)))
    # what people say of a pair has no part in the verdict on it
    one = data.labels["annotator"].eq("ann") & data.labels["pair_id"].eq(data.pairs["pair_id"][0])
    turned = data.labels.assign(
        preference=np.where(one, 1 - data.labels["preference"], data.labels["preference"])
    )
    again = wb.panel(replace(data, labels=turned), folds=4)
    assert again.pairs["weighted strength"][0] == found.pairs["weighted strength"][0]
    assert (again.pairs["weighted strength"] != found.pairs["weighted strength"]).any()


def test_a_panel_of_equals_beats_its_best_member_and_copies_do_not():
    better = wb.panel(planted(n=900, k=5, shared=0.0, right=0.7))
    # the majority of five of 70 % is right on 83.7 %
    row = better.to_frame().set_index("term").loc["majority"]
    assert row["conf_low"] < 0.8369 < row["conf_high"]
    assert gain(better)["conf_low"] > 0
    assert "panel-no-better-than-best" not in {one.rule_id for one in better.findings()}
    one = planted(n=300, k=1)
    said = one.labels[one.labels["kind"].eq("llm")]
    copies = [said.assign(annotator=f"copy{j}") for j in range(3)]
    data = replace(one, labels=pd.concat([one.labels, *copies], ignore_index=True))
    found = wb.panel(data)
    assert gain(found)["estimate"] == 0
    assert gain(found)["conf_low"] < 0 < gain(found)["conf_high"]
    number = found.effective.set_index("term").loc[KISH]
    assert number["estimate"] == pytest.approx(1.0)
    assert np.isnan(number["conf_low"])
    assert number["reason"].startswith("no variation")
    rules = {one.rule_id for one in found.findings()}
    assert {"panel-no-better-than-best", "member-is-a-copy"} <= rules
    assert "nan" not in found.summary()


def test_effective_numbers_by_hand():
    # two judges: errors on pairs 0,1 and 1,2 of 6; by hand r = (1/6 - 1/9) / (2/9) = 1/4
    agree = 1 - np.array([[1, 0], [1, 1], [0, 1], [0, 0], [0, 0], [0, 0]], float)
    rows = {row["term"]: row for row in effective_rows_of(joint_errors(agree, np.arange(6)), 0.95)}
    assert rows[KISH]["estimate"] == pytest.approx(2 / 1.25)
    assert rows[VARIANCE]["estimate"] == pytest.approx(2 / 1.25)
    assert 1 < rows[KISH]["conf_low"] < 1.6 < rows[KISH]["conf_high"]


def test_members_whose_errors_never_vary_have_no_part_in_erring_together():
    truth = np.tile([1.0, 0.0], 200)
    rng = np.random.default_rng(0)
    noisy = {name: np.where(rng.random(400) < 0.3, 1 - truth, truth) for name in "ab"}
    still = {"tie": np.full(400, 0.5), "tie2": np.full(400, 0.5), "right": truth, "right2": truth}
    found = wb.panel(as_data({**noisy, **still, "ann": truth}))
    number = found.effective.set_index("term").loc[KISH]
    # two that err independently are worth two, not two of six
    assert number["members"] == 2
    assert number["estimate"] == pytest.approx(2, abs=0.3)
    assert "members-err-together" not in {one.rule_id for one in found.findings()}


def test_two_members_with_few_prompts_in_common_have_few_degrees_of_freedom():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 2, 300).astype(float)
    said = {name: np.where(rng.random(300) < 0.3, 1 - truth, truth) for name in "abc"}
    found = []
    # c judged five prompts, or the first alone
    for shared in (50, 10):
        said["c"] = np.where(np.arange(300) < shared, said["c"], np.nan)
        table = wb.panel(as_data({**said, "ann": truth}, per=10)).each_two
        found.append(table.set_index(["term", "other"]).loc[("a", "c")])
    row, alone = found
    half = np.arctanh(row["conf_high"]) - np.arctanh(row["estimate"])
    assert half == pytest.approx(student.ppf(0.975, 4) * row["std_error"]
                                 / (1 - row["estimate"] ** 2))  # fmt: skip
    assert np.isnan(alone["conf_high"])
    assert alone["reason"] == "one cluster: the error is not known"


@pytest.mark.parametrize(("n", "k", "shared", "per"), [(120, 4, 0.4, 1), (200, 6, 0.7, 2)])
def test_effective_numbers_cover(n, k, shared, per):
    rng = np.random.default_rng(5)
    # simulated truth: the correlation of two errors of a large sample
    big = errors(np.random.default_rng(9), 400_000, 2, shared, 0.25)
    rho = np.corrcoef(big.T)[0, 1]
    truth, runs, hit = k / (1 + (k - 1) * rho), 200, 0
    for _ in range(runs):
        agree = 1.0 - errors(rng, n, k, shared, 0.25)
        row = effective_rows_of(joint_errors(agree, np.arange(n) // per), 0.95)[0]
        hit += row["conf_low"] <= truth <= row["conf_high"]
    assert 0.91 <= hit / runs <= 0.985


def test_mistakes_of_people_make_judges_look_alike():
    data = planted(n=4000, k=5, shared=0.0)
    clean = wb.panel(data).effective.set_index("term")["estimate"]
    rng = np.random.default_rng(0)
    own = data.labels["annotator"].eq("ann") & (rng.random(len(data.labels)) < 0.15)
    noisy = data.labels.assign(
        preference=np.where(own, 1 - data.labels["preference"], data.labels["preference"])
    )
    found = wb.panel(replace(data, labels=noisy)).effective.set_index("term")["estimate"]
    assert clean[KISH] == pytest.approx(5.0, abs=0.2)
    assert found[KISH] < 4.2


def shuffled(data: wb.PreferenceData, seed: int = 0) -> wb.PreferenceData:
    labels = data.labels.sample(frac=1, random_state=seed).reset_index(drop=True)
    order = np.random.default_rng(seed).permutation(len(data.pairs))
    pairs = data.pairs.iloc[order].reset_index(drop=True)
    return replace(data, labels=labels, pairs=pairs, factors=pairs[["pair_id"]],
                   factor_values=pairs[["pair_id"]])  # fmt: skip


def swapped(data: wb.PreferenceData, seed: int = 1) -> wb.PreferenceData:
    """Exchange A and B of half of the pairs."""
    turn = np.random.default_rng(seed).random(len(data.pairs)) < 0.5
    pairs = data.pairs.copy()
    for name in ("response", "model"):
        a, b = pairs[f"{name}_a"].copy(), pairs[f"{name}_b"].copy()
        pairs[f"{name}_a"], pairs[f"{name}_b"] = a.mask(turn, b), b.mask(turn, a)
    p = data.labels["preference"]
    labels = data.labels.assign(preference=p.mask(turn[data.pair_rows], 1 - p))
    return replace(data, pairs=pairs, labels=labels)


def numbers(found: wb.Panel) -> np.ndarray:
    tables = [found.estimates, found.gains, found.effective, found.each_two, found.cascade,
              found.chosen]  # fmt: skip
    return np.concatenate([t.select_dtypes("number").to_numpy("float64").ravel() for t in tables])


def test_neither_order_nor_side_nor_name_matters():
    data = planted(n=150, k=4, per=2)
    wanted = wb.panel(data, truth="exists")
    names = ["judge3", "judge0", "judge2", "judge1"]
    for other in (shuffled(data), swapped(data)):
        found = wb.panel(other, names, truth="exists")
        np.testing.assert_allclose(numbers(found), numbers(wanted), atol=1e-9)
    back = {"judge0": "z", "judge1": "y", "judge2": "x", "judge3": "w"}
    renamed = replace(data, labels=data.labels.replace({"annotator": back}))
    found = wb.panel(renamed, truth="exists")
    for how in ("majority", "weighted", "dawid-skene"):
        assert found.pairs[how].equals(wanted.pairs[how])
    np.testing.assert_allclose(found.gains["conf_low"], wanted.gains["conf_low"], atol=1e-9)
    np.testing.assert_allclose(found.effective["conf_low"], wanted.effective["conf_low"])
    assert numbers(wb.panel(data, truth="exists")).tobytes() == numbers(wanted).tobytes()


def test_dawid_and_skene_s_model_finds_who_knows():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 500).astype(float)
    right = {"good": 0.95, "fair": 0.9, "bad0": 0.55, "bad1": 0.55, "bad2": 0.55}
    said = {name: np.where(rng.random(500) < p, truth, 1 - truth) for name, p in right.items()}
    found = wb.panel(as_data({**said, "ann": truth}), truth="exists").to_frame().set_index("term")
    assert found.loc["dawid-skene", "estimate"] > found.loc["majority", "estimate"] + 0.05
    # ties are no third truth that takes in what is hard: two of three verdicts dropped at random
    thin = {name: np.where(rng.random(500) < 0.6, one, 0.5) for name, one in said.items()}
    side = by_truth(votes_of(as_data(thin), None, "human")).side
    knew = thin["good"] != 0.5
    assert ((side + 1) / 2 == truth)[knew].mean() > 0.9
    silent = np.all([one == 0.5 for one in thin.values()], axis=0)
    assert (side[silent] == 0).all()


def test_a_cascade_saves_where_the_cheap_judge_knows_what_it_does_not_know():
    rng = np.random.default_rng(0)
    n = 1500
    truth = rng.integers(0, 2, n).astype(float)
    hard = rng.random(n) < 0.4
    cheap = np.where(hard, 0.5, truth)
    dear = np.where(rng.random(n) < 0.9, truth, 1 - truth)
    data = as_data({"cheap": cheap, "dear": dear, "ann": truth})
    found = wb.panel(data, costs={"cheap": 1.0, "dear": 10.0})
    first = found.cascade.iloc[0]
    assert first["cost"] == pytest.approx(1 + 10 * hard.mean())
    assert first["cost_low"] < first["cost"] < first["cost_high"]
    assert first["estimate"] == pytest.approx(np.where(hard, dear == truth, True).mean())
    chosen = found.chosen.set_index("term")["estimate"]
    assert chosen["cascade chosen on other prompts"] == pytest.approx(first["estimate"])
    assert chosen["cost a pair saved beside asking everybody"] > 5
    assert found.chosen["order"].iloc[0] == "cheap, dear"
    assert found.settings["counted_in"] == "cost"
    spent = pd.DataFrame({"group": ["cheap", "cheap", "dear"], "cost": [1000.0, 500.0, 1.5e4]})
    again = wb.panel(data, costs=spent)
    np.testing.assert_allclose(again.cascade["cost"], found.cascade["cost"])
    with pytest.raises(DesignError, match="Not every member has a cost"):
        wb.panel(data, costs={"cheap": 1.0})


def test_costs_of_few_prompts_stay_between_0_and_everybody_s():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 30).astype(float)
    said = {}
    for name in "abc":
        verdict = np.where(rng.random(30) < 0.2, 1 - truth, truth)
        said[name] = np.where(rng.random(30) < 0.15, 0.5, verdict)
    costs = {"a": 0.01, "b": 1.0, "c": 50.0}
    found = wb.panel(as_data({**said, "ann": truth}, per=5), costs=costs, folds=2)
    table, chosen = found.cascade, found.chosen.set_index("term")
    known = table[table["cost_low"].notna()]
    assert len(known)
    assert (known["cost_low"] > 0).all()
    assert (known["cost_high"] <= sum(costs.values())).all()
    saved = chosen.loc["cost a pair saved beside asking everybody"]
    assert 0 < saved["conf_low"] < saved["estimate"] < saved["conf_high"] <= sum(costs.values())
    everybody = table.set_index("term").loc["everybody"]
    assert everybody["cost_reason"] == "no variation: the error is not known"


def test_a_cascade_of_equals_does_not_follow_names_and_costs_are_of_pairs_that_were_asked():
    truth = [1.0] * 12
    # two that agree alike and differ elsewhere, a tie of the third where they are unsure
    said = {"a": [1, 1, 1, 1, 0, 0, 0.5, 0.5, 1, 1, 0, 0], "c": [1] * 8 + [0] * 4,
            "b": [1, 0, 0.5, 0, 1, 1, 1, 1, 0, 0.5, 1, 0]}  # fmt: skip
    asked = {name: [*map(float, one), *[np.nan] * 6] for name, one in said.items()}
    asked["ann"] = truth + [1.0] * 6
    found = []
    for names in ("abc", "bac", "cab", "cba"):
        new = dict(zip("abc", names, strict=True))
        table = {new.get(name, name): one for name, one in asked.items()}
        found.append(wb.panel(as_data(table), costs=dict.fromkeys("abc", 1.0), folds=3).cascade)
    for other in found[1:]:
        pd.testing.assert_frame_equal(other, found[0])
    whole = found[0].set_index("term").loc["everybody"]
    assert (whole["cost"], whole["asked"], whole["n"]) == (3.0, 3.0, 12.0)


def test_soft_margins_and_orders_that_contradict_are_unsure():
    truth = np.tile([1.0, 0.0], 30)
    data = as_data({"dear": truth, "ann": truth})
    ids = data.pairs["pair_id"]
    soft = np.where(np.arange(60) % 3 == 0, 1 - truth, truth) * 0.2 + 0.4
    soft[np.arange(60) % 3 != 0] = truth[np.arange(60) % 3 != 0] * 0.8 + 0.1
    rows = [pd.DataFrame({"pair_id": ids, "annotator": "cheap", "kind": "llm", "preference": p,
                          "order_shown": order,
                          "replicate": 0, "weight": 1.0})
            for order, p in (("ab", soft), ("ba", soft))]  # fmt: skip
    rows[1].loc[1, "preference"] = 1 - rows[1].loc[1, "preference"]
    more = wb.PreferenceData.from_tables(data.pairs, pd.concat([data.labels, *rows]))
    found = wb.panel(more, costs={"cheap": 0.0, "dear": 1.0})
    assert found.to_frame().set_index("term").loc["cheap", "n_contradicted"] == 1
    table = found.cascade
    # at 0 the two thirds that know and the third that errs are sure; at .8 only those that know
    assert table["estimate"].iloc[1] == 1.0
    assert table["cost"].iloc[0] == pytest.approx(1 / 60)
    assert table["cost"].iloc[1] == pytest.approx(21 / 60)
    assert table["threshold"].iloc[1] == pytest.approx(0.8)


def test_what_members_do_not_say_is_counted():
    truth = np.tile([1.0, 0.0], 20)
    gaps = truth.copy()
    gaps[:10] = np.nan
    data = as_data({"a": truth, "b": gaps, "c": truth, "ann": truth})
    lost = data.labels["annotator"].eq("c") & (np.arange(len(data.labels)) % 4 == 0)
    labels = data.labels.assign(
        preference=data.labels["preference"].mask(lost),
        reason=data.labels["reason"].mask(lost, np.where(np.arange(len(lost)) % 8 == 0, "failed",
                                                         "not_applicable")),
    )  # fmt: skip
    found = wb.panel(replace(data, labels=labels))
    table = found.to_frame().set_index("term")
    assert table.loc["b", "n_missing"] == 10
    assert table.loc["c", "n_unread"] + table.loc["c", "n_abstained"] == lost.sum()
    # what is unread agrees with nobody, an abstention says nothing
    n = 40 - table.loc["c", "n_abstained"]
    assert table.loc["c", "n"] == n
    assert table.loc["c", "estimate"] == pytest.approx((n - table.loc["c", "n_unread"]) / n)
    assert table.loc["majority", "estimate"] == 1.0
    assert found.counts["pairs"].sum() == 40
    assert (found.pairs[["verdicts", "abstained", "unread", "missing"]].sum(axis=1) == 3).all()


def test_nobody_to_ask_and_nothing_to_be_told():
    truth = np.tile([1.0, 0.0, 1.0], 20)
    two = as_data({"a": truth, "b": 1 - truth})
    found = wb.panel(two)
    assert found.pairs["majority"].eq(0.5).all()
    assert found.settings["how"] == ["majority"]
    assert "cannot be told" in found.summary()
    assert found.each_two["same"].tolist() == [0.0]
    assert found.cascade.empty
    assert found.estimates["estimate"].isna().all()
    assert found.figures()
    with pytest.raises(DesignError, match="cannot be made"):
        wb.panel(two, how="weighted")
    with pytest.raises(DesignError, match="one answer is right"):
        wb.panel(two, how="dawid-skene")
    with pytest.raises(DesignError, match="There is no judge"):
        wb.panel(as_data({"ann": truth}))
    with pytest.raises(DesignError, match="is the reference"):
        wb.panel(as_data({"a": truth, "ann": truth}), ["a", "ann"])
    assert wb.panel(two, truth="exists").settings["how"] == ["majority", "dawid-skene"]


@pytest.mark.parametrize("case", ["one", "against", "ties", "apart", "people", "cluster", "silent"])
def test_edges_give_numbers_or_reasons(case):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 60).astype(float)
    noise = np.where(rng.random(60) < 0.8, truth, 1 - truth)
    first = np.where(np.arange(60) < 30, noise, np.nan)
    tables = {
        "one": {"a": noise}, "against": {"a": noise, "b": 1 - noise},
        "ties": {"a": np.full(60, 0.5), "b": np.full(60, 0.5)},
        "apart": {"a": first, "b": np.where(np.arange(60) >= 30, noise, np.nan)},
        "people": {"a": truth, "b": noise}, "cluster": {"a": noise, "b": truth},
        "silent": {"a": noise, "b": truth},
    }  # fmt: skip
    data = as_data({**tables[case], "ann": truth}, 60 if case == "cluster" else 1)
    if case == "silent":
        labels = data.labels
        gone = labels["kind"].eq("llm")
        lost = labels.assign(preference=labels["preference"].mask(gone),
                             reason=labels["reason"].mask(gone, "failed"))  # fmt: skip
        data = replace(data, labels=lost)
    found = wb.panel(data, truth="exists")
    assert "nan" not in found.summary()
    assert found.figures()
    assert found.to_dict()
    for table in (found.estimates, found.gains, found.effective, found.each_two, found.chosen):
        for row in table.to_dict("records"):
            if not str(row["term"]).startswith("cost"):
                known = np.isfinite([row["estimate"], row["conf_low"], row["conf_high"]])
                assert known.all() or isinstance(row["reason"], str), row
                assert not known.all() or row["conf_low"] < row["conf_high"], row


def test_a_panel_is_an_annotator_like_any_other():
    data = wb.load("sample")
    few = data.filter(pair_ids=data.pairs["pair_id"][:250])
    data = wb.score_factors(few, wb.factors.FAMILIES["length"])
    found = wb.panel(data)
    more = found.add_to(data, "weighted", "ours")
    fit = wb.decompose(more, annotator=["ours"], factors=["words"], folds=0).to_frame()
    assert fit.set_index("term").loc["words", "conf_low"] > 0
    assert wb.rater_agreement(more, annotators=["ours", "sim-reward"]).to_frame()["n"].gt(0).all()
    with pytest.raises(DesignError, match="another name"):
        found.add_to(more, "weighted", "ours")
    with pytest.raises(DesignError, match="no panel"):
        found.add_to(data, "dawid-skene")


def test_the_gain_covers_where_members_are_alike():
    runs, hit, wide = 80, 0, 0
    rng = np.random.default_rng(1)
    n = 200
    for _ in range(runs):
        right = 1.0 - errors(rng, n, 4, 0.3, 0.3)
        whole = (right.sum(axis=1) > 2) + 0.5 * (right.sum(axis=1) == 2)
        values = np.column_stack([right, whole])
        found = chosen_elsewhere(values, beyond_best, np.arange(n), np.arange(n) % 5)
        # every member is right on 70 % of all pairs: whichever is chosen
        truth = MAJORITY - 0.7
        hit += found.row["conf_low"] <= truth <= found.row["conf_high"]
        wide += found.spread > 1.2
    assert 0.9 <= hit / runs < 1
    assert wide / runs > 0.7


def _majority_of_four() -> float:
    big = 1.0 - errors(np.random.default_rng(2), 400_000, 4, 0.3, 0.3)
    votes = big.sum(axis=1)
    return float(((votes > 2) + 0.5 * (votes == 2)).mean())


MAJORITY = _majority_of_four()
"""Simulated truth: how often the majority of four such members is right."""


def test_a_panel_that_judges():
    data = wb.load("sample")
    few = data.filter(pair_ids=data.pairs["pair_id"][:40])
    rules = [wb.RuleJudge("longer"), wb.RuleJudge("tie"), wb.RuleJudge("first")]
    found = wb.judge(few, wb.PanelJudge(rules))
    mine = found.data.labels.query("annotator == 'panel'").set_index("pair_id")
    longer = few.pairs["response_a"].str.len() - few.pairs["response_b"].str.len()
    # tie is half a vote for each; the first shown is both once: the longer one wins
    assert mine["preference"].reindex(few.pairs["pair_id"]).tolist() == (
        (np.sign(longer) + 1) / 2).tolist()  # fmt: skip
    assert (mine["n_verdicts"] == 3).all()
    assert '"rule:longer": "' in mine["raw"].iloc[0]
    weighed = wb.PanelJudge(rules, how="weighted", name="w", weights={one.name: -1.0 if
        one.name == "rule:longer" else 0.1 for one in rules})  # fmt: skip
    turned = weighed.verdicts(few)["preference"]
    assert turned.tolist() == (1 - mine["preference"].reindex(few.pairs["pair_id"])).tolist()
    for wrong in ({"members": rules[:1]}, {"members": rules, "how": "weighted"},
                  {"members": [*rules, rules[0]]}):  # fmt: skip
        with pytest.raises(DesignError):
            wb.PanelJudge(**wrong)


def said_by(place: Path, name: str) -> tuple[list[tuple[Any, ...]], float]:
    """Return a judge's verdicts in both orders, and how often they say it is right."""
    rows: list[tuple[Any, ...]] = []
    for k, one in enumerate(json.loads(gzip.decompress((place / "result.json.gz").read_bytes()))):
        for swap, order in ((False, "ab"), (True, "ba")):
            said = one["results"][-1][f"swap = {swap}"]["winner"]
            rows.append((k, name, "llm", 2.0 - int(said), order))
    told = json.loads((place / "statistics.json").read_text(encoding="utf-8"))
    return rows, float(told["correct_average"].rstrip("%")) / 100


def test_llmbar_s_judges_are_as_right_as_published(shared_data):
    """Both orders averaged: ``correct_average`` of its own statistics."""
    folder = shared_data / "llmbar" / "LLMBar" / "Natural"
    if not folder.is_dir():
        pytest.skip("LLMBar's verdicts are absent")
    items = json.loads(gzip.decompress((folder / "dataset.json.gz").read_bytes()))
    pairs = pd.DataFrame([
        {"prompt": f"{k} {one['input']}", "response_a": one["output_1"],
         "response_b": one["output_2"]} for k, one in enumerate(items)
    ])  # fmt: skip
    rows: list[tuple[Any, ...]] = [
        (k, "gold", "objective", 2.0 - int(one["label"]), None) for k, one in enumerate(items)
    ]
    published = {}
    for name in ("GPT-4/Vanilla", "GPT-4/CoT", "ChatGPT/Vanilla", "LLaMA2/Vanilla"):
        said, published[name] = said_by(folder / "evaluators" / name, name)
        rows += said
    columns = ["pair", "annotator", "kind", "preference", "order_shown"]
    data = wb.PreferenceData.from_tables(pairs, pd.DataFrame(rows, columns=columns))
    found = wb.panel(data, reference="gold")
    table = found.to_frame().set_index("term")
    assert {name: table.loc[name, "estimate"] for name in published} == pytest.approx(published)
    # one model asked in two ways errs on the same pairs
    assert found.matrix().loc["GPT-4/Vanilla", "GPT-4/CoT"] > 0.4


def test_crowd_kit_s_majority_by_hand():
    # its documentation's rule: the label with most votes; a split is a tie here, not the first name
    data = as_data({"a": [1, 1, 0], "b": [1, 0, 0], "c": [0, 0, 0]})
    assert majority(votes_of(data, None, "human")).side.tolist() == [1.0, -1.0, -1.0]
