"""Gradient boosting on both sides' values and their differences, the same for A and for B."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from workbench.ceiling.rows import Rows
from workbench.decompose.kernel import Array, Codes

_OPTIONS: dict[str, Any] = {
    "learning_rate": 0.15, "max_leaf_nodes": 6, "min_samples_leaf": 20, "l2_regularization": 1.0,
    "max_bins": 63,
}  # fmt: skip
_ROUNDS, _PATIENCE = 300, 10


@dataclass(frozen=True, eq=False)
class Boosting:
    """Boosted trees, trained on each pair in both orders; a prediction is the mean of both.

    Attributes
    ----------
    name : str
    given, turned : ndarray, shape (n, d)
        What trees see of each row, as it is and with its sides exchanged; NaN where unknown.
    """

    name: str
    given: Array
    turned: Array

    @classmethod
    def of(cls, name: str, a: Array, b: Array, difference: Array) -> Boosting:
        """Build from values of the sides, shape (n, m), and differences A minus B, (n, k)."""
        # rounded, so that log a - log b and log b - log a are surely opposite
        with np.errstate(over="ignore"):
            given, turned = (
                np.hstack(parts).astype(np.float32).astype(np.float64)
                for parts in ((a, b, difference), (b, a, -difference))
            )
        # trees take what is missing, and no infinity
        given[~np.isfinite(given)] = np.nan
        turned[~np.isfinite(turned)] = np.nan
        return cls(name, given, turned)

    def predict(self, rows: Rows, train: Codes, test: Codes, inner: Codes) -> tuple[Array, Array]:
        """Return log-odds of training and test rows; see :class:`workbench.ceiling.rows.BlackBox`.

        The number of rounds is the mean of those that were best for each inner fold.
        """
        with threadpool_limits(limits=1, user_api="openmp"):
            fits, rounds = {}, []
            for f in np.unique(inner):
                part, out = train[inner != f], train[inner == f]
                fits[f] = self._fit(rows, part, out)
                if fits[f] is not None:
                    rounds.append(int(np.argmax(fits[f].validation_score_)))
            count = int(np.rint(np.mean(rounds))) if rounds else 0
            within = np.zeros(len(train))
            for f, fit in fits.items():
                within[inner == f] = self._log_odds(fit, train[inner == f], count)
            whole = self._fit(rows, train, None, count) if count else None
            return within, self._log_odds(whole, test, count)

    def _fit(self, rows: Rows, part: Codes, out: Codes | None, rounds: int = _ROUNDS) -> Any:
        """Return boosted trees; None where the labels of the part are nothing but ties."""
        from sklearn.ensemble import HistGradientBoostingClassifier

        X, y, weight = self._both_orders(rows, part)
        if len(np.unique(y)) < 2:
            return None
        # no bins are made of nothing, and a constant is never split
        X[:, np.isnan(X).all(axis=0)] = 0.0
        held: dict[str, Any] = {}
        if out is not None:
            held = dict(zip(("X_val", "y_val", "sample_weight_val"),
                            self._both_orders(rows, out), strict=True))  # fmt: skip
        stop = {"early_stopping": out is not None, "n_iter_no_change": _PATIENCE, "tol": 0.0}
        trees = HistGradientBoostingClassifier(
            max_iter=rounds, random_state=rows.seed, **_OPTIONS, **stop
        )
        return trees.fit(X, y, sample_weight=weight, **held)

    def _both_orders(self, rows: Rows, part: Codes) -> tuple[Array, Codes, Array]:
        """Return rows of both orders by outcome: values, outcome 1 or 0, and weight."""
        given, turned = self.given[part], self.turned[part]
        # which side is A says nothing, not even to the order of sums
        away = np.nan_to_num(given) - np.nan_to_num(turned)
        turn = np.take_along_axis(away, (away != 0).argmax(axis=1)[:, None], axis=1) < 0
        votes = rows.votes[part]
        ours = np.where(turn[:, 0], rows.weight[part] - votes, votes)
        theirs = rows.weight[part] - ours
        X = np.concatenate([np.where(turn, turned, given), np.where(turn, given, turned)] * 2)
        y = np.repeat([1, 0], 2 * len(part))
        weight = np.concatenate([ours, theirs, theirs, ours])
        return X[weight > 0], y[weight > 0], weight[weight > 0]

    def _log_odds(self, fit: Any, part: Codes, rounds: int) -> Array:
        if fit is None or not rounds or not len(part):
            return np.zeros(len(part))
        at = min(rounds, fit.n_iter_) - 1
        both = [
            next(islice(fit.staged_decision_function(values[part]), at, None)).ravel()
            for values in (self.given, self.turned)
        ]
        return np.asarray((both[0] - both[1]) / 2)
