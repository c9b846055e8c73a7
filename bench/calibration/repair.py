"""A judge mended by labels of people: time and memory of 100,000 pairs by 16 factors.

Wanted: under a minute and 2 GiB, everything included: fits held out twice over at six penalties,
the contrast before and after, win rates and ratings. The data are simulated.

    python -m bench.calibration.repair [--quick]
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import pandas as pd

import workbench as wb

PAIRS, FACTORS, MODELS = 100_000, 16, 8


def simulated(pairs: int, factors: int, seed: int = 0) -> wb.PreferenceData:
    """Return people and a judge that both see a quality, and a judge that loves one factor."""
    rng = np.random.default_rng(seed)
    x, quality = rng.normal(size=(pairs, factors)), rng.normal(size=pairs)
    a = rng.integers(0, MODELS, pairs)
    b = (a + rng.integers(1, MODELS, pairs)) % MODELS
    table = pd.DataFrame({
        "item": np.arange(pairs), "cluster": (np.arange(pairs) // 4).astype(str),
        "model_a": "sim-" + pd.Series(a).astype(str), "model_b": "sim-" + pd.Series(b).astype(str),
    })  # fmt: skip
    parts = []
    taste = quality + 0.3 * x[:, 1] - 0.2 * x[:, 2]
    for name, kind, order, lean in (
        ("ann", "human", None, 2 * taste),
        ("sim-judge", "llm", "ab", 2 * taste + 1.5 * x[:, 0] + 0.3),
        ("sim-judge", "llm", "ba", 2 * taste + 1.5 * x[:, 0] - 0.3),
    ):
        won = rng.random(pairs) < 1 / (1 + np.exp(-lean))
        parts.append(pd.DataFrame({
            "pair": np.arange(pairs), "annotator": name, "kind": kind, "order_shown": order,
            "preference": won.astype(float),
        }))  # fmt: skip
    data = wb.PreferenceData.from_tables(table, pd.concat(parts, ignore_index=True))
    frame = pd.DataFrame(x, columns=[f"f{k}" for k in range(factors)])
    specs = {name: {"coding": {"transform": "difference"}} for name in frame}
    return data.with_factors(frame, pd.DataFrame(index=frame.index), specs)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a tenth of the pairs")
    pairs = PAIRS // 10 if parser.parse_args().quick else PAIRS
    data = simulated(pairs, FACTORS)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    wall, cpu = time.perf_counter(), time.process_time()
    found = wb.repair_judge(data, "sim-judge")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    row = found.gains.set_index(["term", "against"]).loc[("corrected judge", "judge")]
    print(f"{pairs:,} pairs x {FACTORS} factors: {wall:.1f} s, processor {cpu:.1f} s")
    print(f"peak {peak:.2f} GiB, {before:.2f} with the data alone")
    print(f"agreement {row['before']:.3f} -> {row['after']:.3f}; accepted: {found.accepted}")


if __name__ == "__main__":
    main()
