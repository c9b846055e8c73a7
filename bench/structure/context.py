"""The Simpson scan beside a loop of statsmodels' logits, and how often nothing is reported.

Seconds are of the processor, which other work on the machine does not stretch.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

import workbench as wb


def simulated(
    labels: int, factors: int, columns: int, seed: int, planted: bool
) -> wb.PreferenceData:
    """Return labels of prompts in threes, columns of 2 to 11 values, and perhaps a reversal."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(labels, factors))
    groups = {f"column {k}": rng.integers(0, 2 + k, labels) for k in range(columns)}
    weights = np.r_[0.8, -0.4, 0.2, np.zeros(factors)][:factors]
    eta = X @ weights
    if planted:
        eta += np.where(groups["column 3"] == 0, -1.6, 0.0) * X[:, 0]
    # prompts have tastes of their own, which labels of one prompt share
    cluster = np.arange(labels) // 3
    eta += (rng.normal(size=(cluster.max() + 1, factors)) * 0.3)[cluster] @ np.eye(factors)[0]
    stand = pd.DataFrame({"item": np.arange(labels).astype(str)})
    stand["cluster"] = cluster.astype(str)
    stand = stand.assign(**{name: code.astype(str) for name, code in groups.items()})
    told = pd.DataFrame(
        {
            "pair": np.arange(labels),
            "annotator": "ann",
            "preference": 1.0 * (rng.random(labels) < 1 / (1 + np.exp(-eta))),
        }
    )
    frame = pd.DataFrame(X, columns=[f"factor {k}" for k in range(factors)])
    specs = {name: {"coding": {"transform": "difference"}} for name in frame}
    data = wb.PreferenceData.from_tables(stand, told)
    return data.with_factors(frame, pd.DataFrame(index=frame.index), specs)


def looped(data: wb.PreferenceData) -> int:
    """Fit every group of every column by statsmodels, one after another; return how many."""
    import statsmodels.api as sm

    X = data.factors[data.factor_names].to_numpy()[data.pair_rows]
    y = data.labels["preference"].to_numpy()
    cluster = pd.factorize(data.pairs["cluster"])[0][data.pair_rows]
    fits = 0
    for name in (c for c in data.pairs if c.startswith("column ")):
        code = pd.factorize(data.pairs[name])[0][data.pair_rows]
        for group in range(code.max() + 1):
            own = code == group
            sm.Logit(y[own], X[own]).fit(
                disp=0, cov_type="cluster", cov_kwds={"groups": cluster[own]}
            )
            fits += 1
    return fits


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=int, default=10_000)
    parser.add_argument("--nulls", type=int, default=200)
    options = parser.parse_args()
    data = simulated(options.labels, 8, 10, 0, planted=True)
    found = wb.context(data)
    own = min(seconds(lambda: wb.context(data)) for _ in range(3))
    print(f"scan of 8 factors by 10 columns, {options.labels:,} labels: {own:.2f} s")
    turned = found.reversals[found.reversals["reversed"]]
    print("  reported:", turned[["column", "term"]].to_numpy().tolist())
    try:
        looped(data)
        print(f"  statsmodels, one fit at a time: {seconds(lambda: looped(data)):.2f} s")
    except ImportError:
        print("  statsmodels is not installed: not compared")
    reports = {"reversed": 0, "differs": 0}
    for seed in range(options.nulls):
        null = wb.context(simulated(400, 4, 5, 1000 + seed, planted=False)).reversals
        for name in reports:
            reports[name] += int(null[name].any())
    for name, count in reports.items():
        rate = count / options.nulls
        print(f"  {options.nulls} sets of 400 labels without any: {name} reported in {rate:.1%}")


if __name__ == "__main__":
    main()
