"""The rows of a contrast's tables: one group beside its reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t as t_distribution

from workbench.agreement import agreement_and_kappa
from workbench.compare.scale import Scale, scale
from workbench.compare.sides import Side
from workbench.decompose.design import POSITION
from workbench.decompose.errors.sandwich import Sandwich, joint_test
from workbench.decompose.errors.tidy import p_values, t_interval, tidy_columns
from workbench.decompose.kernel import Array
from workbench.decompose.spread import group_sd
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
    shared = len(_shared_clusters(first, second))
    counts = {"n": first.fit.n + second.fit.n, "n_shared": shared}
    joint = first.errors.minus(second.errors)
    found = scale(first, second, factors, level)
    reasons = _reasons(first, second)
    difference = first.told - second.told
    wald = joint_test(
        difference[factors], joint.covariance[np.ix_(factors, factors)],
        joint.joint_degrees(factors) if factors.any() else np.nan,
    )  # fmt: skip
    agreement = _agreement(first, second, level)
    return {
        "estimates": _adjusted(names, first, second, found, counts, reasons, level),
        "raw": _raw(names, first, second, joint, counts, reasons, level),
        "scale": {**names, **_scale_row(found, terms), **counts},
        "wald": {**names, **wald, "n_clusters": shared},
        "agreement": {**names, **agreement},
    }


def _shared_clusters(first: Side, second: Side) -> Any:
    mine, theirs = first.labelled_clusters(), second.labelled_clusters()
    if first.design is second.design:
        return np.intersect1d(mine, theirs)
    return first.design.cluster_names[mine].intersection(second.design.cluster_names[theirs])


def _errors(errors: Sandwich, defined: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return errors and degrees of freedom; NaN where undefined or without any variation."""
    size = np.sqrt(np.maximum(np.diag(errors.covariance), 0.0))
    return np.where(defined & (size > 1e-9), size, np.nan), errors.degrees


def _own_errors(side: Side) -> Array:
    return _errors(side.errors, np.isfinite(side.told))[0]


def _adjusted(
    names: dict[str, str],
    first: Side,
    second: Side,
    found: Scale,
    counts: dict[str, int],
    reasons: list[str | None],
    level: float,
) -> pd.DataFrame:
    difference = found.difference
    error, degrees = _errors(found.errors, np.isfinite(difference))
    tidy = tidy_columns(first.design.terms, difference, error, counts["n"], level, degrees)
    size = _spread(first, second)
    why = _with_error(pd.Series(reasons, dtype="str"), difference, error)
    if found.reason is not None:
        why = why.fillna(f"{found.reason}: see the raw differences")
    return pd.DataFrame(
        {
            **names,
            **tidy,
            "q_within": tidy["q_value"],
            "n_shared": counts["n_shared"],
            "effective_clusters": found.errors.effective,
            "df": degrees,
            "group_estimate": first.told,
            "group_std_error": _own_errors(first),
            "reference_estimate": second.told,
            "reference_std_error": _own_errors(second),
            "ratio": found.ratio,
            "expected": found.ratio * second.told,
            "anchor": found.anchors,
            "per_sd": size * difference,
            "per_sd_low": size * tidy["conf_low"],
            "per_sd_high": size * tidy["conf_high"],
            "method": METHOD,
            "reason": why,
        }
    )


def _raw(
    names: dict[str, str],
    first: Side,
    second: Side,
    joint: Sandwich,
    counts: dict[str, int],
    reasons: list[str | None],
    level: float,
) -> pd.DataFrame:
    difference = first.told - second.told
    error, degrees = _errors(joint, np.isfinite(difference))
    tidy = tidy_columns(first.design.terms, difference, error, counts["n"], level, degrees)
    return pd.DataFrame(
        {
            **names,
            **tidy,
            "q_within": tidy["q_value"],
            "n_shared": counts["n_shared"],
            "df": degrees,
            "group_estimate": first.told,
            "reference_estimate": second.told,
            **_marginal(first, second, level),
            "method": RAW,
            "reason": _with_error(pd.Series(reasons, dtype="str"), difference, error),
        }
    )


def _with_error(reasons: pd.Series, difference: Array, error: Array) -> pd.Series:
    """Return the reasons, with one where a difference has no error."""
    lost = np.isfinite(difference) & ~np.isfinite(error)
    return reasons.mask(lost & reasons.isna().to_numpy(), NO_VARIATION)


def _marginal(first: Side, second: Side, level: float) -> dict[str, Any]:
    """Return average marginal effects on the pairs of both, and their differences."""
    mine, theirs = first.verdicts().index, second.verdicts().index
    pairs = mine.intersection(theirs)
    if pairs.empty:
        rows = first.rows, second.rows
    else:
        rows = first.on_pairs(pairs), second.on_pairs(pairs)
    (one, jacobian), (two, other) = first.marginal(rows[0]), second.marginal(rows[1])
    errors = first.errors.through(jacobian).minus(second.errors.through(other))
    error, degrees = _errors(errors, np.isfinite(one - two))
    low, high = t_interval(one - two, error, level, degrees)
    return {
        "group_ame": one,
        "reference_ame": two,
        "ame": one - two,
        "ame_low": low,
        "ame_high": high,
        "ame_p_value": p_values(one - two, error, degrees),
        "ame_pairs": len(pairs),
    }


def _spread(first: Side, second: Side) -> Array:
    """Return the root mean square of each coded difference over the labels of both."""
    sizes = [group_sd(s.design, s.design.groups.index(s.fit.name)) for s in (first, second)]
    n, m = first.fit.n, second.fit.n
    return np.asarray(np.sqrt((n * sizes[0] ** 2 + m * sizes[1] ** 2) / (n + m)))


def _scale_row(found: Scale, terms: list[str]) -> dict[str, Any]:
    test = found.test
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
        "reason": found.reason or test["reason"],
    }


def judge(table: pd.DataFrame, margin: float, level: float) -> None:
    """Add what can be said of each difference, and which difference could be found."""
    df = table["df"].to_numpy("float64")
    size = table["per_sd"].to_numpy("float64")
    half = (table["per_sd_high"] - table["per_sd"]).to_numpy("float64")
    error = half / t_distribution.ppf(0.5 + level / 2, df)
    reach = t_distribution.ppf(0.95, df) * error
    q = table["q_value"].to_numpy("float64")
    verdict = np.where(q < 0.05, "differs", "cannot tell")
    verdict = np.where(np.abs(size) + reach < margin, "equivalent", verdict)
    table["verdict"] = pd.Series(np.where(np.isfinite(half), verdict, "undefined"), dtype="str")
    wanted = t_distribution.ppf(0.975, df) + t_distribution.ppf(POWER, df)
    table["detectable"] = wanted * error


def _agreement(first: Side, second: Side, level: float) -> dict[str, Any]:
    both = pd.concat([first.verdicts(), second.verdicts()], axis=1, join="inner")
    a, b = both[0].to_numpy(), both[1].to_numpy()
    decided = (a != 0.5) & (b != 0.5)
    where = first.design.pair_ids.get_indexer(both.index[decided])
    # a pair's rows all lie in one cluster: its first row tells which
    cluster_of = np.zeros(len(first.design.pair_ids), dtype=np.int64)
    cluster_of[first.design.pair] = first.design.cluster
    cluster = cluster_of[where]
    found = agreement_and_kappa(a[decided] > 0.5, b[decided] > 0.5, cluster, level)
    result: dict[str, Any] = {"n": int(decided.sum()), "n_tied": int((~decided).sum())}
    for name, row in zip(("agreement", "kappa"), found, strict=True):
        result[name] = row["estimate"]
        result[f"{name}_low"], result[f"{name}_high"] = row["conf_low"], row["conf_high"]
    return {**result, "reason": found[1]["reason"]}


def _reasons(first: Side, second: Side) -> list[str | None]:
    reasons = []
    for term in first.design.terms:
        found = [
            f"{side.fit.name}: {side.fit.reasons[term]}"
            for side in (first, second)
            if term in side.fit.reasons
        ]
        reasons.append("; ".join(found) or None)
    return reasons
