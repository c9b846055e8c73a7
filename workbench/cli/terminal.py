"""What the commands print: text of the data is shown, and never steers the terminal."""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from workbench.errors import WorkbenchError

# C0 besides line end and tab, DEL and C1; marks that turn the direction of text; halves of
# characters, which no terminal can be sent
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_PICTURES = 0x2400


def visible(text: str) -> str:
    r"""Return text with a sign in the place of each character that would steer a terminal.

    Examples
    --------
    >>> visible("\x1b[2J and \u202e")
    '␛[2J and \\u202e'
    """
    return _STEERING.sub(_sign, text)


def _sign(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(_PICTURES + code)
    return "␡" if code == 0x7F else f"\\u{code:04x}"


def escaped(json_text: str) -> str:
    r"""Return JSON text with the same characters escaped: it says the same.

    Examples
    --------
    >>> escaped('["\x9b"]')
    '["\\u009b"]'
    """
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", json_text)


def say(text: str, *, err: bool = False) -> None:
    """Print text; everything that a command prints comes through here, or is JSON."""
    typer.echo(visible(text), err=err)


def say_json(text: str) -> None:
    """Print JSON text."""
    typer.echo(escaped(text))


class Group(TyperGroup):
    """The commands; what a wrong call quotes of its arguments is made visible."""

    def make_context(self, *given: Any, **named: Any) -> Any:
        """Return the context of a call."""
        with _visible_errors():
            return super().make_context(*given, **named)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that is called."""
        with _visible_errors():
            return super().invoke(ctx)


@contextmanager
def _visible_errors() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # typer brings a parser of its own, whose errors it shows by their message
        if hasattr(error, "format_message"):
            error.message = visible(str(error.message))  # type: ignore[attr-defined]
        raise


def _refused(error: OSError) -> WorkbenchError:
    return WorkbenchError(
        "A file or folder cannot be used.",
        where=str(error.filename),
        found=error.strerror,
        expected="a path that may be read, or written where results go",
        fix="Check the path: whether a file stands where a folder should, and who may use it.",
    )


@contextmanager
def explained(debug: bool) -> Iterator[None]:
    """Turn an error into its message on stderr and exit code 1; with debug, show where."""
    try:
        yield
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except Exception as error:
        if debug:
            say(traceback.format_exc(), err=True)
        elif isinstance(error, WorkbenchError):
            say(f"Error: {error}", err=True)
        elif isinstance(error, OSError) and error.filename is not None:
            say(f"Error: {_refused(error)}", err=True)
        else:
            say(f"Error: {type(error).__name__}: {error}", err=True)
            say("  to do: run again with --debug to see where it happened", err=True)
        raise typer.Exit(1) from None
