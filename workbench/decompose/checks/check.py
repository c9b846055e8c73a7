"""The verb that asks whether a model describes the labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.split import folds as fold_numbers
from workbench.decompose.checks.added_tests import (
    curvature,
    link_and_calibration,
    scan_interactions,
)
from workbench.decompose.checks.by_cluster import by_cluster
from workbench.decompose.checks.calibration import SLOPE, SLOPE_METHOD, held_out_calibration
from workbench.decompose.checks.fitted import Fitted, fitted
from workbench.decompose.checks.influence import COLUMNS as INFLUENCE_COLUMNS
from workbench.decompose.checks.influence import influence
from workbench.decompose.checks.result import COLUMNS, FitCheck
from workbench.decompose.checks.terms import scanned_factors
from workbench.decompose.checks.verdict import FAMILIES, verdicts
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.design import CLUSTER, POSITION, Design
from workbench.decompose.errors.tidy import q_values
from workbench.errors import refuse_out_of_range
from workbench.provenance import Provenance
from workbench.threads import one_thread


def check_fit(fit: Decomposition, *, folds: int = 5, seed: int = 0) -> FitCheck:
    r"""Check whether a fit describes the labels: link, factors, interactions, clusters.

    Terms that the model leaves out are added one at a time, in one step and without a refit:

    .. math:: \eta + \gamma z, \quad z = \operatorname{sign}(\eta) \max(|\eta| - m, 0),\;
              \operatorname{sign}(d_k) \max(|d_k| - m_k, 0),\;
              \operatorname{sign}(d_k),\; d_k |d_l|

    for the link, for what a factor counts beyond its median difference, for any
    difference at all, and for a weight that depends on another factor. All of them flip
    their sign where A and B are exchanged.

    Parameters
    ----------
    fit : Decomposition
    folds : int
        Folds of whole clusters for the held-out calibration; 0 leaves it out.
    seed : int
        Seed of the folds.

    Returns
    -------
    FitCheck

    Raises
    ------
    DesignError
        An option out of range.

    Notes
    -----
    Errors are by one dimension of clusters, the first that the fit's errors go over: the
    data's clusters (the prompts) unless another was asked for, with the small-sample
    correction and degrees of freedom of Bell and McCaffrey (2002); a term with fewer than
    four is undefined. ``q_value`` is Benjamini-Hochberg's over all groups and terms of one kind of
    test, ``q_within`` over one group. The calibration slope is 1 on the labels of a fit
    whether or not the model is true, so across folds it tells of overfitting alone; whether
    the model is calibrated is tested by bins of certainty (Tsiatis 1980).

    Interactions are scanned among the clearest weights where there are many (at most 1,000
    a group, and 300 million rows times interactions over all groups); the result says how many.

    References
    ----------
    Pregibon (1980) for the link; Boos (1992) for score tests with clusters; Pustejovsky and
    Tipton (2018) for the joint test.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> fit = wb.decompose(data, annotator="human", factors=["words"], folds=0)
    >>> check_fit(fit).verdicts["group"].tolist()
    ['human']
    """
    refuse_out_of_range({"folds": (folds == 0 or folds >= 2, folds, "0, or at least 2")})
    level = float(fit.settings["level"])
    laid_out: dict[str, tuple[Decomposition, NDArray[np.int64] | None]] = {}
    tests: list[dict[str, Any]] = []
    pairs: list[dict[str, Any]] = []
    curves, deletions, about = [], [], []
    with one_thread():
        for name in fit.fits:
            dimension = next(iter(fit.fits[name].dimensions), CLUSTER)
            if dimension not in laid_out:
                laid = by_cluster(fit, dimension)
                laid_out[dimension] = laid, _row_folds(laid.design, folds, seed)
            (laid, row_fold), group = laid_out[dimension], fit.design.groups.index(name)
            own = laid.fits[name]
            base = fitted(laid.design, group, own)
            if base is None:
                about.append({"group": name, "n": own.n, "reason": "no weight was estimated"})
                continue
            told = {"group": name, "n": own.n, "n_clusters": len(base.starts)}
            factors = _scanned(fit, name, base)
            coef = own.coef[own.active]
            rows = [*link_and_calibration(base, level), *curvature(base, coef, level)]
            if row_fold is not None:
                slope, curve = held_out_calibration(laid.design, group, own, row_fold, level)
                rows.append({"term": SLOPE, "kind": "slope", "method": SLOPE_METHOD, **slope})
                curves.append(curve.assign(group=name))
            tests += [{**told, **row} for row in rows]
            pairs += [{**told, **row} for row in scan_interactions(base, factors, level)]
            deletions.append(influence(laid, name, base))
            about.append({**told, "coin_gain": base.coin_gain, "scanned": len(factors),
                          "factors": sum(term != POSITION for term in base.terms)})  # fmt: skip
    found = _with_q(tests), _with_q(pairs)
    return FitCheck(
        tests=found[0],
        interactions=found[1],
        reliability=_joined(curves, ("group", "predicted")),
        influence=_joined(deletions, INFLUENCE_COLUMNS),
        verdicts=verdicts(pd.DataFrame(about), *found),
        settings={
            "folds": folds,
            "level": level,
            "by": fit.settings["by"],
            "cluster": list(laid_out),
        },
        provenance=Provenance.capture(seed=seed, dataset=fit.provenance.dataset),
    )


def _row_folds(design: Design, folds: int, seed: int) -> NDArray[np.int64] | None:
    """Return the fold of each design row; None where there are fewer clusters than folds."""
    names = design.cluster_names.to_numpy()
    if not folds or len(names) < folds:
        return None
    return np.asarray(fold_numbers(names, folds, seed)[design.cluster])


def _scanned(fit: Decomposition, name: str, base: Fitted) -> list[int]:
    own = fit.fits[name]
    error = np.sqrt(np.diag(own.covariance))[own.active]
    return scanned_factors(base, own.coef[own.active], error, len(fit.fits))


def _with_q(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return tests with q-values over all groups, and within each, by family of tests."""
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    family = table["kind"].map(FAMILIES)
    for column, keys in (("q_value", [family]), ("q_within", [family, table["group"]])):
        table[column] = table["p_value"].astype("float64").groupby(keys).transform(_q)
    table["reason"] = table["reason"].astype("object").where(table["reason"].notna(), None)
    return table


def _q(p: pd.Series) -> pd.Series:
    return pd.Series(q_values(p.to_numpy("float64")), index=p.index)


def _joined(tables: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    if not tables:
        return pd.DataFrame(columns=list(columns))
    table = pd.concat(tables, ignore_index=True)
    return table[["group", *(name for name in table if name != "group")]]
