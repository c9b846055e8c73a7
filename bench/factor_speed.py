"""Time of all text factors of response pairs, beside a plain `re` loop in the same run."""

from __future__ import annotations

import argparse
import gzip
import json
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from bench.naive_factors import idf_of, naive_values
from workbench.data.dataset import PreferenceData
from workbench.factors import STYLE, score_factors

REAL = Path(__file__).resolve().parents[1] / ".." / "shared" / "data" / "alpaca_eval"


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
    options = parser.parse_args()
    pairs, source = real_or_sample_pairs(options.pairs)
    labels = pd.DataFrame({"pair": [0], "annotator": "a", "preference": [1.0]})
    data = PreferenceData.from_tables(pairs, labels)
    length = pairs[["response_a", "response_b"]].map(len).to_numpy().mean()
    print(f"{len(data):,} pairs ({source}), {length:.0f} characters a response")
    warm_up = data.filter(pair_ids=data.pairs["pair_id"].head(100))
    score_factors(warm_up)
    with Peak() as peak:
        started = time.perf_counter()
        score_factors(data)
        ours = time.perf_counter() - started
    loop, n_loop = loop_time(pairs, options.loop_pairs)
    print(f"{len(STYLE)} factors, both sides: {ours:.1f} s ({len(pairs) / ours:,.0f} pairs/s)")
    print(f"plain re loop, one core: {loop:.1f} s (measured on {n_loop:,} pairs, scaled up)")
    print(f"ratio {loop / ours:.1f}x (wanted: at least 5x)")
    print(f"peak memory over the loaded data: {peak.mib:.0f} MiB")


def loop_time(pairs: pd.DataFrame, n: int) -> tuple[float, int]:
    """Return the seconds that a plain loop takes for all pairs, measured on about n of them."""
    started = time.perf_counter()
    idf = idf_of(pairs["prompt"].unique().tolist())
    learnt = time.perf_counter() - started
    part = pairs.iloc[:: max(1, len(pairs) // n)]
    started = time.perf_counter()
    for row in part.itertuples():
        for text in (row.response_a, row.response_b):
            naive_values(text, row.prompt, idf)
    each = (time.perf_counter() - started) / len(part)
    return learnt + each * len(pairs), len(part)


class Peak:
    """The most memory that the process takes inside a ``with``, above that before it."""

    def __enter__(self) -> Peak:
        self._resident = psutil.Process().memory_info
        self._before = self._most = self._resident().rss
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watcher.join()
        self.mib = (self._most - self._before) / 2**20

    def _watch(self) -> None:
        while not self._done.wait(0.01):
            self._most = max(self._most, self._resident().rss)


if __name__ == "__main__":
    main()
