r"""How far two groups must be apart to be seen, by the design alone: before any group is fitted.

Two equal groups that differ in one term by a shift :math:`\delta` move each person's score
:math:`g_p` of the pooled fit by :math:`\pm \delta I_p u / 2`, where :math:`I_p` is the person's
information. The largest direction of :math:`\sum_p g_p g_p' - I_p`, in units of its error, is what
tells groups from one public; scores are drawn as normal with and without the shift.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import ndtr

from workbench.decompose.kernel import Array, logistic
from workbench.structure.groups.mixture import Runs
from workbench.structure.groups.panel import Panel
from workbench.structure.groups.verdict_shift import verdict_shift
from workbench.structure.labels import PersonLabels

POWER = 0.8
METHOD = (
    f"two equal groups, {POWER:.0%} power: largest direction of normal scores, level 5 %; of the "
    "verdict: groups fitted to scores, held out"
)
_DRAWS = 200
_HALVINGS = 12
LARGEST = 8.0
SURE = 0.9
"""Share of the people rightly placed from which membership may be read."""


def detectable_shifts(
    laid: Panel, labels: PersonLabels, weight: Array, pooled: Runs, folds: int, seed: int
) -> pd.DataFrame:
    """Return, for each term, the shift that a test of level 5 % sees four times in five.

    Parameters
    ----------
    laid : Panel
    labels : PersonLabels
    weight : ndarray, shape (N,)
        In the order of the panel.
    pooled : Runs
        The fit of one class.
    folds, seed : int

    Returns
    -------
    DataFrame
        ``term, shift`` in log-odds per typical difference of the term, ``shift_per_unit``,
        ``placed`` = share of the people whom the truth itself would place rightly at that shift,
        ``shift_to_place`` = the shift that places 90 % of them; ``people, labels, spread`` = the
        typical difference; ``n`` = labels. NaN with a ``reason`` where even the largest shift is
        not seen.
        ``shift_of_verdict``, of the term in the middle alone, is what predicts new labels better
        than one public does, four times in five (:func:`verdict_shift`).
    """
    b = pooled.b[0, 0]

    def info_at(*weights: Array) -> Array:
        curve = [p * (1.0 - p) for p in (logistic(laid.X @ one) for one in weights)]
        return laid.gram_by_person(weight * np.mean(curve, axis=0))

    info = info_at(b)
    rng = np.random.default_rng([seed, 11])
    noise = rng.normal(size=(_DRAWS, laid.P, info.shape[1]))
    sign = np.where(rng.random((_DRAWS, laid.P)) < 0.5, -1.0, 1.0)
    draw = _Draws(info, noise, sign)
    rows, units = [], []
    for term, told in zip(labels.terms, labels.told, strict=True):
        along = laid.X @ (told * laid.scale)
        present = (weight * (along != 0)).sum()
        spread = float(np.sqrt((weight * along**2).sum() / present)) if present else np.nan
        # one unit of the term's own weight, as the fit counts: per typical difference
        u = told * laid.scale / spread
        rows.append({"term": term, **draw.row(u), "spread": spread})
        units.append(u)
    frame = pd.DataFrame(rows)
    frame["shift_of_verdict"] = np.nan
    known = frame["shift"].dropna()
    if len(known):
        middle = int(known.sort_values(kind="stable").index[(len(known) - 1) // 2])
        u = units[middle]
        frame.loc[middle, "shift_of_verdict"] = verdict_shift(
            lambda shift: info_at(b + 0.5 * shift * u, b - 0.5 * shift * u),
            u, folds, POWER, LARGEST, seed,
        )  # fmt: skip
    frame["shift_per_unit"] = frame["shift"] / frame["spread"]
    n = int(labels.n_labels.sum())
    return frame.assign(people=laid.P, labels=n, n=n, method=METHOD)


class _Draws:
    """Simulated scores of one public, and of two at any shift along any direction."""

    def __init__(self, info: Array, noise: Array, sign: Array) -> None:
        self.info, self.sign = info, sign
        total = info.sum(axis=0)
        value, vector = np.linalg.eigh(total)
        keep = value > 1e-9 * max(float(value.max()), 1e-300)
        root = vector[:, keep] / np.sqrt(value[keep])
        own, axes = np.linalg.eigh(info)
        half = axes * np.sqrt(np.maximum(own, 0.0))[:, None, :]
        self.root, self.total = root, root.T @ total @ root
        self.noise = np.einsum("pkl,dpl->dpk", half, noise) @ root
        self.null = float(np.quantile(self._largest(self.noise), 0.95))

    def _largest(self, scores: Array) -> Array:
        outer = np.swapaxes(scores, 1, 2) @ scores - self.total
        return np.asarray(np.linalg.eigvalsh(outer)[:, -1])

    def power(self, u: Array, shift: float) -> float:
        moved = (self.info @ u) @ self.root
        scores = self.noise + 0.5 * shift * self.sign[:, :, None] * moved
        return float((self._largest(scores) > self.null).mean())

    def row(self, u: Array) -> dict[str, object]:
        apart = np.sqrt(np.maximum(np.einsum("k,pkl,l->p", u, self.info, u), 0.0))
        place = _solve(lambda shift: float(ndtr(0.5 * shift * apart).mean()), SURE)
        shift = _solve(lambda shift: self.power(u, shift), POWER)
        placed = float(ndtr(0.5 * shift * apart).mean())
        reason = "" if np.isfinite(shift) else f"not seen even at {LARGEST:g}"
        return {"shift": shift, "placed": placed, "shift_to_place": place, "reason": reason}


def _solve(rising: Callable[[float], float], wanted: float) -> float:
    """Return where a rising function of the shift first has a value; NaN where it never has."""
    low, high = 0.0, LARGEST
    if rising(high) < wanted:
        return float("nan")
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if rising(middle) >= wanted else (middle, high)
    return high
