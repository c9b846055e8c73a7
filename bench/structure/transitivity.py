"""Cycles: speed of the nulls and of the cyclic model, and how often one ranking is called cyclic.

No kept package of Python splits shares into a ranking and cycles; the ratings of the split are
held against numpy's least squares, and choix's, where it is installed, against ours. Seconds are
of the processor, which other work on the machine does not stretch.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd

from workbench.decompose.kernel import logistic
from workbench.ratings.battles import Battles
from workbench.ratings.comparable import comparable
from workbench.structure.transitivity.comparisons import Comparisons, Edges, ordered
from workbench.structure.transitivity.cyclic_model import held_out
from workbench.structure.transitivity.energy import draw_shares, energy, hodge_of, null_logits
from workbench.threads import one_thread


def battles(M: int, n: int, seed: int) -> Battles:
    """Return n labels on every two of M items, by one ranking."""
    i, j = np.triu_indices(M, 1)
    a, b = np.repeat(i, n), np.repeat(j, n)
    theta = np.linspace(-1, 1, M)
    y = (np.random.default_rng(seed).random(len(a)) < logistic(theta[a] - theta[b])).astype(float)
    one = np.ones(len(a))
    names = [f"m{k:03d}" for k in range(M)]
    found = Battles(names, a, b, y, one, np.empty((len(a), 0)), [], np.arange(len(a)), len(a),
                    pd.DataFrame())  # fmt: skip
    return found.subset(comparable(found)[0])


def timed(work: Callable[[], Any]) -> float:
    """Return the least seconds of three runs."""
    seconds = []
    for _ in range(3):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    return min(seconds)


def bootstraps(edges: Edges, count: int) -> None:
    hodge, p = hodge_of(edges), logistic(null_logits(edges))
    hodge.cyclic(edges.log_odds(draw_shares(edges, p, count, np.random.default_rng(0))))


def compared(labels: int) -> Comparisons:
    """Return labels on ten items as the cyclic model takes them, 200 clusters."""
    found = battles(10, labels // 45, 0)
    edges, a, b, y = ordered(found)
    cluster = (np.arange(len(y)) % 200).astype(str)
    none = np.zeros(len(y), dtype=np.int64)
    return Comparisons(edges, a, b, y, np.ones(len(y)), none, none, cluster, none, pd.Index(["x"]),
                       pd.Index(["x"]), pd.DataFrame(), {})  # fmt: skip


def peer() -> str:
    """Return how far the ratings are from least squares, and whether choix agrees."""
    edges = ordered(battles(30, 20, 0))[0]
    hodge, Y, root = hodge_of(edges), edges.log_odds(edges.share), np.sqrt(edges.weight)
    start = time.process_time()
    r = np.linalg.lstsq(root[:, None] * hodge.incidence.toarray(), root * Y, rcond=None)[0]
    theirs = time.process_time() - start
    apart = np.abs(hodge.potentials(Y) - (r - r.mean())).max()
    told = f"ratings: numpy's lstsq {theirs:.3f} s, largest difference {apart:.1e} (wanted: 1e-8)"
    if find_spec("choix") is None:
        return f"{told}; choix is not installed"
    import choix

    E = range(len(edges.first))
    won = [(int(edges.first[e]), int(edges.second[e])) for e in E for _ in range(int(edges.won[e]))]
    won += [(int(edges.second[e]), int(edges.first[e]))
            for e in E for _ in range(int(edges.weight[e] - edges.won[e]))]  # fmt: skip
    ours = edges.strength - edges.strength.mean()
    other = choix.ilsr_pairwise(len(edges.items), won, alpha=0.0, tol=1e-10)
    return f"{told}; Bradley-Terry against choix: {np.abs(ours - other).max():.1e}"


def level(n: int, sets: int) -> float:
    """Return the share of rankings with p at or below .05."""
    p = [energy(ordered(battles(6, n, s))[0], 199, 0.95, s, whole=False, interval=False).p_value
         for s in range(sets)]  # fmt: skip
    return float((np.array(p) <= 0.05).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=1000, help="rankings for the level")
    options = parser.parse_args()
    with one_thread():
        hundred, thirty = (ordered(battles(M, 20, 0))[0] for M in (100, 30))
        labels = compared(5000)
        rows = {
            "1,000 bootstraps of 100 items (wanted: 2 s)": lambda: bootstraps(hundred, 1000),
            "energy and 999 nulls, 30 items (1 s)": lambda: energy(
                thirty, 999, 0.95, 0, whole=False
            ),
            "the same with interval and deviance": lambda: energy(thirty, 999, 0.95, 0),
            "cyclic model, 5 folds x 3 starts, 5k labels (1 s)": lambda: held_out(
                labels, 5, 0.95, 0
            ),
        }
        for name, work in rows.items():
            print(f"{name:<52}{timed(work):7.2f} s", flush=True)
        print(peer(), flush=True)
        for n in (5, 50):
            error = np.sqrt(0.05 * 0.95 / options.sets)
            print(f"p <= .05 of one ranking, {n} labels an edge: {level(n, options.sets):.3f} "
                  f"(wanted: .05 +- .01; error {error:.3f})", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
