"""Win rates by a judge, corrected by the part that the reference labelled too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy.special import ndtri

from workbench.audit.judges.verdicts.by_verdict import METHOD as _METHOD
from workbench.audit.judges.verdicts.by_verdict import by_verdict, verdict_strata
from workbench.audit.judges.verdicts.preferences import (
    annotator_preference,
    mean_preferences,
    mean_weight,
    reference_mask,
)
from workbench.audit.measures import Measures
from workbench.clustered import Array, share
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, refuse_out_of_range
from workbench.results import TIDY
from workbench.threads import on_one_thread

_PEOPLE = ("people", "people_low", "people_high")
_TOLD = ("estimate", "std_error", "conf_low", "conf_high", "power", "labels_needed", "n_clusters",
         "reason")  # fmt: skip


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

    Of all N pairs of a model a share :math:`W_s`, of the n that the reference labelled a share
    :math:`w_s` has a verdict of kind s, and labels of mean :math:`\bar y_s`:

    .. math:: \hat\theta = \sum_s \{w_s + \lambda (W_s - w_s)\} \bar y_s

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
    "PPI++" (Angelopoulos, Duchi and Zrnic 2023) for a mean, with the verdicts recalibrated: the
    pairs that the reference labelled have to be drawn at random from all, or its labels carry one
    over the chance of their pair as weight. Power
    :math:`\lambda` lies between 0, the reference alone, and 1. The arithmetic and its interval,
    which hold near 0 and 1 as well, are those of
    :func:`workbench.audit.judges.verdicts.by_verdict.by_verdict`.

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
    theirs = reference_mask(data, reference)
    y = mean_preferences(data, theirs)["preference"].to_numpy()
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
    weight = mean_weight(data, theirs)
    rows = []
    for model in models:
        a = data.pairs["model_a"].eq(model).to_numpy(dtype=bool)
        b = data.pairs["model_b"].eq(model).to_numpy(dtype=bool)
        mine = (a ^ b) & np.isfinite(f)
        if mine.any():
            turn = np.where(a, f, 1 - f)[mine], np.where(a, y, 1 - y)[mine]
            rows.append(
                {"term": model, **corrected(*turn, cluster[mine], width, level, weight[mine])}
            )
    settings = {"judge": judge, "reference": reference, "reference_is": data.noun(reference),
                "width": width, "level": level}  # fmt: skip
    return CorrectedRates.from_rows(rows, settings, dataset=data.digest)


def corrected(
    f: Array, y: Array, cluster: Any, width: float = 0.1, level: float = 0.95,
    weight: Array | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the corrected mean of one set of scores; see :func:`correct_rates`.

    Parameters
    ----------
    f : ndarray, shape (N,)
        The judge's scores.
    y : ndarray, shape (N,)
        The reference's scores; NaN where there is none.
    cluster : ndarray of int, shape (N,)
    width, level : float
    weight : ndarray, shape (N,), optional
        Of the reference's labels: one over the chance that a pair was chosen, all alike when None.

    Examples
    --------
    >>> f = np.array([1.0, 0, 1, 0, 1, 0])
    >>> y = np.array([1.0, 0, 1, 0, np.nan, np.nan])
    >>> corrected(f, y, np.arange(6))["estimate"]
    0.5
    """
    kind, weight = verdict_strata(f[:, None]), np.ones(len(f)) if weight is None else weight
    order = np.argsort(cluster, kind="stable")
    at = (kind[order], y[order], weight[order], cluster[order])
    found = {name: values.tolist()[0] for name, values in by_verdict(*at, level).items()}
    judge, people = share(f, cluster, level), {name: found[name] for name in _PEOPLE}
    z = float(ndtri(0.5 + level / 2))
    room = (width / 2 / z) ** 2 - found["between"]
    found["labels_needed"] = np.ceil(found["rest"] / room) if room > 0 else np.nan
    alone = {"judge": judge["estimate"], "judge_low": judge["conf_low"],
             "judge_high": judge["conf_high"], **people}  # fmt: skip
    row = {"n": found["n"], "n_people": found["n_people"], "method": _METHOD, **alone}
    if found["reason"] is not None:
        return row | {"estimate": np.nan, "reason": found["reason"]}
    return row | {name: found[name] for name in _TOLD}
