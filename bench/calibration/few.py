"""Win rates from few labels beside truescore, ppi-python and cje-eval: coverage, width, time.

``python -m bench.calibration.few [RUNS]``. A peer that cannot be imported is left out, and that is
said. All simulated, all in one run; ``few_labels`` with everything else is timed at the end.
"""

from __future__ import annotations

import importlib
import logging
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import workbench as wb
from workbench.audit.judges.verdicts.by_verdict import by_verdict, verdict_strata

Ends = tuple[float, float]
PAIRS = 1000
SETTINGS = [(n, truth, accuracy) for n in (50, 100, 200) for truth in (0.02, 0.5, 0.98)
            for accuracy in (0.6, 0.95)]  # fmt: skip


def ours(f: Any, y: Any, known: Any) -> Ends:
    """Return the interval of the workbench."""
    said = np.where(known, y, np.nan)
    found = by_verdict(verdict_strata(f[:, None]), said, known * 1.0, np.arange(len(f)), 0.95)
    return float(found["conf_low"][0]), float(found["conf_high"][0])


def _truescore(peer: Any) -> Callable[..., Ends]:
    def ends(f: Any, y: Any, known: Any) -> Ends:
        found = peer.ppi_estimate(f, y[known], np.flatnonzero(known))
        return found.low, found.high

    return ends


def _ppi(peer: Any) -> Callable[..., Ends]:
    def ends(f: Any, y: Any, known: Any) -> Ends:
        low, high = peer.ppi_mean_ci(y[known], f[known], f[~known], alpha=0.05)
        return float(np.squeeze(low)), float(np.squeeze(high))

    return ends


def _cje(peer: Any) -> Callable[..., Ends]:
    def ends(f: Any, y: Any, known: Any) -> Ends:
        low, high = peer.calibrated_mean_ci(f, np.where(known, y, np.nan), known).ci
        return float(low), float(high)

    return ends


PEERS = {"truescore": ("truescore", _truescore), "ppi-python": ("ppi_py", _ppi),
         "cje-eval": ("cje", _cje)}  # fmt: skip


def methods() -> dict[str, Callable[..., Ends]]:
    """Return ours, and the peers that are installed."""
    found: dict[str, Callable[..., Ends]] = {"workbench": ours}
    for name, (module, made) in PEERS.items():
        try:
            found[name] = made(importlib.import_module(module))
        except ImportError as lacking:
            print(f"{name} is not installed ({lacking}): left out")
    return found


def compare(runs: int) -> None:
    """Print coverage, median width and time of every method in every setting."""
    every = methods()
    total = dict.fromkeys(every, 0.0)
    for n, truth, accuracy in SETTINGS:
        held: dict[str, list[bool]] = {name: [] for name in every}
        width: dict[str, list[float]] = {name: [] for name in every}
        refused = dict.fromkeys(every, 0)
        for run in range(runs):
            rng = np.random.default_rng([n, run])
            y = (rng.random(PAIRS) < truth) * 1.0
            f = np.where(rng.random(PAIRS) < accuracy, y, 1 - y)
            known = np.arange(PAIRS) < n
            for name, ends in every.items():
                start = time.process_time()
                try:
                    with warnings.catch_warnings():
                        warnings.simplefilter("ignore")
                        low, high = ends(f, y, known)
                except (ValueError, ArithmeticError):
                    # some peers refuse labels that are all the same
                    refused[name] += 1
                    low = high = np.nan
                total[name] += time.process_time() - start
                held[name].append(bool(low <= truth <= high))
                width[name].append(high - low)
        told = [
            f"{name} {np.mean(held[name]):.3f} / {np.nanmedian(width[name]):.3f}"
            + (f" ({refused[name]} refused)" if refused[name] else "")
            for name in every
        ]
        print(f"{n} labels, rate {truth:g}, judge {accuracy:g}: " + "; ".join(told), flush=True)
    calls = runs * len(SETTINGS)
    spent = (
        f"{name} {1000 * one / calls:.2f} ({one / total['workbench']:.1f} of ours)"
        for name, one in total.items()
    )
    print("milliseconds of CPU a rate: " + "; ".join(spent))


def many(pairs: int, judges: int = 33, factors: int = 16, labelled: int = 2000) -> None:
    """Print how long everything takes with many judges."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(pairs, factors))
    y = (rng.random(pairs) < 1 / (1 + np.exp(-X @ rng.normal(size=factors) * 0.3))) * 1.0
    first = rng.integers(0, 8, pairs)
    table = pd.DataFrame({
        "cluster": [f"p{k // 2}" for k in range(pairs)],
        "model_a": [f"m{k}" for k in first], "model_b": [f"m{k}" for k in (first + 1) % 8],
    })  # fmt: skip
    some = rng.choice(pairs, labelled, replace=False)
    labels = [pd.DataFrame({"pair": some, "annotator": "human", "kind": "human",
                            "preference": y[some]})]  # fmt: skip
    for j in range(judges):
        own = (rng.random(pairs) < 1 / (1 + np.exp(-2 * X[:, 0]))) * 1.0
        verdict = np.where(rng.random(pairs) < 0.3 + 0.02 * j, y, own)
        labels.append(pd.DataFrame({"pair": np.arange(pairs), "annotator": f"judge {j:02d}",
                                    "kind": "llm", "preference": verdict}))  # fmt: skip
    data = wb.PreferenceData.from_tables(table, pd.concat(labels, ignore_index=True))
    frame = pd.DataFrame(X, columns=[f"f{k}" for k in range(factors)])
    data = data.with_factors(frame, pd.DataFrame(index=frame.index), {})
    _ = data.digest
    wall, cpu = time.perf_counter(), time.process_time()
    wb.few_labels(data)
    print(
        f"few_labels, {judges} judges, {pairs:,} pairs, {factors} factors: "
        f"{time.perf_counter() - wall:.1f} s, {time.process_time() - cpu:.1f} s of CPU"
    )


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    compare(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
    many(100_000)
