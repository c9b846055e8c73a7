"""How much longer a wrong response must be to outweigh being right."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import stdtrit

from workbench.clustered import Array

METHOD = "2 to the power of the ratio of both weights, Fieller interval over clusters"
NO_WEIGHT = "the weight of length is not clearly away from 0"


def exchange(
    weights: Array, covariance: Array, df: float, level: float, reason: str | None = None
) -> dict[str, Any]:
    r"""Return how many times as long a wrong response is where it is chosen as often.

    .. math:: 2^{\rho},\quad \rho = b_{right} / b_{longer}

    Parameters
    ----------
    weights : ndarray, shape (2,)
        Of being right, and of a doubling of the length.
    covariance : ndarray, shape (2, 2)
    df : float
        Degrees of freedom of Student's quantile.
    level : float
    reason : str, optional
        Why a weight is undefined.

    Returns
    -------
    dict
        ``estimate, conf_low, conf_high, reason``: times as long, below 1 where shorter
        responses are liked. NaN with a reason where the weight of length is not clearly away
        from 0: the ratio then has no bounded interval.

    Notes
    -----
    Fieller (1954): the ratios that a t test of :math:`b_{right} - \rho\, b_{longer} = 0` does
    not reject. They are an interval where the weight of length is away from 0 at that level.

    Examples
    --------
    >>> found = exchange(np.array([1.0, 0.5]), np.diag([0.01, 0.001]), 100.0, 0.95)
    >>> found["estimate"], round(found["conf_low"], 2), round(found["conf_high"], 2)
    (4.0, 2.94, 5.68)
    """
    nothing = {"estimate": np.nan, "conf_low": np.nan, "conf_high": np.nan}
    if not np.isfinite(weights).all() or not np.isfinite(covariance).all():
        return {**nothing, "reason": reason or "a weight is undefined"}
    q = float(stdtrit(df, 0.5 + level / 2)) ** 2 if np.isfinite(df) else np.nan
    a, b = float(weights[0]), float(weights[1])
    A = b * b - q * covariance[1, 1]
    if not A > 0:
        return {**nothing, "reason": NO_WEIGHT}
    B, C = a * b - q * covariance[0, 1], a * a - q * covariance[0, 0]
    root = float(np.sqrt(max(B * B - A * C, 0.0)))
    with np.errstate(over="ignore"):
        ends = np.exp2(np.array([a / b, (B - root) / A, (B + root) / A]))
    return {"estimate": float(ends[0]), "conf_low": float(ends[1]), "conf_high": float(ends[2]),
            "reason": None}  # fmt: skip
