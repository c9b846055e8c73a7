"""People who differ in nothing, in taste, in sharpness or in care: what is found of it.

``python -m bench.structure.people_levels`` (``--quick`` for a tenth of the runs).
"""

from __future__ import annotations

import argparse
import json
from typing import Any

import numpy as np

from bench.coverage.scenarios import _row
from workbench.structure.labels import PersonLabels, person_labels
from workbench.structure.people.detectable import detectable_tau
from workbench.structure.people.ladder import (
    CARELESS,
    RELIABILITY,
    SURE,
    TASTE,
    best_of,
    climb,
    gain,
    ladder_table,
)
from workbench.structure.people.null import Null, permutation_test
from workbench.structure.people.score import score_test
from workbench.structure.people.simulated import Simulation
from workbench.structure.people.terms import profile
from workbench.structure.planted import planted_people

SETTING = "60 people x 40 labels"
_KINDS: dict[str, dict[str, float]] = {
    RELIABILITY: {"sharpness": 1.0}, CARELESS: {"careless": 0.2}, TASTE: {"tau": 0.8},
}  # fmt: skip


def rows(quick: bool) -> list[dict[str, Any]]:
    """Return what was simulated: percent, with its Monte-Carlo interval, and the bound."""
    many = 10 if quick else 100
    found = [_tau(tau, many) for tau in (0.0, 0.3, 0.8)]
    found += _level(many)
    found += [_chosen(kind, max(many // 3, 5)) for kind in _KINDS]
    return [*found, _power(max(many // 3, 5))]


def _labels(seed: int, **planted: float) -> PersonLabels:
    return person_labels(planted_people(seed=seed, **planted)[0])  # type: ignore[arg-type]


def _tau(tau: float, runs: int) -> dict[str, Any]:
    hits = []
    for seed in range(runs):
        model = Simulation.of(_labels(seed, tau=tau))
        found = profile(model, model.fit(), 0.95)
        hits.append((found.low <= tau) & (tau <= found.high))
    setting = f"{SETTING}, tau {tau:g}"
    return _row("tau between people", setting, "interval covers", np.array(hits), "95 +- 2")


def _level(runs: int) -> list[dict[str, Any]]:
    hits: dict[str, list[Any]] = {RELIABILITY: [], CARELESS: [], TASTE: [], "score test": []}
    for seed in range(runs):
        labels = _labels(seed)
        for name, p in permutation_test(labels, labels.folds(2, seed), 99, seed).p_value.items():
            hits[name].append(p <= 0.05)
        hits["score test"].append(score_test(labels, np.arange(3), 99, seed).p_value <= 0.05)
    return [
        _row(f"permutation of people: {name}", f"{SETTING}, all alike", "p <= .05",
             np.array(own), "5 +- 1.5")
        for name, own in hits.items()
    ]  # fmt: skip


def _chosen(kind: str, runs: int) -> dict[str, Any]:
    hits = []
    for seed in range(runs):
        labels = _labels(seed, **_KINDS[kind])
        ladder = climb(labels, labels.folds(5, seed))
        nothing = Null({}, {}, {}, 0, 1.0)
        hits.append(best_of(ladder_table(ladder, labels, nothing, 0.95), ladder, labels) == kind)
    told = ", ".join(f"{name} {value:g}" for name, value in _KINDS[kind].items())
    return _row("ladder", f"{SETTING}, {told}", f"chooses {kind}", np.array(hits), "90 and more")


def _power(runs: int) -> dict[str, Any]:
    """At the detectable tau the gain of taste should exceed two errors in 80 % of the runs."""
    tau = detectable_tau(_labels(0), 5)
    hits = []
    for seed in range(runs):
        labels = _labels(seed, tau=tau)
        loss = climb(labels, labels.folds(5, seed)).loss
        mean, error, _ = gain(loss[:, 3], loss[:, 0], labels.weight, labels.prompt)
        hits.append(mean > SURE * error)
    setting = f"{SETTING}, tau {tau:.2f}, called detectable"
    return _row("gain of taste", setting, "exceeds two errors", np.array(hits), "about 80")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true")
    for row in rows(parser.parse_args().quick):
        print(json.dumps(row), flush=True)
