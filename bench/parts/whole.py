"""Load, 27 text factors and a fit with five folds: in parts beside in memory, cold processes.

Each row is a process of its own, so that what is imported counts, with one BLAS thread. CPU
seconds are those of the process with its children; the peak is that of its resident memory,
mapped files included.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.load_speed import write

STEPS = ("load", "factors", "decompose")


def worker(which: str, path: str, folder: str) -> None:
    """Do all three once; print the CPU seconds of each and the peak."""
    import workbench as wb

    factors = [spec for spec in wb.factors.STYLE if spec.family != "prompt"]
    marks = [cpu()]
    if which == "parts":
        parts = wb.load_parts(path, folder)
        marks.append(cpu())
        parts = wb.score_factors(parts, factors)
        marks.append(cpu())
        fit = wb.decompose(parts)
    else:
        data = wb.load(path)
        marks.append(cpu())
        data = wb.score_factors(data, factors)
        marks.append(cpu())
        fit = wb.decompose(data)
    told = json.loads(fit.to_frame().to_json(orient="split"))
    marks.append(cpu())
    spent = {name: b - a for name, a, b in zip(STEPS, marks, marks[1:], strict=False)}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    print(json.dumps({"cpu": spent, "peak": peak, "table": told}))


def cpu() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime


def measure(which: str, path: Path, folder: Path) -> dict[str, object]:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "bench.parts.whole", "--worker", which, str(path), str(folder)]
    one = dict.fromkeys(("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS"), "1")
    started = time.perf_counter()
    done = subprocess.run(
        command, stdout=subprocess.PIPE, text=True, check=True, cwd=root, env={**os.environ, **one}
    )
    return {**json.loads(done.stdout), "wall": time.perf_counter() - started}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--worker", nargs=3, metavar=("WHICH", "FILE", "FOLDER"))
    options = parser.parse_args()
    if options.worker:
        worker(*options.worker)
        return
    peaks: list[float] = []
    for n in options.pairs:
        with tempfile.TemporaryDirectory() as place:
            path = Path(place, "pairs.jsonl")
            write(path, n)
            print(f"{n:,} pairs, {path.stat().st_size / 1e9:.2f} GB of JSON lines", flush=True)
            rows = {
                which: measure(which, path, Path(place, which)) for which in ("memory", "parts")
            }
        for which, row in rows.items():
            spent = "  ".join(f"{name} {row['cpu'][name]:6.1f}" for name in STEPS)  # type: ignore[index]
            total = sum(row["cpu"].values())  # type: ignore[attr-defined]
            print(
                f"  {which:7s} CPU {total:6.1f} s ({spent})  wall {row['wall']:6.1f} s"
                f"  peak {row['peak']:6.0f} MiB",
                flush=True,
            )
        print(f"  largest difference of any number of the table: {apart(rows):.1e}", flush=True)
        peaks.append(float(rows["parts"]["peak"]))  # type: ignore[arg-type]
    print(
        f"peak of the largest over that of the smallest: {peaks[-1] / peaks[0]:.2f} (1.15 wanted)"
    )


def apart(rows: dict[str, dict[str, object]]) -> float:
    one, two = (rows[which]["table"]["data"] for which in ("memory", "parts"))  # type: ignore[index]
    numbers = [
        abs(a - b) / max(1.0, abs(a))
        for first, second in zip(one, two, strict=True)
        for a, b in zip(first, second, strict=True)
        if isinstance(a, float) and isinstance(b, float)
    ]
    return max(numbers)


if __name__ == "__main__":
    main()
