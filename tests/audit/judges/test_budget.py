"""How many pairs would tell: closed forms, and audits of that size that are simulated."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from workbench.audit.judges.audit import audit_judge
from workbench.audit.judges.budget import NEAR, items_needed
from workbench.audit.judges.card import FAILED, OPEN, PASSED, budget_text, card, counted
from workbench.audit.judges.plan import plan_audit
from workbench.audit.judges.planted import BiasedJudge, world
from workbench.audit.judges.statistics import rate, shift, verdicts

MARGIN = 0.05


def row(error: float, n: float, expect: str, estimate: float = 0.0) -> dict:
    return {"std_error": error, "n": n, "expect": expect, "estimate": estimate}


@pytest.mark.parametrize(
    ("expect", "reach"),
    [("none", 1.6449 + 1.2816), ("not up", 1.6449 + 0.8416), ("right", (1.96 + 0.8416) / 2)],
)
def test_the_closed_form(expect, reach):
    # a standard deviation of 0.5, in a sample of 100
    found = items_needed(row(0.05, 100, expect), MARGIN)
    assert found.items == np.ceil((reach * 0.5 / MARGIN) ** 2)
    assert found.reason is None


def test_a_budget_is_that_of_the_spread_not_of_the_sample():
    small, large = (items_needed(row(0.3 / n**0.5, n, "none"), MARGIN).items for n in (50, 5000))
    assert small == pytest.approx(large, abs=1)


def test_clusters_that_double_the_variance_double_the_budget():
    one = items_needed(row(0.05, 100, "none"), MARGIN).items
    both = items_needed(row(0.05 * 2**0.5, 100, "none"), MARGIN).items
    assert both == pytest.approx(2 * one, abs=1)


def test_what_cannot_be_reckoned_has_a_reason():
    assert np.isnan(items_needed(row(np.nan, 10, "none"), MARGIN).items)
    assert "no error is known" in items_needed(row(0.0, 10, "right"), MARGIN).reason
    at = items_needed(row(0.1, 10, "at least 0.8", 0.8), MARGIN)
    assert np.isnan(at.items)
    assert "threshold itself" in at.reason
    assert items_needed(row(0.001, 5000, "none", 0.05), MARGIN).reason == NEAR


def drawn(rng, n: int, mean: float, scale: float) -> np.ndarray:
    """Differences as an audit has them: of two orders, most of them none."""
    lean = mean / (2 * scale)
    values = np.array([-1.0, -0.5, 0.0, 0.5, 1.0])
    p = np.array([scale / 4, scale / 4, 1 - scale, scale / 4, scale / 4])
    p += lean * np.array([-1, -1, 0, 1, 1]) * scale / 1.5
    return rng.choice(values, n, p=p)


def told(values: np.ndarray, expect: str) -> str:
    found = shift(values, np.arange(len(values)))
    return verdicts(pd.DataFrame([{**found, "expect": expect}]), MARGIN)["verdict"].iloc[0]


@pytest.mark.parametrize(("expect", "word"), [("none", "equivalent"), ("not up", "no shift up")])
def test_an_audit_of_that_size_tells_a_judge_without_a_shift(expect, word):
    rng = np.random.default_rng(1)
    error = 0.4**0.5 * (0.625**0.5)  # standard deviation of drawn(.., scale=0.4): 0.5
    n = int(items_needed(row(error / 10, 100, expect), MARGIN).items)
    said = [told(drawn(rng, n, 0.0, 0.4), expect) for _ in range(250)]
    # 80 % and three standard errors of 250 draws
    assert np.mean([one == word for one in said]) == pytest.approx(0.8, abs=0.08)
    few = [told(drawn(rng, n // 4, 0.0, 0.4), expect) for _ in range(100)]
    assert np.mean([one == word for one in few]) < 0.4


def test_an_audit_of_that_size_finds_a_shift_of_twice_the_margin():
    rng = np.random.default_rng(2)
    sample = drawn(rng, 200_000, 2 * MARGIN, 0.4)
    assert sample.mean() == pytest.approx(2 * MARGIN, abs=0.004)
    n = int(items_needed(row(sample.std() / 10, 100, "none"), MARGIN).items)
    said = [told(drawn(rng, n, 2 * MARGIN, 0.4), "none") for _ in range(150)]
    assert np.mean([one == "biased" for one in said]) > 0.8


def test_an_audit_of_that_size_tells_known_answers_from_chance():
    rng = np.random.default_rng(3)
    n = int(items_needed(row(0.5 / 10, 100, "right"), MARGIN).items)
    p = [rate((rng.random(n) < 0.6).astype(float), np.arange(n))["p_value"] for _ in range(400)]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.8, abs=0.06)


@pytest.fixture(scope="module")
def audit():
    return audit_judge(plan_audit(world(60), "smoke"), BiasedJudge("position"))


def test_the_scorecard_is_every_measure_in_words(audit):
    table = audit.scorecard
    assert len(table) == len(audit.estimates)
    words = table.set_index("id")["word"]
    verdict = audit.estimates.set_index("id")["verdict"]
    assert audit.flagged == ["position"]
    assert table.loc[table["word"] == FAILED, "dimension"].unique().tolist() == ["position"]
    for word, said in ((FAILED, ("biased", "insensitive")),
                       (PASSED, ("equivalent", "no shift up", "sensitive")),
                       (OPEN, ("underpowered",))):  # fmt: skip
        assert set(verdict[words[words == word].index]) <= set(said)
    assert table["side"].drop_duplicates().tolist() == ["invariance", "sensitivity", "instrument"]
    # what failed stands first
    assert table["word"].iloc[0] == FAILED
    assert table["threshold"].iloc[0] == "a shift within -0.05 to 0.05"


def test_only_what_cannot_be_told_has_a_budget_and_it_grows_with_the_whole_audit(audit):
    table = audit.scorecard
    assert table.loc[table["word"] != OPEN, "pairs_needed"].isna().all()
    left = table[table["word"].eq(OPEN) & table["pairs_needed"].notna()]
    assert len(left)
    own = audit.estimates.set_index("id")
    for one in left.to_dict("records"):
        times = max(items_needed(own.loc[one["id"]], MARGIN).items / one["n"], 1.0)
        assert one["pairs_needed"] == np.ceil(audit.settings["n"] * times)
        assert one["calls_needed"] == np.ceil(audit.settings["calls"] * times)


def test_the_counts_and_the_sentence(audit):
    counts = counted(audit.scorecard).set_index("side")
    assert counts.to_numpy().sum() == len(audit.estimates)
    assert counts.loc["invariance", FAILED] == 1
    assert audit.verdict.startswith("Invariance: ")
    assert "1 failed" in audit.verdict
    told_all = audit.estimates.assign(verdict="equivalent")
    assert budget_text(card(told_all, audit.settings)).startswith("Every measure could be told")


def test_a_row_opens_the_cases_that_say_most(audit):
    order = audit.evidence_of("P1")
    assert ((order["score"] - 0.5).abs().diff().dropna() >= 0).all()
    changed = audit.estimates[audit.estimates["group"] == "invariance"]["id"].tolist()[2]
    cases, estimate = audit.evidence_of(changed), audit.estimates.set_index("id").loc[changed]
    assert set(cases["probe"]) == {changed}
    pull = cases["value"] * np.sign(estimate["estimate"])
    assert (pull.diff().dropna() <= 0).all()
    assert audit.evidence_of("I2").empty


def test_a_case_has_the_texts_that_the_judge_was_shown(audit):
    plan = plan_audit(world(60), "smoke")
    pairs = world(60).pairs.set_index("pair_id")
    assert plan.cases[["probe", "variant", "pair_id"]].equals(
        audit.cases[["probe", "variant", "pair_id"]]
    )
    for probe, label in (("F1", "watched"), ("C2", "prompt")):
        case = plan.cases[plan.cases["probe"] == probe].iloc[0]
        told, own = plan.texts(case), pairs.loc[case["pair_id"]]
        before = {"watched": [own["response_a"], own["response_b"]], "prompt": [own["prompt"]]}
        assert told[label] not in before[label]
        assert told["other"] in (own["response_a"], own["response_b"])
        assert told["control"] != told["watched"] or told["control prompt"] != told["prompt"]
    known = plan.cases[plan.cases["probe"] == "N1"].iloc[0]
    assert "control" not in plan.texts(known)
