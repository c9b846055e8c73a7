"""Preference dissection: posterior weights of every annotator and scenario under a prior."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.dataset import PreferenceData
from workbench.decompose.design import Design, build_design
from workbench.decompose.grouped import GroupedWeights, label_sd, what_was_fitted
from workbench.decompose.kernel import Array, logistic
from workbench.decompose.labelled import Ties
from workbench.decompose.parted.selection import select_annotators
from workbench.decompose.posterior_scores import (
    GRID,
    Labelled,
    draw,
    draw_folds,
    labelled,
    mean_log_loss,
    near_out_of_fold,
    out_of_fold,
    scores,
)
from workbench.decompose.sampling.diagnostics import (
    FEW_DRAWS,
    diagnostics,
    varies,
    with_position,
)
from workbench.decompose.sampling.sampler import Prior
from workbench.decompose.weights import Weights
from workbench.errors import DesignError, refuse_out_of_range
from workbench.provenance import Provenance
from workbench.standardised import with_per_sd
from workbench.threads import on_one_thread

PriorName = Literal["laplace", "normal"]

POSITION_SD = 2.5
"""Standard deviation of the normal prior on the position's weight, in logits: wide."""

_FOLDS = 5
_LEGACY_FOLDS = (1, 2, 5, 10)
_PAPER_SCALE = 0.1
_ABSENT = "the factor is the same on both sides of every pair: its posterior is its prior"
_NO_ORDER = "the shown order is unknown"
_INDEPENDENT = (
    "groups are independent posteriors given the data; groups that labelled the same pairs "
    "share what is peculiar to those pairs"
)
_SCALES = ["scale", "log_loss", "log_loss_low", "log_loss_high", "n", "chosen"]


@dataclass(frozen=True, eq=False)
class Dissection(GroupedWeights):
    """Posterior draws of every group's weights.

    Attributes
    ----------
    draws : ndarray, shape (S, J, K)
        Equally weighted draws of J groups and K terms; the last term is the position, NaN
        where it is not in the model. In legacy mode there is no position term.
    ess, rhat : ndarray, shape (J, K)
        Effective sample size of each posterior mean, and split R-hat.
    held_out : DataFrame
        Accuracy and log-loss of each group on the folds it was not fitted to.
    scales : DataFrame
        Held-out log-loss of each prior scale; empty where the scale was given.
    diagnostics : DataFrame
        One row a group: counts, worst effective size and R-hat, acceptance, warnings.
    settings : dict
    provenance : Provenance
    design : Design
    """

    heading = "Preference dissection"
    about = (
        "Posterior weight of each factor, one fit a group, under a prior that shrinks weights "
        "towards 0. The probability is P(A preferred) where A is better on this factor only."
    )
    beside = ("held_out", "scales", "diagnostics", "exclusions")

    draws: Array = field(repr=False)
    ess: Array = field(repr=False)
    rhat: Array = field(repr=False)
    held_out: pd.DataFrame
    scales: pd.DataFrame
    diagnostics: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance
    design: Design = field(repr=False)

    @property
    def groups(self) -> list[str]:
        """Names of the groups."""
        return list(self.design.groups)

    @property
    def terms(self) -> list[str]:
        """Names of the terms."""
        return list(self.design.terms[: self.draws.shape[2]])

    @property
    def exclusions(self) -> pd.DataFrame:
        """Labels left out: ``group, reason, n``."""
        return self.design.exclusions

    @property
    def warnings(self) -> list[str]:
        """What a reader should know before trusting a weight."""
        own = self.diagnostics
        texts = zip(own["group"], own["warnings"], strict=True)
        return [f"{group}: {text}" for group, text in texts if text]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a group and term.

        ``estimate`` is the posterior mean, ``std_error`` the posterior standard deviation,
        the interval equal-tailed. Beside the tidy columns (no p-values: a posterior has
        none): ``per_sd`` with its limits, the weight for a difference of one standard deviation
        among the group's labels, which compares across codings where ``estimate``, per unit,
        does not; ``n_clusters``; ``p_positive``, the posterior probability of a weight above 0;
        ``probability``, 1 / (1 + exp(-estimate)), with its interval; ``ess``; ``method``;
        ``reason`` where the data say nothing on a weight.
        """
        J, K = len(self.groups), len(self.terms)
        tail = 0.5 - self.settings["level"] / 2
        low, high = np.quantile(self.draws, [tail, 1 - tail], axis=0)
        mean = self.draws.mean(axis=0)
        positive = np.where(np.isnan(mean), np.nan, (self.draws > 0).mean(axis=0))
        columns = {
            "estimate": mean,
            "std_error": self.draws.std(axis=0, ddof=1),
            "conf_low": low,
            "conf_high": high,
            "p_value": np.full((J, K), np.nan),
            "q_value": np.full((J, K), np.nan),
            "n": np.repeat(self.design.n_labels, K),
            "n_clusters": np.repeat(self.diagnostics["n_clusters"].to_numpy(), K),
            "p_positive": positive,
            "probability": logistic(mean.copy()),
            "probability_low": logistic(low.copy()),
            "probability_high": logistic(high.copy()),
            "ess": self.ess,
        }
        table = pd.DataFrame({name: values.ravel() for name, values in columns.items()})
        table.insert(0, "group", np.repeat(self.groups, K))
        table.insert(1, "term", np.tile(self.terms, J))
        table["method"] = self.settings["method"]
        table["reason"] = pd.Series(self._reasons().ravel(), dtype="str")
        return with_per_sd(table, label_sd(self.design)[:, :K].ravel())

    def _reasons(self) -> NDArray[np.object_]:
        reasons = np.full((len(self.groups), len(self.terms)), None, dtype=object)
        reasons[~varies(self.design)[:, : len(self.terms)]] = _ABSENT
        reasons[np.isnan(self.draws[0])] = _NO_ORDER
        return reasons

    def weights(self) -> Weights:
        """Return the weights with their draws, shape (S, J, K), without the position."""
        K = len(self.settings["factors"])
        return Weights(
            terms=self.terms[:K],
            keys=self.design.keys,
            values=self.draws[:, :, :K].mean(axis=0),
            draws=self.draws[:, :, :K],
            n=self.design.n_labels,
            method=self.settings["method"],
            posterior=True,
        )

    def summary(self) -> str:
        """Return the posterior weights and held-out scores as text."""
        compared = ", ".join(
            f"{row.scale:g}: {row.log_loss:.4f}" for row in self.scales.itertuples()
        )
        scales = f"held-out log-loss by prior scale: {compared}\n" if compared else ""
        method = f"note: {_INDEPENDENT}\n{scales}method: {self.settings['method']}"
        return self._told(_probability_text, _score_text, method)


@on_one_thread
def dissect(
    data: PreferenceData,
    *,
    annotator: str | Iterable[str] | None = None,
    by: str | Sequence[str] = ("annotator", "scenario"),
    factors: Sequence[str] | None = None,
    prior: PriorName = "laplace",
    scale: float | Literal["held-out"] | None = None,
    ties: Ties = "half",
    folds: int | None = None,
    draws: int = 2000,
    level: float = 0.95,
    seed: int = 0,
    legacy: bool = False,
) -> Dissection:
    r"""Draw from the posterior of every group's weights under a prior.

    .. math:: P(\text{A preferred}) = \frac{1}{1 + e^{-(x'\beta + \pi s)}}, \qquad
        \beta_k \sim \text{Laplace}(0, b) \ \text{or}\ N(0, b^2), \quad \pi \sim N(0, 2.5^2)

    with the coded differences :math:`x` and, where it is known, the shown order :math:`s`.
    There is no intercept. A soft or tied label counts as a fractional one.

    Parameters
    ----------
    data : PreferenceData
        With factors.
    annotator, by, factors, ties
        As in :func:`workbench.decompose`.
    prior : {"laplace", "normal"}
    scale : float or "held-out", optional
        Scale of the Laplace, standard deviation of the normal, in logits per unit of a
        difference. By default, or when "held-out", the one of a grid with the least held-out
        log-loss, the same for all groups; in legacy mode 0.1.
    folds : int, optional
        Cluster-grouped folds of the held-out scores (5 when None; 0 leaves them out, and the
        scale is chosen on 5). In legacy mode 1, 2, 5 or 10 (when None): fits on all but one
        fold that are averaged.
    draws : int
        Draws kept of each group, rounded up to whole chains.
    level : float
        Posterior probability of every interval.
    seed : int
    legacy : bool
        Repeat the paper: Laplace prior of scale 0.1, no position term, ties left out,
        average of the posterior means over ``folds``, no held-out scores.

    Returns
    -------
    Dissection

    Raises
    ------
    DesignError
        No factor, no usable label, an option out of range, or a scale to be chosen and all
        labels of one cluster.

    Notes
    -----
    A prior is a choice: too narrow it hides what the labels show, too wide it lets noise
    through. ``scales`` has the held-out log-loss of every scale that was compared. It comes
    from normal approximations of the posteriors (expectation propagation, Seeger 2008), not
    from draws; the posterior that is reported is drawn, once, under the scale chosen. The
    intervals take that scale for known, and ``held_out`` is measured on the folds that chose
    it, which for one number out of six flatters it little.

    In legacy mode the draws of all folds are pooled: their mean is the average of the
    folds' means, their spread that of fits to a part of the data. Pairs are shuffled as
    ``numpy.random.seed(0)`` does, in the order of the design and not of the paper's files.

    References
    ----------
    Li et al. (2024), Dissecting Human and LLM Preferences, section 3 and appendix; the
    sampler is described in :mod:`workbench.decompose.sampling.sampler`.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> human = dissect(data, annotator="human", by="annotator", factors=["words"], folds=0)
    >>> human.weights().draws.shape, human.to_frame()["term"].tolist()
    ((2000, 1, 1), ['words', 'position'])
    """
    folds = (10 if legacy else _FOLDS) if folds is None else folds
    scale = (_PAPER_SCALE if legacy else "held-out") if scale is None else scale
    _check(prior, scale, folds, draws, level, legacy)
    data, by = select_annotators(data, annotator, [by] if isinstance(by, str) else list(by))
    design = build_design(data, by=by, factors=factors, ties="drop" if legacy else ties)
    K = len(design.terms) - 1
    fitted = np.arange(K if legacy or not design.X[:, -1].any() else K + 1)
    parts = labelled(design, fitted)
    scales = pd.DataFrame(columns=_SCALES)
    if isinstance(scale, str):
        scales = _compare_scales(design, parts, prior, len(fitted), folds, seed, level)
        chosen = float(scales.loc[scales["chosen"], "scale"].iloc[0])
    else:
        chosen = float(scale)
    belief = _prior(prior, chosen, K, len(fitted))
    held_out = pd.DataFrame(columns=["group", "n", "reason"])
    if legacy:
        found = draw_folds(parts, belief, draws, folds, seed)
    else:
        found = draw(parts, belief, draws, seed)
        if folds:
            predicted = out_of_fold(design, parts, belief, folds, seed)
            held_out = scores(design, predicted, level, belief, folds)
    settings = {
        **what_was_fitted(data, by, design),
        "prior": prior,
        "scale": scale,
        "scale_used": chosen,
        "position_sd": None if len(fitted) == K else POSITION_SD,
        "ties": "drop" if legacy else ties,
        "folds": folds,
        "draws": found.values.shape[1],
        "level": level,
        "seed": seed,
        "legacy": legacy,
        "method": _method(prior, chosen, folds, legacy, chosen_here=isinstance(scale, str)),
    }
    provenance = Provenance.capture(seed=seed, dataset=data.digest)
    values, ess, rhat = with_position(design, found, K if legacy else K + 1)
    checks = diagnostics(design, found, len(fitted))
    return Dissection(values, ess, rhat, held_out, scales, checks, settings, provenance, design)


def _check(prior: str, scale: object, folds: int, draws: int, level: float, legacy: bool) -> None:
    number = isinstance(scale, (int, float)) and np.isfinite(scale) and scale > 0
    paper = prior == "laplace" and scale == _PAPER_SCALE
    fold_text = "1, 2, 5 or 10" if legacy else "0, or at least 2"
    folds_fine = folds in _LEGACY_FOLDS if legacy else folds == 0 or folds >= 2
    enough = f"at least {FEW_DRAWS}"
    problems = {
        "prior": (prior in ("laplace", "normal"), prior, "'laplace' or 'normal'"),
        "scale": (number or scale == "held-out", scale, "a positive number or 'held-out'"),
        "folds": (folds_fine, folds, fold_text),
        "draws": (draws >= FEW_DRAWS, draws, enough),
        "level": (0 < level < 1, level, "a number between 0 and 1, such as 0.95"),
        "legacy": (not legacy or paper, f"{prior}, {scale}", "the paper's prior: laplace, 0.1"),
    }
    refuse_out_of_range(problems)


def _prior(name: str, scale: float, factors: int, terms: int) -> Prior:
    rate, precision = np.zeros(terms), np.zeros(terms)
    if name == "laplace":
        rate[:factors] = 1.0 / scale
    else:
        precision[:factors] = scale**-2
    precision[factors:] = POSITION_SD**-2
    return Prior(rate, precision)


def _method(prior: str, scale: float, folds: int, legacy: bool, *, chosen_here: bool) -> str:
    spread = f"{'Laplace' if prior == 'laplace' else 'normal'} prior of scale {scale:g}"
    spread += " (least held-out log-loss)" if chosen_here else ""
    base = f"posterior mean, {spread}, equal-tailed interval"
    return f"{base}, {folds} fits averaged" if legacy and folds > 1 else base


def _compare_scales(
    design: Design,
    parts: list[Labelled],
    prior: str,
    terms: int,
    folds: int,
    seed: int,
    level: float,
) -> pd.DataFrame:
    """Return the held-out log-loss of every scale of the grid, all groups together."""
    clusters = len(design.cluster_names)
    if clusters < 2:
        raise DesignError(
            "The scale of the prior cannot be chosen.",
            found=f"{clusters} cluster of pairs, so none can be held out",
            expected="at least two",
            fix="Give the scale: dissect(data, scale=0.1), or --scale 0.1.",
        )
    folds = folds or min(_FOLDS, clusters)
    priors = [_prior(prior, scale, len(design.terms) - 1, terms) for scale in GRID]
    predicted = near_out_of_fold(design, parts, priors, folds, seed)
    lines = [mean_log_loss(design, each, level) for each in predicted]
    table = pd.DataFrame(lines).assign(scale=GRID)
    table["chosen"] = np.arange(len(table)) == int(table["log_loss"].argmin())
    return table[_SCALES]


def _probability_text(row: Any) -> str:
    interval = f"[{row.probability_low:.3f}, {row.probability_high:.3f}]"
    return f"P(better wins) = {row.probability:.3f} {interval}"


def _score_text(row: Any) -> str:
    interval = f"[{row.accuracy_low:.3f}, {row.accuracy_high:.3f}]"
    return f": accuracy {row.accuracy:.3f} {interval}, log-loss {row.log_loss:.3f}"
