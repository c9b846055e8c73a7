"""Groups of people: planted publics are found, and none where there is one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.structure.groups.blended import fit_blended
from workbench.structure.groups.fitted import of_classes
from workbench.structure.groups.held_out import held_out_class_loss
from workbench.structure.groups.mixture import PRIOR_SD, Problems, evaluate
from workbench.structure.groups.number import fits, simulated_ratios
from workbench.structure.groups.panel import panel
from workbench.structure.labels import person_labels
from workbench.structure.planted import planted_people

TASTES = {
    1: [(1.0, -0.5, 0.0)],
    2: [(1.0, -0.5, 0.0), (-0.5, 1.0, 0.0)],
    3: [(1.5, 0.0, 0.0), (0.0, 1.5, 0.0), (-1.5, 0.0, 1.5)],
}


def planted(groups: int, seed: int = 0, people: int = 36, labels: int = 40) -> PreferenceData:
    return planted_people(people, labels, tastes=TASTES[groups], seed=seed)[0]


@pytest.fixture(scope="module")
def two() -> wb.Groups:
    return wb.groups(planted(2), max_groups=3, simulations=19)


@pytest.mark.parametrize(("groups", "seed"), [(1, 0), (1, 1), (2, 1), (3, 0)])
def test_as_many_groups_are_found_as_were_planted(groups: int, seed: int) -> None:
    found = wb.groups(planted(groups, seed), max_groups=groups + 1, simulations=0)
    assert found.groups == groups
    verdict = "one public" if groups == 1 else f"{groups} groups"
    assert found.settings["verdict"] == verdict
    assert verdict in found.summary()


def test_weights_of_each_group_are_the_planted_ones(two: wb.Groups) -> None:
    table = two.weights.pivot(index="group", columns="term", values="estimate")
    error = two.weights.pivot(index="group", columns="term", values="std_error")
    first = table["first"].idxmax()
    second = next(name for name in table.index if name != first)
    for name, taste in zip((first, second), TASTES[2], strict=True):
        wanted = pd.Series(taste, index=["first", "second", "third"])
        assert ((table.loc[name] - wanted).abs() < 3.5 * error.loc[name]).all()


def test_people_are_where_they_were_planted(two: wb.Groups) -> None:
    _, truth = planted_people(36, 40, tastes=TASTES[2])
    both = two.membership.merge(truth, on="annotator")
    side = both["group 1"] > 0.5
    agree = float((side == both["group"].astype(bool)).mean())
    assert max(agree, 1 - agree) > 0.95
    np.testing.assert_allclose(both[["group 1", "group 2"]].sum(axis=1), 1.0)
    assert two.settings["entropy_r2"] > 0.8


def test_what_could_be_seen_is_told_first(two: wb.Groups) -> None:
    assert two.summary().startswith("Detectable before any group was fitted: two equal groups")
    assert two.detectable["shift"].between(0.1, 2.0).all()
    assert two.detectable["shift_of_verdict"].max() > two.detectable["shift"].median()
    fewer = wb.groups(planted(1, people=20, labels=10), max_groups=1, simulations=0)
    assert (fewer.detectable["shift"] > two.detectable["shift"]).all()


def test_one_public_has_no_table_of_groups() -> None:
    found = wb.groups(planted(1), max_groups=2, simulations=19)
    assert set(found.tables()) == {"weights", "number", "detectable"}
    assert found.weights["group"].unique().tolist() == ["everybody"]
    assert found.number["misfit_p"].iloc[0] > 0.05
    assert found.number["p_exchange"].iloc[1] > 0.05
    assert not found.findings()
    # the weights of everybody are those of the logit, but for a prior that is wide
    plain = wb.decompose(planted(1), by=["kind"], folds=0).to_frame().set_index("term")["estimate"]
    mine = found.weights.set_index("term")["estimate"]
    np.testing.assert_allclose(mine, plain[mine.index], atol=2e-3)


def test_new_people_are_placed_better_by_more_pairs(two: wb.Groups) -> None:
    table = two.new_people.set_index("known_pairs")
    assert table.loc[0, "conf_low"] < 0.01
    assert table.loc[20, "conf_high"] < 0
    assert table.loc[20, "estimate"] < table.loc[5, "estimate"] < table.loc[0, "estimate"]


def test_differences_are_those_of_the_weights(two: wb.Groups) -> None:
    table = two.weights.pivot(index="term", columns="group", values="estimate")
    row = two.differences.set_index("term")
    np.testing.assert_allclose(
        row["estimate"], (table["group 1"] - table["group 2"])[row.index], atol=1e-12
    )
    assert row.loc["first", "q_value"] < 0.001 < row.loc["third", "q_value"]


def test_findings_and_figures(two: wb.Groups) -> None:
    (one,) = two.findings()
    assert one.rule_id == "several-publics"
    assert one.conf_low > 0
    assert len(one.evidence) == 10
    assert set(two.figures()) == {"One public or several", "Number of groups"}


def relabelled(data: PreferenceData, names: dict[str, str], order: np.ndarray) -> PreferenceData:
    labels = data.labels.iloc[order].reset_index(drop=True)
    return replace(data, labels=labels.assign(annotator=labels["annotator"].map(names)))


def test_names_and_order_of_people_change_nothing(two: wb.Groups) -> None:
    data = planted(2)
    rng = np.random.default_rng(5)
    old = sorted(data.labels["annotator"].unique())
    names = dict(zip(old, [f"who {k}" for k in rng.permutation(len(old))], strict=True))
    other = wb.groups(
        relabelled(data, names, rng.permutation(len(data.labels))), max_groups=3, simulations=19
    )
    for name in ("weights", "number", "shares", "differences", "new_people", "pairs"):
        pd.testing.assert_frame_equal(other.tables()[name], two.tables()[name], rtol=1e-6)
    mine = two.membership.assign(annotator=two.membership["annotator"].map(names))
    pd.testing.assert_frame_equal(
        other.membership, mine.sort_values("annotator", ignore_index=True), rtol=1e-6
    )


def test_exchanged_sides_change_nothing() -> None:
    data = planted(2)
    factors = data.factors.copy()
    factors[data.factor_names] = -factors[data.factor_names]
    turned = replace(
        data,
        factors=factors,
        labels=data.labels.assign(preference=1 - data.labels["preference"]),
    )
    other = wb.groups(turned, max_groups=2, simulations=0)
    mine = wb.groups(data, max_groups=2, simulations=0)
    np.testing.assert_allclose(other.weights["estimate"], mine.weights["estimate"], atol=1e-6)


def test_derivatives_are_those_of_the_likelihood() -> None:
    labels = person_labels(planted(2, people=8, labels=12))
    laid = panel(labels)
    weight, votes = labels.weight[laid.cells][:, None], labels.votes[laid.cells][:, None]
    problems = Problems(laid, weight, votes)
    rng = np.random.default_rng(0)
    theta = np.r_[rng.normal(size=6), 0.3]

    def at(theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        log_pi = np.r_[0.0, theta[6:]] - np.logaddexp(0.0, theta[6])
        run = evaluate(problems, np.zeros(1, int), theta[:6].reshape(1, 2, 3), log_pi[None], True)
        return run.value[0], run.gradient[0], run.information[0]

    _, gradient, information = at(theta)
    step = 1e-5 * np.eye(7)
    slope = [(at(theta + h)[0] - at(theta - h)[0]) / 2e-5 for h in step]
    curve = [(at(theta - h)[1] - at(theta + h)[1]) / 2e-5 for h in step]
    np.testing.assert_allclose(gradient, slope, atol=1e-5)
    np.testing.assert_allclose(information, curve, atol=1e-5)


def test_the_sandwich_is_that_of_the_pooled_logit_by_hand() -> None:
    labels = person_labels(planted(1, people=12, labels=20))
    laid = panel(labels)
    whole = fits(laid, labels, 1, 0)
    prompt = labels.prompt[laid.cells]
    fit = of_classes(whole.best[0], laid, whole.weight, whole.votes, prompt)
    p = 1 / (1 + np.exp(-laid.X @ fit.b[0]))
    y = labels.votes[laid.cells]
    H = (laid.X * (p * (1 - p))[:, None]).T @ laid.X + np.eye(3) / PRIOR_SD**2
    cell = laid.X * (y - p)[:, None]
    score = np.array([cell[laid.person == k].sum(axis=0) for k in range(12)])
    score -= score.mean(axis=0)
    # each label is of another person or prompt: what prompts add stands against single labels
    of_prompt = np.array([cell[prompt == g].sum(axis=0) for g in np.unique(prompt)])
    G, N = len(of_prompt), len(cell)
    more = of_prompt.T @ of_prompt * G / (G - 1) - cell.T @ cell * N / (N - 1)
    value, vector = np.linalg.eigh(more)
    meat = score.T @ score * 12 / 11 + (vector * np.maximum(value, 0)) @ vector.T
    wanted = np.linalg.inv(H) @ meat @ np.linalg.inv(H)
    np.testing.assert_allclose(fit.covariance, wanted, rtol=1e-6)


def test_simulated_ratios_are_not_chi_squared_and_tell_groups() -> None:
    labels = person_labels(planted(2))
    found = fits(panel(labels), labels, 2, 0)
    null = simulated_ratios(found, 1, 19, 0)
    observed = 2 * (found.best[1].likelihood[0] - found.best[0].likelihood[0])
    assert (null >= 0).all()
    assert observed > 3 * null.max()


def test_a_rung_for_others_is_in_the_order_of_the_labels() -> None:
    labels = person_labels(planted(2, people=20))
    loss = held_out_class_loss(labels, 2, folds=3, seed=1)
    turned = np.random.default_rng(1).permutation(len(labels))
    again = held_out_class_loss(labels.take(turned), 2, folds=3, seed=1)
    np.testing.assert_allclose(again, loss[turned], atol=1e-6)
    # nothing known of anybody: log 2
    none = replace(labels, X=np.zeros_like(labels.X))
    np.testing.assert_allclose(held_out_class_loss(none, 1), np.log(2), atol=1e-9)


def test_mixed_membership_finds_prototypes_that_people_mix() -> None:
    rng = np.random.default_rng(3)
    share = rng.dirichlet([1.0, 1.0], 60)
    data, _ = planted_people(60, 60, tastes=share @ np.array([[2.0, 0.0], [0.0, 2.0]]), seed=3)
    labels = person_labels(data)
    laid = panel(labels)
    start = fits(laid, labels, 2, 0)
    blend = fit_blended(
        laid, start.weight, start.votes, start.best[1].b[0], start.best[1].posterior[0]
    )
    order = np.argsort(-blend.b[:, 0])
    found = blend.share[:, order[0]]
    assert np.corrcoef(found, share[laid.order, 0])[0, 1] > 0.8
    told = wb.groups(data, max_groups=2, membership="mixed")
    assert told.groups == 2
    assert told.number["reason"].str.contains("shares are as many as people").all()
    assert "log_likelihood" not in told.number


def test_columns_that_go_with_membership_are_named() -> None:
    data = planted(2)
    group = data.labels["annotator"].str[-3:].astype(int)
    labels = data.labels.assign(country=np.where(group % 2, "x", "y"), age=(group * 7) % 31)
    found = wb.groups(replace(data, labels=labels), max_groups=2, simulations=0)
    table = found.columns.set_index("term")
    assert table.loc["country", "q_value"] < 0.01
    assert table.loc["age", "p_value"] > 0.05
    assert table["reason"].str.contains("p-value").all()


def test_items_may_stand_for_factors() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 3, (2, 1200))
    keep = first != second
    first, second = first[keep], second[keep]
    who = np.arange(len(first)) % 30
    prompt = np.arange(len(first)) // 6
    worth = np.where(who[:, None] % 2, [1.5, 0.0, -1.5], [-1.5, 0.0, 1.5])
    at = np.arange(len(first))
    gap = worth[at, first] - worth[at, second]
    pairs = pd.DataFrame(
        {"item": [f"pair {k}" for k in at], "cluster": [f"prompt {k}" for k in prompt]}
    )
    for side, code in (("a", first), ("b", second)):
        pairs[f"model_{side}"] = np.array(["ann", "bob", "cy"])[code]
    labels = pd.DataFrame({"pair": at, "annotator": [f"p{k}" for k in who], "kind": "human"})
    labels["preference"] = (rng.random(len(at)) < 1 / (1 + np.exp(-gap))) * 1.0
    found = wb.groups(
        PreferenceData.from_tables(pairs, labels), items="model", max_groups=2, simulations=0
    )
    assert found.groups == 2
    sums = found.weights.groupby("group")["estimate"].sum()
    np.testing.assert_allclose(sums, 0.0, atol=1e-9)


def test_one_label_a_person_is_refused() -> None:
    data, _ = planted_people(people=60, labels=1)
    with pytest.raises(DesignError, match="told from noise"):
        wb.groups(data)


def test_few_labels_are_a_finding() -> None:
    found = wb.groups(planted(1, people=30, labels=5), max_groups=2, simulations=0)
    assert [one.rule_id for one in found.findings()] == ["few-labels-a-person"]
    assert "few labels a person" in found.summary()


@pytest.mark.parametrize(
    "options",
    [{"max_groups": 0}, {"membership": "hard"}, {"folds": 1}, {"simulations": 5}, {"level": 1.0}],
)
def test_options_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(DesignError):
        wb.groups(planted(1, people=6, labels=4), **options)  # type: ignore[arg-type]


def test_a_factor_that_never_differs_is_told_as_such() -> None:
    data = planted(1, people=12, labels=20)
    frame = pd.DataFrame({"constant": np.zeros(len(data.pairs))})
    spec = {"constant": {"coding": {"transform": "difference"}}}
    data = data.with_factors(frame, pd.DataFrame(index=frame.index), spec)
    found = wb.groups(data, max_groups=2, simulations=0)
    row = found.weights.set_index("term").loc["constant"]
    assert np.isnan(row["estimate"])
    assert row["reason"] == "the term never differs in these labels"
    assert "constant undefined: the term never differs" in found.summary()
    plain = wb.groups(data, factors=["first", "second", "third"], max_groups=2, simulations=0)
    pd.testing.assert_frame_equal(found.weights[:-1], plain.weights, check_dtype=False)
