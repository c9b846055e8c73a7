"""The calls of a run as its journal holds them: what was sent, what came back, what was read.

The journal is read as it is, without a lock, a check of the whole file or a list of its rows:
a run may be under way, and may hold more replies than memory does.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from workbench.annotate.folder import RunFolder
from workbench.data.store import is_saved
from workbench.errors import DataError
from workbench.llm.fence import unfenced
from workbench.llm.request import plain_text

Which = Literal["all", "failed", "answered"]

_TABLES: Mapping[str, tuple[str, ...]] = {
    "all": ("failures", "answers"),
    "failed": ("failures",),
    "answered": ("answers",),
}
"""Where the calls are: failures first, for they are looked for."""

_LETTER = {"failures": "f", "answers": "a"}
_LONGEST = 2000
_PAIRS = 20
_ESCAPE = "\x01"
"""No JSON text holds it as it is."""


@dataclass(frozen=True)
class Call:
    """One question and what came of it.

    Attributes
    ----------
    name : str
        In its run: ``a`` and a number for an answer, ``f`` and a number for a failure.
    messages : tuple of tuple of str
        Role and text of each message as it was sent; empty where that was not kept.
    sent : str
        The other fields of the request, as JSON: model and sampling.
    reply : str
        What the model wrote, untouched.
    thinking : str
    read : str
        What was read of the reply, as JSON; empty where nothing could be.
    reason : str or None
        Why it is a failure, in the server's words where it said some.
    form : str
        How the structure of the reply was asked for, and what the server wanted otherwise.
    finish_reason : str
    attempts, prompt_tokens, completion_tokens : int
        Calls that were sent for it, and the tokens that were billed.
    """

    name: str
    messages: tuple[tuple[str, str], ...]
    sent: str
    reply: str
    thinking: str
    read: str
    reason: str | None
    form: str
    finish_reason: str
    attempts: int
    prompt_tokens: int
    completion_tokens: int

    @property
    def prompt(self) -> str:
        r"""The text of all messages.

        Examples
        --------
        >>> empty = ("", "", "", "", None, "", "", 1, 0, 0)
        >>> Call("a1", (("system", "Judge."), ("user", "A or B?")), *empty).prompt
        'Judge.\n\nA or B?'
        """
        return "\n\n".join(text for _, text in self.messages)

    @property
    def texts(self) -> dict[str, str]:
        """The texts that were asked about, by name, where they stand in a fence."""
        found = (unfenced(text) for role, text in self.messages if role == "user")
        return {name: text for some in found for name, text in some.items()}

    def holds(self, words: str) -> bool:
        """Tell whether words are in the prompt, the reply or the reason; case is ignored."""
        told = (self.prompt, self.reply, self.thinking, self.reason or "")
        return any(words.casefold() in one.casefold() for one in told)


@dataclass(frozen=True)
class CallPage:
    """Some calls of a run, in the order in which they were kept.

    Attributes
    ----------
    calls : list of Call
    next : str or None
        The name of the last of them where others follow: give it as ``after``.
    total : int
        Calls of the run of this kind, whatever is searched for.
    damaged : int
        Rows on the way that are not what was written.
    """

    calls: list[Call]
    next: str | None
    total: int
    damaged: int = 0


def calls_of(
    folder: RunFolder,
    *,
    after: str | None = None,
    n: int = 25,
    search: str = "",
    which: Which = "all",
) -> CallPage:
    """Return a page of the calls of a run.

    Parameters
    ----------
    folder : RunFolder
    after : str, optional
        Name of the call before the first.
    n : int
        Calls on a page.
    search : str
        Only calls that hold these words in prompt, reply or reason. The case of ASCII letters
        is ignored.
    which : {"all", "failed", "answered"}
        Failures come first.

    Raises
    ------
    DataError
        The journal cannot be read.

    Examples
    --------
    >>> from pathlib import Path
    >>> calls_of(RunFolder(Path("nowhere"))).calls
    []
    """
    with _reading(folder) as connection:
        if connection is None:
            return CallPage([], None, 0)
        total = sum(_count(connection, table) for table in _TABLES[which])
        found: list[Call] = []
        damaged = 0
        for call in _calls(connection, which, after, search.strip()):
            if call is None:
                damaged += 1
            elif len(found) == n:
                return CallPage(found, found[-1].name, total, damaged)
            else:
                found.append(call)
    return CallPage(found, None, total, damaged)


def every_call(
    folder: RunFolder, *, search: str = "", which: Which = "all", most: int = 20_000
) -> Iterator[dict[str, Any]]:
    """Yield the calls of a run as plain JSON values, one at a time, at most so many."""
    with _reading(folder) as connection:
        found = () if connection is None else _calls(connection, which, None, search.strip())
        for call, _ in zip((one for one in found if one is not None), range(most), strict=False):
            yield {
                **{name: value for name, value in vars(call).items() if name != "messages"},
                "messages": [{"role": role, "content": text} for role, text in call.messages],
            }


def call_counts(folder: RunFolder) -> dict[str, int]:
    """Return how many replies a run has kept: ``answered`` and ``failed``."""
    with _reading(folder) as connection:
        if connection is None:
            return {"answered": 0, "failed": 0}
        return {one: _count(connection, *_TABLES[one]) for one in ("answered", "failed")}


def learnt_forms(folder: RunFolder) -> dict[str, list[str]]:
    """Return what the servers of a run wanted otherwise in requests, by model."""
    with _reading(folder) as connection:
        if connection is None:
            return {}
        known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'bends'").fetchone()
        query = "SELECT model, form FROM bends WHERE model <> '' ORDER BY rowid"
        rows = connection.execute(query).fetchall() if known else []
    found: dict[str, list[str]] = {}
    for model, form in rows:
        found.setdefault(model, []).extend(json.loads(form))
    return {model: list(dict.fromkeys(bends)) for model, bends in found.items()}


def pairs_of(call: Call, folder: RunFolder) -> list[str]:
    """Return the pairs that a call is about: those whose responses stand in its prompt.

    A question about one response is about every pair that has it. At most twenty.

    Parameters
    ----------
    call : Call
    folder : RunFolder
    """
    texts = list(call.texts.values())
    if not texts or not is_saved(folder.path / "data"):
        return []
    pairs = folder.data.pairs
    a, b = (pairs[name].isin(texts) for name in ("response_a", "response_b"))
    both = sum(name.startswith("response") for name in call.texts) > 1
    table = pairs.loc[a & b if both else a | b, ["pair_id", "prompt"]]
    # near-equal responses stand under other prompts too
    same = table[table["prompt"].isin(texts)]
    return [str(one) for one in (same if len(same) else table)["pair_id"].head(_PAIRS)]


@contextmanager
def _reading(folder: RunFolder) -> Iterator[sqlite3.Connection | None]:
    """Open a journal to read only; None where there is none yet."""
    path = folder.path / "journal.sqlite"
    if not path.is_file():
        yield None
        return
    try:
        address = f"{path.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=10)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise DataError(
            "The journal of the run cannot be read.",
            where=f"{folder.path.name}/journal.sqlite",
            found=str(error),
            expected="the journal that the run wrote",
            fix="Take the run up again: a damaged journal is set aside, and what can be read of it "
            "is kept.",
        ) from error


def _count(connection: sqlite3.Connection, table: str) -> int:
    query = f"SELECT COUNT(*) FROM {table}"  # noqa: S608 - a name of ours
    return int(connection.execute(query).fetchone()[0])


def _calls(
    connection: sqlite3.Connection, which: Which, after: str | None, search: str
) -> Iterator[Call | None]:
    """Yield calls after one, and None for each row that is damaged."""
    tables = _TABLES[which]
    start = 0
    if after is not None:
        first = next((k for k, one in enumerate(tables) if _LETTER[one] == after[:1]), 0)
        tables, start = tables[first:], int(after[1:])
    # as JSON writes it, so that the texts need not be read to be passed over
    pattern = f"%{_literal(json.dumps(search)[1:-1])}%" if search else None
    for table in tables:
        where = "" if pattern is None else f"AND (asked LIKE ? ESCAPE '{_ESCAPE}' " \
            f"OR reply LIKE ? ESCAPE '{_ESCAPE}')"  # fmt: skip
        query = f"SELECT rowid, reply, sum, asked FROM {table} WHERE rowid > ? {where}"  # noqa: S608
        given = [start, *([pattern, pattern] if pattern else [])]
        for row in connection.execute(f"{query} ORDER BY rowid", given):
            call = _call(_LETTER[table], *row)
            if call is None or not search or call.holds(search):
                yield call
        start = 0


def _literal(text: str) -> str:
    for sign in ("%", "_"):
        text = text.replace(sign, _ESCAPE + sign)
    return text


def _call(letter: str, number: int, reply: str, total: int, asked: str | None) -> Call | None:
    if zlib.crc32(reply.encode()) != total:
        return None
    record, body = json.loads(reply), {} if asked is None else json.loads(asked)
    said = body.pop("messages", None)
    if said is None:
        said = [{"role": "text", "content": text} for text in body.pop("input", ())]
    usage = record["usage"]
    bends = [record["path"], *record.get("form", ())]
    return Call(
        name=f"{letter}{number}",
        messages=tuple((str(one.get("role")), plain_text(one.get("content"))) for one in said),
        sent=json.dumps(body, ensure_ascii=False, sort_keys=True) if body else "",
        reply=record["text"],
        thinking=record.get("thinking", ""),
        read="" if record["value"] is None else _short(record["value"]),
        reason=record["reason"],
        form=", ".join(bends),
        finish_reason=record["finish_reason"],
        attempts=record["attempts"],
        prompt_tokens=usage[0],
        completion_tokens=usage[1],
    )


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    left = len(text) - _LONGEST
    return text if left <= 0 else f"{text[:_LONGEST]} ... ({left:,} characters more)"
