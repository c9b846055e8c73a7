"""The verb that says how many labels of people are needed, and for what."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.judges.verdicts.preferences import (
    asked_mask,
    judges_free,
    most_beside,
    reference_mask,
)  # fmt: skip
from workbench.calibration.plan.law import Aims, Law, curve_of, plan_row
from workbench.calibration.plan.others import group_laws, people_laws, rank_laws, repeat_laws
from workbench.calibration.plan.rates import agreement_law, rate_laws
from workbench.calibration.plan.result import COLUMNS, LabelPlan, verdict_of
from workbench.calibration.plan.weights import contrast_laws, weight_laws
from workbench.data.dataset import PreferenceData
from workbench.errors import (
    Checked,
    DataError,
    DesignError,
    level_option,
    listed,
    refuse_out_of_range,
    seed_option,
)
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

GOALS = ("weight", "contrast", "rate", "agreement", "rank", "repeats", "people", "groups")
"""What labels may be wanted for."""

_BY_DEFAULT = GOALS[:-1]
_JUDGED = {"contrast", "rate", "agreement"}
_FOLDS = 5


@on_one_thread
def plan_labels(
    data: PreferenceData,
    *,
    for_: str | Sequence[str] | None = None,
    judge: str | None = None,
    reference: str = "human",
    factors: Sequence[str] | None = None,
    cluster: str | Sequence[str] | None = None,
    effect: float = 0.2,
    width: float = 0.05,
    spread: float = 0.5,
    power: float = 0.8,
    level: float = 0.95,
    seed: int = 0,
) -> LabelPlan:
    r"""Say how many labels of people are needed, and what those that are there can find.

    .. math:: n_k = \frac{(z_{1 - \alpha / 2} + z_{power})^2}{\delta^2}\; n_0\, SE_k(n_0)^2

    for a weight of :math:`\delta`, from the standard error that :math:`n_0` labels of a pilot
    foretell.

    Parameters
    ----------
    data : PreferenceData
        A pilot; or pairs with factors that nobody has labelled yet.
    for_ : str or sequence of str, optional
        ``"weight"`` of a factor; ``"contrast"`` of a judge to people; ``"rate"``, a model's win
        rate, also with the judge's help; ``"agreement"`` of the judge with people; ``"rank"`` of
        neighbours; ``"repeats"``, more labels a pair or more pairs; ``"people"``, the spread of
        their weights; ``"groups"``, two publics. All but ``"groups"`` (which simulates) when None;
        those that the data do not allow are then told with the reason.
    judge : str, optional
        Of whom contrast, agreement and help are; when None whoever judged most of the reference's
        pairs, of equals the first in the alphabet.
    reference : str
        The people: an annotator or a kind.
    factors : sequence of str, optional
        Factor columns; all when None.
    cluster : str or sequence of str, optional
        As :func:`workbench.decompose` takes it.
    effect : float
        Smallest weight or difference to be found, in log-odds per standard deviation of a factor:
        0.2 is 5 points of P(preferred) at one half.
    width : float
        Half-width of the interval of a share.
    spread : float
        Smallest standard deviation of people's weights to be found; two equal groups are then
        twice as far apart.
    power, level : float
        Of every test; of every range and interval.
    seed : int
        Of the simulation behind ``"groups"``.

    Returns
    -------
    LabelPlan

    Raises
    ------
    DesignError
        Nothing can be planned, an unknown goal, a judge that is of the reference, or an option
        out of range.
    DataError
        A judge or reference that the data do not have.

    Notes
    -----
    A plan holds for labels like those of the pilot: of pairs drawn alike, by as many people in
    proportion. The range of n is what the pilot's own uncertainty leaves. Without labels the
    information at P = 1/2 is taken, the most there can be: the plan is optimistic where
    preferences are strong.

    References
    ----------
    Hsieh, Bloch and Larsen (1998); Firth (1993); Bell and McCaffrey (2002) for the design effect;
    Angelopoulos, Duchi and Zrnic (2023) for the help of a judge; Brown (1910).

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> plan = plan_labels(data, for_=["weight", "rate"], factors=["words"])
    >>> plan.to_frame()["goal"].unique().tolist()
    ['weight', 'win rate']
    """
    goals = _goals(for_)
    factors = None if factors is None else listed("factors", factors)
    refuse_out_of_range({
        "effect": _between(effect, 0, np.inf, "a number above 0, such as 0.2"),
        "width": _between(width, 0, 0.5, "a number between 0 and 0.5"),
        "spread": _between(spread, 0, np.inf, "a number above 0, such as 0.5"),
        "power": _between(power, np.nextafter(0.5, 0), 1, "a number from 0.5 to below 1"),
        "factors": (factors is None or bool(factors), factors, "names of factors, or None for all"),
        "level": level_option(level), "seed": seed_option(seed),
    })  # fmt: skip
    aims = Aims(level, power)
    # whose verdicts are read only where a goal asks for them
    judge = _judge(data, judge, reference) if judge or _JUDGED & set(goals) else None
    ways: dict[str, Callable[[], list[Law]]] = {
        "weight": lambda: weight_laws(data, reference, factors, effect, cluster, level),
        "contrast": lambda: contrast_laws(
            data, _needed(judge), reference, factors, effect, cluster, level
        ),
        "rate": lambda: rate_laws(data, judge, reference, width, level),
        "agreement": lambda: agreement_law(data, _needed(judge), reference, width, level),
        "rank": lambda: rank_laws(data, reference, level),
        "repeats": lambda: repeat_laws(data, reference, width, aims),
        "people": lambda: people_laws(data, reference, factors, spread, _FOLDS, aims),
        "groups": lambda: group_laws(data, reference, factors, 2 * spread, _FOLDS, seed, aims),
    }
    laws, untold = _planned({goal: ways[goal] for goal in goals}, asked=for_ is not None)
    table = pd.DataFrame([plan_row(law, aims) for law in laws]).reindex(columns=list(COLUMNS))
    settings: dict[str, Any] = {
        "for_": goals, "judge": judge, "reference": reference,
        "reference_is": data.noun(reference), "factors": factors,
        "cluster": cluster if cluster is None or isinstance(cluster, str) else list(cluster),
        "effect": effect, "width": width, "spread": spread, "power": power, "level": level,
        "verdict": verdict_of(table),
    }  # fmt: skip
    return LabelPlan(
        estimates=table,
        curve=curve_of(laws, aims),
        not_planned=pd.DataFrame(untold, columns=["goal", "reason"]),
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _between(value: object, low: float, high: float, told: str) -> Checked:
    fine = isinstance(value, Real) and not isinstance(value, bool) and low < float(value) < high
    return fine, value, told


def _goals(for_: str | Sequence[str] | None) -> list[str]:
    names = list(_BY_DEFAULT) if for_ is None else listed("for_", for_)
    unknown = [name for name in names if name not in GOALS]
    refuse_out_of_range(
        {"for_": (bool(names) and not unknown, unknown or names, " or ".join(GOALS))}
    )
    return list(dict.fromkeys(names))


def _planned(
    ways: dict[str, Callable[[], list[Law]]], *, asked: bool
) -> tuple[list[Law], list[dict[str, str]]]:
    """Return the laws of every goal, and why goals have none."""
    laws: list[Law] = []
    untold = []
    for goal, way in ways.items():
        try:
            found = way()
            why = "no number that these data name" if not found else None
        except DesignError as error:
            if asked and len(ways) == 1:
                raise
            found, why = [], " ".join(filter(None, [error.what, error.found]))
        laws += found
        if why:
            untold.append({"goal": goal, "reason": why})
    if not laws:
        raise DesignError(
            "Nothing can be planned with these data.",
            found="; ".join(f"{one['goal']}: {one['reason']}" for one in untold)[:400],
            expected="factors of the pairs, or labels of people on named models",
            fix="Score factors first, or name the people: reference=...",
        )
    return laws, untold


def _judge(data: PreferenceData, judge: str | None, reference: str) -> str | None:
    """Return the judge that is asked for, else whoever judged most of the reference's pairs."""
    names = data.annotators["annotator"]
    asked = asked_mask(data, reference)
    if judge is not None:
        if judge not in set(names):
            raise DataError(
                f"There is no annotator {judge!r}.",
                found=", ".join(names[:12]),
                expected="a judge that has verdicts",
                fix="Check the spelling of judge=.",
            )
        if (asked & data.labels["annotator"].eq(judge).to_numpy()).any():
            raise DesignError(
                "The judge is of the reference.",
                found=f"judge {judge!r}, reference {reference!r}",
                expected="two",
                fix="Name another judge, or another reference.",
            )
        return judge
    decided = data.decided()
    others, theirs = judges_free(data, asked), reference_mask(decided, reference)
    return most_beside(decided, others, theirs) if others and theirs.any() else None


def _needed(judge: str | None) -> str:
    if judge is None:
        raise DesignError(
            "There is no judge beside the people.",
            found="no annotator that labelled pairs of the reference",
            expected="verdicts of a judge on pairs that people labelled",
            fix="Add verdicts of a judge, or name it: judge=...",
        )
    return judge
