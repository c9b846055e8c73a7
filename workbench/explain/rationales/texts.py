"""The reasons that stand beside labels: where they are, and what is none."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.data.columns import LABEL_COLUMNS, PAIR_COLUMNS, as_text
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError

RAW = "raw"
"""Column of labels that holds what a judge wrote, untouched."""

REASON = "reason"
"""The column that is meant where none is named; a file's own is kept as ``source_reason``."""

NO_TEXT = "no reason is given"
ONLY_VERDICT = "the reply is a verdict without a reason"

_KEYS = ("reason", "rationale", "explanation", "justification", "reasoning", "analysis", "critique")
"""Fields of a reply in JSON that hold a reason."""

_PARTS = "\n---\n"
"""Stands between the replies to one question that was asked several times."""

_WORD = re.compile(r"[^\W\d_]+")
_LEAST = 4
"""Distinct words from which a judge's reply is more than a verdict."""


@dataclass(frozen=True, eq=False)
class Reasons:
    """Reasons of the labels of a data set.

    Attributes
    ----------
    text : ndarray of object, shape (n labels,)
        None where there is none.
    why : ndarray of object, shape (n labels,)
        Why there is none; None where there is one.
    column : str
        Where they stand, such as ``labels.raw``.
    """

    text: np.ndarray
    why: np.ndarray
    column: str


def reasons_of(data: PreferenceData, column: str = REASON) -> Reasons:
    """Return the reason of each label.

    Parameters
    ----------
    data : PreferenceData
    column : str
        Of labels or of pairs. ``reason`` is the file's own column of that name, which readers
        keep as ``source_reason``; without one, what judges wrote (``raw``).

    Raises
    ------
    DesignError
        No such column, or a column of pairs that several annotators judged: whose is it?

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> found = reasons_of(data, "raw")
    >>> found.column, len(found.text) == len(data.labels)
    ('labels.raw', True)
    """
    table, name = _place(data, column)
    if table == "labels":
        values = as_text(data.labels[name])
    else:
        _refuse_shared(data, name)
        values = as_text(data.pairs[name]).take(data.pair_rows)
    plain = values.to_numpy(object)
    known = pd.notna(plain)
    distinct, at = np.unique(plain[known].astype(str), return_inverse=True)
    read = [reason_in(one, judged=name == RAW) for one in distinct]
    text = np.full(len(plain), None, object)
    text[known] = np.array([*read, None], object)[:-1][at]
    empty = np.array([not str(one).strip() for one in distinct], bool)[at]
    why = np.full(len(plain), NO_TEXT, object)
    why[known] = np.where(empty | (name != RAW), NO_TEXT, ONLY_VERDICT)
    why[pd.notna(text)] = None
    return Reasons(text, why, f"{table}.{name}")


def reason_columns(data: PreferenceData) -> dict[str, int]:
    """Return the columns that hold reasons by their name, and how many labels have one there.

    Parameters
    ----------
    data : PreferenceData

    Returns
    -------
    dict of str to int
        Columns called as reasons are, the file's own ``reason`` first; last ``raw``, where judges
        wrote more than a verdict. Others are reasons where :func:`reasons_of` is told so.

    Examples
    --------
    >>> from dataclasses import replace
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> data = replace(data, labels=data.labels.assign(rationale="A is longer."))
    >>> reason_columns(data)["rationale"] == len(data.labels)
    True
    """
    kept = {*data.labels, *data.pairs}
    named = [
        name for name in _KEYS if f"source_{name}" in kept or (name != REASON and name in kept)
    ]
    found = {}
    for name in (*named, RAW):
        try:
            found[name] = int(pd.notna(reasons_of(data, name).text).sum())
        except DesignError:
            # one reason beside labels of several: it is not known whose it is
            continue
    return {name: n for name, n in found.items() if n}


def reason_in(text: str, *, judged: bool) -> str | None:
    r"""Return the reason in what somebody wrote; None where there is none.

    Parameters
    ----------
    text : str
        Of a reply in JSON the field that holds the reason counts.
    judged : bool
        Whether a judge wrote it: of its replies, those of a few words are verdicts.

    Examples
    --------
    >>> reason_in('{"reason": "A is longer.", "verdict": "A"}', judged=True)
    'A is longer.'
    >>> reason_in('{"verdict": "A"}', judged=True), reason_in("[[A]]", judged=True)
    (None, None)
    >>> reason_in("concise", judged=False)
    'concise'
    """
    parts = [_of_reply(part) for part in text.split(_PARTS)]
    found = [part for part, is_json in parts if part and (is_json or not judged or _says(part))]
    return "\n".join(found) or None


def _of_reply(text: str) -> tuple[str, bool]:
    """Return the reason of one reply, and whether the reply named it as such."""
    plain = text.strip()
    if not _WORD.search(plain):
        return "", False
    inner = plain.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    if inner.startswith("{"):
        try:
            value = json.loads(inner)
        except (ValueError, RecursionError):
            return plain, False
        if isinstance(value, dict):
            said = next((value[k] for k in _KEYS if isinstance(value.get(k), str)), "")
            return str(said).strip(), True
    return plain, False


def _says(text: str) -> bool:
    return len({word.lower() for word in _WORD.findall(text)}) >= _LEAST


def _place(data: PreferenceData, column: str) -> tuple[str, str]:
    own = {"labels": set(data.labels) - {REASON}, "pairs": set(data.pairs)}
    for name in (column, f"source_{column}"):
        for table, names in own.items():
            if name in names:
                return table, name
    if column == REASON and data.labels[RAW].notna().any():
        return "labels", RAW
    kept = [c for c in data.labels if c not in LABEL_COLUMNS]
    kept += [c for c in data.pairs if c not in PAIR_COLUMNS]
    raise DesignError(
        "There are no reasons.",
        found=f"no column {column!r} of labels or pairs; their own are {', '.join(kept) or 'none'}",
        expected="a column of reasons, or labels of judges that wrote why (raw)",
        fix="Name the column (--column NAME); workbench load FILE says which were kept.",
    )


def _refuse_shared(data: PreferenceData, name: str) -> None:
    rows, given = data.pair_rows, data.pairs[name].notna().to_numpy()
    who = pd.DataFrame({"pair": rows, "who": data.coded("labels", "annotator").codes})
    each = who[given[rows]].drop_duplicates().groupby("pair").size()
    if (each > 1).any():
        raise DesignError(
            f"It is not known whose reasons the column {name!r} holds.",
            found=f"{int((each > 1).sum()):,} pairs with one reason and labels of several "
            "annotators",
            expected="a reason for each label, or labels of one annotator",
            fix="Choose whose they are (--annotator NAME).",
        )
