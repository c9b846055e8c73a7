"""Requests as files to run elsewhere, and the replies that come back as files."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from workbench.errors import JudgeError
from workbench.llm.asking.bends import Form
from workbench.llm.asking.body import body_of
from workbench.llm.batches.anthropic_batch import ANTHROPIC
from workbench.llm.batches.batch_format import BatchFormat, id_of
from workbench.llm.batches.gemini_batch import GEMINI
from workbench.llm.batches.import_report import ImportReport
from workbench.llm.batches.openai_batch import OPENAI
from workbench.llm.batches.reply_lines import reply_lines
from workbench.llm.batches.taking_in import TakingIn
from workbench.llm.journal import Journal
from workbench.llm.request import Request
from workbench.llm.sending.distinct import Distinct
from workbench.llm.sending.source import AHEAD

Shape = Callable[[Request], tuple[dict[str, Any], Form]]
"""Makes the body of a request, and tells what was bent in it."""

# a line is of the first format that knows it: OpenAI's is the least particular
FORMATS = {one.name: one for one in (ANTHROPIC, GEMINI, OPENAI)}
"""Formats of batch files, by name."""


def write_batch(
    path: Path,
    requests: Iterable[Request],
    base_url: str,
    *,
    batch_format: str = "openai",
    shape: Shape = body_of,
    note: Callable[[Form], object] = lambda form: None,
    most_requests: int | None = None,
    most_bytes: int | None = None,
) -> list[Path]:
    """Write requests as JSONL in the format of a batch API.

    Each line has an id, by which its reply is known again (the request's key, with a mark of
    its form where it is not sent in full), and what is asked. Equal requests are written once.

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
        Makes the body of a request and tells its form; in full by default. Of the other two
        formats it decides which fields of the sampling are left out.
    note : callable
        Told each form before the first line in it: replies are known by it.
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
    lines = _lines(requests, base_url, form, shape, note)
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
    requests: Iterable[Request],
    base_url: str,
    batch_format: BatchFormat,
    shape: Shape,
    note: Callable[[Form], object],
) -> Iterator[bytes]:
    seen, noted = Distinct(), set[Form]()
    todo = iter(requests)
    while made := list(islice(todo, AHEAD)):
        keys = [request.key(base_url) for request in made]
        for key, request, new in zip(keys, made, seen.add(keys), strict=True):
            # one of many that is taken for another stays open: the next plan has it
            if not new:
                continue
            body, form = shape(request)
            form = batch_format.shown(request, form) if form else form
            if form and form not in noted:
                noted.add(form)
                note(form)
            line = batch_format.line(id_of(key, form), request, body)
            yield json.dumps(line).encode("ascii") + b"\n"


def read_batch(
    paths: Sequence[Path],
    asked: Mapping[str, Request],
    journal: Journal,
    *,
    extra: Mapping[str, Any] | None = None,
) -> ImportReport:
    """Take replies from files into the journal.

    Lines may stand in any order, be missing or repeated, and belong to other runs. What they
    hold is read as the reply to a call is, and kept with the form that its id tells. The format
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
    extra : mapping, optional
        Fields that were added to each chat completion.

    Returns
    -------
    ImportReport

    Raises
    ------
    JudgeError
        A file is not there, cannot be read, has a line beyond all measure, or holds requests
        instead of replies. What stands before it is kept.
    """
    taking = TakingIn(asked, journal, extra)
    report = taking.report
    try:
        for path in paths:
            for record, form in _records(path, report):
                taking.take(record, form)
    finally:
        # what stands before a place that cannot be read
        taking.keep()
    taking.end()
    return report


def _records(path: Path, report: ImportReport) -> Iterator[tuple[dict[str, Any], BatchFormat]]:
    for number, text in reply_lines(path):
        report.lines += 1
        record = _object(text)
        form = None if record is None else _recognised(record, path, number)
        if record is None or form is None:
            report.broken.append(f"{path.name}:{number}")
        else:
            yield record, form


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


def _object(text: str) -> dict[str, Any] | None:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
