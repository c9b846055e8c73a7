"""Confidence sequences over 1,000 looks: false alarms, width and time, beside confseq.

``python -m bench.calibration.monitor``. confseq has to be built (it needs Boost); where it cannot
be imported, that is said and ours is measured alone.
"""

from __future__ import annotations

import time

import numpy as np
from scipy.stats import norm

from workbench.calibration.monitor.sequence import confidence_sequence, escape

RUNS, LOOKS = 1000, 1000
RATES = (0.5, 0.8, 0.95, 0.02)


def false_alarms() -> None:
    rng = np.random.default_rng(0)
    looks = np.arange(1, LOOKS + 1)
    for rate in RATES:
        ours = alarms = fixed = 0
        for _ in range(RUNS):
            x = (rng.random(LOOKS) < rate).astype(float)
            low, high = confidence_sequence(x)
            ours += bool(((low > rate) | (high < rate)).any())
            alarms += escape(x, (rate, rate), 0.05) >= 0
            mean = np.cumsum(x) / looks
            half = norm.ppf(0.975) * np.sqrt(np.maximum(mean * (1 - mean), 1e-12) / looks)
            fixed += bool((np.abs(mean - rate) > half)[29:].any())
        shares = (f"{count / RUNS:.1%}" for count in (ours, alarms, fixed))
        told = "sequence outside {}, alarms {}, fixed intervals from look 30 outside {}"
        told = told.format(*shares)
        print(f"rate {rate:g}, {RUNS} runs of {LOOKS} looks: {told}", flush=True)


def speed() -> None:
    rng = np.random.default_rng(1)
    for n in (1_000, 100_000):
        x = (rng.random(n) < 0.8).astype(float)
        start = time.perf_counter()
        low, high = confidence_sequence(x)
        took = time.perf_counter() - start
        print(f"{n:,} values: ours {took:.3f} s, [{low[-1]:.3f}, {high[-1]:.3f}]")
    try:
        from confseq.betting import betting_cs
    except ImportError as error:
        print(f"confseq cannot be imported: {error}")
        return
    x = (rng.random(1_000) < 0.8).astype(float)
    start = time.perf_counter()
    theirs = betting_cs(x, alpha=0.05, breaks=1000, running_intersection=True)
    took = time.perf_counter() - start
    ours = confidence_sequence(x)
    apart = max(float(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True))
    print(f"1,000 values: confseq {took:.2f} s; ends at most {apart:.4f} apart over all looks")


if __name__ == "__main__":
    false_alarms()
    speed()
