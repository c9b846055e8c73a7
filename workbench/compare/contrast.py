"""Where a judge differs from the reference it stands for: tests of weight differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.stats import chi2, norm

from workbench.clustered import cluster_error
from workbench.decompose.decomposition import Decomposition, p_values, q_values
from workbench.decompose.design import POSITION, Design
from workbench.decompose.estimate import GroupFit
from workbench.decompose.kernel import Array, logistic
from workbench.errors import DesignError
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

_METHOD = "difference of logit weights, joint cluster-robust covariance"


@dataclass(frozen=True, eq=False)
class Contrast(Result):
    """Differences of weights between groups and a reference.

    Attributes
    ----------
    estimates : DataFrame
        One row a group and term; see :meth:`to_frame`.
    wald : DataFrame
        Joint test that a group weighs every factor as the reference does:
        ``group, reference, statistic, df, p_value, q_value, n_clusters, reason``.
    agreement : DataFrame
        Of the two annotators on the same pairs: ``group, reference, n`` (pairs that both
        decide), ``n_tied`` (pairs that one of them calls a tie), ``agreement`` and Cohen's
        ``kappa``, each with ``_low`` and ``_high``.
    settings : dict
    provenance : Provenance
    """

    estimates: pd.DataFrame
    wald: pd.DataFrame
    agreement: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a group and term.

        Columns ``group, reference``, the tidy columns (``n``: labels of both; ``n_shared``:
        clusters that both labelled), ``group_estimate, reference_estimate``, ``method`` and
        ``reason`` where undefined.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the differences, joint tests and agreement."""
        return {"estimates": self.estimates, "wald": self.wald, "agreement": self.agreement}

    def summary(self) -> str:
        """Return the differences, joint tests and agreement as text."""
        reference = self.settings["reference"]
        level = 100 * self.settings["level"]
        lines = [f"Contrast to {reference} ({level:g}% interval; * q < 0.05)"]
        for group, table in self.estimates.groupby("group", sort=False):
            test = self.wald[self.wald["group"] == group].iloc[0]
            both = self.agreement[self.agreement["group"] == group].iloc[0]
            lines.append(
                f"\n{group}: joint Wald chi2({test['df']:.0f}) = {test['statistic']:.2f}, "
                f"p = {test['p_value']:.3g}; agreement {both['agreement']:.3f} "
                f"[{both['agreement_low']:.3f}, {both['agreement_high']:.3f}], "
                f"kappa {both['kappa']:.3f} [{both['kappa_low']:.3f}, {both['kappa_high']:.3f}], "
                f"n = {both['n']:,} pairs"
            )
            lines += [_text_row(row) for row in table.itertuples()]
        lines.append(f"\nmethod: {_METHOD}; q: Benjamini-Hochberg")
        return "\n".join(lines)

    def plot(self) -> go.Figure:
        """Return a forest plot of the differences with their intervals."""
        from workbench.plots.forest import forest

        return forest(
            self.estimates,
            title=f"Weight minus that of {self.settings['reference']}",
            x_title="difference of weights (log-odds per unit)",
        )


@on_one_thread
def contrast(fit: Decomposition, reference: Decomposition | str) -> Contrast:
    r"""Test each weight of one or more groups against a reference group.

    Parameters
    ----------
    fit : Decomposition
        Groups to compare.
    reference : Decomposition or str
        A decomposition of one group, or the name of a group of ``fit``.

    Returns
    -------
    Contrast

    Raises
    ------
    DesignError
        The reference has several groups, or the two fits use different factors or codings.

    Notes
    -----
    Two annotators who labelled the same pairs give dependent weights. With the cluster
    sums of scores :math:`s_g` of fit 1 and :math:`t_g` of fit 2,

    .. math:: \mathrm{Var}(b_1 - b_2) = V_1 + V_2 - C - C',\quad
              C = \sqrt{c_1 c_2}\, H_1^{-1} \Big(\sum_g s_g t_g'\Big) H_2^{-1}

    with the small-sample factors :math:`c` of each fit (the seemingly unrelated estimation
    of Weesie 1999). The Wald test joins all factors but the position.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> fits = wb.decompose(data, by="kind", factors=["words"], folds=0)
    >>> gap = wb.contrast(fits["llm"], fits["human"])
    >>> gap.to_frame()[["group", "reference", "term"]].iloc[0].tolist()
    ['llm', 'human', 'words']
    """
    base = fit[reference] if isinstance(reference, str) else reference
    if len(base.groups) != 1:
        raise DesignError(
            "The reference of a contrast must be one group.",
            found=f"{len(base.groups)} groups: {', '.join(base.groups)}",
            expected="one group, such as fits['human']",
            fix="Pass one group: contrast(fits, fits['human']).",
        )
    _check_comparable(fit, base)
    name = base.groups[0]
    others = [g for g in fit.groups if not (base.design is fit.design and g == name)]
    if not others:
        raise DesignError(
            "There is nothing to compare with the reference.",
            found=f"only the group {name!r}",
            expected="another group",
            fix="Fit at least one more annotator.",
        )
    second = Side(base.fits[name], base.design)
    level = fit.settings["level"]
    parts = [_compare(Side(fit.fits[g], fit.design), second, level) for g in others]
    wald = pd.DataFrame([part[1] for part in parts])
    wald["q_value"] = q_values(wald["p_value"].to_numpy("float64"))
    return Contrast(
        estimates=pd.concat([part[0] for part in parts], ignore_index=True),
        wald=wald,
        agreement=pd.DataFrame([part[2] for part in parts]),
        settings={"reference": name, "groups": others, "level": level, "covariance": "cluster"},
        provenance=fit.provenance,
    )


class Side:
    """One fit with what a joint covariance needs of it."""

    def __init__(self, fit: GroupFit, design: Design) -> None:
        self.fit, self.design = fit, design
        self.rows, self.cells = design.compact(design.groups.index(fit.name))
        self.scores = self._cluster_scores()
        bread = np.where(np.isfinite(fit.bread), fit.bread, 0.0)
        k, g = int(fit.active.sum()), fit.n_clusters
        factor = g / (g - 1) * (fit.n - 1) / (fit.n - k) if g > 1 and fit.n > k else np.nan
        self.influence = self.scores @ bread * np.sqrt(factor)
        """Each cluster's pull on the weights, shape (clusters, K)."""

    def _cluster_scores(self) -> Array:
        X = self.design.X[self.rows]
        coef = np.where(self.fit.active, self.fit.coef, 0.0)
        p = logistic(X @ coef)
        residual = self.cells.votes[:, 0] - self.cells.weight[:, 0] * p
        residual[np.isin(self.rows, self.fit.decided)] = 0.0
        cluster = self.design.cluster[self.rows]
        shape = (len(self.design.cluster_names), len(self.rows))
        return np.asarray(sparse.csr_matrix((residual, (cluster, np.arange(len(X)))), shape) @ X)

    def labelled_clusters(self) -> NDArray[np.int64]:
        """Return the clusters that the group labelled."""
        return np.unique(self.design.cluster[self.rows])

    def verdicts(self) -> pd.Series:
        """Mean preference of each pair that the group labelled, by pair_id."""
        pair = self.design.pair[self.rows]
        votes = np.bincount(pair, self.cells.votes[:, 0], len(self.design.pair_ids))
        weight = np.bincount(pair, self.cells.weight[:, 0], len(self.design.pair_ids))
        labelled = np.flatnonzero(weight)
        return pd.Series(votes[labelled] / weight[labelled], self.design.pair_ids[labelled])


def _compare(
    first: Side, second: Side, level: float
) -> tuple[pd.DataFrame, dict[str, Any], dict[str, Any]]:
    names = {"group": first.fit.name, "reference": second.fit.name}
    joint, shared = _joint_influence(first, second)
    covariance = joint.T @ joint
    difference = first.fit.coef - second.fit.coef
    error = np.sqrt(np.diag(covariance))
    error[~np.isfinite(difference)] = np.nan
    z = float(norm.ppf(0.5 + level / 2))
    p = p_values(difference, error)
    table = pd.DataFrame(
        {
            **names,
            "term": first.design.terms,
            "estimate": difference,
            "std_error": error,
            "conf_low": difference - z * error,
            "conf_high": difference + z * error,
            "p_value": p,
            "q_value": q_values(p),
            "n": first.fit.n + second.fit.n,
            "n_shared": shared,
            "group_estimate": first.fit.coef,
            "reference_estimate": second.fit.coef,
            "method": _METHOD,
            "reason": pd.Series(_reasons(first, second), dtype="str"),
        }
    )
    factors = np.array([t != POSITION for t in first.design.terms]) & np.isfinite(difference)
    wald = {**names, **_wald(difference[factors], covariance[np.ix_(factors, factors)])}
    return table, {**wald, "n_clusters": shared}, {**names, **_agreement(first, second, z)}


def _joint_influence(first: Side, second: Side) -> tuple[Array, int]:
    """Influence of each cluster on the difference; clusters of either side, by name."""
    names, other = first.design.cluster_names, second.design.cluster_names
    mine, theirs = first.labelled_clusters(), second.labelled_clusters()
    if first.design is second.design:
        return first.influence - second.influence, len(np.intersect1d(mine, theirs))
    at = names.get_indexer(other)
    difference = np.vstack([first.influence, np.zeros((int((at < 0).sum()), len(first.fit.coef)))])
    at[at < 0] = np.arange(len(names), len(difference))
    difference[at] -= second.influence
    return difference, len(names[mine].intersection(other[theirs]))


def _wald(difference: Array, covariance: Array) -> dict[str, Any]:
    df = len(difference)
    undefined = {"statistic": np.nan, "df": df, "p_value": np.nan}
    if df == 0:
        return {**undefined, "reason": "no factor has a weight in both fits"}
    if np.linalg.matrix_rank(covariance, hermitian=True) < df:
        return {**undefined, "reason": "the covariance of the differences is singular"}
    statistic = float(difference @ np.linalg.solve(covariance, difference))
    return {
        "statistic": statistic,
        "df": df,
        "p_value": float(chi2.sf(statistic, df)),
        "reason": None,
    }


def _agreement(first: Side, second: Side, z: float) -> dict[str, Any]:
    both = pd.concat([first.verdicts(), second.verdicts()], axis=1, join="inner")
    a, b = both[0].to_numpy(), both[1].to_numpy()
    decided = (a != 0.5) & (b != 0.5)
    where = first.design.pair_ids.get_indexer(both.index[decided])
    # a pair's rows all lie in one cluster: its first row tells which
    cluster_of = np.zeros(len(first.design.pair_ids), dtype=np.int64)
    cluster_of[first.design.pair] = first.design.cluster
    cluster = cluster_of[where]
    estimates = agreement_and_kappa(a[decided] > 0.5, b[decided] > 0.5, cluster)
    result: dict[str, Any] = {"n": int(decided.sum()), "n_tied": int((~decided).sum())}
    for name, (value, error) in zip(("agreement", "kappa"), estimates, strict=True):
        result[name] = value
        result[f"{name}_low"], result[f"{name}_high"] = value - z * error, value + z * error
    return result


def agreement_and_kappa(
    a: NDArray[np.bool_], b: NDArray[np.bool_], cluster: NDArray[np.int64]
) -> tuple[tuple[float, float], tuple[float, float]]:
    r"""Return raw agreement and Cohen's kappa of two verdicts, each with its error.

    Parameters
    ----------
    a, b : ndarray of bool, shape (n,)
        Whether each annotator preferred A.
    cluster : ndarray of int, shape (n,)

    Notes
    -----
    :math:`\kappa = (p_o - p_e) / (1 - p_e)`. The error is cluster-robust, from the influence
    values of :math:`p_o` and of both marginal shares (delta method).

    Examples
    --------
    >>> a, b = np.array([1, 1, 0, 0], bool), np.array([1, 0, 0, 0], bool)
    >>> (po, _), (kappa, _) = agreement_and_kappa(a, b, np.arange(4))
    >>> po, kappa
    (0.75, 0.5)
    """
    n = len(a)
    if n == 0:
        return (np.nan, np.nan), (np.nan, np.nan)
    same, share_a, share_b = (a == b).mean(), a.mean(), b.mean()
    chance = share_a * share_b + (1 - share_a) * (1 - share_b)
    same_pull = ((a == b) - same) / n
    agreement = (float(same), cluster_error(same_pull, cluster))
    if chance == 1.0:
        return agreement, (np.nan, np.nan)
    kappa = (same - chance) / (1 - chance)
    chance_pull = ((a - share_a) * (2 * share_b - 1) + (b - share_b) * (2 * share_a - 1)) / n
    pull = same_pull / (1 - chance) - chance_pull * (1 - same) / (1 - chance) ** 2
    return agreement, (float(kappa), cluster_error(pull, cluster))


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


def _check_comparable(fit: Decomposition, base: Decomposition) -> None:
    for what in ("factors", "codings"):
        mine, theirs = fit.settings[what], base.settings[what]
        if mine != theirs:
            raise DesignError(
                f"The two fits have different {what}, so their weights cannot be compared.",
                found=f"{mine} and {theirs}",
                expected=f"the same {what} in both",
                fix="Score factors once on all the data, then decompose each annotator.",
            )


def _text_row(row: Any) -> str:
    if not np.isfinite(row.estimate):
        return f"  {row.term:<24} undefined: {row.reason}"
    mark = "*" if row.q_value < 0.05 else " "
    return (
        f" {mark}{row.term:<24} {row.estimate:+.3f} [{row.conf_low:+.3f}, {row.conf_high:+.3f}]"
        f"  q = {row.q_value:.3g}"
    )
