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
from workbench.llm.batches.anthropic_batch import ANTHROPIC
from workbench.llm.batches.batch_format import BatchFormat
from workbench.llm.batches.gemini_batch import GEMINI
from workbench.llm.batches.openai_batch import OPENAI
from workbench.llm.journal import Journal
from workbench.llm.reading import read_completion
from workbench.llm.reply import Reply
from workbench.llm.request import Request

# a line is of the first format that knows it: OpenAI's is the least particular
Shape = Callable[[Request], dict[str, Any]]

FORMATS = {one.name: one for one in (ANTHROPIC, GEMINI, OPENAI)}
"""Formats of batch files, by name."""
_ROWS = 2000
_EXAMPLES = 5


def write_batch(
    path: Path,
    requests: Iterable[Request],
    base_url: str,
    *,
    batch_format: str = "openai",
    shape: Shape = lambda request: body_of(request)[0],
    most_requests: int | None = None,
    most_bytes: int | None = None,
) -> list[Path]:
    """Write requests as JSONL in the format of a batch API.

    Each line has the request's key (so that its reply is known again) and what is asked.
    Equal requests are written once.

    Parameters
    ----------
    path : Path
        Of the file; where one does not hold them all, ``<name>-002.jsonl`` and so on follow.
        Files of an earlier plan under these names are replaced.
    requests : iterable of Request
    base_url : str
        Of the endpoint that they are for.
    batch_format : {"openai", "anthropic", "gemini"}
        Whose batch API; vLLM reads OpenAI's format too.
    shape : callable
        Makes the body of a request; in full by default. Of the other two formats it decides
        which fields of the sampling are left out.
    most_requests, most_bytes : int, optional
        Limits of one file; the batch API's when None.

    Returns
    -------
    list of Path
        The files written; none where there is no request.

    Raises
    ------
    JudgeError
        There is no such format, or the API cannot answer a request: it gives no
        log-probabilities, or no embeddings.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     hello = Request("m", ({"role": "user", "content": "Hi"},))
    ...     (file,) = write_batch(Path(folder) / "r.jsonl", [hello], "http://127.0.0.1:1/v1")
    ...     json.loads(file.read_text())["url"]
    '/v1/chat/completions'
    """
    form = _named(batch_format)
    most_requests, most_bytes = most_requests or form.most_requests, most_bytes or form.most_bytes
    lines = _lines(requests, base_url, form, shape)
    # what cannot be written leaves the files of an earlier plan as they are
    pending = next(lines, None)
    path.parent.mkdir(parents=True, exist_ok=True)
    for old in [path, *path.parent.glob(f"{path.stem}-[0-9][0-9][0-9]{path.suffix}")]:
        old.unlink(missing_ok=True)
    written: list[Path] = []
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


def _named(name: str) -> BatchFormat:
    if name not in FORMATS:
        raise JudgeError(
            f"There is no format of batch files {name!r}.",
            expected="one of " + ", ".join(sorted(FORMATS)),
            fix="Check the spelling of --batch-format.",
        )
    return FORMATS[name]


def _lines(
    requests: Iterable[Request], base_url: str, form: BatchFormat, shape: Shape
) -> Iterator[bytes]:
    seen = set()
    for request in requests:
        key = request.key(base_url)
        if key not in seen:
            seen.add(key)
            yield json.dumps(form.line(key, request, shape(request))).encode("ascii") + b"\n"


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
            lines.append(f"broken lines, such as {shown}: no JSON object with a custom_id or key")
        return "\n".join([*lines, f"{self.open:,} requests are still open"])

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return dict(vars(self))


def read_batch(
    paths: Sequence[Path], asked: Mapping[str, Request], journal: Journal
) -> ImportReport:
    """Take replies from files into the journal.

    Lines may stand in any order, be missing or repeated, and belong to other runs. The format
    of each is told by itself: OpenAI's and vLLM's
    ``{"custom_id", "response": {"status_code", "body"}, "error"}`` or ``{"custom_id", "body"}``,
    where ``body`` is a chat completion; Anthropic's ``{"custom_id", "result"}``; Gemini's
    ``{"key", "response"}`` or ``{"key", "error"}``.

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
        for record, form in _records(path, report):
            key = str(record[form.key])
            if key not in asked:
                report.foreign += 1
                report.foreign_ids += [key[:40]] if len(report.foreign_ids) < _EXAMPLES else []
            elif key in seen:
                report.repeated += 1
            elif key in known:
                report.kept += 1
            else:
                reply = _reply(record, form, asked[key], report)
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
    record: dict[str, Any], form: BatchFormat, request: Request, report: ImportReport
) -> Reply | None:
    """Return the reply that a line holds; None where it holds an error, which is counted."""
    completion, error = form.answer(record)
    if completion is None:
        report.errors[error] = report.errors.get(error, 0) + 1
        return None
    reply = read_completion(completion, request, form.path(request))
    if reply.reason is None:
        report.answered += 1
    else:
        reason = reply.reason.partition(":")[0]
        report.failed[reason] = report.failed.get(reason, 0) + 1
    return reply


def _records(path: Path, report: ImportReport) -> Iterator[tuple[dict[str, Any], BatchFormat]]:
    try:
        with _opened(path) as file:
            for number, line in enumerate(file, start=1):
                text = line.decode("utf-8-sig" if number == 1 else "utf-8", "replace").strip()
                if not text:
                    continue
                report.lines += 1
                record = _object(text)
                form = None if record is None else _recognised(record, path, number)
                if record is None or form is None:
                    report.broken.append(f"{path.name}:{number}")
                else:
                    yield record, form
    except (OSError, EOFError, zlib.error) as error:
        raise JudgeError(
            "A file of replies cannot be read.",
            where=path.name,
            found=str(error)[:200],
            expected="a JSONL file of replies, also as .gz",
            fix="Check the path, or download the file again.",
        ) from None


def _recognised(record: dict[str, Any], path: Path, number: int) -> BatchFormat | None:
    """Return the format of a line; None where no format knows it."""
    for form in FORMATS.values():
        if form.is_request(record):
            raise JudgeError(
                "The file holds requests, not replies.",
                where=f"{path.name}, line {number}",
                found=f"a request in {form.name}'s format",
                expected="the output of the batch: lines with an id and a response or result",
                fix="Give the file that the batch API or vLLM wrote.",
            )
        if form.is_reply(record):
            return form
    return None


def _opened(path: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")


def _object(text: str) -> dict[str, Any] | None:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
