"""Time and memory of a decomposition of data in parts, beside the same data in memory.

The data have factors only, no text: 27 of them, prompts of about three pairs. They
are made part by part, and each measurement is a process of its own, as peak memory is the whole
process's. ``--pairs`` and ``--no-memory`` are for sets that memory does not hold.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
K = 27
PART = 65_536


def part_of(number: int, n: int, judges: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return the pairs, labels and factors of one part."""
    rng = np.random.default_rng([7, number])
    beta = np.random.default_rng(0).normal(size=(K, judges)) * 0.2
    X = np.round(rng.normal(size=(n, K)), 3)
    cluster = rng.integers(0, n // 3, n)
    pairs = pd.DataFrame(
        {
            "pair_id": [f"{number:08x}{i:024x}" for i in range(n)],
            "cluster": [f"{number}-{c}" for c in cluster],
        }
    )
    tables = []
    for j in range(judges):
        y = rng.random(n) < 1 / (1 + np.exp(-X @ beta[:, j]))
        tables.append(
            pd.DataFrame(
                {
                    "pair_id": pairs["pair_id"],
                    "annotator": f"judge-{j}",
                    "kind": "llm",
                    "preference": y.astype(np.float64),
                }
            )
        )
    factors = pd.DataFrame(X, columns=[f"f{k:02}" for k in range(K)])
    return pairs, pd.concat(tables, ignore_index=True), factors


def add_part(
    folder: Path, facts: list, pairs: pd.DataFrame, labels: pd.DataFrame, factors: pd.DataFrame
) -> None:
    """Write a part with its factors, and add what is known of it to ``facts``."""
    from workbench.data.dataset import PreferenceData
    from workbench.data.parts.part import CODED, VALUES, write_part
    from workbench.data.parts.parted import PartedData

    data = PreferenceData.from_tables(pairs, labels)
    facts.append(write_part(data, folder, f"part-{len(facts):06}"))
    place = replace(PartedData(folder, tuple(facts)), scored="bench").refs[-1]
    order = pd.Index(pairs["pair_id"]).get_indexer(data.pairs["pair_id"])
    place.write(CODED, "bench", factors.iloc[order])
    place.write(VALUES, "bench", factors.iloc[order, :1])


def make(folder: Path, pairs: int, judges: int = 2) -> None:
    """Write a set in parts with its factors."""
    from workbench.data.parts.parted import PartedData

    specs = {f"f{k:02}": {"coding": {"transform": "difference"}} for k in range(K)}
    facts: list = []
    for number, start in enumerate(range(0, pairs, PART)):
        table, labels, factors = part_of(number, min(PART, pairs - start), judges)
        add_part(folder, facts, table, labels, factors)
    replace(PartedData(folder, tuple(facts)), scored="bench", factor_specs=specs).save()


def worker(folder: str, how: str, folds: int) -> None:
    """Fit in parts or in memory; print the time, the processor's time and the peak."""
    import workbench as wb
    from workbench.data.parts.parted import open_parts
    from workbench.engine import Local

    data = open_parts(folder)
    if how == "memory":
        data = data.whole()
        data.digest  # noqa: B018
    began, used = time.perf_counter(), time.process_time()
    options = {} if how == "memory" else {"engine": Local(1)}
    fit = wb.decompose(data, folds=folds, **options)
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    table = fit.to_frame()
    numbers = table[["estimate", "std_error"]].to_numpy().tolist()
    scores = fit.held_out.select_dtypes("number").to_numpy().tolist()
    told = {"wall": seconds, "cpu": cpu, "peak": peak, "numbers": numbers, "scores": scores}
    print(json.dumps(told))


def measure(folder: Path, how: str, folds: int) -> dict[str, object]:
    command = [sys.executable, "-m", "bench.parts.fit", "--worker", str(folder), how]
    done = subprocess.run(
        [*command, "--folds", str(folds)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    told: dict[str, object] = json.loads(done.stdout)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", nargs=2, metavar=("FOLDER", "HOW"))
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--judges", type=int, default=2)
    parser.add_argument("--no-memory", action="store_true", help="leave out the fit in memory")
    parser.add_argument("--in", dest="place", help="folder that keeps the data")
    options = parser.parse_args()
    if options.worker:
        worker(*options.worker, options.folds)
        return
    folder = Path(options.place or tempfile.mkdtemp())
    try:
        if not (folder / "parts.json").is_file():
            make(folder, options.pairs, options.judges)
        ways = ["parts"] if options.no_memory else ["parts", "memory"]
        for folds in dict.fromkeys((0, options.folds)):
            found = {how: measure(folder, how, folds) for how in ways}
            print(f"{options.pairs:,} pairs x {K} factors x {options.judges} judges, {folds} folds")
            for how, one in found.items():
                print(f"  {how:<8} {one['wall']:7.1f} s, CPU {one['cpu']:7.1f} s, "
                      f"peak {one['peak']:.2f} GiB")  # fmt: skip
            if len(found) == 2:
                parts, memory = (np.array(found[how]["numbers"]) for how in ways)
                print(f"  largest difference {np.nanmax(np.abs(parts - memory)):.1e}")
    finally:
        if not options.place:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
