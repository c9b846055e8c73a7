"""Results of others: the folder that ICAI writes, and votes as a table."""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.load import load
from workbench.errors import DataError
from workbench.principles.constitution import Constitution
from workbench.principles.principle import Principle, distinct
from workbench.principles.vote.votes import Vote, Votes

_PAIRS, _VOTES = "000_train_data.csv", "040_votes_per_comparison.csv"
_DISTILLED, _CONSTITUTION = "030_distilled_principles_per_cluster.json", "060_constitution.json"
_SAID = {True: Vote.A, False: Vote.B, None: Vote.NOT_APPLICABLE, "Both": Vote.BOTH,
         "Neither": Vote.NEITHER, "invalid": Vote.INVALID}  # fmt: skip
_WORDS = {"a": Vote.A, "b": Vote.B, "both": Vote.BOTH, "neither": Vote.NEITHER,
          "not_applicable": Vote.NOT_APPLICABLE, "not applicable": Vote.NOT_APPLICABLE,
          "invalid": Vote.INVALID, "": Vote.NOT_ASKED}  # fmt: skip


@dataclass(frozen=True, eq=False)
class IcaiResults:
    """What a results folder of ICAI holds.

    Attributes
    ----------
    data : PreferenceData
        The training pairs, one label each.
    votes : Votes
        On the distilled principles; for or against the preferred response, turned into
        sides.
    constitution : Constitution or None
    left_out : int
        Rows of votes that belong to no pair that was kept.
    """

    data: PreferenceData
    votes: Votes
    constitution: Constitution | None
    left_out: int


def read_icai(folder: str | Path) -> IcaiResults:
    """Read a results folder of ICAI: pairs, votes, constitution.

    Parameters
    ----------
    folder : str or Path
        ``results/``, or the folder that holds it.

    Raises
    ------
    DataError
        A file is missing or cannot be read.

    Examples
    --------
    >>> read_icai("nowhere")
    Traceback (most recent call last):
    ...
    workbench.errors.DataError: The results folder of ICAI is not whole....
    """
    folder = Path(folder)
    folder = folder / "results" if (folder / "results").is_dir() else folder
    missing = [name for name in (_PAIRS, _VOTES, _DISTILLED) if not (folder / name).is_file()]
    if missing:
        raise DataError(
            "The results folder of ICAI is not whole.",
            where=folder.name,
            found=f"no {missing[0]}",
            expected=f"{_PAIRS}, {_VOTES} and {_DISTILLED}",
            fix="Give the folder results/ of a run that reached its votes.",
        )
    table = pd.read_csv(folder / _PAIRS)
    data = load(folder / _PAIRS)
    distilled = _json(folder / _DISTILLED)
    texts = list(distilled.values()) if isinstance(distilled, dict) else list(distilled)
    principles = distinct(Principle(str(text), "imported") for text in texts)
    place = {one.text: k for k, one in enumerate(principles)}
    votes, left_out = _votes(folder / _VOTES, table, data, place, texts)
    constitution = None
    if (folder / _CONSTITUTION).is_file():
        constitution = _constitution(_json(folder / _CONSTITUTION), folder)
    return IcaiResults(
        data,
        Votes(data.pairs["pair_id"].to_numpy(), tuple(principles), votes, voter="ICAI"),
        constitution,
        left_out,
    )


def _votes(
    path: Path, table: pd.DataFrame, data: PreferenceData, place: dict[str, int], texts: list[Any]
) -> tuple[np.ndarray[Any, Any], int]:
    rows = pd.read_csv(path)
    # newer versions of ICAI write the header 0
    column = next((name for name in ("votes", "0") if name in rows), None)
    if column is None:
        raise _bad(path, f"columns {', '.join(map(str, rows.columns))}", "a column votes, or 0")
    texts = [str(text) for text in texts]
    codes = np.full((len(data.pairs), len(place), 1), Vote.NOT_ASKED, dtype=np.int8)
    by_text = {
        (a, b): k for k, (a, b) in enumerate(data.pairs[["response_a", "response_b"]].to_numpy())
    }
    left_out = 0
    for number, text in enumerate(rows[column]):
        pair = table.iloc[number] if number < len(table) else None
        at = None if pair is None else by_text.get((pair["text_a"], pair["text_b"]))
        if pair is None or at is None:
            left_out += 1
            continue
        sign = 1 if pair["preferred_text"] == "text_a" else -1
        for key, said in _literal(path, number, text).items():
            code = int(_SAID.get(said, Vote.INVALID))
            # for or against the preferred response becomes a side
            codes[at, place[texts[int(key)]], 0] = code * sign if abs(code) == 1 else code
    return codes, left_out


def _literal(path: Path, number: int, text: Any) -> dict[Any, Any]:
    try:
        value = ast.literal_eval(str(text))
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise _bad(path, f"row {number + 1}: {type(error).__name__}", "a dict of votes") from None
    if not isinstance(value, dict):
        raise _bad(path, f"row {number + 1}: {type(value).__name__}", "a dict of votes")
    return value


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise _bad(path, str(error)[:100], "JSON") from None


def _constitution(said: Any, folder: Path) -> Constitution | None:
    lines = said.splitlines() if isinstance(said, str) else list(said)
    texts = [str(line).lstrip("0123456789.)- ").strip() for line in lines]
    found = distinct(Principle(text, "imported") for text in texts if text)
    return Constitution(tuple(found), folder.parent.name or "ICAI") if found else None


def read_votes(path: str | Path, data: PreferenceData) -> Votes:
    """Read votes from a CSV file: ``pair_id`` and a column a principle, or one row a vote.

    Parameters
    ----------
    path : str or Path
        Wide: ``pair_id`` and columns named by the principles. Long: ``pair_id``,
        ``principle``, ``vote``. Votes are A, B, both, neither, not_applicable, invalid;
        an empty cell was not asked.
    data : PreferenceData
        Whose pairs they are about.

    Raises
    ------
    DataError
        No ``pair_id``, an unknown pair, or a vote that is none.
    """
    path = Path(path)
    try:
        table = pd.read_csv(path, dtype="str", keep_default_na=False)
    except (OSError, ValueError) as error:
        raise _bad(path, str(error)[:100], "a CSV file") from None
    if "pair_id" not in table:
        raise _bad(path, ", ".join(table.columns[:6]), "a column pair_id")
    if {"principle", "vote"} <= set(table.columns):
        table = table.pivot_table(
            index="pair_id", columns="principle", values="vote", aggfunc="first", sort=False
        ).fillna("")
    else:
        table = table.set_index("pair_id")
    unknown = sorted(set(table.index) - set(data.pairs["pair_id"]))
    words = table.apply(lambda column: column.str.strip().str.casefold().map(_WORDS))
    if unknown or words.isna().to_numpy().any() or table.index.duplicated().any():
        bad = table.where(words.isna()).stack() if not unknown else pd.Series(unknown)
        raise _bad(
            path,
            str(bad.iloc[0]) if len(bad) else "a pair twice",
            "pairs of the data, each once, and the votes A, B, both, neither, not_applicable, "
            "invalid",
        )
    principles = tuple(Principle(str(text), "imported") for text in table.columns)
    codes = words.to_numpy(np.int8)[:, :, None]
    return Votes(table.index.to_numpy(), principles, codes, voter=path.stem)


def _bad(path: Path, found: str, expected: str) -> DataError:
    return DataError(
        "The votes cannot be read.",
        where=path.name,
        found=found,
        expected=expected,
        fix="Correct that place, or export the votes again.",
    )
