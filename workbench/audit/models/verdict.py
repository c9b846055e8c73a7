"""The first lines of an audit of a model: one a question, with the number that answers it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.models.calibration import POOR, SURE, Calibration
from workbench.audit.models.displacement import Displacement
from workbench.audit.models.ranking import GAP, RankingAccuracy
from workbench.results import Result

YES, NO, OPEN, NOT_ASKED = "yes", "no", "cannot tell", "not measured"

RANKS = "Does the model rank as the preferences say?"
REACHES = "Does it come as far as its training could take it?"
DISPLACED = "Did training make the preferred responses less likely?"
CALIBRATED = "Are its probabilities those that come true?"

VERDICT_COLUMNS = (
    "question", "word", "sound", "measure", "estimate", "conf_low", "conf_high", "n", "threshold",
    "note",
)  # fmt: skip

_NO_REFERENCE = "no reference model was scored: name what training began from"


def verdict(results: Iterable[Result]) -> pd.DataFrame:
    """Return one row a question that an audit of a model answers.

    Parameters
    ----------
    results : iterable of Result
        Of :func:`workbench.audit.models.whole.audit_scores`.

    Returns
    -------
    DataFrame
        Columns :data:`VERDICT_COLUMNS`: the ``word`` is yes, no, cannot tell or not measured;
        ``sound`` whether that is as it should be (missing where it cannot be told); the
        ``threshold`` is what the interval is held against.

    Notes
    -----
    A question is answered by the interval of its measure: *yes* or *no* where the whole of it
    lies on one side of the threshold. The thresholds are those of the findings
    (:data:`workbench.audit.models.ranking.RULES` and its like).
    """
    found = list(results)
    rows = [_ranks(found), _reaches(found), _displaced(found), _calibrated(found)]
    table = pd.DataFrame(rows).reindex(columns=list(VERDICT_COLUMNS))
    return table.astype({"sound": "boolean"})


def _of(found: list[Result], kind: type[Result], term: str) -> Mapping[Any, Any] | None:
    for one in found:
        if isinstance(one, kind):
            rows = one.to_frame()
            rows = rows[rows["term"] == term]
            return None if rows.empty else dict(rows.iloc[0])
    return None


def _ranks(found: list[Result]) -> dict[str, Any]:
    row = _of(found, RankingAccuracy, "ranking accuracy")
    told = _row(RANKS, row, "share of pairs whose preferred response is the likelier one",
                "above 0.5, which is chance", "no ranking was measured")  # fmt: skip
    if row is None:
        return told
    word = _side(row, 0.5)
    wrong = f"it ranks {1 - row['estimate']:.0%} of the pairs the other way, ties by half"
    return told | {"word": word, "sound": _known(word, YES), "note": wrong}


def _reaches(found: list[Result]) -> dict[str, Any]:
    row = _of(found, RankingAccuracy, "alignment gap")
    told = _row(REACHES, row, "accuracy of a perfect solution minus its own",
                f"below {GAP:g}", _NO_REFERENCE)  # fmt: skip
    if row is None:
        return told
    word = {YES: NO, NO: YES}.get(_side(row, GAP), OPEN)
    return told | {"word": word, "sound": _known(word, YES)}


def _displaced(found: list[Result]) -> dict[str, Any]:
    row = _of(found, Displacement, "change of the chosen")
    told = _row(DISPLACED, row, "change of log p(preferred response), nats", "below 0",
                _NO_REFERENCE)  # fmt: skip
    if row is None:
        return told
    word = {YES: NO, NO: YES}.get(_side(row, 0.0), OPEN)
    margin = _of(found, Displacement, "change of the margin")
    grew = margin is not None and margin["conf_low"] > 0
    note = "while the margins grew: likelihood displacement" if word == YES and grew else None
    return told | {"word": word, "sound": _known(word, NO), "note": note}


def _calibrated(found: list[Result]) -> dict[str, Any]:
    row = _of(found, Calibration, "ECE, raw")
    why = "it takes a reference model, and more than one prompt"
    told = _row(CALIBRATED, row, "expected calibration error", f"below {POOR:g}", why)
    if row is None:
        return told
    word = {YES: NO, NO: YES}.get(_side(row, POOR), OPEN)
    # a binned error is above 0 by chance alone
    if word == NO and not row["p_value"] < SURE:
        word = OPEN
    note = f"calibrated ones would show {row['expected']:.3f} by chance"
    return told | {"word": word, "sound": _known(word, YES), "note": note}


def _row(
    question: str, row: Mapping[Any, Any] | None, measure: str, threshold: str, absent: str
) -> dict[str, Any]:
    about = {"question": question, "measure": measure, "threshold": threshold, "sound": pd.NA}
    if row is None:
        return {**about, "word": NOT_ASKED, "estimate": np.nan, "n": 0.0, "note": absent}
    numbers = {name: row[name] for name in ("estimate", "conf_low", "conf_high", "n")}
    return {**about, **numbers, "note": None}


def _side(row: Mapping[Any, Any], threshold: float) -> str:
    """Return yes where the whole interval is above a threshold, no where it is below."""
    if row["conf_low"] > threshold:
        return YES
    return NO if row["conf_high"] < threshold else OPEN


def _known(word: str, good: str) -> Any:
    return pd.NA if word == OPEN else word == good
