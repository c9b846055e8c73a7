"""The rows of a contrast's tables: one group beside its reference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import stdtrit

from workbench.compare.scale import NO_FACTOR, NOTHING, SAME_LABELS, Scale, scale
from workbench.compare.sides import Common, Side
from workbench.decompose.design import POSITION
from workbench.decompose.errors.sandwich import Sandwich, joint_test
from workbench.decompose.errors.tidy import p_values, t_interval, tidy_columns
from workbench.decompose.grouped import group_sd
from workbench.decompose.kernel import Array
from workbench.intervals import NO_VARIATION

POWER = 0.8
"""Power of the difference that is called detectable."""

METHOD = "weight minus ratio x reference's weight, joint CR2 covariance over clusters, t"
RAW = "difference of logit weights, joint CR2 covariance over clusters, t"


def compare(first: Side, second: Side, level: float) -> dict[str, Any]:
    """Return the rows of every table of a contrast that tell of one group.

    Parameters
    ----------
    first, second : Side
        The group and its reference, clusters numbered alike.
    level : float

    Returns
    -------
    dict
        ``estimates, raw`` (frames) and ``scale, wald, agreement`` (rows).
    """
    names = {"group": first.fit.name, "reference": second.fit.name}
    terms = first.design.terms
    told = np.isfinite(first.told) & np.isfinite(second.told)
    factors = told & (np.array(terms) != POSITION)
    common = first.common(second, level)
    shared = common.clusters
    counts = {"n": first.fit.n + second.fit.n, "n_shared": shared}
    found = scale(first, second, factors, level)
    if not factors.any():
        why = _why_no_factor(_lost(first, second)[:-1])
        found = replace(found, reason=why, test={**found.test, "reason": why})
    adjusted = _rows(names, first, second, found.difference, found.errors, counts, level)
    adjusted = _adjusted(adjusted, first, second, found)
    scale_row, reason = _scale_row(found, terms), found.reason
    # errors hold rows for every cluster: those of many are not held side by side
    del found
    raw_difference = first.told - second.told
    joint = first.errors.minus(second.errors)
    wald = _wald(raw_difference, joint, factors, first.unit(second), reason)
    raw = _rows(names, first, second, raw_difference, joint, counts, level)
    del joint
    return {
        "estimates": adjusted,
        "raw": _raw(raw, first, second, common, level),
        "scale": {**names, **scale_row, **counts},
        "wald": {**names, **wald, "n_clusters": shared},
        "agreement": {**names, **_agreement(common)},
    }


def _why_no_factor(reasons: list[str | None]) -> str:
    """Say why no factor can be compared, with the reason if all have one."""
    why = set(reasons)
    return f"{NO_FACTOR} ({why.pop()})" if len(why) == 1 else NO_FACTOR


def _wald(
    difference: Array,
    joint: Sandwich,
    factors: NDArray[np.bool_],
    unit: Array,
    reason: str | None,
) -> dict[str, Any]:
    """Return the joint test that all weights are the same, in units of their errors."""
    if not factors.any() or reason == SAME_LABELS:
        return {"statistic": np.nan, "df": int(factors.sum()), "df_residual": np.nan,
                "p_value": np.nan, "reason": reason}  # fmt: skip
    chosen = joint.through((np.eye(len(unit)) / np.where(unit > 0, unit, 1.0))[factors])
    every = np.ones(int(factors.sum()), dtype=bool)
    scaled = difference[factors] / unit[factors]
    return joint_test(scaled, chosen.covariance, chosen.joint_degrees(every))


def _errors(errors: Sandwich, defined: NDArray[np.bool_], unit: Array) -> tuple[Array, Array]:
    """Return errors and degrees of freedom; NaN where undefined or without any variation."""
    size = np.sqrt(np.maximum(np.diag(errors.covariance), 0.0))
    return np.where(defined & (size > NOTHING * unit), size, np.nan), errors.degrees


def _own_errors(side: Side) -> Array:
    size = np.sqrt(np.maximum(np.diag(side.covariance), 0.0))
    return np.where(np.isfinite(side.told), size, np.nan)


def _rows(
    names: dict[str, str],
    first: Side,
    second: Side,
    difference: Array,
    errors: Sandwich,
    counts: dict[str, int],
    level: float,
) -> pd.DataFrame:
    """Return differences of weights with their errors, and what they are differences of."""
    error, degrees = _errors(errors, np.isfinite(difference), first.unit(second))
    tidy = tidy_columns(first.design.terms, difference, error, counts["n"], level, degrees)
    return pd.DataFrame(
        {
            **names,
            **tidy,
            "q_within": tidy["q_value"],
            "n_shared": counts["n_shared"],
            "effective_clusters": errors.effective,
            "df": degrees,
            "group_estimate": first.told,
            "reference_estimate": second.told,
        }
    )


def _adjusted(table: pd.DataFrame, first: Side, second: Side, found: Scale) -> pd.DataFrame:
    """Return the scale-adjusted differences, with what they are beyond."""
    size = _spread(first, second)
    why = _reasons(first, second, table)
    if found.reason is not None:
        lost = table["estimate"].isna() & why.isna()
        why = why.mask(lost, f"{found.reason}: see the raw differences")
    return table.assign(
        group_std_error=_own_errors(first),
        reference_std_error=_own_errors(second),
        ratio=found.ratio,
        expected=found.ratio * second.told,
        anchor=found.anchors,
        per_sd=size * table["estimate"],
        per_sd_low=size * table["conf_low"],
        per_sd_high=size * table["conf_high"],
        method=METHOD,
        reason=why,
    )


def _raw(
    table: pd.DataFrame, first: Side, second: Side, common: Common, level: float
) -> pd.DataFrame:
    """Return the differences as they are, with those of the average marginal effects."""
    effects = _marginal(first, second, common, level)
    return table.assign(**effects, method=RAW, reason=_reasons(first, second, table))


def _marginal(first: Side, second: Side, common: Common, level: float) -> dict[str, Any]:
    """Return average marginal effects on the pairs of both, and their differences."""
    (one, jacobian), (two, other) = common.effects
    own, theirs = first.errors.through(jacobian), second.errors.through(other)
    unit = np.sqrt(np.maximum(np.diag(own.covariance + theirs.covariance), 0.0))
    error, degrees = _errors(own.minus(theirs), np.isfinite(one - two), unit)
    low, high = t_interval(one - two, error, level, degrees)
    return {
        "group_ame": one,
        "reference_ame": two,
        "ame": one - two,
        "ame_low": low,
        "ame_high": high,
        "ame_p_value": p_values(one - two, error, degrees),
        "ame_pairs": common.pairs,
    }


def _spread(first: Side, second: Side) -> Array:
    """Return the root mean square of each coded difference over the labels of both."""
    sizes = [group_sd(s.design, s.design.groups.index(s.fit.name)) for s in (first, second)]
    n, m = first.fit.n, second.fit.n
    return np.asarray(np.sqrt((n * sizes[0] ** 2 + m * sizes[1] ** 2) / (n + m)))


def _scale_row(found: Scale, terms: list[str]) -> dict[str, Any]:
    test = found.test
    why = dict.fromkeys(reason for reason in (found.reason, test["reason"]) if reason)
    return {
        "ratio": found.ratio,
        "ratio_low": found.low,
        "ratio_high": found.high,
        "p_value": found.p_value,
        "statistic": test["statistic"],
        "df": test["df"],
        "df_residual": test["df_residual"],
        "proportional_p": test["p_value"],
        "anchors": int(found.anchors.sum()),
        "apart": ", ".join(
            t for t, used in zip(terms, found.anchors, strict=True) if not used and t != POSITION
        ),
        "opposite": found.opposite,
        "reason": "; ".join(why) or None,
    }


def judge(table: pd.DataFrame, ratios: pd.DataFrame, margin: float, level: float) -> None:
    """Add what can be said of each difference, and which difference could be found."""
    df = table["df"].to_numpy("float64")
    size = table["per_sd"].to_numpy("float64")
    half = (table["per_sd_high"] - table["per_sd"]).to_numpy("float64")
    error = half / stdtrit(df, 0.5 + level / 2)
    reach = stdtrit(df, 0.95) * error
    q = table["q_value"].to_numpy("float64")
    verdict = np.where(q < 0.05, "differs", "cannot tell")
    # beside a ratio that may be 0 a weight of 0 is as expected, and no taste in common
    low = table["group"].map(ratios.set_index("group")["ratio_low"])
    shared = (low > 0) | (table["term"] == POSITION)
    verdict = np.where((np.abs(size) + reach < margin) & shared, "equivalent", verdict)
    table["verdict"] = pd.Series(np.where(np.isfinite(half), verdict, "undefined"), dtype="str")
    wanted = stdtrit(df, 0.975) + stdtrit(df, POWER)
    table["detectable"] = wanted * error


def _agreement(common: Common) -> dict[str, Any]:
    result: dict[str, Any] = {"n": common.n, "n_tied": common.n_tied}
    for name, row in (("agreement", common.agreement), ("kappa", common.kappa)):
        result[name] = row["estimate"]
        result[f"{name}_low"], result[f"{name}_high"] = row["conf_low"], row["conf_high"]
    return {**result, "reason": common.kappa["reason"]}


def _lost(first: Side, second: Side) -> list[str | None]:
    """Return why a term has no weight on a side."""
    reasons = []
    for term in first.design.terms:
        found = [
            f"{side.fit.name}: {side.fit.reasons[term]}"
            for side in (first, second)
            if term in side.fit.reasons
        ]
        reasons.append("; ".join(found) or None)
    return reasons


def _reasons(first: Side, second: Side, table: pd.DataFrame) -> pd.Series:
    """Return why a row is undefined, or its difference has no error."""
    reasons = pd.Series(_lost(first, second), dtype="str")
    lost = table["estimate"].notna() & table["std_error"].isna()
    return reasons.mask(lost & reasons.isna(), NO_VARIATION)
