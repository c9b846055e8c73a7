"""Time of the text factors of response pairs, beside a plain `re` loop in the same run.

Each side is measured in processes of its own, matrix libraries held to one thread alike. The
processor's time is told beside that of the clock, which other work on the machine lengthens and
threads shorten; ratios are of the processor's time. The cold row is a whole process, from the start
of Python over imports and tables to the scored data.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

ROOT = Path(__file__).resolve().parents[1]
REAL = ROOT / ".." / "shared" / "data" / "alpaca_eval"


def real_or_sample_pairs(n: int) -> tuple[pd.DataFrame, str]:
    """Return ``n`` pairs of chat replies, repeated as needed, each made distinct."""
    folder = REAL / "weighted_alpaca_eval_gpt4_turbo"
    if folder.is_dir():
        records = [
            record
            for file in sorted(folder.glob("*.json.gz"))
            for record in json.loads(gzip.decompress(file.read_bytes()))
        ]
        table = pd.DataFrame.from_records(records)[["instruction", "output_1", "output_2"]]
        source = "AlpacaEval annotations"
    else:
        from workbench.data.sample import load as load_sample

        table = load_sample().pairs[["prompt", "response_a", "response_b"]]
        source = "simulated sample"
    table.columns = pd.Index(["prompt", "response_a", "response_b"])
    table = table.dropna().astype("str")
    rows = np.arange(n) % len(table)
    table = table.iloc[rows].reset_index(drop=True)
    # chat replies of the length that public speed figures use: about 700 characters
    for side in ("response_a", "response_b"):
        table[side] = table[side].str.slice(0, 900) + " " + pd.Series(range(n)).astype("str")
    return table, source


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--loop-pairs", type=int, default=3_000, help="pairs of the plain loop")
    parser.add_argument("--repeats", type=int, default=3, help="the median is told")
    parser.add_argument("--worker", choices=sorted(WORKERS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        print(json.dumps(WORKERS[options.worker](options)))
        return
    loop = measured("loop", options)
    print(f"{options.pairs:,} pairs ({loop['source']}), {loop['length']:.0f} characters a response")
    print(f"{'':34}{'clock s':>9}{'CPU s':>9}{'peak MiB':>10}{'loop / CPU':>12}")
    row("plain re loop, one core, all factors", loop, loop)
    for name in ("style", "core", "no_prompt"):
        found = measured(name, options)
        row(f"{found['n']} factors, {NAMED[name]}", found, loop)
    row("all factors, whole cold process", measured("cold", options), loop)
    print(
        f"The loop was measured on {loop['n']:,} pairs and scaled up; it knows no threads.\n"
        "Peaks are over the loaded data, that of the cold row of the whole process."
    )


NAMED = {"style": "all", "core": "of the main job", "no_prompt": "without the prompt's"}


def row(title: str, found: dict[str, float], loop: dict[str, float]) -> None:
    print(
        f"{title:34}{found['clock']:9.1f}{found['cpu']:9.1f}{found['peak']:10.0f}"
        f"{loop['cpu'] / found['cpu']:12.1f}",
        flush=True,
    )


def measured(worker: str, options: argparse.Namespace) -> dict[str, float]:
    """Return what the median of several runs took, by the processor's time."""
    runs = []
    for _ in range(options.repeats):
        started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        found = json.loads(run(worker, options))
        if worker == "cold":
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            found |= {"clock": time.perf_counter() - started, "cpu": cpu, "peak": found["process"]}
        runs.append(found)
    return sorted(runs, key=lambda found: found["cpu"])[len(runs) // 2]


def run(worker: str, options: argparse.Namespace) -> str:
    command = [sys.executable, "-m", "bench.factor_speed", "--worker", worker]
    command += ["--pairs", str(options.pairs), "--loop-pairs", str(options.loop_pairs)]
    held = {f"{name}_NUM_THREADS": "1" for name in ("OPENBLAS", "OMP", "MKL")}
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **held}, capture_output=True, text=True, check=True
    )
    return done.stdout


def score(name: str, options: argparse.Namespace, warm: bool) -> dict[str, float]:
    from workbench.data.dataset import PreferenceData
    from workbench.factors import CORE, STYLE, score_factors

    specs = {"core": CORE, "no_prompt": [spec for spec in STYLE if spec.family != "prompt"]}
    chosen = specs.get(name, STYLE)
    pairs, _ = real_or_sample_pairs(options.pairs)
    labels = pd.DataFrame({"pair": [0], "annotator": "a", "preference": [1.0]})
    data = PreferenceData.from_tables(pairs, labels)
    del pairs
    if warm:
        score_factors(data.filter(pair_ids=data.pairs["pair_id"].head(100)))
    with Spent() as spent:
        score_factors(data, chosen)
    whole = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"clock": spent.clock, "cpu": spent.cpu, "peak": spent.peak, "process": whole}
    return {"n": len(chosen), **told}


def loop(options: argparse.Namespace) -> dict[str, float | str]:
    """Return what a plain loop takes for all pairs, measured on some of them."""
    from bench.naive_factors import idf_of, naive_values

    pairs, source = real_or_sample_pairs(options.pairs)
    length = pairs[["response_a", "response_b"]].map(len).to_numpy().mean()
    part = pairs.iloc[:: max(1, len(pairs) // options.loop_pairs)]
    with Spent() as learnt:
        idf = idf_of(pairs["prompt"].unique().tolist())
    with Spent() as spent:
        for row in part.itertuples():
            for text in (row.response_a, row.response_b):
                naive_values(text, row.prompt, idf)
    times = len(pairs) / len(part)
    return {
        "n": len(part),
        "clock": learnt.clock + spent.clock * times,
        "cpu": learnt.cpu + spent.cpu * times,
        "peak": max(learnt.peak, spent.peak),
        "length": length,
        "source": source,
    }


WORKERS = {
    "loop": loop,
    "style": lambda options: score("style", options, warm=True),
    "core": lambda options: score("core", options, warm=True),
    "no_prompt": lambda options: score("no_prompt", options, warm=True),
    "cold": lambda options: score("style", options, warm=False),
}


class Spent:
    """Seconds by the clock and of the processor inside a ``with``, and memory above that before."""

    def __enter__(self) -> Spent:
        self._resident = psutil.Process().memory_info
        self._before = self._most = self._resident().rss
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        self._clock, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.clock = time.perf_counter() - self._clock
        self.cpu = time.process_time() - self._cpu
        self._done.set()
        self._watcher.join()
        self.peak = (self._most - self._before) / 2**20

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self._most = max(self._most, self._resident().rss)


if __name__ == "__main__":
    main()
