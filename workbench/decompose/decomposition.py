"""The main verb: one annotator's labels as weights on the factors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, norm

from workbench.clustered import FEW_CLUSTERS
from workbench.data.dataset import PreferenceData
from workbench.decompose.design import POSITION, Design, Ties, build_design, select_annotators
from workbench.decompose.estimate import GroupFit, fit_groups
from workbench.decompose.grouped import GroupedWeights, what_was_fitted
from workbench.decompose.held_out import held_out
from workbench.decompose.identify import HIGH_CONDITION, HIGH_VIF
from workbench.decompose.kernel import Array, logistic
from workbench.decompose.logit import Covariance
from workbench.decompose.weights import Weights
from workbench.errors import DesignError, refuse_out_of_range
from workbench.provenance import Provenance
from workbench.results import TIDY
from workbench.threads import on_one_thread

Number = TypeVar("Number", float, Array)

_METHODS = {
    "classical": "logit, inverse-Hessian errors",
    "HC1": "logit, HC1 errors",
    "cluster": "logit, cluster-robust errors",
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

        Beside the tidy columns: ``n_clusters``; ``ame`` (average marginal effect: the mean
        change of P(A preferred) per unit of the coded difference) and ``probability``
        (P(A preferred) where A is one unit better on this factor only), each with its
        interval; ``vif``; ``method``; ``reason`` where a weight is undefined.
        """
        level = self.settings["level"]
        frames = [_frame(fit, self.terms, level) for fit in self.fits.values()]
        table = pd.concat(frames, ignore_index=True)
        table["method"] = _METHODS[self.settings["covariance"]]
        return table[[c for c in table if c != "reason"] + ["reason"]]

    def weights(self) -> Weights:
        """Return the weights of all groups, without draws (``bootstrap`` makes them)."""
        keys = self.design.keys.iloc[[self.design.groups.index(g) for g in self.groups]]
        return Weights(
            terms=self.terms[:-1],
            keys=keys.reset_index(drop=True),
            values=np.stack([fit.coef[:-1] for fit in self.fits.values()]),
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
                "warnings": "; ".join(_warnings(fit, self.terms)),
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
        return [
            f"{fit.name}: {text}"
            for fit in self.fits.values()
            for text in _warnings(fit, self.terms)
        ]

    def summary(self) -> str:
        """Return the weights and held-out scores as text."""
        method = f"method: {_METHODS[self.settings['covariance']]}; q: Benjamini-Hochberg"
        return self._told(lambda row: f"q = {row.q_value:.3g}", _score_text, method)


@on_one_thread
def decompose(
    data: PreferenceData,
    *,
    annotator: str | Iterable[str] | None = None,
    by: str | Sequence[str] = "annotator",
    factors: Sequence[str] | None = None,
    covariance: Covariance = "cluster",
    ties: Ties = "half",
    folds: int = 5,
    level: float = 0.95,
    seed: int = 0,
) -> Decomposition:
    r"""Regress preferences on factor differences, one logistic model a group.

    .. math:: P(\text{A preferred}) = \frac{1}{1 + e^{-(x'\beta + \pi s)}}

    with the coded differences :math:`x` (A minus B) and the shown order :math:`s` (+1 A
    first, -1 B first). There is no intercept: swapping A and B must only flip signs.

    Parameters
    ----------
    data : PreferenceData
        With factors (see :func:`workbench.score_factors`).
    annotator : str or iterable of str, optional
        Only these annotators. A kind (``"human"``) pools all annotators of it in one group.
    by : str or sequence of str
        What makes a group: ``"annotator"``, ``"kind"``, ``"scenario"``, any column of
        labels or pairs, or several of them. An empty sequence pools everything.
    factors : sequence of str, optional
        Factor columns; all when None.
    covariance : {"cluster", "HC1", "classical"}
        Cluster-robust over ``pairs.cluster``; heteroskedasticity-robust; inverse Hessian.
    ties : {"half", "drop"}
        A tie (both-bad included) is half a vote for each side, or is left out.
    folds : int
        Prompt-grouped folds of the held-out scores; 0 leaves them out.
    level : float
        Confidence level of every interval.
    seed : int
        Seed of the folds.

    Returns
    -------
    Decomposition

    Raises
    ------
    DesignError
        No factor, no usable label, or an option out of range.

    References
    ----------
    Papke and Wooldridge (1996) for fractional labels; Liang and Zeger (1986) for the
    cluster-robust covariance; Benjamini and Hochberg (1995) for ``q_value``, taken over the
    terms of one group.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> human = wb.decompose(data, annotator="human", factors=["words"], folds=0)
    >>> human.groups, human.to_frame()["term"].tolist()
    (['human'], ['words', 'position'])
    """
    check_options(covariance, folds, level)
    data, by = select_annotators(data, annotator, [by] if isinstance(by, str) else list(by))
    design = build_design(data, by=by, factors=factors, ties=ties)
    fits = fit_groups(design, covariance)
    scores = pd.DataFrame(columns=["group", "predictor", "n", "reason"])
    if folds:
        longer = _longer(data, design)
        scores = held_out(design, fits, longer, folds=folds, seed=seed, level=level)
    settings = {
        **what_was_fitted(data, by, design),
        "covariance": covariance,
        "ties": ties,
        "folds": folds,
        "level": level,
    }
    provenance = Provenance.capture(seed=seed, dataset=data.digest)
    return Decomposition({fit.name: fit for fit in fits}, scores, settings, provenance, design)


def check_options(covariance: str, folds: int, level: float) -> None:
    """Refuse options of a fit that are out of range."""
    problems = {
        "covariance": (covariance in _METHODS, covariance, " or ".join(map(repr, _METHODS))),
        "folds": (folds == 0 or folds >= 2, folds, "0, or at least 2"),
        "level": (0 < level < 1, level, "a number between 0 and 1, such as 0.95"),
    }
    refuse_out_of_range(problems)


def _longer(data: PreferenceData, design: Design) -> Array | None:
    a, b = data.pairs["response_a"], data.pairs["response_b"]
    if a.isna().all() or b.isna().all():
        return None
    difference = (a.str.len() - b.str.len()).fillna(0).to_numpy("float64")
    return np.asarray(np.sign(difference)[design.pair])


def _frame(fit: GroupFit, terms: list[str], level: float) -> pd.DataFrame:
    tidy = tidy_columns(terms, fit.coef, np.sqrt(np.diag(fit.covariance)), fit.n, level)
    ame, ame_error = _marginal_effects(fit)
    ame_low, ame_high = normal_interval(ame, ame_error, level)
    return pd.DataFrame(
        {
            "group": fit.name,
            **tidy,
            "n_clusters": fit.n_clusters,
            "ame": ame,
            "ame_std_error": ame_error,
            "ame_low": ame_low,
            "ame_high": ame_high,
            "probability": logistic(fit.coef.copy()),
            "probability_low": logistic(tidy["conf_low"].copy()),
            "probability_high": logistic(tidy["conf_high"].copy()),
            "vif": np.where(fit.active, fit.identification.vif, np.nan),
            "reason": pd.Series([fit.reasons.get(term) for term in terms], dtype="str"),
        }
    )


def tidy_columns(
    terms: list[str], estimate: Array, error: Array, n: int | NDArray[np.int64], level: float
) -> dict[str, Any]:
    """Return the columns of every table of estimates, with normal intervals and tests.

    Examples
    --------
    >>> tidy_columns(["words"], np.array([2.0]), np.array([1.0]), 9, 0.95)["p_value"].round(3)
    array([0.046])
    """
    low, high = normal_interval(estimate, error, level)
    p = p_values(estimate, error)
    columns = (terms, estimate, error, low, high, p, q_values(p), n)
    return dict(zip(TIDY, columns, strict=True))


def normal_interval(estimate: Number, error: Number, level: float) -> tuple[Number, Number]:
    """Return the ends of normal intervals.

    Examples
    --------
    >>> round(normal_interval(0.0, 1.0, 0.95)[1], 3)
    1.96
    """
    half = float(norm.ppf(0.5 + level / 2)) * error
    return estimate - half, estimate + half


def p_values(estimate: Array, error: Array) -> Array:
    """Return two-sided normal p-values; NaN where the error is 0 or undefined."""
    z = np.divide(estimate, error, out=np.full(len(error), np.nan), where=error > 0)
    return np.asarray(2 * norm.sf(np.abs(z)))


def q_values(p: Array) -> Array:
    """Return Benjamini-Hochberg q-values of the defined p-values.

    Examples
    --------
    >>> q_values(np.array([0.01, 0.04, np.nan])).tolist()
    [0.02, 0.04, nan]
    """
    q = np.full(len(p), np.nan)
    defined = np.isfinite(p)
    if defined.any():
        q[defined] = false_discovery_control(p[defined])
    return q


def _marginal_effects(fit: GroupFit) -> tuple[Array, Array]:
    """Average marginal effects, and their errors by the delta method."""
    K = len(fit.coef)
    active = np.flatnonzero(fit.active)
    ame, error = np.full(K, np.nan), np.full(K, np.nan)
    coef = fit.coef[active]
    ame[active] = fit.mean_slope * coef
    jacobian = fit.mean_slope * np.eye(len(active))
    jacobian += np.outer(coef, fit.mean_curvature[active])
    covariance = fit.covariance[np.ix_(active, active)]
    error[active] = np.sqrt(np.einsum("kl,lm,km->k", jacobian, covariance, jacobian))
    return ame, error


def _warnings(fit: GroupFit, terms: list[str]) -> list[str]:
    found = fit.identification
    texts = []
    if found.collinear:
        names = ", ".join(found.collinear)
        texts.append(
            f"collinear factors {names} (condition number {found.condition_number:.0f} > "
            f"{HIGH_CONDITION:.0f}): their single weights are hardly told apart"
        )
    else:
        with np.errstate(invalid="ignore"):
            inflated = np.flatnonzero(found.vif > HIGH_VIF)
        if len(inflated):
            names = ", ".join(f"{terms[k]} ({found.vif[k]:.1f})" for k in inflated)
            texts.append(f"variance inflated by collinearity: {names}")
    for term, reason in fit.reasons.items():
        if term != POSITION:
            texts.append(f"no weight for {term}: {reason}")
    if 0 < fit.n_clusters < FEW_CLUSTERS:
        texts.append(f"only {fit.n_clusters} clusters: errors may be too small")
    return texts


def _score_text(row: Any) -> str:
    if row.reason is not None and not np.isfinite(row.accuracy):
        return f", {row.predictor}: undefined: {row.reason}"
    return (
        f", {row.predictor}: accuracy {row.accuracy:.3f} "
        f"[{row.accuracy_low:.3f}, {row.accuracy_high:.3f}], AUC {row.auc:.3f}, "
        f"log-loss {row.log_loss:.3f}, Brier {row.brier:.3f}, n = {row.n:,}"
    )
