"""Who won a battle, in the words of every verdict or by the name of a model."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from workbench.data.formats.plain import asking
from workbench.data.formats.plain.named_sides import by_row
from workbench.data.formats.records import excerpt
from workbench.data.formats.verdict_words import UNKNOWN, meaning_of
from workbench.data.formats.verdicts import Wanted, read_column

_UNREAD = "unknown label"


def read_winners(winner: pd.Series, model_a: pd.Series, model_b: pd.Series) -> pd.DataFrame:
    """Return the verdicts of a column that names the winner.

    Parameters
    ----------
    winner : Series of str
        Words of :func:`workbench.data.formats.verdict_words.meaning_of`, or the winning model's
        own name, whatever its case. Where it is missing or blank nobody voted.
    model_a, model_b : Series of str
        Names of the models, index of ``winner``.

    Returns
    -------
    DataFrame
        ``preference, reason, raw, problem, found``. A word of one side that is the other's
        name, and a name that both bear, say nothing. ``inconsistent`` was derived from two
        verdicts, one an order, that disagree: it is no verdict of its own and no tie.

    Examples
    --------
    >>> won = pd.Series(["model_a", "M2", "tie (bothbad)", None])
    >>> a, b = pd.Series(["m1"] * 4), pd.Series(["m2"] * 4)
    >>> read_winners(won, a, b)["preference"].tolist()
    [1.0, 0.0, 0.5, nan]
    """
    read = by_row(read_column(winner, Wanted()), winner, (model_a, model_b), ())
    read = read.set_axis(winner.index)
    word, a, b = (_folded(column) for column in (winner, model_a, model_b))
    both = (word == a).fillna(False) & (word == b).fillna(False)
    exact = winner.str.strip()
    told = (exact == model_a.str.strip()).fillna(False) ^ (exact == model_b.str.strip()).fillna(
        False
    )
    ambiguous = both & ~told
    nobody = (winner.isna() | (word == "").fillna(False)).astype(bool)
    derived = (read["problem"] == "derived").fillna(False)
    problem = read["problem"].mask(derived)
    problem = problem.mask(ambiguous, _UNREAD).mask(nobody, "no judgement")
    found = pd.Series(None, dtype="str", index=winner.index)
    odd = problem.notna()
    found[odd] = [f"winner: {excerpt(_plain(value))}" for value in winner[odd]]
    found = found.where(~(ambiguous | _turned(read)), found + ", a word or name of both sides")
    reason = read["reason"].mask(derived, "inconsistent").mask(odd)
    return pd.DataFrame(
        {
            "preference": read["preference"].mask(odd),
            "reason": reason,
            "raw": winner.where((reason == "failed").fillna(False).astype(bool)),
            "problem": problem,
            "found": found,
        }
    )


def ask(frame: pd.DataFrame, winner: pd.Series, column: str) -> list[str]:
    """Return a note on winners that are not read; raise where no side is left.

    Parameters
    ----------
    frame : DataFrame
        The judgements, with ``preference`` and ``problem``.
    winner : Series of str
        What their winners were read from.
    column : str
        Its name in the file.

    Raises
    ------
    DataError
        Nothing, or nothing but ties, was read, though there is more.

    Examples
    --------
    >>> won, a, b = pd.Series(["m1", "?!"]), pd.Series(["m1"] * 2), pd.Series(["m2"] * 2)
    >>> ask(read_winners(won, a, b), won, "winner")[0][:35]
    '1 of 2 verdicts (50%) are not read:'
    """
    unread = (frame["problem"] == _UNREAD).fillna(False).to_numpy(bool)
    if not unread.any():
        return []
    values = asking.unread_values(winner[unread])
    kept = frame["problem"].isna()
    if not (kept & frame["preference"].notna() & (frame["preference"] != 0.5)).any():
        raise asking.nothing_decided(values, int(kept.sum()), column)
    return [asking.note(values, len(frame))]


def are_winners(values: Iterable[object], models: Iterable[tuple[object, object]]) -> bool:
    """Tell whether most of the values say who won: words, or the name of one of the models.

    Examples
    --------
    >>> are_winners(["model_a", "m2", None], [("m1", "m2")] * 3), are_winners([1], [("m1", "m2")])
    (True, False)
    """
    said = [
        (str(value).strip(), {str(name).strip().casefold() for name in pair})
        for value, pair in zip(values, models, strict=True)
        if value is not None and str(value).strip()
    ]
    known = sum(word.casefold() in pair or meaning_of(word) is not UNKNOWN for word, pair in said)
    # a shard in which nobody voted holds battles all the same
    return 2 * known > len(said) or not said


def _turned(read: pd.DataFrame) -> pd.Series:
    """Tell where a word of one side is the name of the other."""
    return read["found"].str.startswith("label that is").fillna(False).astype(bool)


def _folded(column: pd.Series) -> pd.Series:
    return column.str.strip().str.casefold()


def _plain(value: object) -> object:
    return value if isinstance(value, str) else None
