"""Judges as instruments: planted slopes, ties and favours come back, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import expit
from scipy.stats import t as student

import workbench as wb
from tests.calibration.measured import JUDGES, exchanged, simulated
from workbench.calibration.instrument.functioning import BEYOND, FAVOUR, family_of
from workbench.calibration.instrument.strength import spread_by_likelihood, strength_of
from workbench.errors import DataError, DesignError

DISCRIMINATION, TIE, FIRST = (
    "discrimination", "tie at equal strength", "favour for the first shown",
)  # fmt: skip


def by_measure(found: wb.Instrument) -> pd.DataFrame:
    return found.to_frame().set_index(["term", "measure"])


@pytest.fixture(scope="module")
def planted() -> wb.PreferenceData:
    return simulated(4000)


@pytest.fixture(scope="module")
def found(planted: wb.PreferenceData) -> wb.Instrument:
    return wb.instrument(planted)


def test_planted_slopes_ties_and_favours_lie_in_the_intervals(found: wb.Instrument) -> None:
    table = by_measure(found)
    assert found.settings["spread"] == pytest.approx(1.5, abs=0.12)
    for name, (slope, tau, first) in JUDGES.items():
        for measure, truth in ((DISCRIMINATION, slope), (TIE, np.tanh(tau / 2)), (FIRST, first)):
            row = table.loc[(name, measure)]
            assert row["conf_low"] - 0.02 <= truth <= row["conf_high"] + 0.02, (name, measure)
            assert row["n"] == 4000
    assert table.loc[("even", TIE), "conf_low"] == 0
    assert table.loc[("even", TIE), "reason"] == "no verdict is a tie"
    assert (found.misfit["conf_low"] < 1.05).all()
    assert (found.misfit["conf_high"] > 0.95).all()
    assert {one.rule_id for one in found.findings()} == {"judge-is-blunt"}


def test_a_regression_on_shares_of_votes_would_call_the_judge_blunter(
    planted: wb.PreferenceData, found: wb.Instrument
) -> None:
    labels = planted.labels
    people = labels[labels["kind"] == "human"].groupby("pair_id")["preference"].sum()
    z = np.log((people + 0.5) / (3.5 - people))
    keen = labels[labels["annotator"] == "keen"].set_index("pair_id")["preference"]
    y = keen.loc[z.index].to_numpy()

    def loss(beta: np.ndarray) -> float:
        p = expit(beta[0] * z.to_numpy())
        return -float((y * np.log(p) + (1 - y) * np.log1p(-p)).sum())

    naive = minimize(loss, [1.0]).x[0]
    assert naive < 1.3
    assert by_measure(found).loc[("keen", DISCRIMINATION), "estimate"] > 1.6


def test_the_spread_is_that_of_a_likelihood_by_adaptive_quadrature() -> None:
    from scipy.integrate import quad

    counts = {(2, 0): 40, (1, 1): 30, (0, 2): 30}

    def loss(log_spread: float) -> float:
        s = float(np.exp(log_spread))
        total = 0.0
        for (a, b), n in counts.items():
            value = quad(
                lambda x, a=a, b=b: expit(s * x) ** a * expit(-s * x) ** b
                * np.exp(-x * x / 2) / np.sqrt(2 * np.pi), -9, 9, epsabs=1e-12,
            )[0]  # fmt: skip
            total -= n * np.log(value)
        return total

    grid = np.linspace(-0.5, 1.5, 2001)
    best = grid[int(np.argmin([loss(one) for one in grid[::20]])) * 20]
    near = np.linspace(best - 0.02, best + 0.02, 81)
    wanted = np.exp(near[int(np.argmin([loss(one) for one in near]))])
    a, b = np.array([2.0, 1, 0]), np.array([0.0, 1, 2])
    ours = spread_by_likelihood(a, b, np.array([40.0, 30, 30]))
    assert ours == pytest.approx(wanted, rel=1e-3)


def test_intervals_of_discrimination_cover_as_often_as_they_say() -> None:
    inside = []
    for seed in range(12):
        data = simulated(300, judges={"j": (1.4, 0.4, 0.3)}, seed=seed, each=3)
        table = by_measure(wb.instrument(data)).loc["j"]
        truth = pd.Series({DISCRIMINATION: 1.4, TIE: np.tanh(0.2), FIRST: 0.3})
        inside.append((table["conf_low"] <= truth) & (truth <= table["conf_high"]))
    share = pd.DataFrame(inside).mean()
    assert (share >= 0.75).all()


def test_sides_and_order_of_rows_change_nothing(planted: wb.PreferenceData) -> None:
    few = planted.filter(pair_ids=planted.pairs["pair_id"][:800])
    tables = [wb.instrument(one, versions=["even", "keen"]) for one in (few, exchanged(few))]
    for name in ("estimates", "misfit", "functioning", "versions"):
        one, other = (getattr(table, name) for table in tables)
        columns = one.select_dtypes("number").columns
        pd.testing.assert_frame_equal(one[columns], other[columns], rtol=1e-6, atol=1e-8)


def test_a_doubled_judge_has_the_same_numbers_and_no_change_between_versions() -> None:
    data = simulated(600, judges={"one": (1.0, 0.4, 0.2)})
    twin = data.labels[data.labels["annotator"] == "one"].assign(annotator="two")
    both = wb.PreferenceData.from_tables(data.pairs, pd.concat([data.labels, twin]))
    found = wb.instrument(both, versions=["one", "two"])
    table = found.to_frame()
    one, two = (table[table["term"] == name]["estimate"].to_numpy() for name in ("one", "two"))
    np.testing.assert_allclose(one, two)
    changed = found.versions.set_index("term")
    assert changed.loc[DISCRIMINATION, "estimate"] == 0
    assert changed.loc[DISCRIMINATION, "reason"] == "no variation: the error is not known"
    assert changed["q_value"].min() > 0.9 or changed["q_value"].isna().all()


def test_models_that_people_never_judged_have_no_strength() -> None:
    data = simulated(800, people=1, spread=1.0, models=True)
    alone = wb.instrument(data, ["keen"], strength="models").to_frame()
    # as many pairs of two models that the judge alone has seen, judged by a coin
    more = data.pairs.assign(pair_id="x" + data.pairs["pair_id"], prompt="x" + data.pairs["prompt"],
                             cluster="x" + data.pairs["cluster"],
                             model_a="new-1", model_b="new-2")  # fmt: skip
    coin = data.labels[data.labels["annotator"] == "keen"].assign(preference=[1.0, 0.0] * 400)
    coin["pair_id"] = "x" + coin["pair_id"]
    both = wb.PreferenceData.from_tables(
        pd.concat([data.pairs, more]), pd.concat([data.labels, coin])
    )
    found = wb.instrument(both, ["keen"], strength="models")
    assert found.settings["n_pairs"] == 800
    row, other = found.to_frame().iloc[0], alone.iloc[0]
    assert row["n"] == other["n"] == 800
    assert row["estimate"] == pytest.approx(other["estimate"], abs=0.15)


def test_slopes_from_models_are_relative_to_those_of_people() -> None:
    data = simulated(3000, people=1, spread=1.0, models=True)
    found = wb.instrument(data)
    assert found.settings["strength"] == "models"
    table = by_measure(found)
    for name, (slope, _, first) in JUDGES.items():
        for measure, truth in ((DISCRIMINATION, slope), (FIRST, first)):
            row = table.loc[(name, measure)]
            assert row["conf_low"] - 0.05 <= truth <= row["conf_high"] + 0.05, (name, measure)
    with_factors = data.with_factors(
        pd.DataFrame({"rank": np.random.default_rng(0).normal(size=3000)}), pd.DataFrame(
            {"rank_a": np.zeros(3000), "rank_b": np.zeros(3000)}), {})  # fmt: skip
    told = by_measure(wb.instrument(with_factors, factors=["rank"]))
    assert told["reason"].eq("the reference's own votes do not follow this strength").any()


def test_a_group_where_a_judge_is_blunter_is_found_and_chance_is_not() -> None:
    groups = {"code": 1.0, "poems": 0.2, "mail": 1.0}
    truth = {"even": (1.5, 0.3, 0.0)}
    data = simulated(4500, judges=truth, groups=groups)
    table = wb.instrument(data, by="scenario").functioning
    slopes = table[table["measure"] == DISCRIMINATION].set_index("group")
    assert slopes["q_value"].idxmin() == "poems"
    assert slopes.loc["poems", "conf_low"] < -1.3 < slopes.loc["poems", "conf_high"]
    # the people's agreement tells the scale anew in each group
    null = simulated(4500, judges=truth, groups={"code": 1.0, "poems": 1.0, "mail": 1.0}, seed=1)
    assert (wb.instrument(null, by="scenario").functioning["q_value"].dropna() > 0.05).all()


def test_a_favoured_family_is_found_as_family_preference_finds_it() -> None:
    # models that people find equal would tell no slope
    data = simulated(2500, judges={"gpt4-judge": (1.0, 0.2, 0.0)}, favour=0.7, models=True)
    found = wb.instrument(data)
    of_gpt = found.functioning.query("group == 'gpt'").set_index("measure")
    assert of_gpt["own"].all()
    assert (of_gpt["q_value"] < 0.001).all()
    assert (of_gpt["estimate"] > 0.05).all()
    peer = wb.family_preference(data, "gpt4-judge", ["gpt-4", "gpt-3"]).to_frame()
    excess = peer.set_index("term").loc["excess over the people"]
    np.testing.assert_allclose(
        of_gpt.loc[BEYOND, ["estimate", "conf_low", "conf_high", "n"]].astype(float),
        excess[["estimate", "conf_low", "conf_high", "n"]].astype(float),
    )
    assert "judge-favours-family" in {one.rule_id for one in found.findings()}
    fair = simulated(2500, judges={"gpt4-judge": (1.0, 0.2, 0.0)}, seed=3)
    assert (wb.instrument(fair).functioning["q_value"] > 0.05).all()
    assert family_of("anthropic/Claude-3") == "claude"
    named = wb.instrument(fair, families={"mine": ["gpt-4"]})
    assert named.settings["families"] == {"mine": ["gpt-4"]}


def test_a_sharper_or_blunter_judge_favours_nobody() -> None:
    judges = {"sharp": (2.5, 0.2, 0.0), "blunt": (0.4, 0.2, 0.0)}
    found = wb.instrument(simulated(2000, judges=judges, models=True, seed=2), strength="models")
    table = found.functioning
    beyond = table[table["measure"] == BEYOND]
    assert (beyond["q_value"] < 0.001).sum() >= 4
    favour = table[table["measure"] == FAVOUR]
    assert (favour["q_value"] > 0.05).all()
    assert (favour["estimate"].abs().to_numpy() < beyond["estimate"].abs().max() / 2).all()
    assert "judge-favours-family" not in {one.rule_id for one in found.findings()}


def test_the_slope_is_told_by_pairs_that_a_favour_does_not_touch() -> None:
    data = simulated(2000, judges={"j": (1.0, 0.0, 0.0)}, favour=1.0, models=True, spread=1.0)
    table = wb.instrument(data).functioning.query("group == 'gpt'").set_index("measure")
    z = dict(zip(["gpt-4", "gpt-3", "vicuna-13b", "claude-v1", "llama-2"], np.linspace(1, -1, 5),
                 strict=True))  # fmt: skip
    a, b = data.pairs["model_a"], data.pairs["model_b"]
    side = a.str.startswith("gpt").astype(int) - b.str.startswith("gpt").astype(int)
    plain = a.map(z) - b.map(z)
    truth = (side * (expit(plain + side) - expit(plain)))[side != 0].mean()
    row = table.loc[FAVOUR]
    # with the family's own pairs in the slope it was told as a third of that
    assert row["estimate"] == pytest.approx(truth, abs=0.05)
    assert row["conf_low"] < truth < row["conf_high"]
    assert row["n"] == table.loc[BEYOND, "n"] == (side != 0).sum()
    everything = {"x": ["gpt-4"], "y": ["gpt-3", "vicuna-13b", "claude-v1", "llama-2"]}
    two = {"x": ["gpt-4"], "y": ["llama-2"]}
    pairs = a.isin(["gpt-4", "llama-2"]) & b.isin(["gpt-4", "llama-2"])
    labels = data.labels[data.labels["annotator"].ne("j") | pairs.to_numpy()[data.pair_rows]]
    seen = wb.PreferenceData.from_tables(data.pairs, labels)
    mirrored = wb.instrument(data, families=dict(reversed(everything.items()))).functioning
    assert mirrored["group"].tolist() == ["x", "x"]
    assert mirrored["estimate"].iloc[0] > 0
    for one, families in ((data, everything), (seen, two)):
        told = wb.instrument(one, families=families).functioning.query("measure == 'favour'")
        assert told["reason"].isna().all() == (one is data)
    assert told["reason"].eq("no pair of other models that tells its slope").all()


def test_a_family_of_few_prompts_has_few_degrees_of_freedom() -> None:
    data = simulated(400, judges={"j": (1.0, 0.2, 0.0)}, models=True, seed=1)
    of = data.pairs["model_a"].eq("llama-2") | data.pairs["model_b"].eq("llama-2")
    for clusters in (1, 2):
        where = pd.Series([f"L{k % clusters}" for k in range(400)])
        own = data.pairs["cluster"].where(~of, where)
        table = wb.instrument(replace(data, pairs=data.pairs.assign(cluster=own))).functioning
        row = table.query("group == 'llama' and measure == 'favour'").iloc[0]
        assert row["n_clusters"] == clusters
        if clusters == 1:
            assert row["reason"] == "one cluster: the error is not known"
    # Student's t of one degree of freedom
    assert row["p_value"] == pytest.approx(2 * student.sf(abs(np.arctanh(row["estimate"])) * (
        1 - row["estimate"] ** 2) / row["std_error"], 1))  # fmt: skip


def test_families_that_cannot_be_compared_are_refused_and_a_judge_knows_its_own() -> None:
    data = simulated(300, judges={"gpt-4o": (1.0, 0.2, 0.0)}, models=True)
    for families, why in (({"x": ["gpt4"]}, "no model gpt4"),
                          ({"x": ["gpt-4"], "y": ["gpt-4"]}, "gpt-4 in 2 families")):  # fmt: skip
        with pytest.raises(DesignError, match=why):
            wb.instrument(data, families=families)
    for name in ("OpenAI", "GPT"):
        made = wb.instrument(data, families={name: ["gpt-4"], "rest": ["llama-2"]}).functioning
        assert made[made["group"].eq(name)]["own"].all()
        assert not made[made["group"].eq("rest")]["own"].any()


def test_two_models_have_a_distance_and_no_favour() -> None:
    data = simulated(1500, models=True)
    names = {"gpt-4", "vicuna-13b"}
    two = data.pairs["model_a"].isin(names) & data.pairs["model_b"].isin(names)
    found = wb.instrument(data.filter(pair_ids=data.pairs["pair_id"][two]))
    favour = found.functioning[found.functioning["measure"] == FAVOUR]
    assert favour["reason"].eq("two models: their distance is the slope").all()
    assert favour["conf_low"].isna().all()


def test_versions_that_are_alike_are_equivalent_and_others_are_not() -> None:
    same = (1.2, 0.3, 0.2)
    data = simulated(5000, judges={"v1": same, "v2": same, "v3": (0.5, 1.5, 0.2)})
    alike = wb.instrument(data, versions=("v1", "v2"), margins={DISCRIMINATION: 0.35})
    told = alike.versions.set_index("term")
    assert told.loc[[DISCRIMINATION, TIE, FIRST], "equivalent"].tolist() == [True] * 3
    assert told.loc[DISCRIMINATION, "margin"] == 0.35
    other = wb.instrument(data, versions=("v1", "v3"))
    changed = other.versions.set_index("term")
    assert changed.loc[DISCRIMINATION, "conf_high"] < -0.4
    assert changed.loc[TIE, "conf_low"] > 0.3
    assert "versions-differ" in {one.rule_id for one in other.findings()}
    peer = wb.drift(data, "v1", "v3").to_frame().set_index("term")
    assert changed.loc["agreement with the reference", "estimate"] == pytest.approx(
        peer.loc["agreement with the reference", "estimate"]
    )


def test_a_reference_that_is_no_person_is_not_called_people() -> None:
    data = simulated(900, judges={"even": (1.0, 0.3, 0.0), "dull": (0.2, 0.3, 0.0)}, models=True)
    found = wb.instrument(data, ["dull"], "even", versions=None, level=0.5)
    assert found.settings["strength"] == "models"
    told = [found.summary(), *(one.message for one in found.findings()), str(found.tables())]
    assert "1 judge beside LLM judges" in told[0]
    assert "people" not in " ".join(told)
    two = wb.instrument(data, versions=["even", "dull"], level=0.5).versions
    # two one-sided tests that err in half of the cases say nothing
    assert two["equivalent"].isna().all()


def only(data: wb.PreferenceData, preference: np.ndarray, order: str | None) -> wb.PreferenceData:
    labels = data.labels.copy()
    mine = labels["annotator"] == "even"
    labels.loc[mine, "preference"] = preference
    if order is None:
        labels.loc[mine, "order_shown"] = None
    return replace(data, labels=labels)


def test_judges_without_information_are_undefined_with_the_true_reason() -> None:
    data = simulated(300, judges={"even": (1.0, 0.3, 0.0), "keen": (2.0, 0.3, 0.0)})
    ties = by_measure(wb.instrument(only(data, np.full(300, 0.5), None)))
    assert ties.loc["even"]["reason"].eq("every verdict is a tie").all()
    assert ties.loc["keen"]["estimate"].notna().all()
    first = data.labels.loc[data.labels["annotator"] == "even", "order_shown"].eq("ab")
    always = by_measure(wb.instrument(only(data, first.to_numpy(float), "kept")))
    assert always.loc["even"]["reason"].str.contains("same place").all()
    unknown = by_measure(wb.instrument(only(data, np.ones(300), None)))
    assert unknown.loc[("even", FIRST), "reason"] == "the order shown is not recorded"
    assert abs(unknown.loc[("even", DISCRIMINATION), "estimate"]) < 0.3
    lost = wb.instrument(only(data, np.full(300, np.nan), None))
    assert by_measure(lost).loc["even"]["reason"].str.contains("no verdict on a pair").all()
    assert lost.exclusions["n"].sum() == 300
    one = data.pairs.assign(cluster="c")
    table = wb.instrument(replace(data, pairs=one)).to_frame()
    assert table["reason"].eq("one cluster: the error is not known").all()
    assert table["conf_low"].isna().all()
    assert "undefined" in lost.summary()


def test_weights_of_labels_count() -> None:
    data = simulated(500, judges={"even": (1.0, 0.3, 0.2)})
    mine = data.labels["annotator"].eq("even")
    half = data.labels.assign(weight=data.labels["weight"].where(~mine, 0.5))
    one, other = (wb.instrument(d).to_frame() for d in (data, replace(data, labels=half)))
    np.testing.assert_allclose(one["estimate"], other["estimate"], rtol=1e-6)
    np.testing.assert_allclose(one["std_error"], other["std_error"], rtol=1e-4)


def test_designs_that_tell_nothing_are_refused() -> None:
    data = simulated(300)
    with pytest.raises(DataError, match="no judge 'nobody'"):
        wb.instrument(data, ["nobody"])
    with pytest.raises(DesignError, match="no reference"):
        wb.instrument(data, reference="objective")
    with pytest.raises(DesignError, match="versions"):
        wb.instrument(data, versions=["even", "even"])
    with pytest.raises(DesignError, match="column 'where'"):
        wb.instrument(data, by="where")
    with pytest.raises(DesignError, match="margins"):
        wb.instrument(data, margins={"slope": 1.0})
    for unused in ({"margins": {TIE: 0.1}}, {"grades": "rating", "strength": "votes"},
                   {"grades": "rating", "factors": ["words"]}):  # fmt: skip
        with pytest.raises(DesignError, match="no part in the result"):
            wb.instrument(data, **unused)
    with pytest.raises(DesignError, match="There is no judge"):
        wb.instrument(data.filter(kinds=["human"]))
    agreed = data.labels[data.labels["annotator"].isin(["h0", "even"])]
    twins = agreed[agreed["annotator"] == "h0"].assign(annotator="h1")
    same = wb.PreferenceData.from_tables(data.pairs, pd.concat([agreed, twins]))
    with pytest.raises(DesignError, match="how strongly the reference prefers"):
        wb.instrument(same, strength="votes")
    bare = data.pairs.assign(model_a=None, model_b=None)
    alone = wb.PreferenceData.from_tables(bare, agreed)
    with pytest.raises(DesignError, match="Nothing tells how strongly"):
        wb.instrument(alone)
    with pytest.raises(DesignError, match="taken from models"):
        strength_of(alone, ["h0"], source="models")


def test_figures_and_tables_hold_what_the_verb_found(found: wb.Instrument) -> None:
    assert list(found.tables())[:3] == ["instrument", "misfit", "functioning"]
    assert len(found.figures()) == 4
    assert "discrimination" in found.summary()
    assert found.to_dict()["tables"]["instrument"][0]["term"] == "blunt"


def test_too_few_prompts_for_folds_are_refused_by_a_number_that_is_taken() -> None:
    pairs = pd.DataFrame({"item": range(6), "model_a": list("abcabc"), "model_b": list("bcabca"),
                          "cluster": list("pppqqq")})  # fmt: skip
    labels = pd.concat([
        pd.DataFrame({"pair": range(6), "annotator": who, "kind": kind,
                      "preference": [1.0, 0.0, 1.0, 1.0, 0.0, 0.0]})
        for who, kind in (("ann", "human"), ("judge", "llm"))
    ], ignore_index=True)  # fmt: skip
    data = wb.PreferenceData.from_tables(pairs, labels)
    with pytest.raises(DesignError, match="Ask for 2 folds"):
        wb.instrument(data, strength="models")
    assert len(wb.instrument(data, strength="models", folds=2).to_frame()) == 3
