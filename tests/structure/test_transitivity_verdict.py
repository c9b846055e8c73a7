"""The three answers to whether items may be ranked: yes, no, and that it cannot be told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.structure.rounds import battles_of, ring
from workbench.decompose.kernel import logistic
from workbench.ratings.battles import Battles
from workbench.structure.transitivity.comparisons import comparisons, ordered
from workbench.structure.transitivity.energy import energy, worst_triangles
from workbench.structure.transitivity.verdict import ranking_line

BEYOND = "cyclic energy beyond noise"


def _three(y: np.ndarray, judges: int = 1, weight: float | np.ndarray = 1.0) -> wb.PreferenceData:
    """Labels on a against b, b against c, c against a, in turn."""
    n = len(y) // judges
    i = np.tile(np.arange(n) % 3, judges)
    pairs = pd.DataFrame({
        "model_a": np.array(list("abc"))[i], "model_b": np.array(list("bca"))[i],
        "item": np.arange(len(y)), "cluster": [f"c{k:05d}" for k in range(len(y))],
    })  # fmt: skip
    table = pd.DataFrame({
        "pair": np.arange(len(y)), "annotator": [f"j{k}" for k in np.repeat(np.arange(judges), n)],
        "kind": "llm", "preference": y, "weight": weight,
    })  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, table)


def _coins(n: int, chance: float, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).random(n) < chance).astype(float)


def _said(data: wb.PreferenceData, **options: object) -> str:
    found = wb.transitivity(data, **{"folds": 0, "simulations": 399, **options})
    return str(found.verdicts[0]["verdict"])


def test_too_few_labels_are_no_ranking():
    three = _three(np.ones(3))
    assert "cannot be told: up to 100.0 % of the energy could be cyclic" in _said(
        three, simulations=99
    )
    line = ranking_line(wb.rate(three))
    assert line.startswith("May these be ranked? Cannot be told: up to 100.0 % of the energy")
    some = battles_of(10, np.linspace(-0.5, 0.5, 5))
    assert _said(some, simulations=99).startswith(
        "whether these may be ranked cannot be told: up to "
    )
    many = battles_of(200, np.linspace(-1.5, 1.5, 5))
    said = _said(many, simulations=99)
    assert said.startswith("these may be ranked on one scale")
    assert "beyond noise at most" in said
    assert ranking_line(wb.rate(many)).startswith("May these be ranked? Yes: ratings hide")


@pytest.mark.parametrize("seed", range(6))
def test_the_verb_and_the_line_of_ratings_say_the_same(seed):
    data = _three(_coins(300, 0.6, seed))
    found = wb.transitivity(data, folds=0, simulations=399)
    row = found.to_frame().set_index("term")
    cycles = row.loc["cyclic energy", "p_value"] < 0.025
    assert (row.loc[BEYOND, "conf_low"] > 0) == cycles
    assert found.verdicts[0]["verdict"].startswith("one scale does not hold these") == cycles
    assert ("Not on one scale alone" in ranking_line(wb.rate(data))) == cycles


def test_ties_alone_make_no_cycle_in_the_line_either():
    # a, b, c stand 1.5 logits apart, and most labels on c against a are ties: the shares bend
    rng = np.random.default_rng(0)
    i = np.arange(900) % 3
    y = (rng.random(900) < logistic(np.array([1.5, 1.5, -3.0]))[i]).astype(float)
    data = _three(np.where((i == 2) & (rng.random(900) < 0.7), 0.5, y))
    found = wb.transitivity(data, folds=0, simulations=399)
    assert found.to_frame().set_index("term").loc["cyclic energy", "p_value"] < 0.01
    assert not found.findings()
    line = ranking_line(wb.rate(data))
    assert "Not on one scale" not in line
    assert "without ties p = " in line


def test_too_few_draws_are_no_ranking():
    around = _three(_coins(900, 0.8, 0))
    assert "399 draws give no p-value below 0.0025" in _said(around, level=0.999)
    # the line draws as many as the level needs
    assert "Not on one scale alone" in ranking_line(wb.rate(around, level=0.999))
    y = np.concatenate([_coins(300, 0.8, 0), _coins(7 * 300, 0.5, 1)])
    judged = _three(y, judges=8)
    assert "99 draws give no p-value below 0.01" in _said(judged, simulations=99)


def test_no_interval_has_width_0():
    edges = comparisons(_three(np.ones(150)), None, "prompt").edges
    found = energy(edges, 199, 0.95, 0, whole=False)
    assert found.beyond == 1
    assert 0.9 < found.low < found.high <= 1


def test_strong_cycles_do_not_hide_the_ratings():
    # Bradley-Terry's ratings are flattened by cycles: the share is 14 / 15 of the logits
    held = 0
    for seed in range(4):
        edges = comparisons(ring(60, [0.0] * 6, 2.0, seed), None, "prompt").edges
        found = energy(edges, 199, 0.95, seed, whole=False)
        held += found.low <= 14 / 15 <= found.high
    assert held >= 3


def test_the_unit_of_weights_changes_nothing():
    y = _coins(90, 0.6, 1)
    first = wb.transitivity(_three(y), folds=3, simulations=99)
    for weight in (1e-9, 10.0):
        again = wb.transitivity(_three(y, weight=weight), folds=3, simulations=99)
        for name, table in first.tables().items():
            pd.testing.assert_frame_equal(table, again.tables()[name], rtol=1e-9)


def test_labels_of_unequal_weight_are_not_taken_for_more_than_they_say():
    # weights .1 and 5 at even odds: 300 labels say as much as 156
    n, rejected = 300, np.zeros(2)
    i = np.arange(n) % 3
    one, none = np.arange(n), np.empty((n, 0))
    for seed in range(100):
        rng = np.random.default_rng(seed)
        y, w = (rng.random(n) < 0.5).astype(float), rng.choice([0.1, 5.0], n)
        edges = ordered(Battles(["a", "b", "c"], i, (i + 1) % 3, y, w, none, [], one, n,
                                pd.DataFrame()))[0]  # fmt: skip
        p = energy(edges, 99, 0.95, seed, whole=False, interval=False).p_value
        rejected += [p <= 0.05, worst_triangles(edges, 0.95)["p_value"][0] <= 0.05]
    assert edges.weight.sum() == pytest.approx(156, rel=0.15)
    # 5 of 100 expected; twelve or more happen four times in a thousand
    assert (rejected <= 11).all()


@pytest.mark.parametrize("option", [
    {"seed": -1}, {"seed": 0.5}, {"simulations": 99.5}, {"folds": 2.5}, {"folds": -2},
    {"level": None}, {"level": "x"}, {"level": float("nan")},
])  # fmt: skip
def test_an_option_of_another_kind_is_refused_by_name(option):
    with pytest.raises(wb.DesignError, match=f"Option {next(iter(option))} is out of range"):
        wb.transitivity(_three(np.ones(3)), **option)
