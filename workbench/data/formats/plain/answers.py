"""The verdicts of a table's columns of labels, and what of them is not read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.formats.plain import asking
from workbench.data.formats.plain.choices import PairVerdicts, pairs_of, pairs_of_ranks
from workbench.data.formats.plain.columns import side_told
from workbench.data.formats.plain.counted import votes
from workbench.data.formats.plain.mapping import Layout, Question
from workbench.data.formats.plain.named_sides import by_column, by_row
from workbench.data.formats.plain.pairs import Pairs
from workbench.data.formats.records import flag, numbers
from workbench.data.formats.verdicts import Wanted, checked_labels, read_column

_MODELS = ("llm", "reward_model")
"""Kinds of annotators whose empty cell is a verdict that failed."""


class Answers:
    """Reads the verdicts of a table and remembers what it could not read.

    Parameters
    ----------
    table : pyarrow.Table
    layout : Layout
    pairs : Pairs
        Models and texts, by which a label may name a side.
    again : bool
        Whether columns that were read are kept, to be asked for once more.

    Examples
    --------
    >>> from workbench.data.formats.plain.mapping import resolve
    >>> table = pa.table({"text_a": ["x"], "text_b": ["y"], "label": ["B>A"]})
    >>> layout = resolve(table.column_names, {})
    >>> answers = Answers(table, layout, Pairs(table, layout, []))
    >>> [pair.verdicts["preference"].tolist() for pair in answers.of(layout.questions[0])]
    [[0.0]]
    """

    def __init__(
        self, table: pa.Table, layout: Layout, pairs: Pairs, *, again: bool = False
    ) -> None:
        self._table, self._layout, self._pairs = table, layout, pairs
        self._told = checked_labels(layout.labels, len(layout.letters))
        self._unread: Counter[str] = Counter()
        self._columns: list[str] = []
        self._kept: dict[str, pd.DataFrame] | None = {} if again else None

    def counted(self) -> Iterator[PairVerdicts]:
        """Return the verdicts of a table whose votes are counted, or whose responses ranked."""
        roles, n = self._layout.roles, len(self._layout.letters)
        if "votes_a" in roles:
            yield PairVerdicts(0, 1, votes(self._table, roles), np.arange(len(self._table)))
        else:
            yield from pairs_of_ranks(self._table, roles, n, self._pairs.shown)

    def of(self, question: Question) -> Iterator[PairVerdicts]:
        """Return the verdicts of one column of labels, by pair of responses.

        Beside the columns of a verdict: ``missing``, where the cell holds nothing, and ``raw``,
        the text of a verdict that failed.
        """
        n = len(self._layout.letters)
        label = self._label(question)
        said = self._read(label, question, n)
        if "n_votes" in self._layout.roles:
            # half of several votes is no tie, a word is
            several = numbers(self._table, self._layout.roles["n_votes"]) > 1
            share = pd.to_numeric(label, errors="coerce").to_numpy() == 0.5
            said["reason"] = said["reason"].mask(several & share)
        said["missing"] = _is_empty(label)
        written = label.astype("str").reset_index(drop=True)
        said["raw"] = written.where((said["reason"] == "failed") & ~said["missing"])
        found = list(pairs_of(said, label, n, self._pairs.shown))
        open_ = np.ones(len(label), dtype=bool)
        for pair in found:
            open_[pair.rows[(pair.verdicts["problem"] != "unknown label").to_numpy()]] = False
        unread = asking.unread_values(label[open_])
        if unread:
            self._unread.update(unread)
            self._columns.append(question.column)
        yield from found

    def meanings(self, question: Question, kind: str | pd.Series) -> pd.DataFrame:
        """Return the distinct values of a column of labels, with counts and meanings.

        Parameters
        ----------
        question : Question
        kind : str or Series
            What the annotators are, which tells what an empty cell is.

        Returns
        -------
        DataFrame
            ``column, value, count, meaning``; the most frequent values first.
        """
        label = self._label(question)
        said = self._read(label, question, len(self._layout.letters))
        flag_empty(said, _is_empty(label), kind)
        value = label.astype("str").fillna("").reset_index(drop=True).rename("value")
        table = meanings_of_rows(pd.concat([value, said], axis=1), ["value"])
        return table.assign(column=question.column)[["column", "value", "count", "meaning"]]

    def check(self, judged: pd.DataFrame) -> list[str]:
        """Return a note where verdicts were not read; raise where no side is left.

        Parameters
        ----------
        judged : DataFrame
            The judgements of all columns.

        Raises
        ------
        DataError
            Nothing, or nothing but ties, was read, though there is more.
        """
        if not self._unread:
            return []
        kept = judged["problem"].isna()
        decided = kept & judged["preference"].notna() & (judged["preference"] != 0.5)
        n = len(self._layout.letters)
        if not decided.any():
            rest = int(kept.sum())
            raise asking.nothing_decided(self._unread, rest, self._columns[0], n)
        return [asking.note(self._unread, len(judged), n)]

    def _read(self, label: pd.Series, question: Question, n: int) -> pd.DataFrame:
        """Return what a column says, in a table whose columns may be exchanged."""
        if self._kept is None:
            return self._read_now(label, question, n)
        if question.column not in self._kept:
            self._kept[question.column] = self._read_now(label, question, n)
        return self._kept[question.column].copy(deep=False)

    def _read_now(self, label: pd.Series, question: Question, n: int) -> pd.DataFrame:
        roles = self._layout.roles
        fixed = {**by_column(roles, n), **self._told}
        one = None if "label_b" in roles else side_told(question.column)
        said = read_column(label, Wanted(fixed, self._layout.scale, one, n))
        return by_row(said, label, self._pairs.models, self._pairs.texts, fixed)

    def _label(self, question: Question) -> pd.Series:
        """Return a column of labels; where each side has its own flag, these as one word."""
        roles = self._layout.roles
        label = self._table.column(question.column).to_pandas().reset_index(drop=True)
        if "label_b" not in roles:
            return label
        flags = {"a": label}
        for side in ("b", "tie"):
            if f"label_{side}" in roles:
                flags[side] = self._table.column(roles[f"label_{side}"]).to_pandas()
        on = {side: _is_on(column) for side, column in flags.items()}
        shown = pd.concat([c.astype("str").fillna("nothing") for c in flags.values()], axis=1)
        result = shown.agg(", ".join, axis=1).astype(object)
        for side, hit in on.items():
            result[hit & (np.sum(list(on.values()), axis=0) == 1)] = side
        return result


def flag_empty(verdicts: pd.DataFrame, missing: pd.Series, kind: str | pd.Series) -> None:
    """Mark empty cells as no judgement, but for models: they were asked and failed to answer.

    Parameters
    ----------
    verdicts : DataFrame
        Gets ``problem`` and ``found``.
    missing : Series of bool
        Where the cell is empty.
    kind : str or Series
        Kind of the annotator of each row, or of all.

    Examples
    --------
    >>> verdicts = pd.DataFrame({"preference": [float("nan")] * 2})
    >>> flag_empty(verdicts, pd.Series([True, True]), pd.Series(["unknown", "llm"]))
    >>> verdicts["problem"].isna().tolist()
    [False, True]
    """
    model = pd.Series(kind, index=verdicts.index).isin(_MODELS).to_numpy()
    empty = missing.to_numpy(dtype=bool) & ~model
    flag(verdicts, empty, "no judgement", ["an empty label"] * len(verdicts))


def meanings_of_rows(rows: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Return the different verdicts of rows in words, with counts, the most frequent first.

    Parameters
    ----------
    rows : DataFrame
        See :func:`meaning_text`.
    by : sequence of str
        Columns that keep verdicts apart; one value can mean either side: a model's name.

    Examples
    --------
    >>> meanings_of_rows(pd.DataFrame({"preference": [1.0, 0.5, 1.0]}))["meaning"].tolist()
    ['A preferred', 'P(A preferred) = 0.5']
    """
    said = [c for c in ("preference", "reason", "strength", "problem", "side") if c in rows]
    counts = rows[[*by, *said]].value_counts(dropna=False).rename("count").reset_index()
    return counts.assign(meaning=[meaning_text(row) for _, row in counts.iterrows()])


def meaning_text(verdict: pd.Series) -> str:
    """Return a verdict in words.

    Parameters
    ----------
    verdict : Series
        ``preference, reason``, and ``side, strength, problem`` where they are known.

    Examples
    --------
    >>> meaning_text(pd.Series({"preference": 0.0, "reason": None, "strength": 2.0}))
    'B preferred, strength 2'
    """
    problem, reason, side = (verdict.get(name) for name in ("problem", "reason", "side"))
    strength = verdict.get("strength", np.nan)
    preference = verdict["preference"]
    if isinstance(problem, str):
        return {"unknown label": "not read", "derived": "derived of others"}.get(problem, problem)
    if isinstance(reason, str) and reason:
        return reason.replace("_", " ")
    if not isinstance(side, str):
        side = {1.0: "a", 0.0: "b"}.get(preference)
    if side is None:
        return f"P(A preferred) = {preference:.4g}" if preference == preference else "no verdict"
    how = f", strength {strength:g}" if strength == strength else ""
    return f"{side.upper()} preferred{how}"


def _is_on(column: pd.Series) -> np.ndarray:
    """Tell where a flag is set: 1, true or yes, also as text."""
    return np.asarray(read_column(column, Wanted(one="a"))["preference"] == 1)


def _is_empty(label: pd.Series) -> pd.Series:
    blank = label.isna()
    if label.dtype == object or pd.api.types.is_string_dtype(label.dtype):
        blank |= label.astype("str").str.strip() == ""
    return blank.reset_index(drop=True).astype(bool)
