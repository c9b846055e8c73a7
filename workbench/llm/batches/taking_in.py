"""Replies of files on their way into the journal: of each request the best line counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

from workbench.llm.asking.bends import Form
from workbench.llm.asking.body import body_of
from workbench.llm.asking.completion import reply_of, unpaid
from workbench.llm.batches.batch_format import BatchFormat, asked_by
from workbench.llm.batches.import_report import ImportReport
from workbench.llm.batches.spooled import scratch
from workbench.llm.journal import Journal
from workbench.llm.reply import Reply
from workbench.llm.request import Request
from workbench.llm.sending.kept import Kept, is_final

_ROWS = 2000
_OUTCOMES = """
CREATE TABLE outcomes (key TEXT NOT NULL UNIQUE, rank INTEGER, name TEXT, value INTEGER)
"""
_ANSWER, _FAILURE, _ERROR = 2, 1, 0


class _Outcome(NamedTuple):
    """What the best line of a request so far makes of it."""

    rank: int
    name: str
    value: int


class TakingIn:
    """Takes one line of replies after the other, and keeps and counts what they hold.

    Parameters
    ----------
    asked : mapping of str to Request
        Every request of the run, by key.
    journal : Journal
    extra : mapping or None
        Fields that are added to each chat completion.

    Attributes
    ----------
    report : ImportReport
        Whole after :meth:`end`.

    Examples
    --------
    >>> import tempfile
    >>> from workbench.llm.batches.openai_batch import OPENAI
    >>> hello = Request("m", ({"role": "user", "content": "Hi"},))
    >>> said = {"choices": [{"message": {"content": "Hello"}}]}
    >>> with tempfile.TemporaryDirectory() as folder, Journal(folder + "/j") as journal:
    ...     taking = TakingIn({"k": hello}, journal, None)
    ...     taking.take({"custom_id": "k", "body": {"error": "Overloaded"}}, OPENAI)
    ...     taking.take({"custom_id": "k", "body": said}, OPENAI)
    ...     taking.end()
    ...     journal.get(["k"])["k"].value, taking.report.answered, taking.report.repeated
    ('Hello', 1, 1)
    """

    def __init__(
        self, asked: Mapping[str, Request], journal: Journal, extra: Mapping[str, Any] | None
    ) -> None:
        self.report = ImportReport()
        self._asked, self._journal, self._extra = asked, journal, extra
        self._forms = journal.forms()
        self._outcomes = scratch(_OUTCOMES)
        self._waiting: dict[str, Reply] = {}

    def take(self, record: Mapping[str, Any], batch_format: BatchFormat) -> None:
        """Take a line."""
        line_id = str(record[batch_format.key])
        key, form = asked_by(line_id, self._forms)
        if form is None or key not in self._asked:
            self.report.count_foreign(line_id)
            return
        reply, outcome = self._read(record, batch_format, self._asked[key], form)
        before = self._before(key)
        if before is None and (known := self._journal.get([key])):
            # it was kept before any of these lines
            self.report.kept += 1
            self._compare(outcome, _digest(known[key].value))
            return
        if before is not None:
            self.report.repeated += 1
            if outcome.rank <= before.rank:
                self._compare(outcome, before.value if before.rank == _ANSWER else outcome.value)
                return
        self._outcomes.execute("INSERT OR REPLACE INTO outcomes VALUES (?, ?, ?, ?)",
                               (key, *outcome))  # fmt: skip
        if key in self._waiting or len(self._waiting) >= _ROWS:
            # what was paid for is kept, though it does not count
            self.keep()
        self._waiting[key] = reply

    def keep(self) -> None:
        """Write what was taken to the journal; a failure that it has already is not written."""
        replies, self._waiting = self._waiting, {}
        before = self._journal.failed(key for key, one in replies.items() if one.failed)
        news = {key: one for key, one in replies.items() if not _is_told(one, before.get(key))}
        self._journal.put(news, self._asked)

    def end(self) -> None:
        """Write the rest, and count how many requests came to what."""
        self.keep()
        self.report.answered = sum(self._names(_ANSWER).values())
        self.report.failed = self._names(_FAILURE)
        self.report.errors = self._names(_ERROR)
        kept = Kept(self._journal)
        found = sum(len(kept.get(some)) for some in _parts(self._asked))
        self.report.open = len(self._asked) - found

    def _names(self, rank: int) -> dict[str, int]:
        query = (
            "SELECT name, COUNT(*) FROM outcomes WHERE rank = ? GROUP BY name ORDER BY MIN(rowid)"
        )
        return dict(self._outcomes.execute(query, (rank,)).fetchall())

    def _before(self, key: str) -> _Outcome | None:
        """Return what the best line of a request so far made of it."""
        query = "SELECT rank, name, value FROM outcomes WHERE key = ?"
        row = self._outcomes.execute(query, (key,)).fetchone()
        return None if row is None else _Outcome(*row)

    def _read(
        self, record: Mapping[str, Any], batch_format: BatchFormat, request: Request, form: Form
    ) -> tuple[Reply, _Outcome]:
        completion, name, failure = batch_format.answer(record)
        if failure is None:
            body = body_of(request, form, self._extra)[0]
            reply = reply_of(completion, request, body, batch_format.path(request, body))
            reply = replace(reply, form=form)
        else:
            # what no server answered was no call
            reply = unpaid(failure, failure.reason, int(failure.status is not None))
        if reply.reason is None:
            return reply, _Outcome(_ANSWER, "", _digest(reply.value))
        if is_final(reply):
            return reply, _Outcome(_FAILURE, reply.reason.partition(":")[0], 0)
        if reply.text != name:
            self.report.words.setdefault(name, reply.text)
        return reply, _Outcome(_ERROR, name, 0)

    def _compare(self, outcome: _Outcome, value: int) -> None:
        self.report.different += outcome.rank == _ANSWER and outcome.value != value


def _is_told(reply: Reply, before: Reply | None) -> bool:
    """Say whether a failure adds nothing to the last one of its request.

    Files are taken in again when more of them has come. An error takes away no failure that
    was paid for.
    """
    if before is None or not reply.failed:
        return False
    return before == reply or (is_final(before) and not is_final(reply))


def _digest(value: Any) -> int:
    return hash(json.dumps(value, sort_keys=True))


def _parts(keys: Iterable[str]) -> Iterator[list[str]]:
    """Yield keys a few at a time: what is looked up of them is not held."""
    todo = iter(keys)
    while some := list(islice(todo, _ROWS)):
        yield some
