"""The main verb: one annotator's labels as weights on the factors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.parts.parted import PartedData
from workbench.decompose.design import CLUSTER, Design, build_design
from workbench.decompose.errors.tidy import q_values, t_interval, tidy_columns
from workbench.decompose.estimate import fit_groups
from workbench.decompose.group_fit import GroupFit
from workbench.decompose.grouped import GroupedWeights, group_sd, what_was_fitted
from workbench.decompose.held_out import held_out
from workbench.decompose.kernel import Array, logistic
from workbench.decompose.labelled import Ties
from workbench.decompose.logit import Covariance
from workbench.decompose.parted.decompose import decompose_parts
from workbench.decompose.parted.selection import select_annotators
from workbench.decompose.parted.wanted import Fitted, Wanted, no_scores
from workbench.decompose.scores.baselines import length_signs
from workbench.decompose.telling import (
    generalises_over,
    score_text,
    warnings_of,
    without_cluster,
)
from workbench.decompose.weights import Weights
from workbench.engine import Engine, Local
from workbench.errors import DesignError, refuse_out_of_range
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from workbench.plots.ranking import Ranking


_METHODS = {
    "classical": "logit, inverse-Hessian errors",
    "HC1": "logit, HC1 errors",
    "cluster": "logit, CR2 cluster-robust errors, t with Satterthwaite degrees of freedom",
}


@dataclass(frozen=True, eq=False)
class Decomposition(GroupedWeights):
    """Weights of every group of labels on the factors.

    Attributes
    ----------
    fits : dict of str to GroupFit
        By group.
    held_out : DataFrame
        Held-out scores of each group's fit beside the baselines.
    settings : dict
        Options of the fit, the coding of each factor among them.
    provenance : Provenance
    design : Design
        The rows and labels that were fitted.
    """

    fits: dict[str, GroupFit]
    held_out: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance
    design: Design = field(repr=False)

    @property
    def groups(self) -> list[str]:
        """Names of the groups."""
        return list(self.fits)

    @property
    def terms(self) -> list[str]:
        """Names of the terms: the factors, then the position."""
        return list(self.design.terms)

    def __getitem__(self, group: str) -> Decomposition:
        """Return the decomposition of one group."""
        if group not in self.fits:
            raise DesignError(
                f"There is no group {group!r}.",
                found=", ".join(self.groups),
                expected="one of the groups that were fitted",
                fix="Check the spelling, or fit with another by=.",
            )
        table = self.held_out
        chosen = table[table["group"] == group].reset_index(drop=True)
        return replace(self, fits={group: self.fits[group]}, held_out=chosen)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a group and term.

        Beside the tidy columns (``q_value`` is over all groups and terms): ``q_within``, over
        the terms of the group; ``n_clusters`` (of the dimension that has the fewest),
        ``effective_clusters`` and ``df`` of each weight; ``ame`` (average marginal effect: the
        mean change of P(A preferred) per unit of the coded difference), ``per_sd`` (weight
        times the root mean square of the coded difference, which compares factors of other
        units) and ``probability`` (P(A preferred) where A is one unit better on this factor
        only), each with its interval; ``vif``; ``over`` (what the interval generalises over);
        ``method``; ``reason`` where a weight is undefined.
        """
        level = self.settings["level"]
        sizes = [group_sd(self.design, self.design.groups.index(g)) for g in self.groups]
        frames = [
            _frame(fit, self.terms, size, level)
            for fit, size in zip(self.fits.values(), sizes, strict=True)
        ]
        table = pd.concat(frames, ignore_index=True)
        table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
        table["method"] = _METHODS[self.settings["covariance"]]
        return table[[c for c in table if c != "reason"] + ["reason"]]

    def _clusters(self, first: pd.Series) -> str:
        counts = self.fits[first["group"]].counts
        if set(counts) <= {CLUSTER}:
            return super()._clusters(first)
        return ", ".join(f"{n:,} by {name}" for name, n in counts.items())

    def effects(self) -> go.Figure:
        """Return a forest plot of the average marginal effects, in points."""
        from workbench.plots.forest import forest, in_units

        points = in_units(self.to_frame(), "ame")
        ends = ["estimate", "conf_low", "conf_high"]
        points[ends] = 100 * points[ends]
        x_title = "change of P(preferred) per unit (points)"
        return forest(points, x_title=x_title, ranking=self._ranking())

    def _ranking(self) -> Ranking:
        """Return the order of the terms in every figure: that of the weights per SD."""
        from workbench.plots.forest import in_units
        from workbench.plots.ranking import clear_first

        return clear_first(in_units(self.to_frame(), "per_sd"))

    def figures(self) -> dict[str, go.Figure]:
        """Return the weights per standard deviation, the marginal effects, the raw weights."""
        from workbench.plots.forest import forest

        return {
            "Weights per standard deviation": self.plot(),
            "Average marginal effects": self.effects(),
            "Weights per unit of the coding": forest(self.to_frame(), ranking=self._ranking()),
        }

    def weights(self) -> Weights:
        """Return the weights of all groups, without draws (``bootstrap`` makes them)."""
        keys = self.design.keys.iloc[[self.design.groups.index(g) for g in self.groups]]
        return Weights(
            terms=self.terms[:-1],
            keys=keys.reset_index(drop=True),
            values=np.stack([fit.told[:-1] for fit in self.fits.values()]),
            draws=None,
            n=np.array([fit.n for fit in self.fits.values()]),
            method=_METHODS[self.settings["covariance"]],
        )

    @property
    def diagnostics(self) -> pd.DataFrame:
        """One row a group: counts, log-likelihood, condition number and warnings."""
        rows = [
            {
                "group": fit.name,
                "n": fit.n,
                "n_clusters": fit.n_clusters,
                "log_likelihood": fit.log_likelihood,
                "condition_number": fit.identification.condition_number,
                "warnings": "; ".join(self._warned(fit)),
            }
            for fit in self.fits.values()
        ]
        return pd.DataFrame(rows)

    @property
    def exclusions(self) -> pd.DataFrame:
        """Labels left out of the fit: ``group, reason, n``."""
        table = self.design.exclusions
        return table[table["group"].isin(self.groups)].reset_index(drop=True)

    @property
    def warnings(self) -> list[str]:
        """What a reader should know before trusting a weight."""
        return [f"{fit.name}: {text}" for fit in self.fits.values() for text in self._warned(fit)]

    def _warned(self, fit: GroupFit) -> list[str]:
        lacking = without_cluster(self.design, self.design.groups.index(fit.name))
        return [*warnings_of(fit, self.terms), *lacking]

    def summary(self) -> str:
        """Return the weights and held-out scores as text."""
        method = (
            f"method: {_METHODS[self.settings['covariance']]}; "
            "q: Benjamini-Hochberg over all groups and terms"
        )
        return self._told(lambda row: f"q = {row.q_value:.3g}", score_text, method)


@on_one_thread
def decompose(
    data: PreferenceData | PartedData,
    *,
    annotator: str | Iterable[str] | None = None,
    by: str | Sequence[str] = "annotator",
    factors: Sequence[str] | None = None,
    covariance: Covariance = "cluster",
    cluster: str | Sequence[str] | None = None,
    ties: Ties = "half",
    folds: int = 5,
    level: float = 0.95,
    seed: int = 0,
    engine: Engine | None = None,
) -> Decomposition:
    r"""Regress preferences on factor differences, one logistic model a group.

    .. math:: P(\text{A preferred}) = \frac{1}{1 + e^{-(x'\beta + \pi s)}}

    with the coded differences :math:`x` (A minus B) and the shown order :math:`s` (+1 A
    first, -1 B first). There is no intercept: swapping A and B must only flip signs.

    Parameters
    ----------
    data : PreferenceData or PartedData
        With factors (see :func:`workbench.score_factors`). Of data in parts only sums over the
        parts are held: the weights and errors are the same.
    annotator : str or iterable of str, optional
        Only these annotators. A kind (``"human"``) pools all annotators of it in one group.
    by : str or sequence of str
        What makes a group: ``"annotator"``, ``"kind"``, ``"scenario"``, any column of
        labels or pairs, or several of them. An empty sequence pools everything.
    factors : sequence of str, optional
        Factor columns; all when None.
    covariance : {"cluster", "HC1", "classical"}
        Cluster-robust (CR2); heteroskedasticity-robust; inverse Hessian.
    cluster : str or sequence of str, optional
        What the labels are clustered by: ``"cluster"`` (``pairs.cluster``: the prompt, or
        what the file names), ``"prompt"``, ``"annotator"``, any column of labels or pairs, or
        several of them (:func:`workbench.data.alike.clusters.cluster_codes`). When None, the
        data's clusters, and annotators as well in groups that pool ten or more of them: their
        intervals generalise over prompts and annotators, those of smaller pools over prompts
        only.
    ties : {"half", "drop"}
        A tie (both-bad included) is half a vote for each side, or is left out.
    folds : int
        Prompt-grouped folds of the held-out scores; 0 leaves them out.
    level : float
        Confidence level of every interval.
    seed : int
        Seed of the folds.
    engine : Engine, optional
        Where the parts of data in parts are worked on: here, one after another, when None.

    Returns
    -------
    Decomposition

    Raises
    ------
    DesignError
        No factor, no usable label, or an option out of range.

    References
    ----------
    Papke and Wooldridge (1996) for fractional labels; Bell and McCaffrey (2002) and
    Pustejovsky and Tipton (2018) for the cluster-robust covariance CR2 and its degrees of
    freedom; Cameron, Gelbach and Miller (2011) for several dimensions of clusters; Tipton
    (2015): with fewer than 4 degrees of freedom a weight is not told; Benjamini and Hochberg
    (1995) for ``q_value``, taken over the terms of all groups.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> human = wb.decompose(data, annotator="human", factors=["words"], folds=0)
    >>> human.groups, human.to_frame()["term"].tolist()
    (['human'], ['words', 'position'])
    """
    check_options(covariance, folds, level)
    by = [by] if isinstance(by, str) else list(by)
    # one named twice would be taken off its own errors
    dimensions = [cluster] if isinstance(cluster, str) else list(dict.fromkeys(cluster or ()))
    wanted = Wanted(annotator, by, factors, covariance, dimensions, ties, folds, level, seed)
    where = None
    if isinstance(data, PartedData):
        engine = engine or Local()
        found, where = decompose_parts(data, wanted, engine), engine.name
    else:
        found = _in_memory(data, wanted)
    settings = {
        **what_was_fitted(data, found.by, found.design),
        "covariance": covariance,
        "cluster": dimensions or None,
        "ties": ties,
        "folds": folds,
        "level": level,
    }
    provenance = Provenance.capture(seed=seed, dataset=data.digest, engine=where)
    fits = {fit.name: fit for fit in found.fits}
    return Decomposition(fits, found.held_out, settings, provenance, found.design)


def _in_memory(data: PreferenceData, wanted: Wanted) -> Fitted:
    data, by = select_annotators(data, wanted.annotator, wanted.by)
    design = build_design(
        data, by=by, factors=wanted.factors, ties=wanted.ties, cluster=wanted.cluster
    )
    fits = fit_groups(design, wanted.covariance)
    scores = no_scores()
    if wanted.folds:
        signs, known = length_signs(data.pairs)
        longer = signs[design.pair] if all(known) else None
        folds, level = wanted.folds, wanted.level
        scores = held_out(design, fits, longer, folds=folds, seed=wanted.seed, level=level)
    return Fitted(by, design, fits, scores)


def check_options(covariance: str, folds: int, level: float) -> None:
    """Refuse options of a fit that are out of range."""
    problems = {
        "covariance": (covariance in _METHODS, covariance, " or ".join(map(repr, _METHODS))),
        "folds": (folds == 0 or folds >= 2, folds, "0, or at least 2"),
        "level": (0 < level < 1, level, "a number between 0 and 1, such as 0.95"),
    }
    refuse_out_of_range(problems)


def _frame(fit: GroupFit, terms: list[str], size: Array, level: float) -> pd.DataFrame:
    error = np.where(fit.thin, np.nan, np.sqrt(np.maximum(np.diag(fit.covariance), 0.0)))
    why = [fit.reasons.get(term) for term in terms]
    tidy = tidy_columns(terms, fit.told, error, fit.n, level, fit.df)
    ame, ame_error = _marginal_effects(fit)
    ame_low, ame_high = t_interval(ame, ame_error, level, fit.df)
    low, high = tidy["conf_low"], tidy["conf_high"]
    probability = logistic(fit.told.copy())
    return pd.DataFrame(
        {
            "group": fit.name,
            **tidy,
            "q_within": tidy["q_value"],
            "n_clusters": min(fit.counts.values(), default=fit.n_clusters),
            "effective_clusters": fit.effective,
            "df": np.where(np.isfinite(fit.df), fit.df, np.nan),
            "ame": ame,
            "ame_std_error": ame_error,
            "ame_low": ame_low,
            "ame_high": ame_high,
            "per_sd": size * fit.told,
            "per_sd_low": size * low,
            "per_sd_high": size * high,
            "probability": probability,
            # of weights far from 0 nothing is left between an end and 1: rounded outwards
            "probability_low": np.minimum(logistic(low.copy()), np.nextafter(probability, 0.0)),
            "probability_high": np.maximum(logistic(high.copy()), np.nextafter(probability, 1.0)),
            "vif": np.where(fit.active, fit.identification.vif, np.nan),
            "over": generalises_over(fit),
            "reason": pd.Series(why, dtype="str"),
        }
    )


def _marginal_effects(fit: GroupFit) -> tuple[Array, Array]:
    """Average marginal effects, and their errors by the delta method."""
    K = len(fit.coef)
    active = np.flatnonzero(fit.active)
    told = ~fit.thin[active]
    ame, error = np.full(K, np.nan), np.full(K, np.nan)
    coef = fit.coef[active]
    ame[active[told]] = fit.mean_slope * coef[told]
    jacobian = fit.mean_slope * np.eye(len(active))
    jacobian += np.outer(coef, fit.mean_curvature[active])
    covariance = fit.covariance[np.ix_(active, active)]
    variance = np.einsum("kl,lm,km->k", jacobian, covariance, jacobian)
    error[active[told]] = np.sqrt(np.maximum(variance[told], 0.0))
    return ame, error
