"""Win rates by a judge, corrected by the part that the reference labelled too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy.stats import norm, t

from workbench.audit.judges.verdicts.preferences import annotator_preference, reference_preference
from workbench.audit.measures import Measures
from workbench.clustered import Array, share
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, refuse_out_of_range
from workbench.intervals import MID_P, ONE_CLUSTER, effective_size, mid_p
from workbench.results import TIDY

_METHOD = f"prediction-powered mean, power-tuned; with one pair more, {MID_P}"


@dataclass(frozen=True, eq=False)
class CorrectedRates(Measures):
    """Win rates of models by a judge, corrected by the reference's labels on a part.

    The tidy columns, one row a model, are of the corrected win rate; ``n`` pairs, ``n_people``
    of them labelled by the reference; the uncorrected rates by the ``judge`` and by the
    reference (``people``) with their ends; ``power``: weight of the judge's verdicts, from 0
    to 1; ``labels_needed``: the reference's labels for an interval of the width that was asked
    for.
    """

    heading: ClassVar[str] = "Win rates corrected by the reference"
    about: ClassVar[str] = (
        "What the reference would say of all pairs, from the judge's verdicts on all and its own "
        "on a part. The judge's rate stands beside it: where the two differ, it is biased for the "
        "model."
    )
    columns: ClassVar[tuple[str, ...]] = (
        *TIDY, "n_people", "judge", "judge_low", "judge_high", "people", "people_low",
        "people_high", "power", "labels_needed", "n_clusters", "method", "reason",
    )  # fmt: skip
    closing: ClassVar[str] = f"method: {_METHOD}"
    x_title: ClassVar[str] = "win rate"
    reference: ClassVar[float] = 0.5

    def _plotted(self) -> pd.DataFrame:
        alone = {"judge": "judge alone", "people": f"{self.settings['reference_is']} alone"}
        return self._with_columns("corrected", alone)

    def _what(self) -> str:
        return f"Win rates by {self.settings['judge']}, corrected by {self.settings['reference']}"

    def _numbers(self, row: Mapping[Any, Any]) -> str:
        who, width = self.settings["reference_is"], self.settings["width"]
        return (
            f"{row['estimate']:.3f} [{row['conf_low']:.3f}, {row['conf_high']:.3f}]; by the judge "
            f"alone {row['judge']:.3f}; n = {row['n']:,.0f}, {who} {row['n_people']:,.0f}; for "
            f"+-{width / 2:g}: {row['labels_needed']:,.0f} labels"
        )


def correct_rates(
    data: PreferenceData,
    judge: str,
    reference: str = "human",
    *,
    width: float = 0.1,
    level: float = 0.95,
) -> CorrectedRates:
    r"""Estimate the win rate of every model as the reference would see it.

    With judge scores f on all N pairs of a model, and the reference's scores y on n of them:

    .. math:: \hat\theta = \lambda \bar f_N + \overline{(y - \lambda f)}_n,\qquad
              \lambda = \frac{\operatorname{cov}(y, f)}{\operatorname{var}(f)}

    Parameters
    ----------
    data : PreferenceData
        With ``model_a`` and ``model_b``.
    judge : str
    reference : str
        An annotator or a kind.
    width : float
        Full width of the interval that the number of labels needed is for.
    level : float

    Returns
    -------
    CorrectedRates

    Raises
    ------
    DesignError
        No names of models, no common pair, or an option out of range.

    Notes
    -----
    Angelopoulos, Duchi and Zrnic (2023), "PPI++", for a mean: the pairs that the reference
    labelled have to be drawn at random from all. The influence of both means is summed by
    cluster. Power lies between 0, the reference alone, and 1. The interval is that of a share
    (:func:`workbench.intervals.mid_p`, with Student's t) with one labelled pair added, a
    quarter of it each way that judge and reference can decide: after Agresti and Coull
    (1998), so that twenty labels that all say the same leave room for those that would not.

    Examples
    --------
    >>> import workbench as wb
    >>> found = correct_rates(wb.load("sample"), "sim-judge-length")
    >>> found.to_frame()["estimate"].between(0, 1).all()
    np.True_
    """
    data = data.decided()
    refuse_out_of_range(
        {
            "width": (0 < width < 1, width, "between 0 and 1"),
            "level": (0 < level < 1, level, "between 0 and 1"),
        }
    )
    f = annotator_preference(data, judge).to_numpy()
    y = reference_preference(data, reference).to_numpy()
    models = sorted({*data.pairs["model_a"].dropna(), *data.pairs["model_b"].dropna()})
    if not models or not (np.isfinite(f) & np.isfinite(y)).any():
        raise DesignError(
            "Win rates cannot be corrected.",
            found=f"{len(models)} models; {int((np.isfinite(f) & np.isfinite(y)).sum()):,} pairs "
            f"with labels of both {judge} and {reference}",
            expected="model_a and model_b, and pairs that both labelled",
            fix="Map the columns of the models when loading, or name others.",
        )
    cluster = pd.factorize(data.pairs["cluster"])[0]
    rows = []
    for model in models:
        a = data.pairs["model_a"].eq(model).to_numpy(dtype=bool)
        b = data.pairs["model_b"].eq(model).to_numpy(dtype=bool)
        mine = (a ^ b) & np.isfinite(f)
        if mine.any():
            turn = np.where(a, f, 1 - f)[mine], np.where(a, y, 1 - y)[mine]
            rows.append({"term": model, **corrected(*turn, cluster[mine], width, level)})
    settings = {"judge": judge, "reference": reference, "reference_is": data.noun(reference),
                "width": width, "level": level}  # fmt: skip
    return CorrectedRates.from_rows(rows, settings, dataset=data.digest)


def corrected(
    f: Array, y: Array, cluster: Any, width: float = 0.1, level: float = 0.95
) -> dict[str, Any]:
    """Return the corrected mean of one set of scores; see :func:`correct_rates`.

    Parameters
    ----------
    f : ndarray, shape (N,)
        The judge's scores.
    y : ndarray, shape (N,)
        The reference's scores; NaN where there is none.
    cluster : ndarray of int, shape (N,)
    width, level : float

    Examples
    --------
    >>> f = np.array([1.0, 0, 1, 0, 1, 0])
    >>> y = np.array([1.0, 0, 1, 0, np.nan, np.nan])
    >>> corrected(f, y, np.arange(6))["estimate"]
    0.5
    """
    known = np.isfinite(y)
    n, total = int(known.sum()), len(f)
    row: dict[str, Any] = {"n": float(total), "n_people": float(n), "method": _METHOD}
    for name, values, where in (("judge", f, cluster), ("people", y[known], cluster[known])):
        found = share(values, where, level)
        row |= {name: found["estimate"], f"{name}_low": found["conf_low"],
                f"{name}_high": found["conf_high"]}  # fmt: skip
    if n < 2 or len(np.unique(cluster[known])) < 2:
        few = "fewer than two labels of the reference" if n < 2 else ONE_CLUSTER
        return row | {"estimate": np.nan, "reason": few}
    g, target = f[known], y[known]
    power = _power(target, g, np.ones(n), total)
    estimate = float(np.clip(power * f.mean() + (target - power * g).mean(), 0.0, 1.0))
    z = float(norm.ppf(0.5 + level / 2))
    rest = float((target - power * g).var(ddof=1))
    room = (width / 2 / z) ** 2 - power**2 * float(f.var()) / total
    ends = _interval(f, y, known, cluster, level)
    return row | {
        "estimate": estimate, "std_error": ends["std_error"],
        "conf_low": min(ends["conf_low"], estimate), "conf_high": max(ends["conf_high"], estimate),
        "power": power, "labels_needed": np.ceil(rest / room) if room > 0 else np.nan,
        "n_clusters": float(len(np.unique(cluster))), "reason": None,
    }  # fmt: skip


def _power(target: Array, judged: Array, weight: Array, total: int) -> float:
    """Return the weight of the judge's scores."""
    n = weight.sum()
    gap = judged - weight @ judged / n
    spread = float(weight @ gap**2 / n)
    power = float(np.clip(weight @ (gap * target) / n / spread, 0, 1)) if spread else 0.0
    # the judge's scores on all pairs are worth less where most of them are labelled
    return float(power / (1 + n / total))


_JUDGED, _SAID = np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.0, 1.0, 0.0])
"""Each outcome of judge and reference: a quarter of a pair is added of each."""


def _interval(f: Array, y: Array, known: Any, cluster: Any, level: float) -> dict[str, Any]:
    """Return the ends, from the labels and one pair more that was shared by all outcomes."""
    total, labelled = len(f), int(known.sum())
    judged, said = np.concatenate([f[known], _JUDGED]), np.concatenate([y[known], _SAID])
    weight = np.concatenate([np.ones(labelled), np.full(4, 0.25)])
    n = float(weight.sum())
    power = _power(said, judged, weight, total)
    rest = said - power * judged
    gap = rest - weight @ rest / n
    pull = power * (f - f.mean()) / total
    pull[known] += gap[:labelled] / n
    mean = float(np.clip(power * f.mean() + weight @ rest / n, 0.0, 1.0))
    mass = np.where(known, 1.0, power * labelled / total)
    # a quarter of a pair has a quarter of its variance
    found = effective_size(
        mean,
        np.concatenate([pull, np.sqrt(weight[labelled:]) * gap[labelled:] / n]),
        np.concatenate([mass, weight[labelled:]]),
        np.concatenate([cluster, cluster.max() + 1 + np.arange(4)]),
        level,
    )
    # how the two agree is estimated from few labels, also where every pair stands alone
    upper = 0.5 + level / 2
    ratio = float(norm.ppf(upper) / t.ppf(upper, len(np.unique(cluster[known])) - 1))
    low, high = mid_p(mean, found.size * ratio**2, level)
    return {"std_error": found.error, "conf_low": low, "conf_high": high}
