"""Partial pooling of people and the whole verb, beside statsmodels' mixed logit.

Seconds are of the processor, which other work on the machine does not stretch.
``python -m bench.structure.people``; ``--peer`` waits for statsmodels, which takes minutes.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import workbench as wb
from workbench.compare.pooling import pool
from workbench.structure.labels import PersonLabels, person_labels
from workbench.structure.people.simulated import Simulation
from workbench.structure.planted import planted_people

PEOPLE, LABELS, RARE = 64, 36, 3
WEIGHTS = tuple(np.linspace(0.8, -0.6, 8).tolist())


def simulated() -> wb.PreferenceData:
    """Return labels on eight factors, three of which differ in one pair of fifty."""
    data, _ = planted_people(PEOPLE, LABELS, pairs=900, tastes=(WEIGHTS,), tau=0.3, seed=1)
    keep = np.random.default_rng(0).random((len(data.pairs), RARE)) < 0.02
    names = data.factor_names[-RARE:]
    frame = data.factors.drop(columns="pair_id")
    frame[names] = frame[names] * keep
    specs = {name: {"coding": {"transform": "difference"}} for name in frame}
    return data.with_factors(frame, frame.iloc[:, :0], specs)


def seconds(work: Callable[[], Any]) -> float:
    """Return the least processor time of two calls."""
    best = np.inf
    for _ in range(2):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return float(best)


def mixed_logit(labels: PersonLabels) -> Callable[[], Any] | None:
    """Return statsmodels' mixed logit of the same labels, its posterior mode; None: not there."""
    try:
        from scipy.sparse import csr_matrix
        from statsmodels.genmod.bayes_mixed_glm import BinomialBayesMixedGLM
    except ImportError:
        return None
    N, K = labels.X.shape
    columns = (labels.person[:, None] + len(labels.people) * np.arange(K)).ravel()
    slopes = csr_matrix((labels.X.ravel(), (np.repeat(np.arange(N), K), columns)))
    of_factor = np.arange(slopes.shape[1]) // len(labels.people)
    y = (labels.votes > 0.5).astype(float)
    return lambda: BinomialBayesMixedGLM(y, labels.X, slopes, of_factor).fit_map()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer", action="store_true", help="measure statsmodels too")
    options = parser.parse_args()
    data = simulated()
    labels = person_labels(data)
    title = f"{PEOPLE} people x {LABELS} labels, 8 factors, {RARE} of them rare"
    print(title)
    own = seconds(lambda: pool(labels.subsets()))
    print(f"  pool, Laplace               {own:7.2f} s (wanted: below 1)")
    print(f"  importance sampling on it   {seconds(Simulation.of(labels).fit):7.2f} s")
    peer = mixed_logit(labels) if options.peer else None
    if peer is None:
        why = "not installed" if options.peer else "not asked for (--peer)"
        print(f"  statsmodels, mixed logit: {why}, not measured")
    else:
        theirs = seconds(peer)
        print(f"  statsmodels, mixed logit    {theirs:7.2f} s, ratio {theirs / own:.1f}x")
    print(f"  people, the whole verb      {seconds(lambda: wb.people(data)):7.2f} s")


if __name__ == "__main__":
    main()
