"""What strength and curation tell a reader to act on: planted, and absent where it is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

import workbench as wb
from tests.voted import pairs_of, voted, with_factors
from workbench.finding import Finding
from workbench.overview.rules import ALL_RULES

HOSTILE = "<script>alert(1)</script>"


def by_rule(found: list[Finding]) -> dict[str, Finding]:
    assert {one.rule_id for one in found} <= set(ALL_RULES)
    return {one.rule_id: one for one in found}


def crowd(n: int = 1500, votes: int = 9, noise: float = 0.3) -> wb.PreferenceData:
    rng = np.random.default_rng(0)
    words, warmth = rng.normal(size=n), rng.normal(size=n)
    chance = expit(0.9 * words + 0.7 * warmth + noise * rng.normal(size=n))
    return voted(chance, votes, {"words": words, "warmth": warmth}, seed=1, texts=True)


def people(turned: float = 0.0, odd: str | None = None) -> wb.PreferenceData:
    """Five people who know one truth that the factor tells; some votes, or one of them, turned."""
    rng = np.random.default_rng(2)
    n = 300
    x = rng.normal(size=n) + np.sign(rng.normal(size=n))
    rows = []
    for who in ("p0", "p1", "p2", "p3", "p4"):
        vote = (x > 0).astype(float)
        wrong = rng.random(n) < (0.6 if who == odd else turned)
        rows.append(
            pd.DataFrame({"pair": np.arange(n), "annotator": who, "kind": "human",
                          "preference": np.where(wrong, 1 - vote, vote)})
        )  # fmt: skip
    return with_factors(pairs_of(n, texts=True), pd.concat(rows, ignore_index=True), {"x": x})


def test_votes_that_others_contradict_are_a_warning_with_their_pairs() -> None:
    data = people(turned=0.1)
    found = by_rule(wb.strength(data).findings())
    one = found["contradicted-labels"]
    assert one.level == "warning"
    assert one.conf_low > 0.5
    assert "of all votes" in one.message
    assert set(one.evidence) <= set(data.pairs["pair_id"])
    assert len(one.evidence) == 10
    # a truth that everybody tells alike contradicts nobody
    assert "contradicted-labels" not in by_rule(wb.strength(people()).findings())


def test_who_is_at_odds_with_both_is_a_note() -> None:
    found = [one for one in wb.strength(people(0.05, "p3")).findings() if one.rule_id == "at-odds"]
    assert [one.message.split(" is at odds")[0] for one in found] == ["p3"]
    assert found[0].level == "note"
    assert found[0].conf_low > 0


def test_strengths_without_votes_of_others_are_said_to_be_uncalibrated() -> None:
    data = crowd(votes=1)
    found = by_rule(wb.strength(data.filter(pair_ids=data.pairs["pair_id"][:15])).findings())
    assert "too few votes" in found["strength-not-calibrated"].message
    assert "strength-not-calibrated" not in by_rule(wb.strength(crowd(votes=3)).findings())


def test_strong_pairs_only_are_dear_and_soft_labels_are_not() -> None:
    data = crowd()
    found = by_rule(wb.curate(data, {"min_agreement": 0.9}).findings())
    price = found["dear-calibration"]
    made = wb.curate(data, {"min_agreement": 0.9}).held_out.set_index(["group", "term"])
    row = made.loc[("difference", "ECE")]
    assert (price.estimate, price.conf_low) == (row["estimate"], row["conf_low"])
    assert price.level == "warning"
    assert found["few-pairs-left"].estimate < 0.5
    assert by_rule(wb.curate(data, {"soft": True}).findings()) == {}


def test_a_rule_that_costs_accuracy_says_so() -> None:
    """Of the pairs that `words` tells, those that `warmth` speaks against go: it turns round."""
    data = crowd()
    chosen = 2 * (data.labels["preference"] > 0.5) - 1
    against = data.pairs[["pair_id"]].assign(with_warmth=chosen * data.factors["warmth"])
    made = wb.curate(data, {"keep_lowest": ("with_warmth", 0.4)}, scores=against)
    found = by_rule(made.findings())
    assert found["dear-accuracy"].conf_high < -0.01
    assert "costs accuracy" in found["dear-accuracy"].message


def test_a_balance_that_the_limit_stops_still_predicts() -> None:
    data = crowd()
    part = by_rule(wb.curate(data, {"balance": ["words"], "max_loss": 0.05}).findings())
    assert part["still-predicts"].conf_low > 0.5
    whole = by_rule(wb.curate(data, {"balance": ["words"], "max_loss": 0.9}).findings())
    assert "still-predicts" not in whole


def test_an_unknown_price_is_a_note() -> None:
    found = by_rule(wb.curate(voted(np.full(60, 0.7), 3, texts=True)).findings())
    assert found["price-unknown"].level == "note"


def test_a_report_has_sections_of_both_and_text_stays_text() -> None:
    rng = np.random.default_rng(4)
    x = rng.normal(size=400)
    data = voted(expit(2 * x), 5, {HOSTILE: x}, texts=True)
    page = wb.report([wb.strength(data), wb.curate(data, {"balance": [HOSTILE]})], data=data).html()
    assert wb.curate(data, {"balance": [HOSTILE]}).figures().keys() >= {
        "Curation", "Accuracy and calibration on untouched labels",
        "What the rule changes on untouched labels", "Factor weights before and after",
    }  # fmt: skip
    body = page[page.index("<main") if "<main" in page else 0 :]
    for said in ("Strength of labels", "Votes of the smallest out-of-fold margins", "Curation",
                 "Pairs that stay, and pairs left out by reason",
                 "Factor weights before and after", "outvoted by the others",
                 "Rule: balance = &lt;script&gt;alert(1)&lt;/script&gt;."):  # fmt: skip
        assert said in body
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("rule", [{}, {"min_agreement": 0.9}])
def test_a_curation_without_factors_is_reported_by_its_counts(rule: dict) -> None:
    made = wb.curate(voted(np.linspace(0.2, 0.9, 80), 5, texts=True), rule)
    frame = made.to_frame()
    assert frame["term"].tolist() == made.rows["reason"].tolist()
    assert frame["estimate"].sum() == pytest.approx(1)
    page = wb.report(made).html()
    assert "Its effect is not known" in page
    assert repr(float(frame["estimate"][0])) in page
