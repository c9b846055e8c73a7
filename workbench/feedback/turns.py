"""Conversations as a table of turns, which a run that asks a model keeps in its folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.digests import content_digests
from workbench.data.load_report import LeftOut, LoadReport
from workbench.errors import DataError
from workbench.feedback.conversations import Conversation, Exchange, Rows

_COLUMNS = (
    "conversation", "turn", "before", "shown", "request", "answer", "reply", "user", "model",
    "language",
)  # fmt: skip


def turns_of(some: Iterable[Conversation], rows: Rows) -> PreferenceData:
    """Return each answer as a row of pairs with one side, without labels.

    ``prompt`` is the request and ``response_a`` the answer; ``reply`` what the user said next.
    A cluster is a conversation.

    Raises
    ------
    DataError
        No conversation.
    """
    table = pd.DataFrame(_rows_of(some), columns=list(_COLUMNS))
    if table.empty:
        raise nothing(rows)
    text = [c for c in _COLUMNS if c != "turn"]
    table[text] = table[text].astype("str")
    names = [table["conversation"], table["turn"].astype("str"), table["answer"]]
    pairs = table.assign(
        pair_id=content_digests(names), prompt=table["request"], response_a=table["answer"],
        cluster=table["conversation"],
    ).drop(columns=["request", "answer"])  # fmt: skip
    labels = pd.DataFrame({"pair_id": [], "annotator": [], "preference": []})
    data = PreferenceData.from_tables(pairs, labels.astype({"pair_id": "str", "annotator": "str"}))
    left = {why: LeftOut(n) for why, n in rows.left_out.items()}
    report = LoadReport(
        rows.source, "conversations", rows.read, rows.read - sum(rows.left_out.values()),
        len(pairs), 0, left,
        notes=() if rows.column is None else (f"conversations stand in {rows.column!r}",),
    )  # fmt: skip
    return replace(data, load_report=report)


def _rows_of(some: Iterable[Conversation]) -> Iterator[tuple[Any, ...]]:
    for one in some:
        for e in one.exchanges:
            yield (one.name, e.number, e.before, e.prompt, e.request, e.answer, e.reply, one.user,
                   one.model, one.language)  # fmt: skip


def table_of(data: PreferenceData) -> pd.DataFrame:
    """Return the turns of such data, as :func:`turns_of` read them."""
    pairs = data.pairs
    if not {"conversation", "turn", "before", "reply"} <= set(pairs):
        raise DataError(
            "These are no turns of conversations.",
            found=", ".join(pairs.columns[:12]),
            expected="the data of a run of workbench feedback",
            fix="Start from the conversations: workbench feedback FILE",
        )
    table = pairs.assign(request=pairs["prompt"], answer=pairs["response_a"])
    return table.sort_values(["conversation", "turn"], kind="stable", ignore_index=True)


def conversations_in(turns: pd.DataFrame) -> Iterator[Conversation]:
    """Yield the conversations of a table of turns."""
    for name, part in turns.groupby("conversation", sort=True):
        first = part.iloc[0]
        yield Conversation(
            str(name), _text(first["user"]), _text(first["model"]), _text(first["language"]),
            tuple(
                Exchange(int(row["turn"]), str(row["before"]), str(row["shown"]),
                         str(row["request"]), str(row["answer"]), _text(row["reply"]))
                for row in part.to_dict("records")
            ),
        )  # fmt: skip


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def nothing(rows: Rows) -> DataError:
    """Return the error of a source without a conversation."""
    lost = ", ".join(f"{n:,} {why}" for why, n in rows.left_out.items())
    return DataError(
        "There is no conversation.",
        where=rows.source,
        found=f"{rows.read:,} rows: {lost or 'none at all'}",
        expected="a column messages, conversations or conversation: a list of role and content, or "
        "of from and value",
        fix="Name the column that holds the messages (--column NAME).",
    )
