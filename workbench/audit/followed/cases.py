"""Cases: a table of graded replies, of choices, or of instructions that were selected."""

from __future__ import annotations

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from workbench.audit.followed.strict import yes_or_no
from workbench.data.reading.containers import open_container
from workbench.errors import DataError

Table: TypeAlias = str | Path | pd.DataFrame

ANSWERS = ("acknowledge", "hallucinate", "violate", "helpful")
"""The four questions to a grader."""

UNTOLD = ("violate", "helpful")
"""Those that can be asked of a reply to a question without the preference."""

KINDS = ("unaware", "hallucinated", "inconsistent")
"""How a helpful reply comes to violate the preference."""

_WITH = {"with", "told", "with the preference"}
_WITHOUT = {"without", "untold", "without the preference"}
_SEVERAL = "|"


def open_table(table: Table) -> tuple[pd.DataFrame, str]:
    """Return a table with plain column names, and what to call it."""
    if isinstance(table, pd.DataFrame):
        frame, where = table.reset_index(drop=True), "table"
    else:
        container = open_container(Path(table))
        frame, where = container.table.to_pandas(), container.name
    frame = frame.rename(columns=lambda name: str(name).strip().lower())
    if not len(frame):
        raise bad(where, "no row")
    return frame, where


def kind_of(frame: pd.DataFrame, where: str) -> str:
    """Return what the rows of a table are: replies, choices or instructions."""
    for kind, needed in (("replies", UNTOLD), ("choices", ("chosen", "right", "options")),
                         ("instructions", ("selected", "relevant"))):  # fmt: skip
        if set(needed) <= set(frame):
            return kind
    raise bad(where, "columns " + ", ".join(map(str, frame.columns)))


def about(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """Return of each row its item, turn distance, and whether the preference was told.

    Raises
    ------
    DataError
        A distance that is no whole number, a row without an item or of which it is not said
        whether the preference was told, or a row that stands twice.
    """
    texts = [name for name in ("preference", "question") if name in frame]
    if "item" in frame:
        absent = [row for row, one in enumerate(frame["item"]) if not _given(one)]
        if absent:
            raise bad(where, f"no item in row {absent[0] + 1}")
        item = frame["item"].astype("str")
    elif texts:
        item = pd.Series([" / ".join(map(str, row)) for row in frame[texts].to_numpy()])
    else:
        raise bad(where, "no column item, nor preference and question")
    turns = pd.to_numeric(frame.get("turns", pd.Series(0, index=frame.index)), errors="coerce")
    told = pd.Series([_told(one) for one in frame.get("told", [True] * len(frame))])
    if told.isna().any():
        raise bad(where, f"told = {frame['told'][told.isna()].iloc[0]!r}")
    known = told.to_numpy(bool)
    # without the preference there is nothing that turns could lie behind
    turns = turns.where(known, 0)
    wrong = ~(turns >= 0) | (turns % 1 != 0)
    if wrong.any():
        raise bad(where, f"turns = {frame['turns'][wrong].iloc[0]!r}")
    found = pd.DataFrame({"item": item, "turns": turns.astype("int64"), "told": known})
    if found.duplicated().any():
        row = found[found.duplicated()].iloc[0]
        raise bad(where, f"item {row['item'][:80]!r} twice at {row['turns']} turns")
    return found


def judged(frame: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Return what each reply does: ``followed`` (yes, no, unhelpful or None) and why not.

    ``kind`` of a violation; ``hallucinated``: it follows and makes a preference up;
    ``unread``: which answer is no yes or no.
    """
    rows = []
    for row, told in zip(frame.to_dict("records"), found["told"], strict=True):
        says = {name: yes_or_no(row.get(name)) for name in ANSWERS}
        rows.append(_verdict(says, bool(told)))
    return pd.concat([found, pd.DataFrame(rows, index=found.index)], axis=1)


def _verdict(says: dict[str, bool | None], told: bool) -> dict[str, Any]:
    blank: dict[str, Any] = {"followed": None, "kind": None, "harmless": None, "unread": None}
    if says["helpful"] is None:
        return blank | {"unread": "helpful"}
    if not says["helpful"]:
        return blank | {"followed": "unhelpful"}
    if says["violate"] is None:
        return blank | {"unread": "violate"}
    aware, made_up = says["acknowledge"], says["hallucinate"]
    if not says["violate"]:
        harmless = None if aware is None or (aware and made_up is None) else bool(aware and made_up)
        return blank | {"followed": "yes", "harmless": harmless if told else None}
    row = blank | {"followed": "no"}
    if not told:
        return row
    if aware is None:
        return row | {"unread": "acknowledge"}
    if not aware:
        return row | {"kind": "unaware"}
    if made_up is None:
        return row | {"unread": "hallucinate"}
    return row | {"kind": "hallucinated" if made_up else "inconsistent"}


def picked(frame: pd.DataFrame, found: pd.DataFrame, where: str) -> pd.DataFrame:
    """Return of each choice whether it is right, NaN where none was made, and its chance.

    What is none of the options, a number or letter beyond them, is no choice either.
    """
    options = pd.to_numeric(frame["options"], errors="coerce")
    if not (options >= 2).all():
        raise bad(where, f"options = {frame['options'][~(options >= 2)].iloc[0]!r}")
    unknown = [row for row, one in enumerate(frame["right"]) if not _given(one)]
    if unknown:
        # no choice is wrong where nothing is said to be right
        raise bad(where, f"no right choice in row {unknown[0] + 1}")
    numbered = [_beyond(one, n) for one, n in zip(frame["right"], options, strict=True)]
    beyond = [
        row for row, out in enumerate(numbered) if out and _plain(frame["right"][row]).isdigit()
    ]
    if beyond:
        row = beyond[0]
        raise bad(where, f"right = {frame['right'][row]!r} of {options[row]:g} options")
    chosen = frame["chosen"]
    # letters need not begin at a: what is right somewhere is an option
    names = {_plain(one) for one in frame["right"]}
    out = np.array([_plain(one) not in names and _beyond(one, n)
                    for one, n in zip(chosen, options, strict=True)])  # fmt: skip
    given = np.array([_given(one) for one in chosen])
    right = np.array([_same(a, b) for a, b in zip(chosen, frame["right"], strict=True)], float)
    unread = pd.Series(None, index=found.index, dtype="object")
    unread[out] = "none of the options"
    unread[~given] = "no choice was made"
    correct = np.where(given & ~out, right, np.nan)
    return found.assign(correct=correct, chance=1.0 / options, unread=unread)


def selected(frame: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Return of each row precision, recall and exact match of the instructions selected.

    Precision is undefined where none was selected, recall where none is relevant (``[]``), and
    all three where a cell does not say what is relevant.
    """
    rows = []
    for some, right in zip(frame["selected"], frame["relevant"], strict=True):
        one, other = names_of(some), names_of(right)
        if not (other or _listed(right)):
            rows.append(dict.fromkeys(("precision", "recall", "exact match"), np.nan))
            continue
        both = float(len(one & other))
        rows.append({
            "precision": both / len(one) if one else np.nan,
            "recall": both / len(other) if other else np.nan,
            "exact match": float(one == other),
        })  # fmt: skip
    return pd.concat([found, pd.DataFrame(rows, index=found.index)], axis=1)


def names_of(value: Any) -> set[str]:
    """Return the names of a cell: a list, a JSON list, or a text parted by ``|``.

    Examples
    --------
    >>> sorted(names_of('["b", "a"]')), names_of(None)
    (['a', 'b'], set())
    """
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            value = value.split(_SEVERAL)
    if isinstance(value, str):
        value = value.split(_SEVERAL)
    if not isinstance(value, (list, tuple, set)):
        value = [value] if _given(value) else []
    return {name for name in (" ".join(str(one).split()) for one in value) if name}


def digest_of(found: pd.DataFrame) -> str:
    """Return a digest of cases, whatever their order."""
    text = found.sort_values(["item", "turns", "told"]).to_csv(index=False)
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def bad(where: str, found: str) -> DataError:
    """Return the error of a table that cannot be used."""
    return DataError(
        "The table of replies cannot be used.",
        where=where,
        found=found,
        expected="a row a reply: item (or preference and question), told (yes or no), turns, and "
        "acknowledge, hallucinate, violate, helpful; or chosen, right, options; or selected, "
        "relevant",
        fix="Name the columns so, or let a model answer: workbench followed FILE --model NAME.",
    )


def _told(value: Any) -> bool | None:
    text = str(value).strip().casefold()
    return True if text in _WITH else False if text in _WITHOUT else yes_or_no(value)


def _given(value: Any) -> bool:
    return not (value is None or value is pd.NA or value != value or not str(value).strip())


def _listed(value: Any) -> bool:
    """Return whether a cell is a list, be it an empty one."""
    return hasattr(value, "__len__") and (not isinstance(value, str) or bool(value.strip()))


def _beyond(value: Any, options: float) -> bool:
    """Return whether a choice is a number or a letter that so many options do not have."""
    text = _plain(value)
    if text.isascii() and text.isdigit():
        return int(text) > options
    return len(text) == 1 and "a" <= text <= "z" and ord(text) - ord("a") >= options


def _same(one: Any, other: Any) -> bool:
    return _plain(one) == _plain(other)


def _plain(value: Any) -> str:
    return str(value).strip().casefold().removesuffix(".0")
