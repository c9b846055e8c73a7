"""Label data with a planted truth, and rates over runs with their Monte-Carlo intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData


def data_of(x: np.ndarray, labels: Sequence[pd.DataFrame], cluster: np.ndarray) -> PreferenceData:
    """Return data of pairs with known differences ``x`` (n, K), labels and clusters (n,)."""
    n, K = x.shape
    pairs = pd.DataFrame({"item": np.arange(n), "cluster": [f"c{c}" for c in cluster]})
    data = PreferenceData.from_tables(pairs, pd.concat(labels, ignore_index=True))
    names = [f"f{k}" for k in range(K)]
    specs = {name: {"coding": {"transform": "difference"}} for name in names}
    frame = pd.DataFrame(x, columns=names)
    return data.with_factors(frame, pd.DataFrame(index=frame.index), specs)


def labels_of(
    y: np.ndarray, annotator: str, kind: str = "human", pair: np.ndarray | None = None
) -> pd.DataFrame:
    """Return one annotator's preferences for A, of all pairs or of those named."""
    pair = np.arange(len(y)) if pair is None else pair
    return pd.DataFrame(
        {"pair": pair, "annotator": annotator, "preference": y.astype(float), "kind": kind}
    )


def drawn(rng: np.random.Generator, eta: np.ndarray) -> np.ndarray:
    """Return votes for A with log-odds ``eta``."""
    return (rng.random(len(eta)) < 1 / (1 + np.exp(-eta))).astype(float)


def rate(
    what: str, setting: str, measure: str, shares: Sequence[float], bound: str
) -> dict[str, Any]:
    """Return a row: the mean over runs in percent, with its Monte-Carlo interval (95 %).

    ``shares`` has one number a run, so that numbers of one simulated data set count once.
    """
    values = 100 * np.asarray(shares, dtype=np.float64)
    values = values[np.isfinite(values)]
    value = float(values.mean()) if len(values) else float("nan")
    half = 1.96 * float(values.std(ddof=1)) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return {
        "what": what, "setting": setting, "measure": measure, "value": round(value, 2),
        "low": round(max(value - half, 0.0), 2), "high": round(min(value + half, 100.0), 2),
        "bound": bound, "runs": len(values),
    }  # fmt: skip
