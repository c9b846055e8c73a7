"""Work over parts: what an engine costs beside a plain loop, and what two workers save.

Each part scores the core text factors of 500 pairs and adds them up; the same 64 parts go
through a loop, the engines, and Python's own pool of processes. Then 1,000 parts of no work say
what an engine takes for a part. Seconds of CPU are those of the process and all that it started,
without what it took to start; the sums have to be the same everywhere.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
WORDS = "the of and to in is that for it as was with be by on not he his but at are this".split()
PAIRS, PARTS, NOTHING = 500, 64, 1000


def scored(part: int) -> float:
    """Return the sum of the factors of simulated pairs; the part is their seed."""
    import numpy as np
    import pandas as pd

    import workbench as wb

    rng = np.random.default_rng(part)
    texts = [" ".join(rng.choice(WORDS, 140)) for _ in range(2 * PAIRS)]
    table = {"prompt": [f"question {part} {k}" for k in range(PAIRS)],
             "response_a": texts[:PAIRS], "response_b": texts[PAIRS:],
             "label": rng.choice(["a", "b"], PAIRS)}  # fmt: skip
    data = wb.score_factors(wb.load(pd.DataFrame(table)))
    return float(data.factors.select_dtypes("number").to_numpy().sum())


def nothing(part: int) -> int:
    return part


def way(name: str, workers: int) -> Callable[..., Iterator[Any]]:
    """Return how a way maps work over parts."""
    from workbench.engine import engine_of

    if name == "loop":
        return lambda work, parts: map(work, parts)
    if name == "pool":
        # one pool for all: it starts as often as the others do
        return ProcessPoolExecutor(workers).map
    return engine_of(name, workers=workers).map


def used() -> float:
    """Return the seconds of CPU of this process and of all that it started, ended or not."""
    own = psutil.Process()
    total = 0.0
    for process in (own, *own.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


def worker(name: str, workers: int) -> None:
    """Measure one way and print it; runs in a process of its own."""
    started = time.perf_counter()
    mapped = way(name, workers)
    # what is imported and started is no part of the work
    for _ in mapped(scored, range(1000, 1000 + 8 * workers)):
        pass
    found: dict[str, Any] = {"start": time.perf_counter() - started}
    for what, work, n in (("scored", scored, PARTS), ("nothing", nothing, NOTHING)):
        wall, cpu = time.perf_counter(), used()
        total = sum(mapped(work, range(n)))
        wall, cpu = time.perf_counter() - wall, used() - cpu
        found[what] = {"wall": wall, "cpu": cpu, "sum": total}
    print(json.dumps(found))


def measure(name: str, workers: int) -> dict[str, Any]:
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    environment.pop("RAY_ADDRESS", None)
    command = [sys.executable, "-m", "bench.parts.engines", "--worker", name, str(workers)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", nargs=2, metavar=("WAY", "WORKERS"))
    options = parser.parse_args()
    if options.worker:
        worker(options.worker[0], int(options.worker[1]))
        return
    ways = [("loop", 1), ("local", 1), ("local", 2), ("pool", 2), ("ray", 1), ("ray", 2)]
    print(f"{PARTS} parts of {PAIRS} pairs; then {NOTHING:,} parts of no work")
    print(f"{'':12}{'start s':>9}{'wall s':>9}{'CPU s':>9}{'no work: ms a part':>20}{'CPU ms':>9}")
    sums = set()
    for name, workers in ways:
        found = measure(name, workers)
        told, empty = found["scored"], found["nothing"]
        sums.add(told["sum"])
        print(
            f"{name:6}{workers:6}{found['start']:9.1f}{told['wall']:9.1f}{told['cpu']:9.1f}"
            f"{1e3 * empty['wall'] / NOTHING:20.2f}{1e3 * empty['cpu'] / NOTHING:9.2f}"
        )
    if len(sums) > 1:
        raise RuntimeError(f"the engines differ: {sorted(sums)}")


if __name__ == "__main__":
    main()
