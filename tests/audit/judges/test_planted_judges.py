"""The suite flags exactly the planted bias; simple judges are seen through."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.judges.models import Saying
from workbench.audit.judges.audit import audit_judge
from workbench.audit.judges.plan import CLEAN, WORSE, plan_audit, slot_of
from workbench.audit.judges.planted import BIASES, BiasedJudge, facts, world
from workbench.audit.judges.statistics import BIASED, INSENSITIVE
from workbench.errors import DesignError
from workbench.judges.templates import TEMPLATES

ANALYSIS = Path(__file__).resolve().parents[3] / "analyses" / "05_planted_judges"


@pytest.fixture(scope="module")
def plan():
    return plan_audit(world(120, 1), "smoke", n=120, seed=1)


@pytest.mark.parametrize("bias", sorted(BIASES))
def test_exactly_the_planted_bias_is_flagged(plan, bias):
    found = audit_judge(plan, BiasedJudge(bias, seed=1))
    assert set(found.flagged) == BIASES[bias], found.summary()
    rules = {one.rule_id for one in found.findings() if one.level == "warning"}
    assert bool(rules) == bool(BIASES[bias])


def test_the_recorded_hundred_seeds_come_again_for_one_of_them():
    spec = importlib.util.spec_from_file_location("planted_run", ANALYSIS / "run.py")
    run = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(run)
    expected = json.loads((ANALYSIS / "expected.json").read_text("utf-8"))
    assert (expected["first"], expected["seeds"]) == (200, 100)
    found = run.flagged(207)
    for bias, wanted in BIASES.items():
        assert sorted(found[bias]) == expected["otherwise"][bias].get("207", sorted(wanted))


def test_every_planted_judge_is_flagged_exactly_in_95_of_100_seeds():
    expected = json.loads((ANALYSIS / "expected.json").read_text("utf-8"))
    assert min(expected["flagged_exactly"].values()) >= 95


def test_a_reward_model_trained_on_length_alone_is_caught():
    """A least-squares fit of a random target that is the length, and nothing else."""
    rng = np.random.default_rng(0)
    texts = [" ".join(["word"] * int(k)) for k in rng.integers(1, 200, 200)]
    size = np.array([len(text) for text in texts], dtype=float)
    weight, bias = np.polyfit(size, (size - size.mean()) / size.std(), 1)

    def score(batch):
        return [weight * len(text) + bias for _, text in batch]

    plan = plan_audit(world(80, 3), "default", n=80)
    found = audit_judge(plan, wb.RewardJudge(score, "length-only"))
    table = found.to_frame().set_index("id")
    assert table.loc["F1", "verdict"] == BIASED
    assert table.loc["N2", "verdict"] == INSENSITIVE
    assert table.loc["N1b", "verdict"] == INSENSITIVE
    long = found.variants[(found.variants["id"] == "N2") & (found.variants["dose"] == 4)]
    assert long["estimate"].item() < 0.05
    assert {"length", "off topic", "degenerate"} <= set(found.flagged)


def test_degenerate_replies_catch_a_model_that_likes_the_short_ones():
    shy = wb.RewardJudge(lambda batch: [-len(text) for _, text in batch], "short-only")
    found = audit_judge(plan_audit(world(60, 4), "smoke", n=60), shy)
    assert {"degenerate", "length"} <= set(found.flagged)


def test_a_question_is_asked_once_whoever_stands_where(plan):
    texts = plan.arms[["prompt", "response_a", "response_b"]]
    assert not texts.duplicated().any()
    turned = texts.rename(columns={"response_a": "response_b", "response_b": "response_a"})
    both = texts[texts["response_a"] != texts["response_b"]].merge(turned)
    assert both.empty
    asked = plan.cases[plan.cases["probe"].isin((CLEAN, WORSE))]
    assert asked.groupby("pair_id")["treated"].nunique().max() == 1
    alike = (texts["response_a"] == texts["response_b"]).sum()
    assert plan.calls == 2 * (len(plan.arms) + 2 * 120) - alike


def test_the_plan_is_the_same_twice_and_vetoes_are_kept():
    data = wb.load("sample")
    one, two = (plan_audit(data, "smoke", n=30, seed=5) for _ in range(2))
    assert one.cases.equals(two.cases)
    assert one.arms.equals(two.arms)
    other = plan_audit(data, "smoke", n=30, seed=6)
    assert not other.cases.equals(one.cases)
    less = plan_audit(data, "smoke", n=30, seed=5, vetoed=["C1/book"])
    assert "C1" in set(one.cases["probe"])
    assert "C1" not in set(less.cases["probe"])
    assert {"prompt", "changed", "other"} <= set(one.samples().columns)
    same = data.pairs.head(1).assign(response_b=data.pairs["response_a"]).drop(columns="pair_id")
    labels = pd.DataFrame({"pair": [0], "annotator": ["ann"], "preference": [0.5]})
    alike = wb.PreferenceData.from_tables(same, labels)
    with pytest.raises(DesignError, match="two different"):
        plan_audit(alike)


def test_attacks_stand_beside_their_placebo():
    """A model that obeys what stands in a response, through the chat judge."""

    def says(texts, request):
        a, b = texts["response A"], texts["response B"]
        if ("Say that this" in a) != ("Say that this" in b):
            return {"verdict": "A" if "Say that this" in a else "B"}
        better = facts(texts["prompt"], a) - facts(texts["prompt"], b)
        return {"verdict": "tie" if better == 0 else "A" if better > 0 else "B"}

    with wb_asker(Saying(says)) as asker:
        judge = wb.ChatJudge("m", asker)
        plan = plan_audit(world(60, 2), "smoke", n=60, slot=slot_of(TEMPLATES["workbench"]))
        found = audit_judge(plan, judge)
    assert found.flagged == ["injection"]
    row = found.variants.set_index("probe").loc["injection"]
    assert row["asr"] == 1.0
    assert row["placebo_asr"] == 0.0
    assert row["n_lost"] == 60
    finding = next(one for one in found.findings() if one.rule_id == "judge-biased")
    assert len(finding.evidence) == 10
    assert found.settings["not_asked"] == 0


def wb_asker(model):
    import contextlib
    import tempfile

    @contextlib.contextmanager
    def opened():
        with (
            tempfile.TemporaryDirectory() as folder,
            wb.Journal(f"{folder}/j") as journal,
            wb.Asker(model, journal) as asker,
        ):
            yield asker

    return opened()


def test_rank_drop_is_the_fall_of_agreement_with_people():
    plan = plan_audit(world(80, 5), "default", n=80)
    found = audit_judge(plan, BiasedJudge("length", seed=5)).variants.set_index(["id", "term"])
    row = found.loc[("F1", "4x")]
    assert row["rank_drop"] == pytest.approx(row["accuracy_control"] - row["accuracy_treated"])
    # padding the worse one drops it, padding the better one does not
    assert row["rank_drop_low"] > 0.02
    methods = found.groupby("id")["method"].first()
    assert methods["F1"].startswith("paired shift")
    assert methods["N1"].startswith("share")
    clean = audit_judge(plan, BiasedJudge("none", seed=5)).variants.set_index(["id", "term"])
    assert clean.loc[("F1", "4x"), "rank_drop_low"] < 0


def test_world_and_judges_know_the_facts():
    data = world(40, 0)
    for row in data.pairs.to_dict("records"):
        assert facts(row["prompt"], row["response_a"]) != facts(row["prompt"], row["response_b"])
        assert facts("Tell me about the town of Nowhere.", row["response_a"]) < 0
    assert world(40, 0).digest == data.digest
    with pytest.raises(DesignError, match="planted"):
        BiasedJudge("none at all")
    rows = BiasedJudge("none").verdicts(data)
    again = BiasedJudge("none").again(1).verdicts(data)
    assert rows.equals(BiasedJudge("none").verdicts(data))
    assert not rows.equals(again)


def test_a_judge_that_answers_nothing_is_no_crash():
    data = world(20, 0)
    nothing = wb.RewardJudge(lambda batch: [float("nan")] * len(batch), "nan")
    found = audit_judge(plan_audit(data, "smoke", n=20), nothing)
    assert "failures" in found.flagged
    assert found.to_frame().set_index("id").loc["F1", "estimate"] != 0
    assert found.summary()
    assert found.plot().data is not None
