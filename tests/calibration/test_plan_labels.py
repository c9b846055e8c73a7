"""Plans of labels: planted truths, closed forms, real sittings, and what is refused."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.planted import planted
from workbench.calibration.plan.law import NO_END, Aims, Law, curve_of, plan_row
from workbench.calibration.plan.pilot import firth, foretell
from workbench.calibration.plan.rates import helped, share_law
from workbench.data.columns import complete_labels
from workbench.overview.rules import ALL_RULES

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS = [0.8, -0.4, 0.2, 0.0]


def pairs_of(data: wb.PreferenceData, n: int, seed: int) -> wb.PreferenceData:
    ids = np.random.default_rng(seed).choice(data.pairs["pair_id"].to_numpy(), n, replace=False)
    return data.filter(pair_ids=ids)


def weights_plan(data: wb.PreferenceData, **more: object) -> pd.DataFrame:
    return wb.plan_labels(data, for_="weight", **more).to_frame()  # type: ignore[arg-type]


def test_a_simulated_pilot_foretells_the_errors_of_a_large_study():
    study = planted({"person": WEIGHTS}, n=2000, clusters=500, seed=3)
    truth = wb.decompose(study, folds=0).to_frame().set_index("term")["std_error"].to_numpy()[:4]
    ratios, inside = [], []
    for seed in range(10):
        pilot = pairs_of(study, 300, seed)
        fit = wb.decompose(pilot, folds=0)
        found = foretell(fit.design, fit.fits["person"])
        log_ratio = np.log(found.variance[:4] * 300 / 2000) - 2 * np.log(truth)
        ratios.append(np.exp(log_ratio / 2))
        inside.append(np.abs(log_ratio) < 1.96 * found.log_error[:4])
    assert np.median(ratios) == pytest.approx(1.0, abs=0.08)
    assert np.quantile(ratios, [0.025, 0.975]) == pytest.approx([0.85, 1.2], abs=0.1)
    assert np.mean(inside) > 0.9


def test_the_power_that_is_promised_is_the_share_of_studies_that_find_it():
    # Hsieh, Bloch and Larsen's formula at P near one half: (2.8 / 0.25)^2 x 4 = 502
    pilot = planted({"person": [0.25]}, n=400, seed=1)
    row = weights_plan(pilot, effect=0.25).iloc[0]
    assert row["estimate"] == pytest.approx(502, rel=0.1)
    assert row["conf_low"] < 502 < row["conf_high"]
    rng = np.random.default_rng(5)
    n, found = int(row["estimate"]), 0
    for _ in range(300):
        x = rng.normal(size=(n, 1))
        y = (rng.random(n) < 1 / (1 + np.exp(-0.25 * x[:, 0]))).astype(float)
        b, V = firth(x, np.ones(n), y, np.zeros(1))
        found += abs(b[0]) > 1.96 * np.sqrt(V[0, 0])
    assert found / 300 == pytest.approx(0.8, abs=0.07)


def test_clusters_that_repeat_one_label_cost_as_much():
    once = planted({"person": [0.3, 0.2]}, n=300, seed=2)
    labels = once.labels.assign(replicate="0")
    again = pd.concat([labels, labels.assign(replicate="1")], ignore_index=True)
    twice = replace(once, labels=complete_labels(again.drop(columns="replicate")))
    one, two = weights_plan(once), weights_plan(twice)
    # every pair twice, with the same verdict: half of the labels say nothing
    assert two["n"].tolist() == [600.0, 600.0]
    assert (two["estimate"] / one["estimate"]).to_numpy() == pytest.approx(2.0, rel=0.03)
    assert (two["deff"] / one["deff"]).to_numpy() == pytest.approx(2.0, rel=0.03)


def test_without_a_label_the_columns_alone_plan_and_say_so():
    data = planted({"judge": [1.0, 0.0]}, n=1000, seed=4)
    found = wb.plan_labels(data, for_=["weight"])
    table = found.to_frame()
    assert table["estimate"].to_numpy() == pytest.approx(2.8016**2 * 4 / 0.2**2, rel=0.01)
    assert table["conf_low"].isna().all()
    assert table["n"].eq(0).all()
    assert table["reason"].str.contains("no pilot").all()
    assert [one.rule_id for one in found.findings()] == ["plan-without-pilot"]
    # strong preferences tell less: the blind plan is too small
    known = weights_plan(data, reference="judge")
    assert (known["estimate"] > table["estimate"]).all()


def test_a_win_rate_and_a_perfect_judge_are_the_closed_forms():
    y = np.tile([1.0, 0.0], 200)
    alone = share_law("win rate", "m", y, np.arange(400), 0.05, 0.95)
    aims = Aims(0.95, 0.8)
    assert plan_row(alone, aims)["estimate"] == pytest.approx(385, abs=1)
    rng = np.random.default_rng(0)
    judged = np.concatenate([np.where(rng.random(400) < 0.9, y, 1 - y), np.ones(9600)])
    said = np.concatenate([y, np.full(9600, np.nan)])
    better = helped(alone, "judge", said, judged, np.arange(10_000), 0.95)
    rho = np.corrcoef(y, judged[:400])[0, 1]
    v = alone.variance
    expected = v * (1 - rho**2) / ((0.05 / 1.959964) ** 2 - v * rho**2 / 10_000)
    assert plan_row(better, aims)["estimate"] == np.ceil(expected)
    assert better.low < better.variance < better.high < alone.high
    # past the pairs that the judge decided people stand alone: its help is never harm
    lone = plan_row(replace(alone, wanted=0.001), aims)
    many = plan_row(replace(better, wanted=0.001), aims)
    for end in ("estimate", "conf_high"):
        assert many[end] == lone[end]
    same = helped(alone, "judge", y, judged[:400], np.arange(400), 0.95)
    row = plan_row(replace(same, wanted=0.03), aims)
    assert row["estimate"] == plan_row(replace(alone, wanted=0.03), aims)["estimate"]


def test_a_few_labels_that_agree_do_not_settle_a_rate():
    law = share_law("agreement", "x", np.ones(10), np.arange(10), 0.05, 0.95)
    assert 0 < law.variance < law.high <= 0.25
    # 36 right of 36: Clopper and Pearson's interval is 0.0974 wide, of 35: 0.1001
    many = share_law("agreement", "x", np.ones(1000), np.arange(1000), 0.05, 0.95)
    assert plan_row(many, Aims(0.95, 0.8))["estimate"] == 36
    one = share_law("agreement", "x", np.ones(10), np.zeros(10, int), 0.05, 0.95)
    assert np.isnan(one.variance)
    assert one.reason == "one cluster: the error is not known"


def test_a_law_and_its_curve():
    law = Law("weight", "w", "log-odds per SD", 0.2, 100, 4.0, 2.0, 8.0, own=(0.1, -0.1, 0.3))
    row = plan_row(law, Aims(0.95, 0.8))
    assert row["labels_for_own"] == np.ceil(2.801585**2 * 4 / 0.1**2)
    assert np.isnan(row["labels_for_own_high"])
    assert row["reason"] is None
    rank = replace(law, goal="rank", wanted=0.1)
    assert plan_row(rank, Aims(0.95, 0.8))["reason"] == NO_END
    curve = curve_of([law], Aims(0.95, 0.8))
    assert curve["std_error"].to_numpy() == pytest.approx(np.sqrt(4 / curve["labels"].to_numpy()))
    at = np.interp(785, curve["labels"], curve["power"])
    assert at == pytest.approx(0.8, abs=0.02)
    assert (curve["conf_low"] < curve["estimate"]).all()


def test_every_goal_of_the_sample_and_its_tables():
    data = wb.score_factors(pairs_of(wb.load("sample"), 250, 0), wb.factors.FAMILIES["length"])
    found = wb.plan_labels(data, factors=["words"])
    table = found.to_frame()
    assert list(dict.fromkeys(table["goal"])) == [
        "weight", "contrast", "win rate", "agreement", "rank", "repeats", "people",
    ]  # fmt: skip
    known = table.dropna(subset=["conf_low", "conf_high"])
    assert (known["conf_low"] <= known["estimate"]).all()
    assert (known["estimate"] <= known["conf_high"]).all()
    assert table["reason"].notna()[table["conf_high"].isna()].all()
    icc = wb.rater_agreement(data, measures=["icc"]).to_frame()["estimate"].iloc[0]
    two = table[table["term"] == "a mean, 2 labels a pair"].iloc[0]
    assert two["deff"] == pytest.approx(1 + icc)
    brown = table[table["unit"] == "reliability"]["estimate"].iloc[0]
    assert brown == np.ceil(4 * (1 - icc) / icc)
    text = found.summary()
    assert "of 8 have labels enough for +-0.05 share" in text
    assert {one.rule_id for one in found.findings()} <= set(ALL_RULES)
    assert len(found.plot().data) == 1
    assert found.to_dict()["tables"]["curve"]


def test_tau_and_shifts_are_those_that_the_structure_calls_detectable():
    from workbench.structure.labels import person_labels
    from workbench.structure.people.detectable import detectable_tau
    from workbench.structure.planted import planted_people

    data, _ = planted_people(people=30, labels=20, tastes=[(1.0, 0.0)])
    table = wb.plan_labels(data, for_=["people", "groups"], spread=0.4).to_frame()
    labels = person_labels(data)
    row = table.iloc[0]
    assert row["found_now"] == pytest.approx(detectable_tau(labels, 5))
    # the law holds where labels are as many as it says
    c = row["estimate"] / row["n"]
    more = replace(labels, weight=labels.weight * c, votes=labels.votes * c)
    assert detectable_tau(more, 5) == pytest.approx(0.4, rel=0.03)
    assert table["goal"].tolist()[1:] == ["groups"] * (len(table) - 1)
    assert table["reason"].str.startswith("no range").all()


def test_neither_sides_nor_order_nor_a_doubled_judge_matter():
    data = planted({"person": [0.5, -0.2], "judge": [0.4, 0.1]}, n=400, seed=6)
    models = pd.DataFrame({"model_a": ["x"] * 400, "model_b": ["y"] * 400})
    data = replace(data, pairs=data.pairs.assign(**models))
    base = wb.plan_labels(data, for_=["weight", "contrast", "rate", "agreement", "rank"])
    labels = data.labels.assign(preference=1 - data.labels["preference"])
    pairs = data.pairs.assign(model_a="y", model_b="x")
    turned = replace(
        data, labels=labels, pairs=pairs,
        factors=data.factors.assign(**{n: -data.factors[n] for n in data.factor_names}),
    )  # fmt: skip
    shuffled = replace(data, labels=complete_labels(data.labels.sample(frac=1, random_state=0)
                                                    .drop(columns="replicate")))  # fmt: skip
    twin = data.labels[data.labels["annotator"] == "judge"].assign(annotator="a judge")
    double = replace(data, labels=complete_labels(
        pd.concat([data.labels, twin], ignore_index=True).drop(columns="replicate")))  # fmt: skip
    columns = ["estimate", "conf_low", "conf_high", "found_now"]
    for other in (turned, shuffled):
        found = wb.plan_labels(other, for_=["weight", "contrast", "rate", "agreement", "rank"])
        mine, theirs = (
            one.to_frame().sort_values(["goal", "group", "term"])[columns].reset_index(drop=True)
            for one in (base, found)
        )
        pd.testing.assert_frame_equal(mine, theirs, rtol=1e-6)
    found = wb.plan_labels(double, for_="agreement")
    assert found.settings["judge"] == "a judge"
    first = base.to_frame().query("goal == 'agreement'")[columns].to_numpy()
    assert found.to_frame()[columns].to_numpy() == pytest.approx(first)


def test_ties_one_cluster_and_nobody_are_told():
    data = planted({"person": [0.5], "judge": [0.1]}, n=60, clusters=1, seed=7)
    table = weights_plan(data)
    assert table["estimate"].isna().all()
    assert "one cluster" in table["reason"].iloc[0]
    ties = planted({"person": [0.5]}, n=60, seed=7)
    ties = replace(ties, labels=ties.labels.assign(preference=0.5))
    table = weights_plan(ties)
    assert table["estimate"].isna().all()
    assert table["reason"].notna().all()
    apart = planted({"person": [0.5], "judge": [0.1]}, n=60, seed=7)
    mine = apart.labels["annotator"].eq("person").to_numpy() == (apart.pair_rows < 30)
    apart = replace(apart, labels=complete_labels(apart.labels[mine].drop(columns="replicate")))
    found = wb.plan_labels(apart, for_=["weight", "contrast"])
    assert found.not_planned["goal"].tolist() == ["contrast"]
    with pytest.raises(wb.DesignError, match="no judge beside"):
        wb.plan_labels(apart, for_="contrast")


def test_what_is_refused():
    data = planted({"person": [0.5]}, n=50)
    with pytest.raises(wb.DesignError, match="for_"):
        wb.plan_labels(data, for_="wieght")
    for option in ({"effect": 0.0}, {"width": 0.5}, {"power": 0.3}, {"level": 1.0}, {"spread": -1},
                   {"effect": "big"}):  # fmt: skip
        with pytest.raises(wb.DesignError, match=next(iter(option))):
            wb.plan_labels(data, **option)  # type: ignore[arg-type]
    with pytest.raises(wb.DataError, match="no annotator 'nobody'"):
        wb.plan_labels(data, judge="nobody")
    # a name that is misspelt is no plan without a pilot
    with pytest.raises(wb.DataError, match="Nobody is called 'persons'"):
        wb.plan_labels(data, reference="persons")
    with pytest.raises(wb.DesignError, match="The judge is of the reference"):
        wb.plan_labels(data, judge="person")


def test_pilots_of_real_sittings_foretell_errors_of_all_of_them(shared_data: Path):
    place = ROOT / "analyses" / "03_human_rated_properties" / "run.py"
    spec = importlib.util.spec_from_file_location("sittings_run", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["sittings_run"] = module
    spec.loader.exec_module(module)
    data = module.own_data(module.sittings(shared_data / "hf_not_gold"))
    truth = wb.decompose(data, folds=0).to_frame()["std_error"].to_numpy()[:16]
    ratios, inside = [], []
    for seed in range(6):
        fit = wb.decompose(pairs_of(data, 300, seed), folds=0)
        found = foretell(fit.design, fit.fits["own"])
        log_ratio = np.log(found.variance[:16] * 300 / 2218) - 2 * np.log(truth)
        ratios.append(np.exp(log_ratio / 2))
        inside.append(np.abs(log_ratio) < 1.96 * found.log_error[:16])
    # at 2,218: 1.07 in the middle, 0.73 to 1.72 (20 pilots); undefined for no term
    assert np.isfinite(ratios).all()
    assert np.median(ratios) == pytest.approx(1.07, abs=0.08)
    assert np.quantile(ratios, 0.05) > 0.65
    assert np.quantile(ratios, 0.95) < 1.8
    assert np.mean(inside) > 0.9


def test_a_few_clusters_promise_nothing_and_alike_ones_no_more_than_labels_alone():
    # two prompts whose rates are the same by luck: the interval of the share is no narrower
    y = np.tile([1.0, 0.0], 18)
    two = share_law("agreement", "x", y, np.arange(36) // 18, 0.05, 0.95)
    assert two.reason == "2 clusters: their errors are not known well enough"
    assert np.isnan(two.variance)
    nine = share_law("agreement", "x", y, np.arange(36) // 4, 0.05, 0.95)
    alone = share_law("agreement", "x", y, np.arange(36), 0.05, 0.95)
    assert nine.deff >= 1
    assert nine.variance >= alone.variance - 1e-12
    # ties stay worth what they are worth alone
    tied = np.random.default_rng(0).permutation(np.tile([1.0, 0.5, 0.5, 0.0], 9))
    ties = share_law("agreement", "x", tied, np.arange(36) // 4, 0.05, 0.95)
    assert 0.5 <= ties.deff < 0.6


def ranked(clusters: int, n: int = 60) -> wb.PreferenceData:
    rng = np.random.default_rng(0)
    sides = np.array([["x", "y"], ["y", "z"], ["x", "z"]])[np.arange(n) % 3]
    pairs = pd.DataFrame({"item": np.arange(n), "cluster": np.arange(n) % clusters,
                          "model_a": sides[:, 0], "model_b": sides[:, 1]})  # fmt: skip
    labels = pd.DataFrame({"pair": np.arange(n), "annotator": "person", "kind": "human",
                           "preference": (rng.random(n) < 0.75).astype(float)})  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, labels)


def test_ranks_need_clusters_and_ten_labels_a_model_and_have_no_line_of_one():
    few = wb.plan_labels(ranked(2), for_="rank").to_frame()
    assert few["estimate"].isna().all()
    assert few["reason"].eq("2 clusters: their errors are not known well enough").all()
    found = wb.plan_labels(ranked(60), for_="rank")
    assert (found.to_frame()["estimate"].dropna() >= 30).all()
    assert not found.plot().layout.shapes
    # no judge is looked for where no goal asks for one
    assert found.settings["judge"] is None


def test_names_are_recorded_as_names():
    data = planted({"person": [0.5, 0.1]}, n=100)
    found = wb.plan_labels(data, for_="weight", factors="f0")
    assert found.settings["factors"] == ["f0"]
    with pytest.raises(wb.DesignError, match="for_ takes names"):
        wb.plan_labels(data, for_=3)  # type: ignore[arg-type]
    with pytest.raises(wb.DesignError, match="factors is out of range"):
        wb.plan_labels(data, factors=[])
