"""Ratings by scenario: plain fits at both ends of tau, planted truth, and odd data."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.compare.scenario_ratings.kernel import mode
from workbench.compare.scenario_ratings.layout import by_scenario
from workbench.ratings.battles import collect

MODELS, SCENARIOS = 6, 5


def battles(
    n: int = 3000,
    tau: float = 0.6,
    seed: int = 0,
    each: int = 1,
    style: float = 0.0,
    apart: np.ndarray | None = None,
) -> tuple[wb.PreferenceData, np.ndarray]:
    """Return simulated battles, and the true ratings by scenario, shape (S, M)."""
    rng = np.random.default_rng(seed)
    theta = np.linspace(1, -1, MODELS)
    delta = rng.normal(0, tau, (SCENARIOS, MODELS)) if apart is None else apart
    true = theta + delta - delta.mean(axis=1, keepdims=True)
    one = np.arange(n) // each
    s = rng.integers(0, SCENARIOS, n)[one]
    a = rng.integers(0, MODELS, n)[one]
    b = (a + rng.integers(1, MODELS, n)[one]) % MODELS
    x = rng.normal(size=n)[one] + (a - b) / 4
    eta = true[s, a] - true[s, b] + style * x
    y = (rng.random(n)[one] < 1 / (1 + np.exp(-eta))).astype(float)
    pairs = pd.DataFrame({
        "pair_id": [f"{i:06d}" for i in range(n)], "prompt_id": [f"p{g}" for g in one],
        "scenario": [f"s{k}" for k in s], "model_a": [f"m{k}" for k in a],
        "model_b": [f"m{k}" for k in b],
    })  # fmt: skip
    labels = pd.DataFrame({"pair": np.arange(n), "annotator": "ann", "kind": "human",
                           "preference": y})  # fmt: skip
    data = wb.PreferenceData.from_tables(pairs, labels)
    frame = pd.DataFrame({"style": x})
    specs = {"style": {"coding": {"transform": "difference"}}}
    return data.with_factors(frame, pd.DataFrame(index=frame.index), specs), true


def laid(data: wb.PreferenceData, covariates: list[str] | None = None):  # type: ignore[no-untyped-def]
    found = collect(data, annotator="human", covariates=covariates or [], ties="half")
    return by_scenario(data, found, "scenario")


def test_without_spread_it_is_one_bradley_terry_fit() -> None:
    data, _ = battles(style=0.5)
    for names in ([], ["style"]):
        plain = wb.rate(data, annotator="human", covariates=names)
        found = mode(laid(data, names), 0.0)
        theta = plain.to_frame().set_index("term")["estimate"].sort_index()
        np.testing.assert_allclose(found.mean, theta, atol=1e-6)
        if names:
            weight = plain.covariates["estimate"].to_numpy()
            np.testing.assert_allclose(found.beta, weight, atol=1e-6)


def test_with_a_spread_without_bound_scenarios_are_fitted_apart() -> None:
    data, _ = battles()
    rows = laid(data)
    found = mode(rows, 300.0).ratings
    found = found - found.mean(axis=1, keepdims=True)
    for s, name in enumerate(rows.scenarios):
        part = wb.rate(data.filter(scenarios=[name]), annotator="human")
        theta = part.to_frame().set_index("term")["estimate"].sort_index()
        np.testing.assert_allclose(found[s], theta, atol=1e-3)


def test_the_derivatives_are_those_of_the_objective() -> None:
    """At the mode no small move of any part raises the penalised likelihood."""
    rows = laid(battles(400)[0], ["style"])
    found = mode(rows, 0.4, power=0.7)

    def objective(mean: np.ndarray, beta: np.ndarray, apart: np.ndarray) -> float:
        value = 0.7 * rows.log_likelihood(rows.logits(mean + apart, beta))
        return value - float((apart**2).sum()) / (2 * 0.4**2)

    best = objective(found.mean, found.beta, found.apart)
    rng = np.random.default_rng(0)
    for _ in range(30):
        moved = [part + rng.normal(0, 1e-3, part.shape)
                 for part in (found.mean, found.beta, found.apart)]  # fmt: skip
        assert objective(*moved) < best


def test_tau_and_ratings_cover_the_truth() -> None:
    inside, composite, taus = [], [], 0
    for seed in range(5):
        data, true = battles(1500, 0.5, seed)
        found = wb.rate_scenarios(data, weights="equal")
        table = found.scenarios.pivot(index="scenario", columns="term")
        inside.append((table["conf_low"] <= true) & (true <= table["conf_high"]))
        whole = found.to_frame().sort_values("term")
        mean = true.mean(axis=0)
        composite.append((whole["conf_low"] <= mean) & (mean <= whole["conf_high"]))
        tau = found.tau.iloc[0]
        taus += tau["conf_low"] <= 0.5 <= tau["conf_high"]
        assert tau["p_value"] < 1e-6
    assert 0.9 < np.mean(inside) <= 1
    assert np.mean(composite) > 0.9
    assert taus >= 4


def test_scenarios_that_are_alike_are_not_told_apart() -> None:
    rejected = 0
    for seed in range(4):
        found = wb.rate_scenarios(battles(1000, 0.0, seed)[0])
        tau = found.tau.iloc[0]
        assert tau["conf_low"] == 0 or tau["p_value"] < 0.05
        rejected += tau["p_value"] < 0.05
        assert not (found.reversals["q_value"] < 0.05).any()
    assert rejected <= 1


def test_an_order_that_turns_in_one_scenario_is_found() -> None:
    apart = np.zeros((SCENARIOS, MODELS))
    apart[2, 0], apart[2, 5] = -2.0, 2.0
    found = wb.rate_scenarios(battles(6000, apart=apart)[0])
    clear = found.reversals[found.reversals["q_value"] < 0.05]
    assert {"m0 - m5"} <= set(clear["term"])
    assert set(clear["scenario"]) == {"s2"}
    assert [f.rule_id for f in found.findings()] == ["order-turns-by-scenario"]
    moved = found.moves[found.moves["q_value"] < 0.05]
    assert {("s2", "m0"), ("s2", "m5")} <= set(zip(moved["scenario"], moved["term"], strict=True))
    best = found.scenarios[found.scenarios["scenario"].eq("s2") & found.scenarios["rank"].eq(1)]
    assert best["term"].tolist() == ["m5"]


def test_style_is_held_constant() -> None:
    data, true = battles(6000, 0.4, style=1.0)
    bare = wb.rate_scenarios(data, weights="equal").to_frame().sort_values("term")["estimate"]
    held = wb.rate_scenarios(data, weights="equal", covariates=["style"])
    weight = held.covariates.iloc[0]
    assert weight["conf_low"] < 1 < weight["conf_high"]
    estimate = held.to_frame().sort_values("term")["estimate"].to_numpy()
    truth = true.mean(axis=0)
    assert np.abs(estimate - truth).max() < np.abs(bare.to_numpy() - truth).max() / 2


def test_weights_make_the_composite() -> None:
    data, _ = battles(2000)
    table = wb.rate_scenarios(data).scenarios.pivot(index="scenario", columns="term",
                                                    values="estimate")  # fmt: skip
    for weights, share in (
        ("equal", np.full(SCENARIOS, 1 / SCENARIOS)),
        ({"s0": 3, "s1": 1, "s2": 0, "s3": 0, "s4": 0}, np.array([0.75, 0.25, 0, 0, 0])),
    ):
        found = wb.rate_scenarios(data, weights=weights).to_frame().sort_values("term")
        np.testing.assert_allclose(found["estimate"], share @ table, atol=1e-9)
    counts = data.pairs["scenario"].value_counts(normalize=True).sort_index()
    assert wb.rate_scenarios(data).settings["weights"] == pytest.approx(counts.to_dict())
    # of one scenario alone, the composite is that scenario's rating, with its error
    only = wb.rate_scenarios(data, weights={"s0": 1, "s1": 0, "s2": 0, "s3": 0, "s4": 0})
    mine = only.scenarios[only.scenarios["scenario"].eq("s0")].sort_values("term")
    whole = only.to_frame().sort_values("term")
    np.testing.assert_allclose(whole["std_error"], mine["std_error"], rtol=1e-9)
    there = only.moves["scenario"].eq("s0")
    assert only.moves["reason"][there].str.startswith("the composite is this scenario").all()
    assert only.moves["reason"][~there].isna().all()


def test_copies_of_labels_in_a_prompt_make_nothing_surer() -> None:
    data, _ = battles(800)
    copied, _ = battles(3200, each=4)
    one = wb.rate_scenarios(copied)
    assert one.settings["likelihood_power"] == pytest.approx(0.25, abs=0.04)
    assert one.settings["n_clusters"] == 800
    alone = wb.rate_scenarios(data).to_frame()["std_error"].mean()
    assert one.to_frame()["std_error"].mean() == pytest.approx(alone, rel=0.25)


def test_rows_and_sides_change_nothing() -> None:
    data, _ = battles(1000)
    plain = wb.rate_scenarios(data, covariates=["style"])
    at = np.random.default_rng(0).random(1000) < 0.5
    sides = {"model_a": data.pairs["model_a"].where(~at, data.pairs["model_b"]),
             "model_b": data.pairs["model_b"].where(~at, data.pairs["model_a"])}  # fmt: skip
    p = data.labels["preference"]
    turned = replace(
        data, pairs=data.pairs.assign(**sides),
        labels=data.labels.assign(preference=p.where(~at, 1 - p)),
        factors=data.factors.assign(style=data.factors["style"].where(~at, -data.factors["style"])),
    )  # fmt: skip
    mixed = replace(data, labels=data.labels.sample(frac=1, random_state=1).reset_index(drop=True))
    for other in (turned, mixed):
        found = wb.rate_scenarios(other, covariates=["style"])
        for name in ("estimates", "scenarios", "tau"):
            one, two = (getattr(r, name).select_dtypes("number") for r in (plain, found))
            np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)
    again = wb.rate_scenarios(data, covariates=["style"])
    assert again.to_dict() == plain.to_dict()


def test_a_model_that_is_missing_in_a_scenario_is_rated_by_the_others() -> None:
    data, _ = battles(3000)
    gone = data.pairs["scenario"].eq("s1") & (
        data.pairs["model_a"].eq("m0") | data.pairs["model_b"].eq("m0")
    )
    found = wb.rate_scenarios(data.filter(pair_ids=data.pairs["pair_id"][~gone]))
    row = found.scenarios.set_index(["scenario", "term"]).loc[("s1", "m0")]
    assert row["n"] == 0
    assert row["reason"].startswith("no battles here")
    others = found.scenarios[found.scenarios["scenario"].ne("s1")]
    assert row["std_error"] > others.loc[others["term"].eq("m0"), "std_error"].max()


def test_a_model_that_wins_everything_in_a_scenario_has_a_finite_rating() -> None:
    data, _ = battles(400)
    best = data.pairs["scenario"].eq("s0") & data.pairs["model_a"].eq("m3")
    worst = data.pairs["scenario"].eq("s0") & data.pairs["model_b"].eq("m3")
    p = data.labels["preference"].mask(best, 1.0).mask(worst, 0.0)
    found = wb.rate_scenarios(replace(data, labels=data.labels.assign(preference=p)))
    row = found.scenarios.set_index(["scenario", "term"]).loc[("s0", "m3")]
    assert np.isfinite(row[["estimate", "conf_low", "conf_high"]].astype(float)).all()
    assert row["rank"] == 1
    assert found.summary()
    assert len(found.figures()) == 2


def test_ties_weights_and_one_cluster() -> None:
    data, _ = battles(300)
    ties = replace(data, labels=data.labels.assign(preference=0.5))
    found = wb.rate_scenarios(ties)
    assert np.allclose(found.to_frame()["estimate"], 0)
    assert found.to_frame()["std_error"].isna().all()
    assert found.to_frame()["reason"].str.startswith("no variation").all()
    one = replace(data, pairs=data.pairs.assign(cluster="c"))
    assert wb.rate_scenarios(one).to_frame()["reason"].str.startswith("one cluster").all()
    doubled = replace(data, labels=data.labels.assign(weight=2.0))
    heavy, light = (wb.rate_scenarios(d).to_frame() for d in (doubled, data))
    np.testing.assert_allclose(heavy["estimate"], light["estimate"], atol=0.02)
    lacking = data.labels.assign(preference=data.labels["preference"].where(data.pairs.index > 9))
    table = wb.rate_scenarios(replace(data, labels=lacking)).exclusions
    assert table["n"].sum() == 10


def test_scenarios_too_far_apart_have_no_estimate_of_how_far() -> None:
    order = np.array([np.roll(np.arange(MODELS), 2 * s) for s in range(SCENARIOS)])
    data, _ = battles(400, apart=60.0 * order)
    found = wb.rate_scenarios(data)
    tau = found.tau.iloc[0]
    assert np.isnan(tau["estimate"])
    assert 1 < tau["conf_low"] < 6
    assert np.isinf(tau["conf_high"])
    assert tau["reason"] == "scenarios lie 6 logits apart or more: how far is not known"
    assert "by tau (SD) = undefined, at least" in found.summary()


def test_what_cannot_be_rated_is_refused() -> None:
    data, _ = battles(200)
    for options in ({"level": "high"}, {"level": 1.0}, {"seed": -1}):
        with pytest.raises(wb.DesignError, match=f"Option {next(iter(options))}"):
            wb.rate_scenarios(data, **options)
        with pytest.raises(wb.DesignError, match=f"Option {next(iter(options))}"):
            wb.rate(data, **options)
    with pytest.raises(wb.DesignError, match="no column 'topic'"):
        wb.rate_scenarios(data, by="topic")
    with pytest.raises(wb.DesignError, match="cannot be compared"):
        wb.rate_scenarios(data.filter(scenarios=["s0"]))
    with pytest.raises(wb.DesignError, match="weights are not those"):
        wb.rate_scenarios(data, weights={"s0": 1.0})
    with pytest.raises(wb.DesignError, match="weights are not those"):
        wb.rate_scenarios(data, weights=dict.fromkeys(["s0", "s1", "s2", "s3", "s4"], 0))
    with pytest.raises(wb.DesignError, match="Option weights"):
        wb.rate_scenarios(data, weights="size")
    with pytest.raises(wb.DesignError, match="no factor"):
        wb.rate_scenarios(data, covariates=["words"])
    constant = data.with_factors(pd.DataFrame({"flat": np.zeros(200)}),
                                 pd.DataFrame(index=range(200)), {})  # fmt: skip
    found = wb.rate_scenarios(constant, covariates=["flat"])
    assert found.covariates.empty
    assert "0 in every battle" in found.settings["covariates_left_out"]["flat"]
