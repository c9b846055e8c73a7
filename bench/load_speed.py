"""Loading a JSONL file of 1,000,000 pairs (1.75 GB), beside pyarrow's own reader."""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WORDS = "the of and to in is that for it as was with be by on not he his but at are this".split()


def write(path: Path, pairs: int) -> None:
    """Write simulated pairs of about 1,750 bytes a line."""
    rng = random.Random(0)
    blocks = [" ".join(rng.choices(WORDS, k=190)) for _ in range(2000)]
    with path.open("w", encoding="utf-8") as file:
        for i in range(pairs):
            record = {
                "prompt": f"question {i} " + blocks[i % 2000][:110],
                "response_a": f"{i} " + rng.choice(blocks)[:800],
                "response_b": f"b{i} " + rng.choice(blocks)[:800],
                "label": rng.choice("ab"),
                "model_a": f"m{i % 7}",
                "model_b": f"m{i % 5}",
            }
            file.write(json.dumps(record) + "\n")


def worker(which: str, path: str) -> None:
    """Load once and print seconds and peak memory; runs in a process of its own."""
    if which == "workbench":
        import workbench.data.load as module

        started = time.perf_counter()
        data = module.load(path)
        seconds = time.perf_counter() - started
        rows = len(data.pairs)
    else:
        import pyarrow.json as pajson

        started = time.perf_counter()
        rows = len(pajson.read_json(path))
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"rows": rows, "seconds": seconds, "peak": peak}))


def measure(which: str, path: Path) -> dict[str, float]:
    root = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-m", "bench.load_speed", "--worker", which, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=root)
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--worker", nargs=2, metavar=("READER", "FILE"))
    options = parser.parse_args()
    if options.worker:
        worker(*options.worker)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pairs.jsonl"
        write(path, options.pairs)
        print(f"{options.pairs:,} pairs, {path.stat().st_size / 1e9:.2f} GB of JSON lines")
        runs = [(measure("pyarrow", path), measure("workbench", path)) for _ in range(2)]
        arrow = min(a["seconds"] for a, _ in runs)
        ours = min(b["seconds"] for _, b in runs)
        print(f"pyarrow.json.read_json   {arrow:6.1f} s, peak {runs[0][0]['peak']:.1f} GiB")
        print(f"workbench.load           {ours:6.1f} s, peak {runs[0][1]['peak']:.1f} GiB")
        print(f"ratio {ours / arrow:.2f} (wanted: at most 3), memory wanted: at most 6 GiB")


if __name__ == "__main__":
    main()
