"""The verb that rates models by scenario, with partial pooling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from workbench.compare.scenario_ratings.kernel import Mode, mode
from workbench.compare.scenario_ratings.layout import ByScenario, by_scenario
from workbench.compare.scenario_ratings.result import ScenarioRatings
from workbench.compare.scenario_ratings.spread import Tau, estimate_tau
from workbench.compare.scenario_ratings.tables import (
    Posterior,
    covariate_table,
    move_table,
    overall_table,
    reversal_table,
    scenario_table,
)
from workbench.data.dataset import PreferenceData
from workbench.decompose.kernel import Array
from workbench.errors import DesignError, level_option, listed, refuse_out_of_range, seed_option
from workbench.intervals import NO_VARIATION, ONE_CLUSTER
from workbench.provenance import Provenance
from workbench.ratings.battles import Battles, collect
from workbench.ratings.comparable import comparable
from workbench.ratings.errors import Laid, collapse, lay, sandwich
from workbench.ratings.kernel import Likelihood, fit
from workbench.ratings.style import fit_with_style
from workbench.threads import on_one_thread

_NAMED = ("equal", "share")


@on_one_thread
def rate_scenarios(
    data: PreferenceData,
    annotator: str | Iterable[str] | None = "human",
    *,
    by: str = "scenario",
    covariates: Sequence[str] = (),
    weights: str | Mapping[str, float] = "share",
    level: float = 0.95,
    seed: int = 0,
) -> ScenarioRatings:
    r"""Rate models in each scenario, each scenario borrowing strength from the others.

    .. math:: \operatorname{logit} P(A) = \theta_{as} - \theta_{bs} + x'\beta, \qquad
              \theta_{ms} = \theta_m + \delta_{ms}, \quad \delta_{ms} \sim N(0, \tau^2)

    Parameters
    ----------
    data : PreferenceData
        With ``model_a`` and ``model_b``.
    annotator : str or iterable of str, optional
        Only these annotators' labels, or those of a kind; all when None.
    by : str
        Column of the pairs or labels that names the scenario.
    covariates : sequence of str
        Factor columns in the same model, with one weight for all scenarios: style, or anything
        else that is held constant (contextual ratings).
    weights : {"share", "equal"} or mapping of str to float
        Of the scenarios in the composite rating: their shares of the battles, all alike, or given
        by name.
    level : float
    seed : int
        Of the draws behind rank sets.

    Returns
    -------
    ScenarioRatings

    Raises
    ------
    DesignError
        No model names, no two comparable models, one scenario, or an option out of range.

    Notes
    -----
    Labels of one cluster repeat each other: the likelihood is raised to the power
    :math:`P / \operatorname{tr}(H V)` (1 at the most), with the cluster-robust covariance V and
    Hessian H of the fit without scenarios. Covariances are those of the posterior given tau, plus
    what the uncertainty of tau adds (Kass and Steffey 1989). With few battles a scenario, a tau of
    1 and more comes out too small.

    References
    ----------
    Bradley and Terry (1952); Morris (1983); Chung et al. (2013); Self and Liang (1987); Mogstad et
    al. (2024) for rank sets.

    Examples
    --------
    >>> import workbench as wb
    >>> found = wb.rate_scenarios(wb.load("sample"))
    >>> found.to_frame()["term"].tolist()
    ['sim-model-b', 'sim-model-d', 'sim-model-a', 'sim-model-c']
    """
    refuse_out_of_range(
        {
            "level": level_option(level),
            "seed": seed_option(seed),
            "weights": (
                isinstance(weights, Mapping) or weights in _NAMED, weights,
                "share, equal, or a number for each scenario",
            ),
        }
    )  # fmt: skip
    names = listed("covariates", covariates)
    data = data.decided()
    battles = collect(data, annotator=annotator, covariates=names, ties="half")
    rated, reasons = comparable(battles)
    if len(rated) < 2:
        raise DesignError(
            "No two models can be compared.",
            found="; ".join(f"{name} {why}" for name, why in list(reasons.items())[:3]),
            expected="models that have each won against others, directly or through a chain",
            fix="Add battles.",
        )
    used, whole, lost = _held_constant(battles.subset(rated), names)
    rows = by_scenario(data, used, by)
    share = _shares(rows, weights)
    power, why = _power(whole)
    tau, pooled = estimate_tau(rows, power, level)
    if not pooled.converged:
        raise DesignError(
            "The ratings have no finite maximum.",
            found="a likelihood that grows without end",
            expected="wins and losses that no ordering of the models explains fully",
            fix="Add battles, or leave covariates out.",
        )
    post = Posterior(rows, pooled, _moved(rows, pooled, tau, power), share, used.n_clusters,
                     level, seed, why)  # fmt: skip
    settings: dict[str, Any] = {
        "annotator": annotator if isinstance(annotator, str | None) else list(annotator),
        "by": by,
        "scenarios": rows.scenarios,
        "covariates": rows.covariates,
        "weights": dict(zip(rows.scenarios, map(float, share), strict=True)),
        "weighed": weights if isinstance(weights, str) else "as given",
        "level": level,
        "likelihood_power": round(power, 6),
        "n": len(used),
        "n_clusters": used.n_clusters,
        "not_rated": reasons,
        "covariates_left_out": lost,
    }
    return ScenarioRatings(
        estimates=overall_table(post),
        scenarios=scenario_table(post),
        tau=_tau_table(tau, rows, used, why),
        moves=move_table(post),
        reversals=reversal_table(post),
        covariates=covariate_table(post),
        exclusions=battles.exclusions,
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


@dataclass(frozen=True, eq=False)
class _Whole:
    """The fit without scenarios: battles, likelihood and maximum."""

    laid: Laid
    model: Likelihood
    phi: Array
    bread: Array
    robust: Array


def _held_constant(used: Battles, names: list[str]) -> tuple[Battles, _Whole, dict[str, str]]:
    """Return battles with the covariates that can be told, the fit of all, and why others not."""
    laid = lay(used, False)
    lost: dict[str, str] = {}
    if names:
        style, kept, lost = fit_with_style(laid, names, davidson=False, ridge=0.0)
        if style is not None:
            robust = sandwich(style.laid, [style.model], [style.found])
            found = style.found
            whole = _Whole(style.laid, style.model, found.phi, found.bread, robust)
            return used.with_covariates(kept), whole, lost
        used = used.with_covariates([])
        laid = lay(used, False)
    rows, votes = collapse(used, False)
    found = fit(Likelihood(rows, davidson=False, ridge=0.0), votes)
    model = Likelihood(laid.rows, davidson=False, ridge=0.0)
    return used, _Whole(laid, model, found.phi, found.bread, sandwich(laid, [model], [found])), lost


def _power(whole: _Whole) -> tuple[float, str | None]:
    """Return the power of the likelihood, and why there are no errors."""
    if not np.isfinite(whole.robust).all():
        return 1.0, ONE_CLUSTER if whole.laid.n_clusters < 2 else NO_VARIATION
    hessian = whole.model.newton(whole.phi, whole.laid.votes)[2]
    trace = float(np.sum(hessian * whole.robust))
    return (min(1.0, (len(whole.phi) - 1) / trace), None) if trace > 0 else (1.0, NO_VARIATION)


def _moved(rows: ByScenario, pooled: Mode, tau: Tau, power: float) -> tuple[Array, Array]:
    """Return what one standard error of log tau moves: ratings (S, M), and mean ratings (M,)."""
    if not np.isfinite(tau.log_error):
        return np.zeros(rows.shape), np.zeros(rows.shape[1])
    # beyond half a unit of log tau nothing is straight
    step = min(tau.log_error, 0.5)
    near = [mode(rows, tau.pooled * float(np.exp(move)), power, pooled) for move in (-step, step)]
    scale = tau.log_error / (2 * step)
    ratings = (near[1].ratings - near[0].ratings) * scale
    return ratings, (near[1].mean - near[0].mean) * scale


def _shares(rows: ByScenario, weights: str | Mapping[str, float]) -> Array:
    """Return the weight of each scenario in the composite; they sum to 1."""
    S = len(rows.scenarios)
    if weights == "equal":
        return np.full(S, 1.0 / S)
    if weights == "share":
        total = np.bincount(rows.scenario, rows.weight, S)
        return np.asarray(total / total.sum())
    given = dict(weights) if isinstance(weights, Mapping) else {}
    wrong = [
        name for name, value in given.items()
        if not isinstance(value, Real) or not np.isfinite(float(value)) or float(value) < 0
    ]  # fmt: skip
    lacking = [name for name in rows.scenarios if name not in given]
    unknown = [name for name in given if name not in rows.scenarios]
    if wrong or lacking or unknown or not sum(given.values()) > 0:
        raise DesignError(
            "The weights are not those of the scenarios.",
            found="; ".join(f"{name} {given.get(name, 'has none')}" for name in
                            [*wrong, *lacking, *unknown][:6]) or "weights that sum to 0",
            expected="a number, 0 or more, for each of " + ", ".join(rows.scenarios),
            fix="Name each scenario once in weights={...}; 0 leaves one out.",
        )  # fmt: skip
    values = np.array([float(given[name]) for name in rows.scenarios])
    return np.asarray(values / values.sum())


def _tau_table(tau: Tau, rows: ByScenario, used: Battles, why: str | None) -> pd.DataFrame:
    known = why is None
    reason = "; ".join(one for one in (tau.reason, why) if one) or None
    return pd.DataFrame([{
        "term": "tau", "estimate": tau.estimate, "std_error": np.nan,
        "conf_low": tau.low if known else np.nan, "conf_high": tau.high if known else np.nan,
        "p_value": tau.p_value if known else np.nan, "q_value": tau.p_value if known else np.nan,
        "n": float(len(used)), "tau_pooled": tau.pooled, "n_scenarios": float(len(rows.scenarios)),
        "n_clusters": float(used.n_clusters), "reason": reason,
        "method": "restricted likelihood (Laplace), profile interval, likelihood-ratio test of 0",
    }])  # fmt: skip
