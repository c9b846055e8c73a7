"""Time of verbs where there is much of something: scenarios, sparse factors, pairs, factors.

Each row is a process of its own with BLAS on one thread; processor seconds of the verb alone
stand beside wall time and the peak memory of the process, data and imports included. ``before``
is the same row on the code of November 2026 before these verbs were made for such sizes,
measured on the same machine in the same hour.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[1]


def _data(x: pd.DataFrame, votes: np.ndarray, pairs: pd.DataFrame, annotators: list[str]):
    """Return data in which each annotator (a column of votes) labels every pair, in some order."""
    from workbench.data.dataset import PreferenceData

    n, rng = len(x), np.random.default_rng(1)
    labels = pd.DataFrame(
        {
            "pair": np.tile(np.arange(n), len(annotators)),
            "annotator": np.repeat(annotators, n),
            "preference": votes.T.ravel(),
            "order_shown": rng.choice(["ab", "ba"], size=n * len(annotators)),
        }
    )
    data = PreferenceData.from_tables(pairs, labels)
    return data.with_factors(x, pd.DataFrame(index=x.index), {})


def _votes(rng: np.random.Generator, eta: np.ndarray) -> np.ndarray:
    return (rng.random(eta.shape) < 1 / (1 + np.exp(-eta))) * 1.0


def scenarios(n: int) -> Callable[[], object]:
    """Return the pooling of 64 scenarios by 16 annotators with 26 factors, 6 of them rare."""
    from workbench.compare.scenarios import pool_scenarios

    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 26))
    x[:, 20:] = (rng.random((n, 6)) < 0.01) * rng.choice([-1.0, 1.0], size=(n, 6))
    scenario = np.arange(n) % 64
    weights = rng.normal(size=(16, 1, 26)) * 0.3 + rng.normal(size=(16, 64, 26)) * 0.3
    votes = _votes(rng, np.einsum("nk,ank->na", x, weights[:, scenario]))
    pairs = pd.DataFrame({"item": np.arange(n), "scenario": [f"s{k:02}" for k in scenario]})
    data = _data(pd.DataFrame(x).add_prefix("f"), votes, pairs, [f"a{k:02}" for k in range(16)])
    return lambda: pool_scenarios(data)


def screening(n: int) -> Callable[[], object]:
    """Return the screening of 2,000 factors of which 1 % of the values are not 0."""
    from scipy import sparse

    from workbench.screening.screening import screen

    rng = np.random.default_rng(0)
    x = sparse.random_array((n, 2000), density=0.01, rng=rng, format="csc")
    x.data = rng.choice([-1.0, 1.0, 2.0], size=x.nnz)
    weights = np.zeros(2000)
    weights[:40] = rng.normal(size=40) * 0.5
    words = rng.normal(size=n)
    names = [f"g{k}" for k in range(2000)]
    table = pd.DataFrame.sparse.from_spmatrix(x, columns=names).assign(words=words)
    prompts = [f"p{k}" for k in rng.integers(n // 3, size=n)]
    pairs = pd.DataFrame({"item": np.arange(n), "prompt_id": prompts})
    data = _data(table, _votes(rng, x @ weights + 0.4 * words)[:, None], pairs, ["a"])
    return lambda: screen(data)


def _dense(n: int, k: int):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, k))
    weights = rng.normal(size=k) * 0.2 * np.sqrt(30 / k)
    prompts = [f"p{k}" for k in rng.integers(n // 3, size=n)]
    pairs = pd.DataFrame({"item": np.arange(n), "prompt_id": prompts})
    return _data(pd.DataFrame(x).add_prefix("f"), _votes(rng, x @ weights)[:, None], pairs, ["a"])


def attribution(n: int) -> Callable[[], object]:
    """Return the shares of a probability of pairs with 30 factors."""
    import workbench as wb

    fit = wb.decompose(_dense(n, 30), folds=0)
    return lambda: wb.attribute(fit)


def fit_30(n: int) -> Callable[[], object]:
    """Return a fit of 30 factors, its clustered errors among it."""
    return _fit(n, 30)


def fit_100(n: int) -> Callable[[], object]:
    """Return a fit of 100 factors, its clustered errors among it."""
    return _fit(n, 100)


def _fit(n: int, k: int) -> Callable[[], object]:
    from workbench.decompose.design import build_design
    from workbench.decompose.estimate import fit_groups
    from workbench.threads import on_one_thread

    design = build_design(_dense(n, k), by=["annotator"])
    return on_one_thread(lambda: fit_groups(design, "cluster"))


ROWS = [
    (scenarios, 20_480, "64 scenarios x 16 annotators x 26 factors", "111 s, 0.73 GiB"),
    (scenarios, 4_000, "64 scenarios x 16 annotators x 26 factors", "33 s, 0.46 GiB"),
    (screening, 50_000, "screening of 2,000 sparse factors", "29 s, 3.2 GiB in full"),
    (attribution, 100_000, "shares of 30 factors", "10.1 s, 0.5 GiB"),
    (fit_30, 1_000_000, "fit of 30 factors", "1.4 s"),
    (fit_100, 1_000_000, "fit of 100 factors", "7.3 s"),
]


def worker(name: str, n: int) -> None:
    """Run one row once, its verb loaded by a small run before, and print what it took."""
    make = globals()[name]
    make(2_000)()
    verb = make(n)
    wall, cpu = time.perf_counter(), time.process_time()
    verb()
    seconds = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps([*seconds, peak]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", nargs=2, metavar=("ROW", "N"))
    parser.add_argument("--quick", action="store_true", help="a tenth of the pairs")
    options = parser.parse_args()
    if options.worker:
        worker(options.worker[0], int(options.worker[1]))
        return
    pinned = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    took = {}
    for make, n, what, before in ROWS:
        n = max(n // 10, 2_000) if options.quick else n
        command = [sys.executable, "-m", "bench.scale_speed", "--worker", make.__name__, str(n)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=pinned)
        if done.returncode:
            print(f"{n:,} pairs, {what}: not measured: {done.stderr.strip().splitlines()[-1]}")
            continue
        cpu, wall, peak = json.loads(done.stdout.splitlines()[-1])
        took[make] = cpu
        note = "" if options.quick else f"  (before: {before})"
        print(f"{n:>9,} pairs, {what}: {cpu:.1f} CPU s, {wall:.1f} s, {peak:.2f} GiB{note}")
    if {fit_30, fit_100} <= set(took):
        power = np.log(took[fit_100] / took[fit_30]) / np.log(100 / 30)
        print(f"a fit grows with the number of factors to the power of {power:.2f}")


if __name__ == "__main__":
    main()
