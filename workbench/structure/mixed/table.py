"""The table of terms: mean, spread, and the share of people whose weight has the other sign."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from workbench.decompose.errors.tidy import q_values, tidy_columns
from workbench.decompose.kernel import Array
from workbench.structure.labels import PersonLabels
from workbench.structure.mixed.fit import FAR, Fitted
from workbench.structure.mixed.profile import Spread, profile
from workbench.structure.people.score import ScoreTest
from workbench.structure.shared_prompts import apart_notes

NEVER = "the factor never differs in these labels"
FAR_OFF = f"beyond {FAR:g} log-odds per typical difference: the labels leave it unbounded"
NO_TOP = "the likelihood has no top that was found"
METHOD = "simulated maximum likelihood, sandwich over people and prompts, t"
TAU_METHOD = "profile likelihood, {draws} draws; p: score test, people exchanged within prompts"
UNBOUNDED = "the labels do not bound tau from above"
SURE = 0.05
"""p above which an interval of tau that leaves out 0 is not to be trusted."""


def spread_table(
    labels: PersonLabels,
    found: Fitted,
    test: ScoreTest,
    used: NDArray[np.bool_],
    scale: Array,
    spread: NDArray[np.int64],
    level: float,
) -> pd.DataFrame:
    """Return one row a term: the tidy columns of ``mu``, then those of ``tau``.

    Parameters
    ----------
    labels : PersonLabels
    found : Fitted
    test : ScoreTest
        Of each block of all columns.
    used : ndarray of bool, shape (K,)
        Columns that were fitted.
    scale : ndarray, shape (K,)
        Their units.
    spread : ndarray of int
        Which standard deviation each of them has.
    level : float
    """
    K = int(used.sum())
    theta = found.best.theta
    turn = labels.told[:, used] / scale[used]
    lost = (labels.told[:, ~used] != 0).any(axis=1)
    reason = _reasons(labels, found, used, spread, lost)
    told = np.array([one is None for one in reason])
    mu, tau_unit = turn @ theta[:K], np.abs(theta[K:])
    error, plain = (
        np.sqrt(np.maximum(np.einsum("tk,kl,tl->t", turn, cov[:K, :K], turn), 0.0))
        for cov in (found.robust, found.hessian)
    )
    nan = np.full(len(mu), np.nan)
    people, prompts = found.best.scores.shape[0], len(np.unique(labels.prompt))
    n = int(labels.n_labels.sum())
    frame = pd.DataFrame(
        tidy_columns(
            labels.terms,
            np.where(told, mu, nan),
            np.where(told, error, nan),
            n,
            level,
            max(min(people, prompts) - 1, 1),
        )
    )
    frame["hessian_error"] = np.where(told, plain, nan)
    rows = _taus(found, turn, spread, tau_unit, told, level)
    frame = frame.join(pd.DataFrame(rows))
    own = np.unique(labels.block, return_inverse=True)[1][np.abs(labels.told).argmax(axis=1)]
    frame["tau_p_value"] = np.where(told, test.p_value[own], nan)
    frame.insert(
        frame.columns.get_loc("tau_p_value") + 1, "tau_q_value",
        q_values(frame["tau_p_value"].to_numpy()),
    )  # fmt: skip
    frame = frame.join(_opposite(frame, found, turn, spread, told, level))
    frame["n_people"], frame["method"] = people, METHOD
    frame["tau_method"] = TAU_METHOD.format(draws=found.n_profiled)
    endless = np.isinf(frame["tau_high"].to_numpy())
    frame["tau_high"] = frame["tau_high"].mask(endless)
    frame["tau_reason"] = _tau_reasons(frame, reason, [test.reasons[k] for k in own], endless)
    frame["reason"] = reason
    return frame


def _tau_reasons(
    frame: pd.DataFrame,
    reason: list[str | None],
    untested: list[str | None],
    endless: NDArray[np.bool_],
) -> list[str | None]:
    """Return why a number of tau is not there, and where interval and test disagree."""
    found: list[str | None] = []
    for t, row in enumerate(frame.to_dict("records")):
        if reason[t]:
            found.append(reason[t])
            continue
        why = [UNBOUNDED] if endless[t] else []
        why += [one for one in (untested[t],) if one]
        if row["tau_low"] > 0 and row["tau_p_value"] > SURE:
            why.append(
                f"the interval leaves out 0 and the test does not (p = {row['tau_p_value']:.2f}): "
                "what labels of one prompt share may be read as a difference between people"
            )
        found.append("; ".join(why) or None)
    return found


def notes_of(labels: PersonLabels, table: pd.DataFrame) -> list[str]:
    """Return what must be said beside the table."""
    notes = [
        f"{row['term']}: {row['tau_reason']}"
        for row in table.to_dict("records")
        if row["tau_low"] > 0 and row["tau_p_value"] > SURE
    ]
    return notes + apart_notes(labels)


def _reasons(
    labels: PersonLabels,
    found: Fitted,
    used: NDArray[np.bool_],
    spread: NDArray[np.int64],
    lost: NDArray[np.bool_],
) -> list[str | None]:
    """Return why a term has no numbers."""
    if not found.best.converged:
        return [NEVER if gone else NO_TOP for gone in lost]
    K = int(used.sum())
    far = np.abs(found.best.theta) >= FAR
    column = far[:K] | far[K:][spread]
    off = (labels.told[:, used][:, column] != 0).any(axis=1)
    return [
        NEVER if gone else FAR_OFF if away else None for gone, away in zip(lost, off, strict=True)
    ]


def _taus(
    found: Fitted, turn: Array, spread: NDArray[np.int64], tau: Array,
    told: NDArray[np.bool_], level: float,
) -> list[dict[str, float]]:  # fmt: skip
    """Return spreads with intervals; items of one block share theirs."""
    blank = dict.fromkeys(("tau", "tau_low", "tau_high"), np.nan)
    ends: dict[int, Spread] = {}
    rows = []
    for t, line in enumerate(turn):
        if not told[t]:
            rows.append(blank)
            continue
        s = int(spread[np.argmax(np.abs(line))])
        if s not in ends:
            ends[s] = profile(found.near, found.top, turn.shape[1] + s, level)
        one, size = ends[s], float(np.sqrt((line**2).sum()))
        # the profile may be of fewer draws than the estimate
        low, high = min(one.low, float(tau[s])), max(one.high, float(tau[s]))
        ends_of_term = {"tau_low": size * low, "tau_high": size * high}
        rows.append({"tau": size * float(tau[s]), **ends_of_term})
    return rows


def _opposite(
    frame: pd.DataFrame, found: Fitted, turn: Array, spread: NDArray[np.int64],
    told: NDArray[np.bool_], level: float,
) -> pd.DataFrame:  # fmt: skip
    r"""Return :math:`\Phi(-|\mu| / \tau)`, with the delta method on the scale of the quantile.

    The share against the sign of the estimate: both ends are within 0 and a half.
    """
    z, K = float(norm.ppf(0.5 + level / 2)), turn.shape[1]
    rows: list[dict[str, Any]] = []
    for t in range(len(frame)):
        row: Any = frame.iloc[t]
        if not told[t]:
            rows.append(dict.fromkeys(("share_opposite", "share_low", "share_high"), np.nan))
            continue
        mu, tau, tau_high = (abs(float(row[name])) for name in ("estimate", "tau", "tau_high"))
        share = float(norm.cdf(-mu / tau)) if tau > 0 else 0.0
        if row["tau_low"] <= 0 or not np.isfinite(tau_high):
            # the spread may be nothing, and the mean as near to 0 as its interval says
            near = max(mu - z * float(row["std_error"]), 0.0)
            high = float(norm.cdf(-near / tau_high)) if tau_high > 0 else share
            rows.append({"share_opposite": share, "share_low": 0.0, "share_high": max(high, share)})
            continue
        size = float(np.sqrt((turn[t] ** 2).sum()))
        s = int(spread[np.argmax(np.abs(turn[t]))])
        slope = np.zeros(len(found.best.theta))
        slope[:K] = np.sign(row["estimate"]) * turn[t] / tau
        slope[K + s] = -mu / tau**2 * size * (-1.0 if found.best.theta[K + s] < 0 else 1.0)
        half = z * float(np.sqrt(np.maximum(slope @ found.robust @ slope, 0.0)))
        # where the mean may be 0, a half is the most that can be opposed
        ends = norm.cdf(-(mu / tau + half)), norm.cdf(-max(mu / tau - half, 0.0))
        rows.append({"share_opposite": share, "share_low": float(ends[0]),
                     "share_high": float(ends[1])})  # fmt: skip
    return pd.DataFrame(rows)
