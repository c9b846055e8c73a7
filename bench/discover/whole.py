"""Seconds and memory of a whole discovery of many pairs: stored vectors, offline model and all."""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import pandas as pd

import workbench as wb
from bench.discover.dictionary import differences
from workbench.embedding import StoredEmbedding


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--numbers", type=int, default=1024)
    options = parser.parse_args()
    n, rng = options.pairs, np.random.default_rng(0)
    words = np.array([f"word{k}" for k in range(400)])
    said = [[" ".join(row) for row in words[rng.integers(0, 400, (n, 12))]] for _ in "ab"]
    pairs = pd.DataFrame({"prompt": [f"Question {k}?" for k in range(n)], "response_a": said[0],
                          "response_b": said[1]})  # fmt: skip
    labels = pd.DataFrame({"pair": np.arange(n), "annotator": "a",
                           "preference": (rng.random(n) < 0.5) * 1.0, "kind": "human"})  # fmt: skip
    data = wb.PreferenceData.from_tables(pairs, labels)
    x = differences(n, options.numbers)
    own = StoredEmbedding.of_arrays("drawn", data.pairs["pair_id"], x, np.zeros_like(x))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    began, wall = time.process_time(), time.perf_counter()
    found = wb.discover(data, "human", embedding=own)
    took, wall = time.process_time() - began, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(found.summary().splitlines()[1])
    print(
        f"{n:,} pairs x {options.numbers}: {took:.1f} s of the processor, {wall:.1f} s by the clock"
    )
    print(f"peak {peak:.2f} GiB ({before:.2f} before)")


if __name__ == "__main__":
    main()
