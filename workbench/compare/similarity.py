"""How alike annotators weigh the factors: correlations of weights, corrected for noise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.compare.attenuation import (
    FEWEST_TERMS,
    PairMeans,
    Scenario,
    moments,
    pair_means,
    ranked,
)
from workbench.compare.similarity_result import NO_DRAWS, Similarity, interval
from workbench.decompose.fit_files import ALL, QUERY_CASES
from workbench.decompose.kernel import Array
from workbench.decompose.weights import SEPARATOR, Weights
from workbench.errors import DesignError
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

Correlation = Literal["pearson", "spearman"]
Cube = tuple[Array, Array | None, NDArray[np.int64]]
"""Of one scenario, by annotator: weights, their draws, labels."""

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]

_NOT_CORRECTED = "no correction for noise: it is of Pearson correlations"
_UNRELIABLE = "no correction: the weights of one of the two vary no more than their noise"
_OFTEN_UNRELIABLE = "no interval of the corrected value: undefined in too many replicates"
_SAME = "no interval: the two have the same weights in every replicate"
_OPPOSITE = "no interval: the two have opposite weights in every replicate"
_UNMOVED = "no interval: the same in every replicate"
_AT_BOUND = "the corrected value is at the end of its range: noise took it there or beyond"
_BARE = "no corrected value: it would stand at the end of its range, without an interval"
_OFTEN_UNDEFINED = "no interval: undefined in too many replicates"
_NOTHING_SHARED = f"no scenario in which both have {FEWEST_TERMS} terms, and weights that vary"


class HasWeights(Protocol):
    """A fit that can give its weights."""

    def weights(self) -> Weights:
        """Return the weights of every group."""


@on_one_thread
def similarity(
    fit: HasWeights | Weights,
    *,
    scenario: str | Sequence[str] | None = None,
    method: Correlation = "pearson",
    terms: Sequence[str] | None = None,
    level: float = 0.95,
) -> Similarity:
    r"""Correlate the weights of annotators.

    .. math:: r_{ab} = \frac{1}{S} \sum_s \operatorname{corr}_k(w_{ask}, w_{bsk})

    Parameters
    ----------
    fit : object with ``weights()``, or Weights
        A decomposition, bootstrap, dissection or published fits. The key ``annotator`` (or
        ``kind``) tells annotators apart, all other keys together make the scenario.
    scenario : str or sequence of str, optional
        Of these scenarios only. By default of all, but without the five query-specific cases
        of preference dissection, which overlap its scenarios.
    method : {"pearson", "spearman"}
        Of the weights, or of their ranks (over the terms that all annotators of a scenario
        have).
    terms : sequence of str, optional
        Only these factors.
    level : float
        Confidence level of every interval.

    Returns
    -------
    Similarity

    Raises
    ------
    DesignError
        Fewer than two annotators, an unknown scenario or term, or an option out of range.

    Notes
    -----
    Weights are noisy, w = v + e, and on average

    .. math:: E[w_a' C w_b] = v_a' C v_b + \operatorname{tr}(C\, \Sigma_{ab}),\quad C = I - 11'/K

    where :math:`\Sigma_{ab}` is the covariance of the errors of both: they are correlated, as
    both labelled the same pairs. The draws give it, and the correction takes it off the
    product and off both variances:

    .. math:: r'_{ab} = \frac{\operatorname{mean}_s (w_a'Cw_b - \operatorname{tr} C\Sigma_{ab})
              / \sqrt{w_a'Cw_a\, w_b'Cw_b}}{\sqrt{R_a R_b}},\quad
              R_a = \operatorname{mean}_s \Big(1 -
              \frac{\operatorname{tr} C\Sigma_{aa}}{w_a'Cw_a}\Big)

    the correction of Spearman (1904) with the reliabilities R; scenarios count by how
    reliable they are. Posterior means are shrunk: their reliability is the variance of the
    posterior means as a share of that and the mean posterior variance, which is right when
    the prior is about as wide as the weights; what errors share is not in separate posteriors,
    so use a bootstrap to compare annotators who labelled the same pairs.

    A corrected value beyond 1 or -1, which noise makes, is given as 1 or -1 and said; without an
    interval it is undefined.

    Intervals are percentiles of replicates; where these do not centre on the estimate, they reach
    as far beyond it as beyond their median, on Fisher's scale. The draws' deviations are added
    to weights that were shrunk to the corrected moments. Added to the estimates, noise would enter
    twice and pull every replicate towards 0. The interval of the raw value is therefore of what
    data of this size give on average; that of the corrected value is of the weights without noise.
    The interval of Spearman's correlation comes from draws around weights that were shrunk one by
    one, shifted on Fisher's scale so that their mean is the estimate.

    References
    ----------
    Spearman (1904); Li et al. (2024), Dissecting Human and LLM Preferences, for the mean over
    scenarios.

    Examples
    --------
    >>> keys = pd.DataFrame({"annotator": ["human", "judge"], "scenario": ["Code", "Code"]})
    >>> values = np.array([[0.5, 0.1, 0.2], [0.4, 0.1, 0.3]])
    >>> both = Weights(["a", "b", "c"], keys, values, None, np.array([9, 9]), "given")
    >>> round(float(similarity(both).matrix().loc["human", "judge"]), 3)
    0.891
    """
    _check(method, level)
    weights = fit if isinstance(fit, Weights) else fit.weights()
    names, scenarios = _keys(weights)
    chosen, left = _scenarios(scenarios, scenario)
    columns = _terms(weights.terms, terms)
    annotators = sorted(set(names[scenarios.isin(chosen)]))
    if len(annotators) < 2:
        raise DesignError(
            "A similarity takes at least two annotators.",
            found=", ".join(annotators) or "none",
            expected="weights of two annotators or more",
            fix="Fit by annotator, and keep at least two of them.",
        )
    cubes = [_scenario(weights, names, scenarios == s, annotators, columns) for s in chosen]
    posterior = weights.posterior
    if method == "spearman":
        shrunk = [Scenario(v, draws, posterior).around_shrunk() for v, draws, _ in cubes]
        cubes = [(*ranked(v, again), n) for (v, _, n), again in zip(cubes, shrunk, strict=True)]
    noisy = method == "pearson"
    parts = [Scenario(v, draws if noisy else None, posterior) for v, draws, _ in cubes]
    pairs = np.triu_indices(len(annotators), 1)
    means, again = pair_means(parts, pairs)
    raw = None if again is None else again.raw
    if method == "spearman" and weights.draws is not None:
        raw = _rank_replicates(cubes, parts, pairs, means.raw, len(weights.draws))
    table = _table(annotators, pairs, parts, means)
    _add_intervals(table, raw, again, level)
    table["n"] = sum(n[pairs[0]] + n[pairs[1]] for _, _, n in cubes)
    table["method"] = _method(method, weights, posterior)
    table["reason"] = _reasons(table, method, _same(raw, table["estimate"].to_numpy()))
    settings = {
        "method": method,
        "level": level,
        "scenarios": chosen,
        "scenarios_left_out": left,
        "terms": [weights.terms[k] for k in columns],
        "weights": weights.method,
    }
    provenance = getattr(fit, "provenance", None) or Provenance.capture()
    return Similarity(table, annotators, raw, settings, provenance)


def _check(method: str, level: float) -> None:
    if method not in ("pearson", "spearman"):
        raise DesignError(
            "Option method is out of range.",
            found=repr(method),
            expected="'pearson' or 'spearman'",
            fix="Pass another method=.",
        )
    if not 0 < level < 1:
        raise DesignError(
            "Option level is out of range.",
            found=repr(level),
            expected="a number between 0 and 1, such as 0.95",
            fix="Pass another level=.",
        )


def _keys(weights: Weights) -> tuple[pd.Series, pd.Series]:
    """Return annotator and scenario of each group."""
    found = [name for name in ("annotator", "kind") if name in weights.keys]
    if not found:
        raise DesignError(
            "Nothing tells whose weights these are.",
            found=f"groups by {', '.join(map(str, weights.keys.columns)) or 'nothing'}",
            expected="groups by annotator, or by kind",
            fix='Fit with by=["annotator", "scenario"].',
        )
    rest = weights.keys.drop(columns=found[0]).astype("str")
    scenarios = [SEPARATOR.join(row) or ALL for row in rest.itertuples(index=False)]
    return weights.keys[found[0]].astype("str"), pd.Series(scenarios, dtype="str")


def _scenarios(
    scenarios: pd.Series, wanted: str | Sequence[str] | None
) -> tuple[list[str], list[str]]:
    """Return the scenarios to average over, and the overlapping ones that are left out."""
    known = sorted(scenarios.unique())
    if wanted is None:
        plain = [name for name in known if name not in QUERY_CASES]
        left = [name for name in known if name in QUERY_CASES]
        return (plain, left) if plain else (known, [])
    chosen = sorted({wanted} if isinstance(wanted, str) else set(wanted))
    unknown = [name for name in chosen if name not in known]
    if unknown or not chosen:
        raise DesignError(
            f"There is no scenario {unknown[0]!r}." if unknown else "No scenario is chosen.",
            found=", ".join(known),
            expected="some of these",
            fix="Check the spelling, or leave scenario= out for all of them.",
        )
    return chosen, []


def _terms(known: list[str], wanted: Sequence[str] | None) -> list[int]:
    chosen = known if wanted is None else list(dict.fromkeys(wanted))
    unknown = [name for name in chosen if name not in known]
    if unknown or len(chosen) < FEWEST_TERMS:
        raise DesignError(
            f"There is no term {unknown[0]!r}."
            if unknown
            else f"A correlation of weights takes at least {FEWEST_TERMS} terms.",
            found=", ".join(known if unknown else chosen),
            expected="some of these" if unknown else "more terms",
            fix="Pass other terms=, or fit more factors.",
        )
    return sorted(known.index(name) for name in chosen)


def _scenario(
    weights: Weights,
    names: pd.Series,
    here: pd.Series,
    annotators: list[str],
    columns: list[int],
) -> Cube:
    at = np.flatnonzero(here)
    place = [annotators.index(name) for name in names.iloc[at]]
    values = np.full((len(annotators), len(columns)), np.nan)
    values[place] = weights.values[at[:, None], columns]
    n = np.zeros(len(annotators), dtype=np.int64)
    n[place] = weights.n[at]
    if weights.draws is None:
        return values, None, n
    draws = np.full((len(weights.draws), *values.shape), np.nan)
    draws[:, place] = weights.draws[:, at[:, None], columns]
    return values, draws, n


def _rank_replicates(
    cubes: list[Cube], parts: list[Scenario], pairs: Pairs, estimate: Array, replicates: int
) -> Array:
    """Return mean rank correlations of the draws, shifted so that they centre on the estimate."""
    i, j = pairs
    # a scenario without a term that all have has no ranks, and no draws of them
    total = np.zeros((replicates, len(i)))
    for (_, draws, _), part in zip(cubes, parts, strict=True):
        if draws is not None:
            again = moments(draws, draws, part.mask)
            with np.errstate(invalid="ignore", divide="ignore"):
                r = again.cross[:, i, j] / np.sqrt(again.own[:, i, j] * again.own[:, j, i])
            total += np.where(part.defined[i, j], r, 0.0)
    mean = total / np.maximum(sum(part.defined[i, j] for part in parts), 1)
    inside = 1 - 1e-9
    z = np.arctanh(np.clip(mean, -inside, inside))
    known = np.isfinite(z)
    centre = np.where(known, z, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.asarray(np.tanh(z - centre + np.arctanh(np.clip(estimate, -inside, inside))))


def _table(
    annotators: list[str], pairs: Pairs, parts: list[Scenario], means: PairMeans
) -> pd.DataFrame:
    shared = np.stack([part.shared[pairs] for part in parts])
    there = np.stack([part.defined[pairs] for part in parts])
    fewest = np.where(there, shared, np.iinfo(np.int64).max).min(axis=0)
    first, second = ([annotators[k] for k in side] for side in pairs)
    undefined = ("std_error", "conf_low", "conf_high", "p_value", "q_value")
    return pd.DataFrame(
        {
            "annotator": first,
            "other": second,
            "term": [f"{a} ~ {b}" for a, b in zip(first, second, strict=True)],
            "estimate": np.clip(means.raw, -1.0, 1.0),
            **dict.fromkeys(undefined, np.nan),
            "n": 0,
            "disattenuated": np.clip(means.corrected, -1.0, 1.0),
            "disattenuated_low": np.nan,
            "disattenuated_high": np.nan,
            "reliability": means.reliability[0],
            "other_reliability": means.reliability[1],
            "n_terms": np.where(there.any(axis=0), fewest, shared.max(axis=0)),
            "n_scenarios": there.sum(axis=0),
        }
    )


def _add_intervals(
    table: pd.DataFrame, raw: Array | None, again: PairMeans | None, level: float
) -> None:
    if raw is not None:
        ends = interval(raw, table["estimate"].to_numpy(), level)
        table["conf_low"], table["conf_high"] = ends
        known = np.isfinite(raw)
        count = np.maximum(known.sum(axis=0), 2)
        mean = np.where(known, raw, 0.0).sum(axis=0) / count
        square = np.where(known, raw - mean, 0.0) ** 2
        spread = np.sqrt(square.sum(axis=0) / (count - 1))
        table["std_error"] = np.where(table["conf_low"].notna(), spread, np.nan)
    if again is not None:
        # a value that is undefined itself has no interval
        ends = interval(again.corrected, table["disattenuated"].to_numpy(), level)
        table["disattenuated_low"], table["disattenuated_high"] = ends
        # noise takes a corrected value to the end of its range: without an interval it says nothing
        bare = np.isnan(ends[0]) & (table["disattenuated"].abs() >= 1.0).to_numpy()
        table.loc[bare, "disattenuated"] = np.nan


def _same(raw: Array | None, estimate: Array) -> NDArray[np.bool_]:
    """Return which correlations are the same in every replicate in which they are defined."""
    if raw is None:
        return np.zeros(len(estimate), dtype=bool)
    away = np.where(np.isfinite(raw), np.abs(raw - estimate), 0.0)
    return np.asarray((away.max(axis=0) < 1e-9) & np.isfinite(raw).any(axis=0))


def _method(method: str, weights: Weights, posterior: bool) -> str:
    text = f"{method.capitalize()} correlation of weights ({weights.method}), mean over scenarios"
    if weights.draws is None:
        return text
    if method == "spearman":
        return f"{text}; percentiles of shifted draws"
    by = "posterior variance" if posterior else "variance and covariance of the draws"
    return f"{text}; corrected for noise by the {by}; percentiles of replicates"


def _reasons(table: pd.DataFrame, method: str, same: NDArray[np.bool_]) -> pd.Series:
    draws = "percentiles" in table["method"].iloc[0]
    unmade = [NO_DRAWS] if not draws else [_NOT_CORRECTED] if method == "spearman" else []
    reasons: list[str | None] = []
    for row in table.assign(same=same).itertuples():
        if np.isnan(row.estimate):
            reasons.append(_NOTHING_SHARED)
            continue
        found = list(unmade)
        if draws and np.isnan(row.conf_low):
            found.append(_unmoved(row.estimate) if row.same else _OFTEN_UNDEFINED)
        if draws and method == "pearson":
            found += _why_not_corrected(row)
        reasons.append("; ".join(found) or None)
    return pd.Series(reasons, dtype="str")


def _unmoved(estimate: float) -> str:
    """Say why a similarity that no replicate moves has no interval."""
    if abs(estimate) < 1 - 1e-9:
        return _UNMOVED
    return _SAME if estimate > 0 else _OPPOSITE


def _why_not_corrected(row: Any) -> list[str]:
    """Return what is to be said of a corrected value, or of its lack."""
    if np.isfinite(row.disattenuated_low):
        return [_AT_BOUND] if abs(row.disattenuated) == 1.0 else []
    if np.isfinite(row.disattenuated):
        return [] if row.same else [_OFTEN_UNRELIABLE]
    return [_BARE if min(row.reliability, row.other_reliability) > 0 else _UNRELIABLE]
