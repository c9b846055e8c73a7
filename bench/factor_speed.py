"""Time of all text factors of response pairs, beside a plain `re` loop in the same run."""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd

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
    print(f"{options.pairs:,} pairs ({source}), {length:.0f} characters a response")
    score_factors(data._take(np.arange(len(data)) < 100, np.zeros(1, dtype=bool)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    score_factors(data)
    ours = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    part = pairs.iloc[:: max(1, len(pairs) // options.loop_pairs)]
    started = time.perf_counter()
    idf = idf_of(pairs["prompt"].unique().tolist())
    for row in part.itertuples():
        for text in (row.response_a, row.response_b):
            naive_values(text, row.prompt, idf)
    loop = (time.perf_counter() - started) * len(pairs) / len(part)
    print(f"{len(STYLE)} factors, both sides: {ours:.1f} s ({len(pairs) / ours:,.0f} pairs/s)")
    print(f"plain re loop ({len(part):,} pairs, scaled up): {loop:.1f} s")
    print(
        f"ratio {loop / ours:.1f}x (wanted: at least 5x); memory over the data {peak / 1024:.0f} MiB"
    )


if __name__ == "__main__":
    main()
