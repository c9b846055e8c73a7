"""Groups of people: time beside a plain EM on scikit-learn's logit, and what planted groups give.

No package in Python fits a mixture of logits over people (scikit-learn's mixtures take no logit),
so the peer is the textbook: one weighted ``LogisticRegression`` a class and EM step, from the
same penalty. Wanted: the same likelihood, C = 1 to 3 with 5 folds and 19 simulated likelihood
ratios on 2.3k labels in under 3 s of CPU, the planted number of groups in 90 of 100 runs, "one
public" in 95 of 100, p-values that are below 5 % as often as that where one public is true (also
where prompts weigh the factors otherwise and people do not, which the simulated ratio takes for
groups), intervals that cover, and a shift that is seen as often as was said before.

    python -m bench.structure.groups [--quick]
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

import workbench as wb
from workbench.structure.groups.exchange import exchange_test
from workbench.structure.groups.mixture import PRIOR_SD
from workbench.structure.groups.number import fits, simulated_ratios
from workbench.structure.groups.panel import panel
from workbench.structure.labels import PersonLabels, person_labels
from workbench.structure.planted import planted_people

SHIFT = 1.5
TASTES = {
    1: [(1.0, -0.5, 0.0)],
    2: [(1.0, -0.5, 0.0), (1.0 - SHIFT, -0.5 + SHIFT, 0.0)],
    3: [(SHIFT, 0.0, 0.0), (0.0, SHIFT, 0.0), (0.0, 0.0, SHIFT)],
}
EIGHT = [(1.0, -0.5, 0, 0, 0.3, 0, 0, 0), (-0.5, 1.0, 0, 0, 0.3, 0, 0, 0)]
PEOPLE, LABELS = 45, 40


def plain_em(labels: PersonLabels, classes: int, seed: int, rounds: int = 300) -> float:
    """Return the log-likelihood of classes by the textbook, from one random start."""
    from sklearn.linear_model import LogisticRegression

    laid = panel(labels)
    y = labels.votes[laid.cells]
    X, person, P = laid.X, laid.person, laid.P
    rng = np.random.default_rng(seed)
    r = rng.dirichlet(np.ones(classes), P)
    last = -np.inf
    for _ in range(rounds):
        each = np.empty((P, classes))
        for c in range(classes):
            fit = LogisticRegression(C=PRIOR_SD**2, fit_intercept=False, tol=1e-8)
            fit.fit(X, y, sample_weight=r[person, c])
            eta = X @ fit.coef_[0]
            each[:, c] = np.bincount(person, y * eta - np.logaddexp(0, eta), minlength=P)
        each += np.log(r.mean(axis=0))
        total = np.logaddexp.reduce(each, axis=1)
        r = np.exp(each - total[:, None])
        if total.sum() - last < 1e-6:
            break
        last = float(total.sum())
    return last


def speed(starts: int) -> Iterator[dict[str, Any]]:
    data, _ = planted_people(64, 36, tastes=EIGHT)
    labels = person_labels(data)
    wb.groups(planted_people(6, 6)[0], max_groups=1, simulations=0)  # what loads, loads
    clock, wall = time.process_time(), time.perf_counter()
    wb.groups(data, max_groups=3, simulations=19)
    yield {"what": "groups: C = 1 to 3, 5 folds, 19 simulations, new people; 2,304 labels x 8",
           "cpu_s": time.process_time() - clock, "wall_s": time.perf_counter() - wall}  # fmt: skip
    clock = time.process_time()
    ours = fits(panel(labels), labels, 2, 0).best[1].likelihood[0]
    mine = time.process_time() - clock
    clock = time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = max(plain_em(labels, 2, seed) for seed in range(starts))
    each = (time.process_time() - clock) / starts
    yield {"what": "fit of 2 classes, 20 starts (ours); one start (scikit-learn, plain EM)",
           "ours_cpu_s": mine, "peer_cpu_s_a_start": each, "ours": float(ours), "peer": theirs,
           "difference": float(ours) - theirs}  # fmt: skip


def found_share(groups: int, runs: int) -> dict[str, Any]:
    """Return how often the planted number is found, and how often intervals cover."""
    right = covered = told = 0
    for seed in range(runs):
        data, _ = planted_people(PEOPLE, LABELS, tastes=TASTES[groups], seed=seed)
        found = wb.groups(data, max_groups=4, simulations=0, seed=seed)
        right += found.groups == groups
        if found.groups == groups:
            hits, n = covers(found, groups)
            covered, told = covered + hits, told + n
    return {"what": f"{groups} planted, shift {SHIFT}: found", "runs": runs,
            "share": right / runs, "weights_covered": covered / max(told, 1),
            "weights": told}  # fmt: skip


def covers(found: wb.Groups, groups: int) -> tuple[int, int]:
    table = found.weights.pivot(index="group", columns="term", values="estimate")
    low = found.weights.pivot(index="group", columns="term", values="conf_low")
    high = found.weights.pivot(index="group", columns="term", values="conf_high")
    terms = ["first", "second", "third"]
    hits = 0
    for taste in TASTES[groups]:
        near = ((table[terms] - np.asarray(taste)) ** 2).sum(axis=1).idxmin()
        ends = low.loc[near, terms].to_numpy(), high.loc[near, terms].to_numpy()
        hits += int(((ends[0] <= np.asarray(taste)) & (ends[1] >= np.asarray(taste))).sum())
    return hits, groups * len(terms)


def type_one(runs: int, simulations: int) -> dict[str, Any]:
    """Return how often p <= .05 where there is one public."""
    p = []
    for seed in range(runs):
        labels = person_labels(planted_people(PEOPLE, LABELS, tastes=TASTES[1], seed=seed)[0])
        found = fits(panel(labels), labels, 2, seed)
        lr = 2 * float(found.best[1].likelihood[0] - found.best[0].likelihood[0])
        null = simulated_ratios(found, 1, simulations, seed)
        p.append((1 + int((null >= lr).sum())) / (1 + simulations))
    return {"what": "one public: p of the simulated ratio <= .05", "runs": runs,
            "share": float(np.mean(np.asarray(p) <= 0.05)),
            "mean_p": float(np.mean(p))}  # fmt: skip


def prompts_alone(runs: int, people: int = 40, prompts: int = 60, each: int = 4) -> dict[str, Any]:
    """Return how often groups are seen where only prompts weigh the factors otherwise."""
    p, misfit = [], []
    for seed in range(runs):
        rng = np.random.default_rng(seed)
        labels = person_labels(
            planted_people(people, 10 * each, pairs=prompts * each, tastes=TASTES[1], seed=seed)[0]
        )
        of_prompt = np.asarray(TASTES[1][0]) + rng.normal(size=(prompts, 3))
        prompt = labels.pair // each
        eta = (labels.X * of_prompt[prompt]).sum(axis=1)
        votes = (rng.random(len(eta)) < 1 / (1 + np.exp(-eta))) * labels.weight
        names = pd.Index([f"prompt {k:03d}" for k in range(prompts)])
        labels = replace(labels, prompt=prompt, prompts=names, votes=votes)
        laid = panel(labels)
        p.append(exchange_test(laid, labels, 5, 39, seed).p_value)
        found = fits(laid, labels, 2, seed)
        lr = 2 * float(found.best[1].likelihood[0] - found.best[0].likelihood[0])
        misfit.append((1 + int((simulated_ratios(found, 1, 19, seed) >= lr).sum())) / 20)
    return {"what": "prompts differ, people do not: p <= .05", "runs": runs,
            "exchange": float(np.mean(np.asarray(p) <= 0.05)),
            "simulated_ratio": float(np.mean(np.asarray(misfit) <= 0.05))}  # fmt: skip


def said_and_seen(which: str, runs: int, simulations: int) -> dict[str, Any]:
    """Return how often the shift that was said to be detectable is seen, by test and verdict."""
    one = wb.groups(
        planted_people(PEOPLE, LABELS, tastes=TASTES[1])[0], max_groups=1, simulations=0
    )
    told = one.detectable.set_index("term").dropna(subset="shift_of_verdict")[which]
    shift = float(told.iloc[0])
    half = shift / 2 * np.eye(3)[["first", "second", "third"].index(str(told.index[0]))]
    tastes = [tuple(np.asarray(TASTES[1][0]) + side * half) for side in (-1, 1)]
    seen = several = 0
    for seed in range(runs):
        data, _ = planted_people(PEOPLE, LABELS, tastes=tastes, seed=seed)
        found = wb.groups(data, max_groups=2, simulations=simulations, seed=seed)
        seen += float(found.number["p_exchange"].iloc[1]) <= 0.05
        several += found.groups > 1
    return {"what": f"{which} said to be detectable (power 80 %)", "shift": shift,
            "term": str(told.index[0]), "runs": runs, "by_test": seen / runs,
            "by_verdict": several / runs}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="A tenth of the runs.")
    runs = 10 if parser.parse_args().quick else 100
    for row in speed(starts=2):
        print(json.dumps(row), flush=True)
    for groups in TASTES:
        print(json.dumps(found_share(groups, runs)), flush=True)
    print(json.dumps(type_one(runs, 39)), flush=True)
    print(json.dumps(prompts_alone(runs)), flush=True)
    for which in ("shift", "shift_of_verdict"):
        print(json.dumps(said_and_seen(which, runs, 39)), flush=True)


if __name__ == "__main__":
    main()
