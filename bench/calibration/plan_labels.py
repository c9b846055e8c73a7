"""Plans from a pilot beside the truth: simulated data; and how long a plan takes.

``python -m bench.calibration.plan_labels``.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

import workbench as wb
from workbench.calibration.plan.pilot import foretell

TERMS, STUDY, PILOT, PILOTS = 8, 2000, 300, 40


def simulated(n: int, strength: float, seed: int) -> wb.PreferenceData:
    """Return simulated labels of one person on pairs in clusters of four."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, TERMS)) + 0.7 * np.repeat(rng.normal(size=(n // 4, TERMS)), 4, axis=0)
    b = strength * np.linspace(1.0, -0.5, TERMS)
    y = (rng.random(n) < 1 / (1 + np.exp(-x @ b))).astype(float)
    pairs = pd.DataFrame({"item": np.arange(n), "cluster": [f"c{k // 4}" for k in range(n)]})
    labels = pd.DataFrame({"pair": np.arange(n), "annotator": "sim-person", "kind": "human",
                           "preference": y})  # fmt: skip
    names = [f"f{k}" for k in range(TERMS)]
    factors = pd.DataFrame(x, columns=names)
    specs = {name: {"coding": {"transform": "difference"}} for name in names}
    data = wb.PreferenceData.from_tables(pairs, labels)
    return data.with_factors(factors, pd.DataFrame(index=factors.index), specs)


def foretold(strength: float) -> None:
    study = simulated(STUDY, strength, 0)
    truth = wb.decompose(study, folds=0).to_frame()["std_error"].to_numpy()[:TERMS]
    ids = study.pairs["pair_id"].to_numpy()
    ratios, inside = [], []
    for seed in range(PILOTS):
        pick = np.random.default_rng(seed).choice(ids, PILOT, replace=False)
        fit = wb.decompose(study.filter(pair_ids=pick), folds=0)
        found = foretell(fit.design, fit.fits["sim-person"])
        log_ratio = np.log(found.variance[:TERMS] * PILOT / STUDY) - 2 * np.log(truth)
        ratios.append(np.exp(log_ratio / 2))
        inside.append(np.abs(log_ratio) < 1.96 * found.log_error[:TERMS])
    low, middle, high = np.quantile(ratios, [0.025, 0.5, 0.975])
    told = f"ratio {middle:.2f} ({low:.2f} to {high:.2f}); in the range {np.mean(inside):.0%}"
    print(f"strength {strength:g}: errors at {STUDY:,} by {PILOTS} pilots of {PILOT}: {told}")


if __name__ == "__main__":
    for size in (0.3, 1.0, 2.0):
        foretold(size)
    large = simulated(100_000, 0.5, 1)
    begun = time.perf_counter()
    wb.plan_labels(large, for_="weight")
    print(f"weights of 100,000 labels, {TERMS} factors: {time.perf_counter() - begun:.2f} s")
