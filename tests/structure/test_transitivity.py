"""May items be ranked: planted cycles, oracles, invariances, and what cannot be told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

import workbench as wb
from tests.structure.rounds import asked, battles_of, edges_of, ring, shares_of
from workbench.decompose.kernel import logistic
from workbench.structure.transitivity.comparisons import MOST_ITEMS, comparisons
from workbench.structure.transitivity.cyclic_model import held_out
from workbench.structure.transitivity.energy import energy, hodge_of
from workbench.structure.transitivity.triads import ALL_TIED, NO_TRIAD
from workbench.structure.transitivity.verdict import ranking_line

CYCLIC = "cyclic energy"
BEYOND = "cyclic energy beyond noise"
GAIN = "held-out log-loss, with a cycle minus without"


def _row(found: wb.Transitivity, term: str) -> pd.Series:
    return found.to_frame().set_index("term").loc[term]


def _rules(found: wb.Transitivity) -> set[str]:
    return {one.rule_id for one in found.findings()}


def test_planted_rock_paper_scissors_is_recovered():
    data = ring(n=60, theta=np.zeros(6), sharp=1.0)
    found = wb.transitivity(data, simulations=199)
    assert found.verdicts[0]["verdict"].startswith("one scale does not hold these")
    assert {"cyclic-shares", "cycles-predict"} <= _rules(found)
    beyond = _row(found, BEYOND)
    assert beyond["conf_low"] > 0.8
    assert beyond["conf_high"] <= 1
    assert _row(found, CYCLIC)["p_value"] == 1 / 200
    gain = _row(found, GAIN)
    assert gain["conf_high"] < -0.05
    worst = found.tables()["triangles"].iloc[0]
    assert worst["cyclic"]
    assert worst["q_value"] < 0.01


def test_the_interval_holds_the_planted_energy():
    theta = np.linspace(-1, 1, 5)
    for seed in range(3):
        data = ring(n=150, theta=theta, sharp=0.5, seed=seed)
        truth = float(hodge_of(comparisons(data, None, "prompt").edges).cyclic(
            _logits(data, theta, 0.5)))  # fmt: skip
        row = _row(wb.transitivity(data, simulations=99, folds=0), BEYOND)
        assert row["conf_low"] < truth < row["conf_high"], seed


def test_less_than_noise_has_an_upper_limit_all_the_same():
    shown = 0
    for seed in range(8):
        found = energy(edges_of(60, np.linspace(-1, 1, 5), seed), 99, 0.95, 0)
        if found.value < found.null and np.isfinite(found.high):
            shown += 1
            assert 0 < found.high < 0.25
            assert found.low == 0
    assert shown


def _logits(data: wb.PreferenceData, theta: np.ndarray, sharp: float) -> np.ndarray:
    edges = comparisons(data, None, "prompt").edges
    at = np.array([int(name[1:]) for name in edges.items])
    i, j = at[edges.first], at[edges.second]
    return theta[i] - theta[j] + sharp * np.where((j - i) % len(theta) <= len(theta) // 2, 1, -1)


@pytest.mark.parametrize("n", [5, 50])
def test_one_ranking_is_not_called_cyclic_too_often(n):
    theta = np.linspace(-1, 1, 6)
    p = []
    for seed in range(100):
        p.append(energy(edges_of(n, theta, seed), 99, 0.95, seed, whole=False).p_value)
    # 5 expected, 7 with five labels an edge; fourteen or more of 7 happen once in a hundred
    assert np.sum(np.array(p) <= 0.05) <= 13
    assert 0.4 < np.mean(p) < 0.6


def test_names_sides_and_order_of_rows_change_nothing():
    data = ring(n=20, theta=np.linspace(-1, 1, 5), sharp=0.4, seed=2)
    first = wb.transitivity(data, simulations=99, folds=0).to_frame()
    names = dict(zip("m0 m1 m2 m3 m4".split(), "v z w x y".split(), strict=True))
    pairs = data.pairs.replace({"model_a": names, "model_b": names})
    renamed = wb.PreferenceData(pairs, data.labels, data.factors, data.factor_values)
    sides = {"model_a": "model_b", "model_b": "model_a"}
    labels = data.labels.assign(preference=1 - data.labels["preference"])
    swapped = wb.PreferenceData(
        data.pairs.rename(columns=sides), labels, data.factors, data.factor_values
    )
    turned = wb.PreferenceData(
        data.pairs, data.labels.iloc[::-1].reset_index(drop=True), data.factors, data.factor_values
    )
    for other in (renamed, swapped, turned):
        again = wb.transitivity(other, simulations=99, folds=0).to_frame()
        pd.testing.assert_frame_equal(first, again, rtol=1e-9)


def test_opposite_pools_on_disjoint_edges_make_no_finding_of_cycles():
    i, j = np.triu_indices(7, 1)
    own = (i + j) % 2  # two pools of edges, both with cycles of their own
    theta = np.linspace(-1.2, 1.2, 7)
    data = shares_of(i, j, np.where(own == 0, 1, -1) * (theta[i] - theta[j]), 80,
                     people=np.where(own == 0, 0, 10), each=6)  # fmt: skip
    found = wb.transitivity(data, simulations=199, folds=0)
    assert _row(found, CYCLIC)["p_value"] < 0.01
    assert "pools-make-cycles" in _rules(found)
    assert "cyclic-shares" not in _rules(found)
    pools = found.tables()["pools"]
    assert len(pools) == 2
    assert (pools["p_value"] > 0.05).all()
    assert "within a pool of annotators only" in found.summary()
    # the same cycles by people who all label all edges are a finding
    same = shares_of(i, j, np.where(own == 0, 1, -1) * (theta[i] - theta[j]), 80)
    assert "cyclic-shares" in _rules(wb.transitivity(same, simulations=199, folds=0))


def test_the_energy_and_its_deviance_equal_a_calculation_by_hand():
    data = battles_of(30, np.array([0.0, 0.4, -0.3, 0.8]), seed=4)
    edges = comparisons(data, None, "prompt").edges
    found = energy(edges, 99, 0.95, 0)
    won, n = edges.won, edges.weight
    Y = np.log((won + 0.5) / (n - won + 0.5))
    D = np.zeros((len(n), 4))
    D[np.arange(len(n)), edges.first], D[np.arange(len(n)), edges.second] = 1, -1
    root = np.sqrt(n)
    r = np.linalg.lstsq(D * root[:, None], Y * root, rcond=None)[0]
    np.testing.assert_allclose(found.value, 1 - (n * (D @ r) ** 2).sum() / (n * Y**2).sum())

    def loss(r):
        return (n * np.logaddexp(0, D @ r) - won * (D @ r)).sum()

    share = won / n
    best = (won * np.log(share) + (n - won) * np.log(1 - share)).sum()
    fitted = minimize(loss, np.zeros(4), tol=1e-12)
    assert found.deviance == pytest.approx(2 * (best + fitted.fun), abs=1e-6)
    assert found.df == 3


def test_ties_stay_where_they_are_and_repeats_count_less():
    data = battles_of(30, np.linspace(-1, 1, 4), ties=0.5, seed=1)
    edges = comparisons(data, None, "prompt").edges
    assert (edges.per_vote == 1.0).all()
    assert 0.3 < edges.ties.sum() / edges.labels.sum() < 0.7
    # each label given five times over by others who agree: the shares are no surer
    labels = pd.concat([data.labels.assign(annotator=f"p{k}") for k in range(5)])
    five = wb.PreferenceData(
        data.pairs, labels.reset_index(drop=True), data.factors, data.factor_values
    )
    again = comparisons(five, None, "prompt").edges
    np.testing.assert_allclose(again.per_vote, 5, rtol=0.05)
    once, many = (energy(e, 99, 0.95, 0, whole=False) for e in (edges, again))
    assert many.null == pytest.approx(once.null, rel=0.25)


def test_one_ranking_needs_no_cycle_held_out():
    found = comparisons(battles_of(40, np.linspace(-1, 1, 6), seed=3), None, "prompt")
    told = held_out(found, 5, 0.95, 0)
    assert told.row["reason"] is not None or told.row["conf_high"] > 0
    assert len(told.ridges) == 5
    assert told.plain < np.log(2)
    few = held_out(found, 0, 0.95, 0)
    assert np.isnan(few.row["estimate"])
    assert few.row["reason"] == "folds=0"


def test_what_cannot_be_told_says_why():
    two = battles_of(20, np.array([0.0, 0.5]))
    with pytest.raises(wb.DesignError, match="two make no cycle"):
        wb.transitivity(two)
    i, j = np.array([0, 1, 3, 4]), np.array([1, 2, 4, 5])
    apart = shares_of(i, j, np.zeros(4), 20)  # two chains that nothing joins
    found = wb.transitivity(apart, simulations=99, folds=0)
    assert len(found.groups[0].found.reasons) == 3
    assert "no chain of battles" in found.summary()
    assert "the comparisons form no cycle" in found.verdicts[0]["verdict"]
    square = shares_of(
        np.array([0, 1, 2, 0]), np.array([1, 2, 3, 3]), np.array([2, 2, 2, -2.0]), 60
    )
    around = wb.transitivity(square, simulations=99, folds=0)
    assert "triangles" not in around.tables()
    assert _row(around, "energy in triangles")["estimate"] == 0
    assert _row(around, "energy in longer cycles")["estimate"] > 0.8
    assert "no three items" in around.stochastic["reason"].iloc[0]
    i, j = np.triu_indices(4, 1)
    even = wb.transitivity(shares_of(i, j, np.full(6, np.nan), 9), simulations=99, folds=0)
    assert "ties throughout" in _row(even, CYCLIC)["reason"]
    assert np.isnan(_row(even, CYCLIC)["estimate"])
    triads = even.triads.iloc[0]
    assert triads["reason"] in (ALL_TIED, NO_TRIAD)
    assert np.isnan(triads["estimate"])
    for options in ({"folds": 1}, {"simulations": 5}, {"level": 1.0}, {"items": "thing"},
                    {"context": "nowhere"}, {"annotator": "nobody"}):  # fmt: skip
        with pytest.raises(wb.DesignError):
            wb.transitivity(battles_of(5, np.zeros(4)), **options)


def test_groups_stand_side_by_side_and_one_that_fails_says_so():
    good = ring(n=20, theta=np.zeros(5), sharp=0.8)
    other = good.labels.assign(annotator="judge", kind="llm", preference=0.5)
    both = wb.PreferenceData(
        good.pairs, pd.concat([good.labels, other.head(1)], ignore_index=True), good.factors,
        good.factor_values,
    )  # fmt: skip
    found = wb.transitivity(both, simulations=99, folds=0)
    assert [one.name for one in found.groups] == ["human"]
    assert "two make no cycle" in found.refused["judge"]
    assert "judge: refused" in found.summary()
    alone = wb.transitivity(both, annotator=["human"], simulations=99, folds=0)
    pd.testing.assert_frame_equal(
        alone.triads.drop(columns="q_value"), found.triads.drop(columns="q_value")
    )
    assert found.to_dict()["tables"]["verdicts"][0]["group"] == "human"
    assert found.plot().data


def test_the_line_of_ratings_says_what_they_hide():
    cyclic, ranked = ring(n=60, theta=np.zeros(6), sharp=1.0), battles_of(60, np.linspace(-1, 1, 6))
    assert ranking_line(wb.rate(cyclic)).startswith("May these be ranked? Not on one scale alone")
    assert ranking_line(wb.rate(ranked)).startswith("May these be ranked? Yes: ratings hide")
    two = battles_of(60, np.array([0.0, 0.5]))
    assert ranking_line(wb.rate(two)) == "May these be ranked? Two models make no cycle."


def test_a_person_who_goes_round_is_counted():
    # each item beats the next two of five: d = 5, the most there is, so zeta = 0
    rows = [(k, (k + step) % 5, 1.0) for k in range(5) for step in (1, 2)]
    ordered = [(i, j, 1.0) for i in range(5) for j in range(i + 1, 5)]
    tied = [(i, j, 0.5 if (i, j) == (0, 1) else 1.0) for i, j, _ in ordered]
    data = asked({"round": rows, "straight": ordered, "unsure": tied})
    found = wb.transitivity(data, context=None, simulations=99, folds=0)
    people = found.tables()["people"].set_index("term")
    assert people.loc["round", ["n_triads", "n_cyclic", "d", "zeta"]].tolist() == [10, 5, 5, 0]
    assert people.loc["straight", ["n_triads", "n_cyclic", "d", "zeta"]].tolist() == [10, 0, 0, 1]
    assert people.loc["unsure", ["n_triads", "n_tied"]].tolist() == [10, 3]
    assert np.isnan(people.loc["unsure", "zeta"])
    assert people.loc["unsure", "zeta_reason"] == "no complete tournament without ties"
    triads = found.triads.iloc[0]
    assert (triads["n"], triads["n_cyclic"], triads["n_tied"]) == (27, 5, 3)


def test_names_of_people_and_contexts_change_nothing():
    rng = np.random.default_rng(3)
    said = {}
    for k in range(12):
        b = rng.normal(size=5)
        said[f"p{k:02d}"] = [(i, j, float(rng.logistic() < b[i] - b[j]))
                             for i in range(5) for j in range(i + 1, 5)]  # fmt: skip
    first = wb.transitivity(asked(said), context=None, simulations=99)
    new = dict(zip(said, rng.permutation([f"z{k}" for k in range(12)]), strict=True))
    again = wb.transitivity(asked({new[k]: v for k, v in said.items()}), context=None,
                            simulations=99)  # fmt: skip
    assert first.triads["p_value"].notna().all()
    for name in ("triads", "estimates"):
        pd.testing.assert_frame_equal(first.tables()[name], again.tables()[name])
    people = again.tables()["people"]
    assert people["term"].is_monotonic_increasing
    ours = first.tables()["people"].assign(term=lambda t: t["term"].map(new)).sort_values("term")
    np.testing.assert_allclose(people["estimate"], ours["estimate"])
    # one annotator's contexts, each with strengths of its own, under other names
    data = asked(said)
    one = data.labels.assign(annotator="human")
    place = pd.Series(data.pairs.index, index=data.pairs["pair_id"])
    tables = []
    for names in (list(said), list(new.values())):
        who = data.labels["annotator"].map(dict(zip(said, names, strict=True)))
        pairs = data.pairs.take(place[one["pair_id"]]).reset_index(drop=True)
        pairs = pairs[["model_a", "model_b"]].assign(item=range(len(pairs)), where=who.to_numpy())
        labels = one[["annotator", "kind", "preference"]].assign(pair=range(len(one)))
        found = wb.transitivity(wb.PreferenceData.from_tables(pairs, labels), context="where",
                                simulations=99, folds=0)  # fmt: skip
        tables.append(found.triads)
    assert tables[0]["p_value"].notna().all()
    pd.testing.assert_frame_equal(*tables)


def test_triads_are_never_made_of_several_people():
    data = asked({"x": [(0, 1, 1.0), (1, 0, 0.0)], "y": [(1, 2, 1.0)], "z": [(2, 0, 1.0)]})
    found = wb.transitivity(data, context=None, simulations=99, folds=0)
    assert found.triads["reason"].iloc[0].startswith("nobody judged three items")
    assert np.isfinite(_row(found, CYCLIC)["estimate"])


def test_people_with_rankings_of_their_own_are_not_taken_for_noise():
    rng = np.random.default_rng(0)
    said = {}
    for k in range(80):
        b = rng.normal(size=5) * 2.0
        said[f"p{k:02d}"] = [(i, j, float(rng.logistic() < b[i] - b[j]))
                             for i in range(5) for j in range(i + 1, 5)]  # fmt: skip
    found = wb.transitivity(asked(said), context=None, simulations=199, folds=0)
    nulls = found.triads.set_index("null")
    assert nulls.loc["coin", "p_value"] < 0.05
    assert nulls.loc["one Bradley-Terry", "p_value"] < 0.05
    assert nulls.loc["own strengths", "p_value"] > 0.05
    assert "dependent-triads" in _rules(found)


def test_too_many_items_are_refused_before_any_strength_is_fitted(monkeypatch):
    M = MOST_ITEMS + 1
    i = np.arange(M)
    data = shares_of(i, (i + 1) % M, np.zeros(M), 1)  # each loses and wins round the circle
    monkeypatch.setattr("workbench.structure.transitivity.comparisons.strengths", None)
    both = data.labels.assign(preference=1 - data.labels["preference"])
    labels = pd.concat([data.labels, both], ignore_index=True)
    many = wb.PreferenceData(data.pairs, labels, data.factors, data.factor_values)
    with pytest.raises(wb.DesignError, match=f"{M} items are too many") as refused:
        wb.transitivity(many)
    assert f"at most {MOST_ITEMS}" in str(refused.value)
    line = ranking_line(wb.rate(many))
    assert line.startswith(f"May these be ranked? Cannot be told: {M} items are too many")


def test_what_would_take_long_is_left_out_with_the_reason(monkeypatch):
    data = ring(n=30, theta=np.zeros(5), sharp=1.0)
    for limit in ("energy.MOST_DEVIANCE", "cyclic_model.MOST_HELD_OUT", "pools._LARGEST"):
        monkeypatch.setattr(f"workbench.structure.transitivity.{limit}", 4)
    labels = data.labels.assign(annotator=np.where(np.arange(len(data.labels)) % 2, "x", "y"))
    two = wb.PreferenceData(data.pairs, labels, data.factors, data.factor_values)
    found = wb.transitivity(two, simulations=99)
    rows = found.to_frame().set_index("term")
    deviance = rows.filter(like="deviance", axis=0).iloc[0]
    assert np.isnan(deviance["estimate"])
    assert np.isnan(deviance["p_value"])
    assert deviance["reason"].startswith("left out: more than ")
    assert np.isnan(rows.loc[GAIN, "estimate"])
    assert rows.loc[GAIN, "reason"] == "left out: 5 items, more than 4"
    assert "only pools that share nobody" in rows.loc["pools of annotators", "reason"]
    assert rows.loc[CYCLIC, "p_value"] == 0.01


def _of_prompts(sizes: list[list[int]], seed: int) -> wb.PreferenceData:
    """Three items whose edges are asked in prompts of these sizes; a prompt decides, no item."""
    rng = np.random.default_rng(seed)
    edge = np.concatenate([np.full(sum(one), k) for k, one in enumerate(sizes)])
    many = np.concatenate(sizes)
    prompt = np.repeat(np.arange(len(many)), many)
    y = rng.random(len(edge)) < logistic(1.5 * rng.normal(size=len(many))[prompt])
    pairs = pd.DataFrame({
        "model_a": [f"m{k}" for k in edge], "model_b": [f"m{(k + 1) % 3}" for k in edge],
        "item": np.arange(len(edge)), "cluster": [f"q{k:03d}" for k in prompt],
    })  # fmt: skip
    labels = pd.DataFrame({"pair": np.arange(len(edge)), "annotator": "human", "kind": "human",
                           "preference": y.astype(float)})  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, labels)


@pytest.mark.parametrize(
    "sizes",
    [
        pytest.param([[60]] * 3, id="one prompt an edge"),
        pytest.param([[60] * 3, [1] * 180, [1] * 180], id="one edge of three prompts"),
        pytest.param([[60] * 3, [3] * 60, [3] * 60], id="alike is known, three prompts are few"),
    ],
)
def test_few_prompts_of_many_labels_make_no_cycle(sizes):
    found = wb.transitivity(_of_prompts(sizes, 0), simulations=99)
    row = _row(found, CYCLIC)
    assert np.isnan(row["p_value"])
    assert row["reason"].startswith("too few clusters: ")
    assert "cannot be told: too few clusters" in found.verdicts[0]["verdict"]
    assert "cannot be told: too few clusters" in found.summary()
    assert found.stochastic["n_rejected"].isna().all()
    assert "triangles" not in found.tables()
    assert not _rules(found) & {"cyclic-shares", "not-weakly-transitive"}


def test_each_edge_has_a_design_effect_of_its_own():
    edges = comparisons(_of_prompts([[20] * 200, [1] * 400, [5] * 200], 1), None, "prompt").edges
    by_labels = edges.per_vote[np.argsort(edges.labels)]
    assert edges.unsure is None
    assert by_labels[0] == 1.0
    # of a prompt's effect, normal with SD 1.5: the correlation of its labels is 0.28
    p = logistic(1.5 * np.random.default_rng(0).normal(size=200_000))
    rho = np.var(p) / 0.25
    np.testing.assert_allclose(by_labels[1:], [1 + 4 * rho, 1 + 19 * rho], rtol=0.15)


def test_prompts_that_decide_are_not_called_cycles_too_often():
    p = []
    for seed in range(60):
        edges = comparisons(_of_prompts([[10] * 12, [10] * 12, [1] * 120], seed), None, "prompt")
        p.append(energy(edges.edges, 99, 0.95, seed, whole=False).p_value)
    assert np.sum(np.array(p) <= 0.05) <= 8  # three expected; nine happen once in 250


def _by_four(seed: int, sharp: float) -> wb.PreferenceData:
    """Four people on the same edges, each with a ranking, and cycles that all of them hold."""
    rng = np.random.default_rng(seed)
    n, M = 1200, 5
    i = rng.integers(M, size=n)
    j = (i + rng.integers(1, M, size=n)) % M
    who, b = rng.integers(4, size=n), rng.normal(size=(4, M)) * (0.7 if sharp else 2.0)
    eta = b[who, i] - b[who, j] + sharp * np.where((j - i) % M <= M // 2, 1, -1)
    pairs = pd.DataFrame({"model_a": [f"m{k}" for k in i], "model_b": [f"m{k}" for k in j],
                          "item": range(n)})  # fmt: skip
    y = (rng.random(n) < logistic(eta)).astype(float)
    labels = pd.DataFrame({"pair": range(n), "annotator": [f"p{k}" for k in who], "kind": "human",
                           "preference": y})  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, labels)


@pytest.mark.parametrize("seed", [1, 3, 5])
def test_people_who_differ_on_the_same_items_are_no_finding_of_cycles(seed):
    found = wb.transitivity(_by_four(seed, 0.0), simulations=199, folds=0)
    assert _row(found, CYCLIC)["p_value"] < 0.02
    row = _row(found, "cyclic energy against each person's own ranking")
    assert row["p_value"] > 0.05
    assert "4 people with 30 labels or more" in row["method"]
    assert "pools-make-cycles" in _rules(found)
    assert "cyclic-shares" not in _rules(found)
    assert "nobody's own labels are shown to go round" in found.verdicts[0]["verdict"]


def test_cycles_that_people_hold_are_one_however_they_differ():
    found = wb.transitivity(_by_four(0, 1.0), simulations=199, folds=0)
    assert "cyclic-shares" in _rules(found)
    assert _row(found, "cyclic energy against each person's own ranking")["p_value"] < 0.01


def test_answers_to_other_questions_are_counted():
    data = ring(n=20, theta=np.zeros(4), sharp=0.5)
    judge = data.labels.assign(annotator="judge", kind="llm")
    warm = data.labels.head(7).assign(criterion="warm")
    overall = pd.concat([data.labels, judge]).assign(criterion="overall")
    labels = pd.concat([overall, warm], ignore_index=True)
    both = wb.PreferenceData(data.pairs, labels, data.factors, data.factor_values)
    found = wb.transitivity(both, simulations=99, folds=0)
    gone = found.tables()["exclusions"]
    assert gone.to_numpy().tolist() == [["human", "another criterion", 7]]
    assert "left out: 7 another criterion" in found.summary()
    alone = wb.transitivity(both.filter(criteria=["overall"]), simulations=99, folds=0)
    assert "exclusions" not in alone.tables()
