"""Time and memory of ratings, bootstraps, contrasts and screening of data in parts, beside memory.

The data are those of ``parts.fit`` with 20 models: 27 factors, prompts of about three pairs, two
judges, no text. Each measurement is a process of its own; ``decompose`` is measured apart from
what is done with its fits.
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

from bench.parts.fit import PART, ROOT, K, add_part, part_of

MODELS = 20
VERBS = ("rate", "style", "bootstrap", "contrast", "screen")


def make(folder: Path, pairs: int) -> None:
    """Write a set in parts with its factors and models."""
    from workbench.data.parts.parted import PartedData

    specs = {f"f{k:02}": {"coding": {"transform": "difference"}} for k in range(K)}
    facts: list = []
    for number, start in enumerate(range(0, pairs, PART)):
        n = min(PART, pairs - start)
        table, labels, factors = part_of(number, n, 2)
        rng = np.random.default_rng([8, number])
        a = rng.integers(0, MODELS, n)
        b = (a + rng.integers(1, MODELS, n)) % MODELS
        names = np.array([f"model-{m:02}" for m in range(MODELS)])
        table = table.assign(model_a=names[a], model_b=names[b])
        add_part(folder, facts, table, labels, factors)
    replace(PartedData(folder, tuple(facts)), scored="bench", factor_specs=specs).save()


def worker(folder: str, verb: str, how: str) -> None:
    """Do one thing in parts or in memory; print the processor's time, the peak, the numbers."""
    import workbench as wb
    from workbench.data.parts.parted import open_parts

    data = open_parts(folder)
    if how == "memory":
        data = data.whole()
        data.digest  # noqa: B018
    fit = None
    if verb in ("bootstrap", "contrast"):
        fit = wb.decompose(data, folds=0)
    began, used = time.perf_counter(), time.process_time()
    if verb == "rate":
        table = wb.rate(data).to_frame()
    elif verb == "style":
        table = wb.rate(data, covariates=["f00", "f01", "f02", "f03"]).to_frame()
    elif verb == "bootstrap":
        table = wb.bootstrap(fit, method="multiplier").to_frame()
    elif verb == "contrast":
        table = wb.contrast(fit, "judge-0").to_frame()
    else:
        table = wb.screen(data, control=["f00"]).to_frame().sort_values("term")
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    numbers = table[["estimate", "std_error"]].to_numpy().tolist()
    print(json.dumps({"wall": seconds, "cpu": cpu, "peak": peak, "numbers": numbers}))


def measure(folder: Path, verb: str, how: str) -> dict[str, object]:
    command = [sys.executable, "-m", "bench.parts.verbs", "--worker", str(folder), verb, how]
    env = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    told: dict[str, object] = json.loads(done.stdout)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", nargs=3, metavar=("FOLDER", "VERB", "HOW"))
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--in", dest="place", help="folder that keeps the data")
    parser.add_argument("--verbs", nargs="*", default=VERBS)
    options = parser.parse_args()
    if options.worker:
        worker(*options.worker)
        return
    folder = Path(options.place or tempfile.mkdtemp())
    try:
        if not (folder / "parts.json").is_file():
            make(folder, options.pairs)
        for verb in options.verbs:
            found = {how: measure(folder, verb, how) for how in ("parts", "memory")}
            print(f"{verb}, {options.pairs:,} pairs x {K} factors x 2 judges")
            for how, one in found.items():
                print(f"  {how:<8} {one['wall']:7.1f} s, CPU {one['cpu']:7.1f} s, "
                      f"peak {one['peak']:.2f} GiB")  # fmt: skip
            parts, memory = (np.array(found[how]["numbers"]) for how in ("parts", "memory"))
            print(f"  largest difference {np.nanmax(np.abs(parts - memory)):.1e}", flush=True)
    finally:
        if not options.place:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
