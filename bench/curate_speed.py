"""Curating and writing 1,000,000 pairs with text, beside pyarrow's own write of the same table.

Seconds are of the processor, which other work on the machine does not stretch.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

import workbench as wb
from bench.load_speed import WORDS
from workbench.curate.writers.layouts import Plan, trl

RULE = {"min_agreement": 0.6, "soft": True, "margin": "logit", "weight": "confidence"}
RUNS = 2


def simulated(pairs: int) -> wb.PreferenceData:
    """Return pairs of about 1,750 bytes, five votes each."""
    rng = random.Random(0)
    blocks = [" ".join(rng.choices(WORDS, k=190)) for _ in range(2000)]
    texts = pd.DataFrame(
        {
            "pair_id": [f"{i:032x}" for i in range(pairs)],
            "prompt": [f"question {i} " + blocks[i % 2000][:110] for i in range(pairs)],
            "response_a": [f"{i} " + rng.choice(blocks)[:800] for i in range(pairs)],
            "response_b": [f"b{i} " + rng.choice(blocks)[:800] for i in range(pairs)],
            "cluster": [f"c{i}" for i in range(pairs)],
        }
    )
    votes = np.random.default_rng(0).binomial(5, np.random.default_rng(1).beta(2, 2, pairs))
    labels = pd.DataFrame(
        {"pair_id": texts["pair_id"], "annotator": "crowd", "kind": "human", "weight": 5.0,
         "preference": votes / 5, "n_votes": 5.0}
    )  # fmt: skip
    return wb.PreferenceData.from_tables(texts, labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    options = parser.parse_args()
    data = simulated(options.pairs)
    seconds: dict[str, list[float]] = {
        name: [] for name in ("pyarrow", "curate", "parquet", "jsonl")
    }
    with tempfile.TemporaryDirectory() as place:
        for _ in range(RUNS):
            start = time.process_time()
            made = wb.curate(data, RULE)
            seconds["curate"].append(time.process_time() - start)
            # pyarrow writes the very columns of the file
            table = pa.table({one.name: one.values for one in trl(made.data, Plan.of(made.data))})
            start = time.process_time()
            pq.write_table(table, Path(place) / "plain.parquet")
            seconds["pyarrow"].append(time.process_time() - start)
            for kind in ("parquet", "jsonl"):
                start = time.process_time()
                made.write(place, "trl", kind)
                seconds[kind].append(time.process_time() - start)
    best = {name: min(values) for name, values in seconds.items()}
    print(f"{options.pairs:,} pairs in, {len(made.data):,} out, {table.nbytes / 1e9:.2f} GB")
    print(f"pyarrow's own write        {best['pyarrow']:6.1f} s")
    for kind in ("parquet", "jsonl"):
        total = best["curate"] + best[kind]
        print(f"curate {best['curate']:.1f} s + write {kind:<8}{best[kind]:6.1f} s, "
              f"ratio {total / best['pyarrow']:.2f} (wanted for parquet: at most 2)")  # fmt: skip


if __name__ == "__main__":
    main()
