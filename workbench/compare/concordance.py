"""How often a factor and a preference point the same way (the tau of PROFILE)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy import sparse

from workbench.clustered import resample
from workbench.compare.tau_interval import interval, score_interval
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import Decomposition, check_options, decompose
from workbench.decompose.design import Design, build_design
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.kernel import Array
from workbench.decompose.parted.selection import select_annotators
from workbench.errors import DesignError, refuse_out_of_range
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.standardised import PER_SD
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

_METHOD = (
    "tau (concordance), factor ties counted; score interval, variance by cluster bootstrap, "
    "t over clusters"
)
_FEWEST_REPLICATES = 50


@dataclass(frozen=True, eq=False)
class Concordance(Result):
    """Tau of every group and factor, beside the weight of the joint fit.

    Attributes
    ----------
    estimates : DataFrame
        One row a group and factor; see :meth:`to_frame`.
    exclusions : DataFrame
        Labels left out: ``group, reason, n``; preference ties among them.
    draws : ndarray, shape (replicates, groups, factors)
        Bootstrap replicates; replicate r of all groups drew the same clusters.
    settings : dict
    provenance : Provenance
    """

    heading = "Concordance"
    about = (
        "How often a factor points the way of the preference, each factor by itself. Where "
        "tau and the weight of the joint fit disagree, another factor is behind it."
    )

    estimates: pd.DataFrame
    exclusions: pd.DataFrame
    draws: Array = field(repr=False)
    settings: dict[str, Any]
    provenance: Provenance

    @property
    def groups(self) -> list[str]:
        """Names of the groups."""
        return list(dict.fromkeys(self.estimates["group"]))

    @property
    def terms(self) -> list[str]:
        """Names of the factors."""
        return list(dict.fromkeys(self.estimates["term"]))

    def to_frame(self) -> pd.DataFrame:
        """Return one row a group and factor.

        Beside the tidy columns (``n``: labels with a strict preference): ``n_clusters``,
        ``concordant`` and ``discordant`` (weights of labels), ``n_factor_ties``,
        ``n_preference_ties``; ``weight`` of the joint fit with its limits, per unit of the
        coded difference, ``per_sd`` for a difference of one standard deviation, and
        ``weight_reason`` where these are undefined, as the fit tells them;
        ``confounded``; ``method`` and ``reason``.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the estimates and the labels left out."""
        return {"estimates": self.estimates, "exclusions": self.exclusions}

    def summary(self) -> str:
        """Return the taus and weights as text."""
        lines = [f"Concordance ({100 * self.settings['level']:g}% interval)"]
        for group, table in self.estimates.groupby("group", sort=False):
            first = table.iloc[0]
            lines.append(
                f"\n{group}: n = {first['n']:,} strict preferences, "
                f"clusters = {first['n_clusters']:,}, "
                f"{first['n_preference_ties']:,} preference ties left out"
            )
            lines += [_text_row(row) for row in table.itertuples()]
        lines.append(f"\nmethod: {_METHOD}, {self.settings['replicates']:,} replicates;")
        lines.append("p: score test of tau = 0; q: Benjamini-Hochberg within a group")
        lines.append(f"confounded: {self.settings['confounded_rule']}")
        return "\n".join(lines)

    def plot(self) -> go.Figure:
        """Return tau against the joint weight, with the intervals of both."""
        from workbench.plots.concordance import tau_against_weight

        return tau_against_weight(self.estimates)


@on_one_thread
def concordance(
    data: PreferenceData,
    *,
    annotator: str | Iterable[str] | None = None,
    by: str | Sequence[str] = "annotator",
    factors: Sequence[str] | None = None,
    fit: Decomposition | None = None,
    replicates: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Concordance:
    r"""Count how often each factor agrees with the preference.

    .. math:: \tau(f) = \frac{|C| - |D|}{|C| + |D| + |T|}

    over labels with a strict preference: the preferred response has more of the factor
    (C), less (D) or as much (T). Preference ties are left out and counted. A soft label
    counts as the side it leans to; labels count with their weights.

    Parameters
    ----------
    data : PreferenceData
        With factors.
    annotator : str or iterable of str, optional
        Only these annotators; a kind (``"human"``) pools them.
    by : str or sequence of str
        What makes a group, as in :func:`workbench.decompose`.
    factors : sequence of str, optional
        Factor columns; all when None.
    fit : Decomposition, optional
        Joint fit of the same groups and factors; made when None.
    replicates : int
        Bootstrap replicates, at least 50.
    level : float
        Level of the intervals.
    seed : int

    Returns
    -------
    Concordance

    Raises
    ------
    DesignError
        No factor, no usable label, an option out of range, or a fit of other factors.

    Notes
    -----
    The interval is Wilson's, of a mean between -1 and 1 with as many effective labels
    :math:`(1 - \tau^2) / v` as the bootstrap variance v shows, and Student's t with one degree
    of freedom less than clusters: it never leaves [-1, 1] and has a width where all labels
    agree, of which then only clusters count.

    Tau looks at one factor at a time: of two factors that go together, both score high even
    if one matters. ``confounded`` marks a factor whose tau interval leaves out 0 while the
    weight's interval holds it, or leaves it out on the other side.

    References
    ----------
    Oh et al. (2025), *Uncovering factor level preferences to improve human-model
    alignment* (PROFILE).

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> found = concordance(data, annotator="human", factors=["words"], replicates=100)
    >>> found.to_frame()[["group", "term"]].values.tolist()
    [['human', 'words']]
    """
    check_options("cluster", 0, level)
    _check_replicates(replicates)
    by = [by] if isinstance(by, str) else list(by)
    chosen, by_columns = select_annotators(data, annotator, by)
    if fit is None:
        fit = decompose(data, annotator=annotator, by=by, factors=factors, folds=0, level=level)
        design = fit.design
    else:
        design = build_design(chosen, by=by_columns, factors=factors)
    tally = _tally(design)
    draws = bootstrap_taus(tally, replicates, seed)
    estimates = _frame(design, tally, draws, level)
    estimates = _beside_weights(estimates, fit, design)
    settings = {
        "by": by_columns,
        "factors": design.terms[:-1],
        "replicates": replicates,
        "level": level,
        "confounded_rule": "tau's interval leaves out 0 and the joint weight's interval holds "
        "0 or lies on the other side of it",
    }
    ties = pd.DataFrame({"group": design.groups, "reason": "preference tie", "n": tally.ties})
    exclusions = pd.concat([design.exclusions, ties[ties["n"] > 0]], ignore_index=True)
    exclusions = exclusions.sort_values(["group", "reason"], ignore_index=True)
    provenance = Provenance.capture(seed=seed, dataset=chosen.digest)
    return Concordance(estimates, exclusions, draws, settings, provenance)


@dataclass(frozen=True, eq=False)
class Tally:
    """Sums of strict preferences by cluster.

    Attributes
    ----------
    net : ndarray, shape (clusters, groups, factors)
        Weight of concordant minus that of discordant labels.
    weight : ndarray, shape (clusters, groups)
        Weight of all strict preferences.
    concordant, discordant : ndarray, shape (groups, factors)
        Weights over all clusters.
    factor_ties : ndarray of int, shape (groups, factors)
        Labels; and
    n, ties : ndarray of int, shape (groups,)
        labels with and without a strict preference.
    """

    net: Array
    weight: Array
    concordant: Array
    discordant: Array
    factor_ties: np.ndarray
    n: np.ndarray
    ties: np.ndarray

    @property
    def tau(self) -> Array:
        """Tau of each group and factor; NaN where there is no strict preference."""
        return _ratio(self.net.sum(axis=0), self.weight.sum(axis=0)[:, None])


def _tally(design: Design) -> Tally:
    J, K, G = len(design.groups), len(design.terms) - 1, len(design.cluster_names)
    group = design.cell_group[design.label_cell]
    row = design.cell_row[design.label_cell]
    side = np.sign(design.label_preference - 0.5)
    strict = side != 0
    ties = np.bincount(group[~strict], minlength=J)
    group, row, side = group[strict], row[strict], side[strict]
    weight = design.label_weight[strict]
    # one label on every row: nothing is to be gathered
    every = len(row) == len(design.X) and bool((np.diff(row) > 0).all())
    sign = np.sign(design.X[:, :K] if every else design.X[row, :K])
    sign *= side[:, None]
    at = design.cluster[row] * J + group
    columns = np.arange(len(at))
    summed = sparse.csr_matrix((weight, (at, columns)), (G * J, len(at)))
    counted = sparse.csr_matrix((np.ones(len(at)), (group, columns)), (J, len(at)))
    weighed = sparse.csr_matrix((weight, (group, columns)), (J, len(at)))
    net, difference = np.asarray(summed @ sign).reshape(G, J, K), np.asarray(weighed @ sign)
    size = np.asarray(weighed @ np.abs(sign, out=sign))
    n = np.bincount(group, minlength=J)
    return Tally(
        net=net,
        weight=np.bincount(at, weight, G * J).astype(np.float64).reshape(G, J),
        concordant=(size + difference) / 2,
        discordant=(size - difference) / 2,
        factor_ties=n[:, None] - np.rint(counted @ sign).astype(np.int64),
        n=n,
        ties=ties,
    )


def bootstrap_taus(tally: Tally, replicates: int, seed: int) -> Array:
    """Return the taus of resampled clusters, shape (replicates, groups, factors).

    A replicate's taus are ratios of sums over clusters, so that counts times sums give all
    replicates at once (:func:`workbench.clustered.resample`). NaN where a replicate drew no
    cluster of a group.
    """
    G, J, K = tally.net.shape
    drawn = resample(np.hstack([tally.net.reshape(G, J * K), tally.weight]), replicates, seed)
    net, weight = drawn[:, : J * K].reshape(-1, J, K), drawn[:, J * K :, None]
    return _ratio(net, weight)


def _ratio(net: Array, weight: Array) -> Array:
    out = np.full(net.shape, np.nan)
    there = np.broadcast_to(weight > 0, net.shape)
    # sums of weights in another order round otherwise
    return np.asarray(np.clip(np.divide(net, weight, out=out, where=there), -1.0, 1.0))


def _frame(design: Design, tally: Tally, draws: Array, level: float) -> pd.DataFrame:
    terms = design.terms[:-1]
    error = interval(draws, level)[0]
    n_clusters = (tally.weight > 0).sum(axis=0)
    frames = []
    for j, group in enumerate(design.groups):
        reasons = _reasons(tally, j, int(n_clusters[j]))
        # one cluster has a tau but no spread between clusters
        spread = np.array([r is None for r in reasons])
        never = (tally.concordant[j] + tally.discordant[j]) == 0
        tau = np.where(never, np.nan, tally.tau[j])
        errors = np.where(spread, error[j], np.nan)
        low, high, p = score_interval(tau, errors, int(n_clusters[j]), level)
        # all labels agree: an error of 0 would claim to know
        errors = np.where(errors > 1e-12, errors, np.nan)
        frames.append(
            pd.DataFrame(
                {
                    "group": group,
                    "term": terms,
                    "estimate": tau,
                    "std_error": errors,
                    "conf_low": low,
                    "conf_high": high,
                    "p_value": p,
                    "q_value": q_values(p),
                    "n": int(tally.n[j]),
                    "n_clusters": int(n_clusters[j]),
                    "concordant": tally.concordant[j],
                    "discordant": tally.discordant[j],
                    "n_factor_ties": tally.factor_ties[j],
                    "n_preference_ties": int(tally.ties[j]),
                    "reason": pd.Series(reasons, dtype="str"),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def _reasons(tally: Tally, j: int, n_clusters: int) -> list[str | None]:
    if tally.n[j] == 0:
        return ["no strict preference"] * tally.net.shape[2]
    few = "only one cluster: no interval" if n_clusters < 2 else None
    never = (tally.concordant[j] + tally.discordant[j]) == 0
    return ["the factor never differs" if gone else few for gone in never]


def _beside_weights(table: pd.DataFrame, fit: Decomposition, design: Design) -> pd.DataFrame:
    missing = [t for t in design.terms[:-1] if t not in fit.terms]
    missing += [g for g in design.groups if g not in fit.groups]
    if missing:
        raise DesignError(
            f"The joint fit lacks {missing[0]!r}.",
            found=f"groups {', '.join(fit.groups)}; terms {', '.join(fit.terms)}",
            expected="the groups and factors of the concordance",
            fix="Fit the same data with the same by= and factors=, or leave fit= out.",
        )
    # the very numbers that the fit tells, of other degrees of freedom for every weight
    joint_fit = fit.to_frame().set_index(["group", "term"]).loc[
        pd.MultiIndex.from_frame(table[["group", "term"]])
    ]  # fmt: skip
    ends = ("estimate", "conf_low", "conf_high")
    for name, end in zip(("weight", "weight_low", "weight_high"), ends, strict=True):
        table[name] = joint_fit[end].to_numpy()
    table[list(PER_SD)] = joint_fit[list(PER_SD)].to_numpy()
    table["weight_reason"] = joint_fit["reason"].to_numpy()
    seen = _side(table["conf_low"], table["conf_high"])
    joint = _side(table["weight_low"], table["weight_high"])
    table["confounded"] = (seen != 0) & np.isfinite(table["weight_low"]) & (joint != seen)
    table["method"] = _METHOD
    return table[[c for c in table if c != "reason"] + ["reason"]]


def weight_text(row: Any) -> str:
    """Return a row's weight of the joint fit as text, or why there is none."""
    if not np.isfinite(row.per_sd):
        return f"weight undefined: {row.weight_reason}"
    ends = ends_text(row.per_sd_low, row.per_sd_high, row.weight_reason)
    return f"weight per sd {row.per_sd:+.3f} {ends}"


def _side(low: pd.Series, high: pd.Series) -> np.ndarray:
    """Return the sign of an interval that leaves out 0; 0 where it holds 0."""
    return np.asarray((low > 0).astype(int) - (high < 0).astype(int))


def _check_replicates(replicates: int) -> None:
    enough = f"at least {_FEWEST_REPLICATES}"
    refuse_out_of_range({"replicates": (replicates >= _FEWEST_REPLICATES, replicates, enough)})


def _text_row(row: Any) -> str:
    if not np.isfinite(row.estimate):
        return f"  {row.term:<24} undefined: {row.reason}"
    mark = "  CONFOUNDED" if row.confounded else ""
    q = f"  q = {row.q_value:.3g}" if np.isfinite(row.q_value) else ""
    return (
        f"  {row.term:<24} tau {row.estimate:+.3f} "
        f"{ends_text(row.conf_low, row.conf_high, row.reason)}{q}  {weight_text(row)}{mark}"
    )
