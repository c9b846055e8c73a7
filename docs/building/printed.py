"""What commands and snippets print, kept true: pages hold the very output of a run.

A block ``console`` holds lines ``$ workbench ...`` and what each prints; a block ``python`` that a
block ``text`` follows at once prints that. ``python docs/building/printed.py FOLDER PAGE ...`` runs
the pages in a folder that holds their data, and writes their outputs anew.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
from pathlib import Path
from typing import Any

_BLOCK = re.compile(
    r"^```console\n(?P<console>.*?)^```$"
    r"|^```python\n(?P<code>.*?)^```\n\n```text\n(?P<output>.*?)^```$",
    flags=re.DOTALL | re.MULTILINE,
)
_NUMBER = re.compile(r"(?<![\w.])[-+]?(?:\d[\d,]*)?\.?\d+(?:e[-+]?\d+)?")
_HEAD = re.compile(r" \| head -n (\d+)$")


def _ran(command: str) -> str:
    """Run a command of the workbench, and return what it prints to stdout."""
    from typer.testing import CliRunner

    from workbench.cli.main import app

    short = _HEAD.search(command)
    words = shlex.split(_HEAD.sub("", command), comments=True)[1:]
    done = CliRunner().invoke(app, words, env={"COLUMNS": "100"})
    if done.exit_code:
        raise RuntimeError(f"{command}: exit code {done.exit_code}\n{done.output}")
    lines = done.stdout.strip("\n").splitlines()
    lines = lines[: int(short[1])] if short else lines
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _console(block: str) -> str:
    """Return a block with what its commands print now; those of other programs are left."""
    told = []
    for command in (line[2:] for line in block.splitlines() if line.startswith("$ ")):
        told.append(f"$ {command}\n")
        # `app` goes on until it is stopped
        if command.startswith("workbench ") and not command.startswith("workbench app"):
            told.append(_ran(command))
    return f"```console\n{''.join(told)}```"


def _python(code: str, names: dict[str, Any]) -> str:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(code, names)  # noqa: S102 - our own text
    lines = said.getvalue().strip("\n").splitlines()
    output = "".join(f"{line.rstrip()}\n" for line in lines)
    return f"```python\n{code}```\n\n```text\n{output}```"


def renewed(page: str, folder: Path) -> str:
    """Return a page with the outputs that its commands and snippets have in a folder."""
    names: dict[str, Any] = {}
    with contextlib.chdir(folder):
        return _BLOCK.sub(
            lambda found: _console(found["console"]) if found["console"]
            else _python(found["code"], names),
            page,
        )  # fmt: skip


def same(one: str, other: str) -> str | None:
    """Return the first line in which two pages differ by more than the last digits of numbers.

    Examples
    --------
    >>> same("p = 0.120", "p = 0.121"), same("p = 0.12", "p = 0.52")
    (None, 'p = 0.52')
    """
    ours, theirs = one.splitlines(), other.splitlines()
    for left, right in zip(ours, theirs, strict=False):
        if not _alike(left, right):
            return right
    return None if len(ours) == len(theirs) else f"{len(ours)} lines, {len(theirs)} now"


def _alike(left: str, right: str) -> bool:
    if _NUMBER.sub("#", left) != _NUMBER.sub("#", right):
        return False
    pairs = zip(_NUMBER.findall(left), _NUMBER.findall(right), strict=True)
    values = [(float(a.replace(",", "")), float(b.replace(",", ""))) for a, b in pairs]
    return all(abs(a - b) <= max(0.0021, 0.02 * abs(a)) for a, b in values)


def decimals(text: str) -> set[str]:
    """Return the decimal numbers of the words between the blocks, without their signs.

    Examples
    --------
    >>> decimals("It is +0.50, see 3.")
    {'0.50'}
    """
    words = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    return set(re.findall(r"(?<![\w.])\d+\.\d+(?![\w.]*\w)", re.sub(r"`[^`]*`", "", words)))


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    for name in map(Path, sys.argv[2:]):
        place = name.resolve()
        place.write_text(renewed(place.read_text("utf-8"), Path(sys.argv[1])), encoding="utf-8")
