"""Win rates by a judge, corrected by the part that the reference labelled too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy.stats import norm

from workbench.audit.judges.verdicts.preferences import annotator_preference, reference_preference
from workbench.audit.measures import Measures
from workbench.clustered import Array, cluster_error, mean_and_error
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, refuse_out_of_range
from workbench.results import TIDY
from workbench.threads import on_one_thread

_METHOD = "prediction-powered mean, power-tuned, cluster-robust normal interval"


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


@on_one_thread
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
    cluster. Power lies between 0, the reference alone, and 1.

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
    z = float(norm.ppf(0.5 + level / 2))
    known = np.isfinite(y)
    n, total = int(known.sum()), len(f)
    row: dict[str, Any] = {"n": float(total), "n_people": float(n), "method": _METHOD}
    for name, values, where in (("judge", f, cluster), ("people", y[known], cluster[known])):
        mean, error = mean_and_error(values, np.ones(len(values)), where)
        ends = (mean - z * error, mean + z * error)
        row |= {name: mean, f"{name}_low": ends[0], f"{name}_high": ends[1]}
    if n < 2:
        return row | {"estimate": np.nan, "reason": "fewer than two labels of the reference"}
    g, target = f[known], y[known]
    spread = float(g.var())
    power = float(np.clip(np.cov(target, g, bias=True)[0, 1] / spread, 0, 1)) if spread else 0.0
    # the judge's scores on all pairs are worth less where most of them are labelled
    power /= 1 + n / total
    estimate = power * f.mean() + float((target - power * g).mean())
    influence = power * (f - f.mean()) / total
    influence[known] += (target - power * g - (target - power * g).mean()) / n
    error = cluster_error(influence, cluster)
    rest = float((target - power * g).var(ddof=1))
    room = (width / 2 / z) ** 2 - power**2 * float(f.var()) / total
    return row | {
        "estimate": float(estimate), "std_error": error, "conf_low": estimate - z * error,
        "conf_high": estimate + z * error, "power": power,
        "labels_needed": np.ceil(rest / room) if room > 0 else np.nan,
        "n_clusters": float(len(np.unique(cluster))), "reason": None,
    }  # fmt: skip
