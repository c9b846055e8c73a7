"""Reward models: margins by strength, relevance, ensembles, heads that trade off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from workbench.audit.measures import COLUMNS, Measures
from workbench.audit.models.benchmarks import tie_accuracies
from workbench.audit.models.calibration import calibration
from workbench.audit.models.relevance import relevance
from workbench.clustered import Array, cluster_error, mean_difference, share, t_row
from workbench.data.dataset import PreferenceData
from workbench.data.preferred import preferred
from workbench.errors import DataError
from workbench.finding import Finding, Rule, finding
from workbench.intervals import MID_P
from workbench.judges.reward import Score
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.scoring.rewards import RewardHead
from workbench.threads import on_one_thread

_MEAN = "mean over pairs, cluster-robust t interval"
_SHARE = f"share of pairs, {MID_P}"
_SLOPE = "least squares, cluster-robust t interval"
NEAR = 0.25
"""Share of the spread of mean margins within which a pair counts as undecided."""

RULES = {
    "labels-against-rewards": Rule(
        "share of the tenth with the lowest mean margins whose choice better labels confirm",
        "interval below a half",
        "Look at those pairs; leave them out or turn them (workbench curate), or weigh them down.",
    )
}
"""What rewards may show of labels, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class MarginsByStrength(Measures):
    """Reward margins by how strongly people preferred."""

    heading: ClassVar[str] = "Reward margins by strength of preference"
    about: ClassVar[str] = (
        "A reward model that learnt the strength gives strongly preferred responses larger "
        "margins. The slope is per unit of strength."
    )


@dataclass(frozen=True, eq=False)
class RewardAccuracy(Measures):
    """How often the preferred response has the higher reward."""

    heading: ClassVar[str] = "Reward accuracy"
    about: ClassVar[str] = (
        "The share of pairs whose chosen response has the higher reward, with ties counted as "
        "wrong, as half and not at all."
    )

    def summary(self) -> str:
        """Return the measures as text, with which tokens were scored."""
        return "\n".join([super().summary(), *(f"  {one}" for one in self.settings["scored"])])


@dataclass(frozen=True, eq=False)
class RewardEnsemble(Measures):
    """Agreement of several reward models, and with it the strength of preferences."""

    heading: ClassVar[str] = "Ensemble of reward models"
    about: ClassVar[str] = (
        "Mean and standard deviation of the margins over models that differ by seed or order. "
        "Models fitted on the labels that they are held against flatter them: take out-of-fold "
        "scores."
    )

    def findings(self) -> list[Finding]:
        """Return labels of the weakest pairs that better ones turn more often than not."""
        table = self.estimates.set_index("term")
        term = "confirmed in decile 1 of the mean margin"
        if term not in table.index or not table.loc[term, "conf_high"] < 0.5:
            return []
        row = table.loc[term]
        numbers = (row["estimate"], row["conf_low"], row["conf_high"])
        text = "Better labels turn most of the pairs on which the reward models disagree with them"
        return [finding(RULES, "labels-against-rewards", "warning", text, int(row["n"]), numbers)]


def margins_by_strength(
    margin: Array, strength: Array, cluster: Array, *, level: float = 0.95
) -> MarginsByStrength:
    """Return the mean margin and the share of wrong signs at every strength, and the slope.

    Parameters
    ----------
    margin : ndarray, shape (n,)
        Reward of the chosen response minus that of the rejected one.
    strength : ndarray, shape (n,)
        How strongly it is preferred; HelpSteer2-Preference has 1, 2 and 3.
    cluster : ndarray of str, shape (n,)
    level : float

    Raises
    ------
    DataError
        One strength only, or no pair.

    Examples
    --------
    >>> found = margins_by_strength(np.array([1.0, 2, 3]), np.array([1.0, 2, 3]), np.arange(3))
    >>> found.to_frame().set_index("term").loc["slope per unit of strength", "estimate"]
    np.float64(1.0)
    """
    use = np.isfinite(margin) & np.isfinite(strength)
    margin, strength = margin[use], strength[use]
    code = pd.factorize(np.asarray(cluster)[use])[0]
    levels = np.unique(strength)
    if len(levels) < 2:
        raise DataError(
            "There is no strength to compare.",
            found=f"{len(levels)} strengths over {len(margin):,} pairs",
            expected="at least two strengths of preference",
            fix="Load labels with a strength.",
        )
    rows = []
    for one in levels:
        mine = strength == one
        rows.append({"term": f"mean margin at strength {one:g}", "method": _MEAN,
                     **mean_difference(margin[mine], code[mine], level)})  # fmt: skip
        wrong = (margin[mine] < 0).astype(float)
        rows.append({"term": f"margin below 0 at strength {one:g}", "method": _SHARE,
                     **share(wrong, code[mine], level)})  # fmt: skip
    centred = strength - strength.mean()
    slope = float(centred @ margin / (centred @ centred))
    residual = margin - margin.mean() - slope * centred
    error = cluster_error(centred * residual / (centred @ centred), code)
    rows.append({"term": "slope per unit of strength", "method": _SLOPE,
                 **t_row(slope, error, len(margin), code, level)})  # fmt: skip
    return MarginsByStrength(*_result(rows, "Margins by strength", level))


@on_one_thread
def ensemble(
    margins: Array, cluster: Array, gold: Array | None = None, *,
    names: Sequence[str] = (), level: float = 0.95,
) -> RewardEnsemble:  # fmt: skip
    """Return what several reward models agree on, and the strength of preferences.

    Parameters
    ----------
    margins : ndarray, shape (n, models)
        Reward of the chosen response minus that of the rejected one.
    cluster : ndarray of str, shape (n,)
    gold : ndarray, shape (n,), optional
        1 where a better label confirms the choice, 0 where it turns it, NaN where there is
        none; told by decile of the mean margin.
    names : sequence of str
        Of the models, whose shares of right signs are told then; equal rewards count half.
    level : float

    Raises
    ------
    DataError
        Fewer than two models.

    Notes
    -----
    Wang et al. (2024), "Secrets of RLHF II": mean and population standard deviation over
    models. *Near 0*: within :data:`NEAR` standard deviations of all mean margins.

    Examples
    --------
    >>> found = ensemble(np.array([[1.0, 3.0], [-1.0, -1.0]]), np.arange(2))
    >>> found.to_frame().set_index("term").loc["mean margin below 0", "estimate"]
    np.float64(0.5)
    """
    margins = np.asarray(margins, float)
    if margins.ndim != 2 or margins.shape[1] < 2:
        raise DataError(
            "There is no ensemble.",
            found=f"shape {margins.shape}",
            expected="pairs by models, at least two models",
            fix="Give the margins of several reward models.",
        )
    code = pd.factorize(np.asarray(cluster))[0]
    mean, spread = margins.mean(axis=1), margins.std(axis=1)
    near = np.abs(mean) < NEAR * mean.std()
    signs = (np.sign(margins) == np.sign(mean)[:, None]).mean(axis=1)
    rows: list[dict[str, Any]] = [
        {"term": "mean margin", **mean_difference(mean, code, level), "method": _MEAN},
        {"term": "standard deviation over models", **mean_difference(spread, code, level),
         "method": _MEAN},
        {"term": "mean margin below 0", **share((mean < 0).astype(float), code, level),
         "method": _SHARE},
        {"term": "mean margin near 0", **share(near.astype(float), code, level),
         "method": _SHARE},
        {"term": "models that agree in sign", **share(signs, code, level), "method": _SHARE},
    ]  # fmt: skip
    rows += [{"term": f"margin above 0, {name}", "method": _SHARE,
              **share(np.where(own == 0, 0.5, own > 0), code, level)}
             for name, own in zip(names, margins.T, strict=bool(names))]  # fmt: skip
    if gold is not None:
        confirmed = np.asarray(gold, float)
        decile = np.ceil(10 * rankdata(mean, "ordinal") / len(mean)).astype(int)
        rows += [
            {"term": f"confirmed in decile {k} of the mean margin", "method": _SHARE,
             **share(confirmed[own], code[own], level)}
            for k in np.unique(decile)
            for own in [(decile == k) & np.isfinite(confirmed)]
        ]  # fmt: skip
    return RewardEnsemble(*_result(rows, f"{margins.shape[1]} reward models", level))


@on_one_thread
def audit_rewards(
    data: PreferenceData,
    score: Score,
    annotators: Sequence[str] | None = None,
    *,
    n: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> list[Result]:
    """Audit a reward model on labelled pairs.

    Parameters
    ----------
    data : PreferenceData
    score : callable
        From (prompt, response) pairs to rewards. Of a :class:`workbench.scoring.rewards.RewardHead`
        the result also says which tokens it was given, and margins within its noise are ties.
    annotators : sequence of str, optional
        Whose majority says which response is the chosen one.
    n : int
        Pairs whose responses are changed.
    level : float
    seed : int

    Returns
    -------
    list of Result
        Accuracy under three ways with ties, calibration, margins by strength where labels
        have strengths, relevance and length where there are several prompts.

    Raises
    ------
    DataError
        No pair with a preference has two rewards.
    """
    if isinstance(score, RewardHead):
        score = score.knowing(data)
    pairs = preferred(data, annotators)
    pairs = pairs[pairs["why"].isna()]
    texts = list(zip(pairs["prompt"], pairs["chosen"], pairs["rejected"], strict=True))
    margin = np.subtract(*(
        np.asarray(score([(one[0], one[side]) for one in texts]), float) for side in (1, 2)
    ))  # fmt: skip
    band, said = 0.0, list[str]()
    if isinstance(score, RewardHead):
        reading = score.reading(texts)
        margin[list(reading.left_out)] = np.nan
        band = score.noise(texts, margin)
        said = [*reading.lines, f"ties: margins within {band:.3g}"]
    known = np.isfinite(margin)
    if not known.any():
        raise DataError(
            "There is no pair to audit.",
            found=f"{len(pairs):,} pairs with a preference, none with two rewards"
            + "".join(f"; {one}" for one in said),
            expected="at least one",
            fix="Look at the labels, and at what the reward model returns.",
        )
    pairs, margin = pairs[known], margin[known]
    code = pd.factorize(pairs["cluster"])[0]
    apart = np.where(np.abs(margin) <= band, 0.0, margin)
    rows = tie_accuracies(apart, code, level).assign(method=_SHARE)
    about = {"what": f"Reward accuracy, {int((~known).sum()):,} pairs without a reward",
             "level": level, "band": band, "scored": said}  # fmt: skip
    table = rows.reindex(columns=list(COLUMNS))
    found: list[Result] = [RewardAccuracy(table, about, Provenance.capture(dataset=data.digest))]
    if code.max() > 0:
        scenario = pairs["scenario"].to_numpy(dtype=object)
        found.append(
            calibration(margin, pairs["votes"].to_numpy("float64"), pairs["cluster"].to_numpy(),
                        scenario if pairs["scenario"].nunique() > 1 else None,
                        folds=min(5, int(code.max()) + 1), level=level, seed=seed)
        )  # fmt: skip
    strength = pairs["strength"].to_numpy("float64")
    if len(np.unique(strength[np.isfinite(strength)])) > 1:
        found.append(
            margins_by_strength(margin, strength, pairs["cluster"].to_numpy(), level=level)
        )
    if pairs["prompt"].nunique() > 1:
        own = data.filter(pair_ids=pairs["pair_id"])
        found.append(relevance(own, score, n=n, level=level, seed=seed))
    return found


def _result(
    rows: list[dict[str, Any]], what: str, level: float
) -> tuple[pd.DataFrame, dict[str, Any], Provenance]:
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    return table, {"what": what, "level": level}, Provenance.capture()
