"""Requests as files to run elsewhere, and the replies that come back as files."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Any

from workbench.errors import JudgeError
from workbench.llm.asking.body import body_of
from workbench.llm.journal import Journal
from workbench.llm.reading import read_completion
from workbench.llm.reply import Reply
from workbench.llm.request import Request

_PATH = "json_schema"
_ROWS = 2000
_EXAMPLES = 5


def write_batch(
    path: Path,
    requests: Iterable[Request],
    base_url: str,
    *,
    shape: Callable[[Request], dict[str, Any]] = lambda request: body_of(request)[0],
    most_requests: int = 50_000,
    most_bytes: int = 200_000_000,
) -> list[Path]:
    """Write requests as JSONL in the format of OpenAI's batch API, which vLLM reads too.

    Each line has ``custom_id`` (the request's key, so that its reply is known again),
    ``method``, ``url`` and ``body``. Equal requests are written once.

    Parameters
    ----------
    path : Path
        Of the file; where one does not hold them all, ``<name>-002.jsonl`` and so on follow.
        Files of an earlier plan under these names are replaced.
    requests : iterable of Request
    base_url : str
        Of the endpoint that they are for.
    shape : callable
        Makes the body of a request; in full by default.
    most_requests, most_bytes : int
        Limits of one file.

    Returns
    -------
    list of Path
        The files written; none where there is no request.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     hello = Request("m", ({"role": "user", "content": "Hi"},))
    ...     (file,) = write_batch(Path(folder) / "r.jsonl", [hello], "http://127.0.0.1:1/v1")
    ...     json.loads(file.read_text())["url"]
    '/v1/chat/completions'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in [path, *path.parent.glob(f"{path.stem}-[0-9][0-9][0-9]{path.suffix}")]:
        old.unlink(missing_ok=True)
    written: list[Path] = []
    lines = _lines(requests, base_url, shape)
    pending = next(lines, None)
    while pending is not None:
        name = path if not written else path.with_stem(f"{path.stem}-{len(written) + 1:03d}")
        draft = name.with_name(f".{name.name}.{os.getpid()}")
        with draft.open("wb") as file:
            size = count = 0
            while pending is not None and count < most_requests:
                if count and size + len(pending) > most_bytes:
                    break
                size, count = size + file.write(pending), count + 1
                pending = next(lines, None)
        draft.replace(name)
        written.append(name)
    return written


def _lines(
    requests: Iterable[Request], base_url: str, shape: Callable[[Request], dict[str, Any]]
) -> Iterator[bytes]:
    seen = set()
    for request in requests:
        key = request.key(base_url)
        if key in seen:
            continue
        seen.add(key)
        url = f"/v1/{request.route}"
        record = {"custom_id": key, "method": "POST", "url": url, "body": shape(request)}
        yield json.dumps(record).encode("ascii") + b"\n"


@dataclass
class ImportReport:
    """What became of every line of the files of replies.

    Attributes
    ----------
    lines : int
        Lines that are not blank.
    answered, kept, repeated : int
        New answers; replies to what was answered before; lines whose id came before in
        these files (the first counts).
    failed : dict of str to int
        Replies that could not be read, by reason; their text is kept.
    errors : dict of str to int
        Lines that hold an error instead of a reply, by status: still open.
    foreign : int
        Ids that no request of this run has.
    foreign_ids : list of str
        A few of them.
    broken : list of str
        ``file:line`` of lines that are no JSON object with an id.
    open : int
        Requests that have no reply yet.

    Examples
    --------
    >>> print(ImportReport(lines=3, answered=2, foreign=1, foreign_ids=["x"]).summary())
    3 lines: 2 answered, 0 known already, 0 repeated, 0 failed, 0 errors, 1 foreign, 0 broken
    foreign ids, such as x: they belong to another run, model, endpoint or setting
    0 requests are still open
    """

    lines: int = 0
    answered: int = 0
    kept: int = 0
    repeated: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    foreign: int = 0
    foreign_ids: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    open: int = 0

    def summary(self) -> str:
        """Return the report as text."""
        lines = [
            f"{self.lines:,} lines: {self.answered:,} answered, {self.kept:,} known already, "
            f"{self.repeated:,} repeated, {sum(self.failed.values()):,} failed, "
            f"{sum(self.errors.values()):,} errors, {self.foreign:,} foreign, "
            f"{len(self.broken):,} broken"
        ]
        for name, counts in (("failed", self.failed), ("errors", self.errors)):
            lines += [f"{name}: {count:,} {reason}" for reason, count in sorted(counts.items())]
        if self.foreign:
            shown = ", ".join(self.foreign_ids)
            lines.append(
                f"foreign ids, such as {shown}: they belong to another run, model, endpoint or "
                "setting"
            )
        if self.broken:
            shown = ", ".join(self.broken[:_EXAMPLES])
            lines.append(f"broken lines, such as {shown}: no JSON object with a custom_id")
        return "\n".join([*lines, f"{self.open:,} requests are still open"])

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return dict(vars(self))


def read_batch(
    paths: Sequence[Path], asked: Mapping[str, Request], journal: Journal
) -> ImportReport:
    """Take replies from files into the journal.

    Lines may stand in any order, be missing or repeated, and belong to other runs. Each is
    ``{"custom_id", "response": {"status_code", "body"}, "error"}``, as batch APIs and vLLM
    write it, or ``{"custom_id", "body"}``, where ``body`` is a chat completion.

    Parameters
    ----------
    paths : sequence of Path
        JSONL, also as .gz.
    asked : mapping of str to Request
        Every request of the run, by key.
    journal : Journal

    Returns
    -------
    ImportReport

    Raises
    ------
    JudgeError
        A file is not there, cannot be read, or holds requests instead of replies.
    """
    report = ImportReport()
    known, seen = set(journal.get(asked)), set[str]()
    waiting: dict[str, Reply] = {}
    for path in paths:
        for where, record in _records(path, report):
            key = str(record["custom_id"])
            if key not in asked:
                report.foreign += 1
                report.foreign_ids += [key[:40]] if len(report.foreign_ids) < _EXAMPLES else []
            elif key in seen:
                report.repeated += 1
            elif key in known:
                report.kept += 1
            else:
                reply = _reply(record, asked[key], report, path, where)
                if reply is not None:
                    seen.add(key)
                    waiting[key] = reply
            if len(waiting) >= _ROWS:
                _keep(waiting, asked, journal)
    _keep(waiting, asked, journal)
    report.open = sum(key not in known and key not in seen for key in asked)
    return report


def _keep(waiting: dict[str, Reply], asked: Mapping[str, Request], journal: Journal) -> None:
    journal.put(waiting, asked)
    waiting.clear()


def _reply(
    record: dict[str, Any], request: Request, report: ImportReport, path: Path, where: str
) -> Reply | None:
    """Return the reply that a line holds; None where it holds an error, which is counted."""
    if record.get("method") == "POST" and "response" not in record:
        raise JudgeError(
            "The file holds requests, not replies.",
            where=f"{path.name}, line {where}",
            found="a line with method and body",
            expected="the output of the batch: lines with custom_id and response",
            fix="Give the file that the batch API or vLLM wrote.",
        )
    response = record.get("response")
    response = response if isinstance(response, dict) else {}
    status, body = response.get("status_code", 200), response.get("body", record.get("body"))
    if record.get("error") or status != 200 or not isinstance(body, dict):
        reason = f"status {status}" if status != 200 else _error(record.get("error"))
        report.errors[reason] = report.errors.get(reason, 0) + 1
        return None
    reply = read_completion(body, request, _PATH)
    if reply.reason is None:
        report.answered += 1
    else:
        reason = reply.reason.partition(":")[0]
        report.failed[reason] = report.failed.get(reason, 0) + 1
    return reply


def _error(error: Any) -> str:
    said = error.get("code") or error.get("message") if isinstance(error, dict) else error
    return str(said or "no reply in the line")[:80]


def _records(path: Path, report: ImportReport) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        with _opened(path) as file:
            for number, line in enumerate(file, start=1):
                text = line.decode("utf-8-sig" if number == 1 else "utf-8", "replace").strip()
                if not text:
                    continue
                report.lines += 1
                record = _object(text)
                if record is None or "custom_id" not in record:
                    report.broken.append(f"{path.name}:{number}")
                else:
                    yield str(number), record
    except (OSError, EOFError, zlib.error) as error:
        raise JudgeError(
            "A file of replies cannot be read.",
            where=path.name,
            found=str(error)[:200],
            expected="a JSONL file of replies, also as .gz",
            fix="Check the path, or download the file again.",
        ) from None


def _opened(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _object(text: str) -> dict[str, Any] | None:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
