"""Binned calibration errors, Brier score and log-loss, each with an interval that is in range."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.models.calibrated_null import redrawn
from workbench.clustered import Array, resample, share
from workbench.intervals import ONE_CLUSTER, mid_p, positive_mean

_BINNED = ("ECE", "ACE", "MCE")
_MEASURES = (*_BINNED, "Brier", "log-loss")


def _compared(value: float, drawn: Array, null: Array, groups: int, level: float) -> dict[str, Any]:
    """Return the interval of a binned error, which chance alone makes larger than 0."""
    tail = 0.5 - level / 2
    below, above = np.quantile(drawn, [tail, 1 - tail])
    p = float((1 + (null >= value - 1e-12).sum()) / (1 + len(null)))
    low = 0.0 if p > tail else float(np.clip(2 * value - above, 0.0, value))
    # where no draw differs the null tells how far chance alone reaches
    reach = max(2 * value - below, value, float(np.quantile(null, 1 - tail)))
    high = min(reach, 1.0)
    if not low < high:
        # every resample shows the same: as a share that was the same in every cluster
        low, high = mid_p(value, groups, level)
    return {
        "std_error": float(drawn.std(ddof=1)), "conf_low": low, "conf_high": high,
        "p_value": p, "expected": float(null.mean()), "reason": None,
    }  # fmt: skip


def _losses(p: Array, y: Array) -> Array:
    clipped = np.clip(p, 1e-12, 1 - 1e-12)
    return np.asarray(-(y * np.log(clipped) + (1 - y) * np.log1p(-clipped)))


class Bins:
    """Both orderings of every pair in uniform bins, summed by cluster."""

    def __init__(self, p: Array, y: Array, cluster: Array, bins: int) -> None:
        self.p, self.y = np.concatenate([p, 1 - p]), np.concatenate([y, 1 - y])
        self.code = np.concatenate([cluster, cluster]).astype(int)
        self.bin = np.minimum((self.p * bins).astype(int), bins - 1)
        self.bins, self.groups = bins, int(self.code.max()) + 1

    def _sums(self) -> Array:
        """Return counts, predictions, outcomes, squared errors and losses by cluster."""
        place = self.code * self.bins + self.bin
        size = self.groups * self.bins
        loss = _losses(self.p, self.y)
        parts = [
            np.bincount(place, value, size).reshape(self.groups, self.bins)
            for value in (np.ones(len(self.p)), self.p, self.y)
        ]
        ends = [np.bincount(self.code, v, self.groups)[:, None]
                for v in ((self.p - self.y) ** 2, loss)]  # fmt: skip
        return np.hstack([*parts, *ends])

    def _of(self, sums: Array) -> Array:
        b = self.bins
        count, p, y = sums[..., :b], sums[..., b : 2 * b], sums[..., 2 * b : 3 * b]
        gap = np.abs(p - y)
        total = count.sum(axis=-1)
        mean = np.divide(gap, count, out=np.zeros_like(gap), where=count > 0)
        used = np.maximum((count > 0).sum(axis=-1), 1)
        ece, ace = gap.sum(axis=-1) / total, mean.sum(axis=-1) / used
        rest = sums[..., 3 * b :] / total[..., None]
        return np.concatenate([np.stack([ece, ace, mean.max(axis=-1)], axis=-1), rest], axis=-1)

    def measures(self) -> dict[str, float]:
        """Return every measure."""
        values = self._of(self._sums().sum(axis=0))
        return dict(zip(_MEASURES, map(float, values), strict=True))

    def rows(self, level: float, replicates: int, seed: int) -> list[dict[str, Any]]:
        """Return every measure with its interval."""
        about: dict[str, Any] = {"n": float(len(self.p) / 2), "n_clusters": float(self.groups)}
        found = self.measures()
        if self.groups < 2:
            # one prompt drawn again and again never varies
            about["reason"] = ONE_CLUSTER
            return [{"term": k, "estimate": v, **about} for k, v in found.items()]
        binned = zip(_BINNED, self.draws(replicates, seed).T, self.calibrated(seed).T, strict=False)
        rows = [
            {"term": term, "estimate": found[term], **about,
             **_compared(found[term], drawn, null, self.groups, level)}
            for term, drawn, null in binned
        ]  # fmt: skip
        return rows + [{"term": term, "estimate": found[term], **about, **ends}
                       for term, ends in self._means(level).items()]  # fmt: skip

    def _means(self, level: float) -> dict[str, dict[str, Any]]:
        """Return the intervals of the two means over pairs."""
        n = len(self.p) // 2
        p, y, code = self.p[:n], self.y[:n], self.code[:n]
        brier = share((p - y) ** 2, code, level)
        kept = ("std_error", "conf_low", "conf_high", "reason")
        return {
            "Brier": {name: brier[name] for name in kept},
            "log-loss": positive_mean(_losses(p, y), code, level),
        }

    def draws(self, replicates: int, seed: int) -> Array:
        """Return every measure in resamples of the clusters."""
        return self._of(resample(self._sums(), replicates, seed))

    def calibrated(self, seed: int) -> Array:
        """Return the binned errors of outcomes that the probabilities would give."""
        n, bins = len(self.p) // 2, self.bins
        one, other = self.bin[:n], self.bin[n:]
        known = self._sums().sum(axis=0)
        drawn = [
            np.bincount(one, outcome, bins) + np.bincount(other, 1 - outcome, bins)
            for outcome in redrawn(self.p[:n], self.y[:n], self.code[:n], seed)
        ]
        sums = np.tile(known, (len(drawn), 1))
        sums[:, 2 * bins : 3 * bins] = drawn
        return self._of(sums)[:, : len(_BINNED)]

    def curve(self, level: float) -> pd.DataFrame:
        """Return the share preferred in each bin."""
        rows = []
        for k in np.unique(self.bin):
            mine = self.bin == k
            rows.append({"bin": int(k), "predicted": float(self.p[mine].mean()),
                         **share(self.y[mine], self.code[mine], level)})  # fmt: skip
        return pd.DataFrame(rows)
