"""A mended judge runs, is saved, decomposes and is audited like any other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.audit.judges.planted import world
from workbench.data.columns import complete_labels
from workbench.errors import ConfigError, DesignError
from workbench.factors.recoded import recoded
from workbench.judges.verdict_features import FEATURES, verdict_features


@pytest.fixture(scope="module")
def data() -> wb.PreferenceData:
    found = wb.load("sample")
    few = found.filter(pair_ids=found.pairs["pair_id"][:80])
    return wb.score_factors(few, wb.factors.FAMILIES["length"])


def judge_of(data: wb.PreferenceData, weight: float = -9.0, **options: object) -> wb.MendedJudge:
    factors = {"words": {"weight": weight, "spec": data.factor_specs["words"]}}
    return wb.MendedJudge("rule:longer", {"verdict": 1.0}, factors, **options)


def test_it_is_an_annotator_that_decomposes(data: wb.PreferenceData) -> None:
    found = wb.judge(data, judge_of(data, inner=wb.RuleJudge("longer")))
    name = "rule:longer (mended)"
    labels = found.data.labels[found.data.labels["annotator"].eq(name)]
    assert len(labels) == len(data)
    fit = wb.decompose(found.data, annotator=name, factors=["words"], folds=0).to_frame()
    assert fit.set_index("term").loc["words", "estimate"] < 0
    # the formula, pair by pair
    longer = np.sign(data.pairs["response_a"].str.len() - data.pairs["response_b"].str.len())
    eta = longer.to_numpy(float) - 9.0 * data.factors["words"].to_numpy()
    p = labels.set_index("pair_id").loc[data.pairs["pair_id"], "preference"].to_numpy()
    assert np.allclose(p, 1 / (1 + np.exp(-eta)))


def test_a_saved_one_says_the_same_of_texts_that_have_no_factor_yet(
    data: wb.PreferenceData, tmp_path: Path
) -> None:
    judge_of(data, inner=wb.RuleJudge("longer")).save(tmp_path / "j.json")
    again = wb.MendedJudge.load(tmp_path / "j.json")
    plain = wb.load("sample").filter(pair_ids=data.pairs["pair_id"][:7])
    rows, before = again.verdicts(plain), judge_of(data, inner=wb.RuleJudge("longer"))
    whole = before.verdicts(data).set_index("pair_id")["preference"]
    assert np.allclose(rows["preference"], whole.loc[rows["pair_id"]])
    assert again.settings()["inner"]["rule"] == "longer"
    other = again.around(wb.RuleJudge("tie"), "mine")
    assert (other.name, other.kind) == ("mine", "rule")
    planted = wb.PlantedJudge({"words": 1.0}, seed=3)
    judge_of(data, inner=planted).save(tmp_path / "p.json")
    made = wb.MendedJudge.load(tmp_path / "p.json")
    assert made.inner is not None
    assert made.inner.settings() == planted.settings()


def test_the_labels_in_the_data_are_read_where_nobody_is_asked(data: wb.PreferenceData) -> None:
    mended = wb.MendedJudge("sim-judge-length", {"verdict": 2.0, "position": 0.1})
    found = wb.judge(data, mended)
    mine = found.data.labels["annotator"].eq(mended.name)
    kept = data.labels["annotator"].eq("sim-judge-length")
    assert set(found.data.labels.loc[mine, "pair_id"]) == set(data.labels.loc[kept, "pair_id"])
    lost = data.labels[kept & data.labels["preference"].isna()]
    failed = found.data.labels[mine & found.data.labels["preference"].isna()]
    assert set(failed["pair_id"]) == set(lost["pair_id"])
    with pytest.raises(DesignError, match="no verdicts to mend"):
        wb.judge(data, wb.MendedJudge("nobody", {"verdict": 1.0}))


def test_it_is_audited() -> None:
    town = world(24)
    scored = wb.score_factors(town, wb.factors.FAMILIES["length"])
    plan = wb.plan_audit(town, "smoke", n=8)
    mended = judge_of(scored, inner=wb.RuleJudge("longer"))
    found = wb.audit_judge(plan, mended)
    assert found.settings["model"] == mended.name
    assert found.settings["judge"]["inner"]["rule"] == "longer"


def test_a_verdict_turns_with_the_sides() -> None:
    rng = np.random.default_rng(0)
    n = 200
    labels = pd.DataFrame({
        "preference": rng.choice([0, 0.5, 1.0, 0.8, np.nan], n), "strength": rng.random(n),
        "order_shown": rng.choice(["ab", "ba", None], n),
    })  # fmt: skip
    at = rng.integers(0, 60, n)
    other = labels.assign(
        preference=1 - labels["preference"],
        order_shown=labels["order_shown"].map({"ab": "ba", "ba": "ab"}),
    )
    one, two = (verdict_features(at, table, 60) for table in (labels, other))
    assert list(one) == list(FEATURES)
    assert np.allclose(one, -two, equal_nan=True)


def test_features_by_hand() -> None:
    said = pd.DataFrame({
        "preference": [1.0, 0.0, 1.0, 0.5, 0.9, 0.4, 0.7],
        "strength": [2.0, 4.0, 1.0, 3.0, 1.0, 1.0, 5.0],
        "order_shown": ["ab", "ab", "ba", "ab", "ab", "ba", "ba"],
    })  # fmt: skip
    found = verdict_features(np.array([0, 0, 0, 1, 2, 2, 3]), said, 5)
    # pair 0: ab split, ba for A; pair 2: .9 and .4; pair 3: B was shown first, alone
    assert np.allclose(found["verdict"], [0.5, 0, 0.3, 0.4, np.nan], equal_nan=True)
    assert np.allclose(found["contradiction"], [0.25, 0, 0.15, 0, np.nan], equal_nan=True)
    assert np.allclose(found["margin"], [0, 0, 0, 5, np.nan], equal_nan=True)
    assert np.allclose(found["position"], [0, 1, 0, -1, np.nan], equal_nan=True)
    logit = (np.log(9) + np.log(0.4 / 0.6)) / 2
    assert found["log_odds"][2] == pytest.approx(logit)


def test_factors_of_columns_and_of_nobody_s_values_are_coded_as_before() -> None:
    pairs = pd.DataFrame({"item": range(4), "glow_a": [1.0, 2, 3, 9], "glow_b": [0.0, 4, 3, 1]})
    labels = pd.DataFrame({"pair": range(4), "annotator": "eye", "preference": 1.0})
    plain = wb.PreferenceData.from_tables(pairs, labels)
    coded = wb.factors.from_columns(plain, coding=wb.factors.Coding("difference"))
    spec = {"glow": coded.factor_specs["glow"]}
    few = plain.filter(pair_ids=plain.pairs["pair_id"][:2])
    assert np.allclose(recoded(few, spec)[:, 0], coded.factors["glow"][:2])
    # a difference in other units: only its scale tells
    alone = plain.with_factors(
        pd.DataFrame({"glow": [1.0, 2, 3, 4]}), pd.DataFrame(index=range(4)),
        {"glow": {"coding": {"scale": 2.0}}},
    )  # fmt: skip
    assert np.allclose(recoded(alone, {"glow": {"coding": {"scale": 4.0}}})[:, 0],
                       np.arange(1, 5) / 2)  # fmt: skip
    with pytest.raises(DesignError, match="no factor 'gone'"):
        recoded(plain, {"gone": {"source": "function"}})


def test_a_missing_value_is_no_verdict_and_says_so() -> None:
    pairs = pd.DataFrame({"item": [0, 1], "glow_a": [1.0, np.nan], "glow_b": [0.0, 1.0]})
    labels = pd.DataFrame({"pair": [0, 1], "annotator": "eye", "preference": [1.0, 0.0]})
    plain = wb.PreferenceData.from_tables(pairs, labels)
    spec = {"source": "column", "coding": {"transform": "difference"}}
    mended = wb.MendedJudge("eye", {"verdict": 1.0}, {"glow": {"weight": 1.0, "spec": spec}})
    rows = mended.verdicts(plain)
    assert rows["reason"].tolist() == [None, "failed"]
    found = wb.judge(plain, mended)
    assert found.failures["reason"].tolist() == ["a factor has no value"]
    firm = wb.MendedJudge("eye", {"verdict": 1.0, "margin": 0.5})
    assert firm.verdicts(plain)["failure"].unique().tolist() == ["the judge gave no strength"]
    failed = plain.labels.assign(preference=[np.nan, 0.0], reason=["failed", None])
    said = replace(plain, labels=complete_labels(failed))
    why = wb.MendedJudge("eye", {"verdict": 1.0}).verdicts(said)["failure"].tolist()
    assert why == ["the judge gave no verdict", None]


def test_one_order_stays_one_order(data: wb.PreferenceData) -> None:
    labels = data.labels[data.labels["annotator"].eq("sim-judge-length")]
    one = replace(data, labels=complete_labels(labels.assign(order_shown="ab")))
    rows = wb.MendedJudge("sim-judge-length", {"verdict": 1.0}).verdicts(one)
    assert set(rows["order_shown"]) == {"ab"}


def test_what_cannot_be_a_mended_judge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="cannot be used"):
        wb.MendedJudge("j", {"mood": 1.0})
    with pytest.raises(DesignError, match="cannot be used"):
        wb.MendedJudge("j", {"verdict": float("nan")})
    for text in ("", "[]", json.dumps({"format": "other"})):
        (tmp_path / "x.json").write_text(text)
        with pytest.raises(ConfigError, match="cannot be read"):
            wb.MendedJudge.load(tmp_path / "x.json")
