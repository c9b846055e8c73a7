"""Contexts by hand, beside another package, turned round, and refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.data.identity import exchanged
from workbench.report.further import further
from workbench.report.main_job import main_job
from workbench.structure.context.group_fits import fit_groups
from workbench.structure.context.prompts import prompt_factors


def data_of(rows: list[tuple[Any, ...]], pairs: int, **columns: Any) -> wb.PreferenceData:
    """Labels of (pair, annotator, criterion, P(A preferred)) on pairs without text."""
    stand = pd.DataFrame({"item": [f"p{k}" for k in range(pairs)], **columns})
    stand["cluster"] = [f"c{k}" for k in range(pairs)]
    names = ["pair", "annotator", "criterion", "preference"]
    return wb.PreferenceData.from_tables(stand, pd.DataFrame(rows, columns=names))


def value(table: pd.DataFrame, term: str) -> pd.Series:
    (row,) = [row for _, row in table.iterrows() if row["term"] == term]
    return row


def test_flip_rates_by_hand():
    rows = [
        # brief against full: opposed, equal, and a tie that is opposed to nothing
        (0, "x", "brief", 1.0), (0, "x", "full", 0.0),
        (1, "x", "brief", 1.0), (1, "x", "full", 1.0),
        (2, "x", "brief", 0.5), (2, "x", "full", 0.0),
        # three contexts: one of three couples is opposed to each other one
        (3, "x", "brief", 1.0), (3, "x", "full", 0.0), (3, "x", "kind", 1.0),
        # asked twice: each label of the one beside each of the other
        (4, "x", "brief", 1.0), (4, "x", "brief", 0.0), (4, "x", "full", 1.0),
        # one context only
        (5, "x", "kind", 1.0),
    ]  # fmt: skip
    found = wb.context(data_of(rows, 6)).estimates
    flips = value(found, "flip rate")
    assert flips["n"] == 5
    assert flips["estimate"] == pytest.approx((1 + 0 + 0 + 2 / 3 + 1 / 2) / 5)
    again = value(found, "repeats opposed")
    assert (again["estimate"], again["n"]) == (1.0, 1)


def test_two_people_who_differ_are_no_flip():
    rows = [(k, who, criterion, y) for k in range(8)
            for who, criterion, y in (("x", "brief", 1.0), ("y", "full", 0.0))]  # fmt: skip
    with pytest.raises(wb.DesignError, match="no context to compare"):
        wb.context(data_of([(k, who, "overall", y) for k, who, _, y in rows], 8))
    found = wb.context(data_of(rows, 8)).estimates
    assert found["estimate"].isna().all()
    assert found["reason"].str.contains("one annotator").all()


def test_mcnemar_is_that_of_statsmodels():
    contingency = pytest.importorskip("statsmodels.stats.contingency_tables")
    rng = np.random.default_rng(5)
    rows: list[tuple[Any, ...]] = []
    hits = np.zeros((2, 2))
    for k in range(60):
        told, blind, truth = (rng.random(3) < [0.8, 0.55, 0.5]).tolist()
        rows += [(k, "gold", "brief", float(truth)), (k, "judge", "brief", float(told == truth)),
                 (k, "judge", "overall", float(blind == truth))]  # fmt: skip
        hits[int((told == truth) == truth), int((blind == truth) == truth)] += 1
    data = data_of(rows, 60)
    found = wb.context(data, truth="gold").estimates
    gain = value(found, "context gain")
    expected = contingency.mcnemar(hits, exact=True)
    assert gain["p_value"] == pytest.approx(expected.pvalue)
    assert gain["estimate"] == pytest.approx((hits[1, 0] - hits[0, 1]) / 60)


def test_weights_of_groups_are_those_of_statsmodels():
    sm = pytest.importorskip("statsmodels.api")
    from workbench.compare.subsets import Subset

    rng = np.random.default_rng(2)
    X = rng.normal(size=(600, 3))
    y = 1.0 * (rng.random(600) < 1 / (1 + np.exp(-X @ [0.7, -0.3, 0.0])))
    cluster = np.arange(600) // 3
    half = np.arange(600) < 240
    parts = [half, ~half]
    found = fit_groups(
        [Subset(X[at], np.ones(at.sum()), y[at]) for at in parts], [cluster[at] for at in parts]
    )
    for s, at in enumerate(parts):
        fit = sm.Logit(y[at], X[at]).fit(
            disp=0, cov_type="cluster", cov_kwds={"groups": cluster[at], "use_correction": False}
        )
        # a weak prior of five logits stands in the way by a few thousandths
        np.testing.assert_allclose(found.estimate[s], fit.params, atol=5e-3)
        G = len(np.unique(cluster[at]))
        robust = fit.bse * np.sqrt(G / (G - 3))
        plain = np.sqrt(np.diag(np.linalg.inv(-fit.model.hessian(fit.params))))
        np.testing.assert_allclose(found.error[s], np.maximum(robust, plain), rtol=0.01)


def test_the_aspect_that_was_planted_wins():
    rng = np.random.default_rng(0)
    rows: list[tuple[Any, ...]] = []
    for k in range(150):
        useful, brief, kind = (rng.random(3) < 0.5) * 1.0
        follows = useful if rng.random() < 0.8 else float(rng.random() < 0.5)
        rows += [(k, "x", "useful", useful), (k, "x", "brief", brief), (k, "x", "kind", kind),
                 (k, "x", "overall", follows)]  # fmt: skip
    found = wb.context(data_of(rows, 150))
    table = found.trade_offs
    wins = value(table, "useful wins over brief")
    assert wins["conf_low"] < 0.8 + 0.2 / 2 < wins["conf_high"]
    assert wins["q_value"] < 1e-6
    disagree = value(table, "useful and brief disagree")
    assert disagree["n"] == 150
    assert disagree["conf_low"] < 0.5 < disagree["conf_high"]
    assert found.joint is not None
    weights = found.joint.to_frame().set_index("term")["estimate"]
    assert weights["useful"] > 0.5 > abs(weights["brief"])
    assert [type(part).__name__ for part in found.parts()] == ["Decomposition"]


def with_factor(data: wb.PreferenceData, values: Any) -> wb.PreferenceData:
    frame = pd.DataFrame({"words": values})
    specs = {"words": {"coding": {"transform": "difference"}}}
    return data.with_factors(frame, pd.DataFrame(index=frame.index), specs)


def mixed(seed: int = 1) -> wb.PreferenceData:
    """Criteria, an overall label, models, a factor and a column, of two annotators."""
    rng = np.random.default_rng(seed)
    n = 90
    rows = [(k, who, criterion, float(rng.random() < 0.5 + 0.2 * (criterion == "brief")))
            for k in range(n) for who in ("x", "y")
            for criterion in ("brief", "full", "overall")]  # fmt: skip
    models = [rng.choice(["m1", "m2", "m3"], 2, replace=False) for _ in range(n)]
    data = data_of(rows, n, model_a=[m[0] for m in models], model_b=[m[1] for m in models],
                   scenario=rng.choice(["s", "t"], n))  # fmt: skip
    return with_factor(data, rng.normal(size=n))


def numbers(found: wb.Context) -> dict[str, pd.DataFrame]:
    return {name: table.drop(columns=["mean_difference", "first_preferred"], errors="ignore")
            for name, table in found.tables().items()}  # fmt: skip


def test_the_order_of_rows_and_the_sides_change_nothing():
    data = mixed()
    first = wb.context(data, truth="x")
    labels = data.labels.sample(frac=1, random_state=3).reset_index(drop=True)
    again = wb.context(replace(data, labels=labels), truth="x")
    for name, table in first.tables().items():
        pd.testing.assert_frame_equal(table, again.tables()[name])
    turned = np.random.default_rng(0).random(len(data.pairs)) < 0.5
    labels = data.labels.assign(
        preference=data.labels["preference"].mask(
            turned[data.pair_rows], 1 - data.labels["preference"]
        )
    )
    swapped = replace(data, pairs=exchanged(data.pairs, turned), labels=labels)
    words = data.factors["words"].to_numpy() * np.where(turned, -1, 1)
    other = wb.context(with_factor(swapped, words), truth="x")
    for name, table in numbers(first).items():
        pd.testing.assert_frame_equal(table, numbers(other)[name], rtol=1e-6, atol=1e-9)


def test_factors_are_weighed_under_each_criterion():
    found = wb.context(mixed(), columns=[])
    assert found.interaction is not None
    assert set(found.interaction.estimates["scenario"]) == {"brief", "full"}
    assert found.reversals.empty


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"columns": ["nowhere"]}, wb.DesignError, "Cannot group by 'nowhere'"),
        ({"aspects": ["nowhere"]}, wb.DesignError, "no factor 'nowhere'"),
        ({"factors": ["nowhere"]}, wb.DesignError, "nowhere"),
        ({"truth": "nobody"}, wb.DataError, "no annotator or kind 'nobody'"),
        ({"annotators": ["nobody"]}, wb.DataError, "nobody"),
        ({"placebo": ["nothing"]}, wb.DesignError, "criterion 'nothing'"),
        ({"negated": {"brief": "nothing"}}, wb.DesignError, "criterion 'nothing'"),
        ({"blind": "blnd"}, wb.DesignError, "criterion 'blnd'"),
        ({"negated": {"brief": "brief"}}, wb.DesignError, "for two things"),
        ({"negated": {"brief": "full", "full": "brief"}}, wb.DesignError, "for two things"),
        ({"negated": {"overall": "brief"}}, wb.DesignError, "'overall' is blind and a negation"),
        ({"negated": "brief"}, wb.DesignError, "no mapping"),
        ({"placebo": ["overall"]}, wb.DesignError, "'overall' is blind and a placebo"),
        ({"placebo": "full", "negated": {"full": "brief"}}, wb.DesignError, "and a negation"),
        ({"level": 1.0}, wb.DesignError, "out of range"),
    ],
)
def test_what_is_wrong_is_refused(options: dict[str, Any], error: type, said: str):
    with pytest.raises(error, match=said):
        wb.context(mixed(), **options)


def test_an_unknown_column_is_refused_without_factors():
    rows = [(k, "x", name, 1.0) for k in range(4) for name in ("brief", "full")]
    with pytest.raises(wb.DesignError, match="Cannot group by 'nowhere'"):
        wb.context(data_of(rows, 4), columns=["nowhere"])


def test_thin_groups_are_undefined_with_their_reason():
    data = mixed()
    pairs = data.pairs.assign(scenario=["rare"] * 5 + ["usual"] * (len(data.pairs) - 5))
    found = wb.context(replace(data, pairs=pairs), columns=["scenario"]).reversals
    assert found["p_value"].isna().all()
    assert (
        found["reason"].str.contains("1 of 2 groups have a weight: it differs in 5 clusters").all()
    )


def test_a_report_takes_it_beside_the_main_job():
    data = wb.load("sample")
    few = data.filter(pair_ids=data.pairs["pair_id"][:200])
    data = wb.score_factors(few, wb.factors.FAMILIES["length"])
    job = main_job(data, factors=["words"], folds=0)
    (found,) = further(job, ["context"])
    assert isinstance(found, wb.Context)
    assert set(found.reversals["term"]) == {"words"}
    assert set(found.figures()) >= {"Context"}


def test_one_prompt_a_pair_has_no_factor_of_prompts():
    data = wb.load("sample")
    few = data.filter(pair_ids=data.pairs["pair_id"][:50])
    assert (prompt_factors(few) == 0).all(axis=None)


def test_the_pool_behind_the_false_cycle_of_real_battles_is_named(shared_data: Path):
    pairs = pd.read_parquet(shared_data / "normalised" / "pairs.parquet")
    labels = pd.read_parquet(shared_data / "normalised" / "labels.parquet")
    labels = labels[(labels["dataset"] == "vicuna80") & (labels["annotator_kind"] == "human")]
    pairs = pairs[(pairs["dataset"] == "vicuna80") & pairs["pair_id"].isin(labels["pair_id"])]
    columns = ["pair_id", "prompt", "response_a", "response_b", "model_a", "model_b"]
    stand = pairs[columns].assign(cluster=pairs["prompt"]).reset_index(drop=True)
    preference = labels["label"].map({"a": 1.0, "b": 0.0, "tie": 0.5})
    told = labels[["pair_id", "annotator"]].assign(kind="human", preference=preference)
    data = wb.PreferenceData.from_tables(stand, told)
    models = sorted(set(stand["model_a"]) | set(stand["model_b"]) - {"vicuna-13b"})
    frame = pd.DataFrame(
        {name: (data.pairs["model_a"] == name) * 1.0 - (data.pairs["model_b"] == name)
         for name in models}
    )  # fmt: skip
    specs = {name: {"coding": {"transform": "difference"}} for name in frame}
    data = data.with_factors(frame, pd.DataFrame(index=frame.index), specs)
    found = wb.context(data, annotators=["human_1"], columns=["raters"]).reversals
    # one slot alone labelled the pairs with claude: a strength differs there, by size, not by sign
    assert not found["reversed"].any()
    apart = found[found["differs"]]
    assert apart["term"].tolist() == ["gpt4"]
    assert apart["groups_above"].tolist() == ["human_1"]


def test_trade_offs_of_real_ratings_are_those_counted_by_hand(shared_data: Path):
    table = pd.read_parquet(shared_data / "hf_not_gold" / "granular_full.parquet")
    key = ["dataset", "sample_ix", "time_str"]
    table = table[table.groupby(key)["model"].transform("nunique") == 2]
    table = table[table.groupby(key)["model"].transform("size") == 2].sort_values([*key, "model"])
    names = ["overall", "useful", "factuality"]
    a, b = (table.iloc[k::2].reset_index(drop=True) for k in (0, 1))
    gap = np.sign(a[names] - b[names])
    rows = [(k, "x", name, 0.5 + row[name] / 2) for k, row in gap.iterrows() for name in names]
    found = wb.context(data_of(rows, len(gap))).trade_offs
    opposed = gap["useful"] * gap["factuality"] < 0
    disagree = found[found["term"].str.endswith(" disagree")].iloc[-1]
    assert {disagree["aspect"], disagree["other"]} == {"useful", "factuality"}
    assert disagree["estimate"] == pytest.approx(opposed.mean())
    wins = value(found, "useful wins over factuality")
    follows = (gap["overall"] * gap["useful"])[opposed]
    assert wins["estimate"] == pytest.approx(0.5 + follows.mean() / 2)


def test_votes_without_names_are_told_to_be_of_several_people():
    rows = [(k, who, criterion, y) for k in range(6) for who in ("crowd", "x")
            for criterion, y in (("brief", 1.0), ("full", 0.0))]  # fmt: skip
    found = wb.context(data_of(rows, 6))
    assert "crowd: the votes of several people" in found.summary()
    assert "x:" not in " ".join(found.settings["notes"])


def test_ratings_of_several_aspects_are_traded_off_as_they_are_read(tmp_path: Path):
    rng = np.random.default_rng(4)
    aspects = ["correctness", "coherence", "complexity", "verbosity"]
    rows = []
    for k in range(160):
        for side in "xy":
            given = dict(zip(aspects, rng.integers(0, 5, 4).tolist(), strict=True))
            follows = given["correctness"] if rng.random() < 0.8 else int(rng.integers(0, 5))
            rows.append({"prompt": f"question {k}", "response": f"{side} {k}",
                         "helpfulness": follows, **given})  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "steer.csv", index=False)
    data = wb.load(tmp_path / "steer.csv")
    found = wb.context(data, blind="helpfulness", columns=[])
    wins = found.trade_offs[found.trade_offs["term"].str.contains(" wins over ")]
    clear = wins[wins["q_value"] < 0.05]
    assert set(clear["aspect"]) == {"correctness"}
    assert clear["other"].tolist() == ["coherence"]
    assert found.joint is not None
    weights = found.joint.to_frame().set_index("term")
    assert weights.loc["correctness", "conf_low"] > 1


def test_an_aspect_with_a_minus_is_of_the_side_with_less():
    rng = np.random.default_rng(0)
    sides = (rng.random((60, 2)) < 0.5) * 1.0
    rows = [(k, "x", name, y) for k, (good, bad) in enumerate(sides.tolist())
            for name, y in (("good", good), ("errors", bad), ("overall", 1 - bad))]  # fmt: skip
    data = with_factor(data_of(rows, 60), sides[:, 1] - 0.5)
    for aspects in (["-errors"], ["-words", "-errors"]):
        found = wb.context(data, aspects=aspects, columns=[]).trade_offs
        assert value(found, "-errors wins over good")["estimate"] == 1.0
    assert value(found, "-words wins over good")["estimate"] == 1.0


@pytest.mark.parametrize("weightless", [20, 40])
def test_labels_of_weight_zero_say_nothing(weightless: int):
    rows = [(k, "u", criterion, float(criterion == "x" or k >= 20), float(k >= weightless))
            for k in range(40) for criterion in ("x", "y")]  # fmt: skip
    names = ["pair", "annotator", "criterion", "preference", "weight"]
    stand = pd.DataFrame({"item": [f"p{k}" for k in range(40)]})
    data = wb.PreferenceData.from_tables(stand, pd.DataFrame(rows, columns=names))
    if weightless == 40:
        with pytest.raises(wb.DesignError, match="80 with no positive weight"):
            wb.context(data)
        return
    found = wb.context(data)
    flips = value(found.estimates, "flip rate")
    assert (flips["estimate"], flips["n"]) == (0.0, 20)
    assert found.settings["unsaid"] == {"no positive weight": 40}
    assert "40 labels left out: no positive weight" in found.summary()


def test_prompts_that_alone_are_judged_are_a_finding():
    rng = np.random.default_rng(1)
    words = rng.integers(3, 30, size=(400, 4))
    texts = [[f"{'w ' * n}{k}.{side}" for side, n in enumerate(row)]
             for k, row in enumerate(words.tolist())]  # fmt: skip
    pairs = pd.DataFrame(texts, columns=["prompt", "prompt_b", "response_a", "response_b"])
    y = rng.random(400) < 1 / (1 + np.exp(-3 * (words[:, 0] - words[:, 1]) / 10))
    labels = pd.DataFrame({"pair": range(400), "annotator": "p", "preference": y * 1.0})
    data = wb.PreferenceData.from_tables(pairs, labels)
    found = wb.context(with_factor(data, np.log(words[:, 2] / words[:, 3])), columns=[])
    share = value(found.prompts, "prompt share")
    assert share["estimate"] == share["conf_high"] == 1.0
    assert 0.5 < share["conf_low"] < 0.999
    assert [one.rule_id for one in found.findings()] == ["prompts-judged"]
