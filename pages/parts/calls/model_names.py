"""Models that a visitor may name: hub ids, and folders below what the server was started with."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from parts.places import root

import workbench as wb
from workbench.scoring.adapters import UnloadableError

_HUB = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)?")


def place_of(name: str) -> str:
    """Return the folder or the hub id that a visitor's name stands for.

    Raises
    ------
    ConfigError
        It is neither. What is there is not told: a name could be anywhere on this machine.
    """
    started = root().resolve().parent
    try:
        real = (started / name).resolve()
        local = real.is_dir() and any(real.is_relative_to(one) for one in _open(started))
        # what is called like a folder of the server's own would be read from there
        elsewhere = Path(name).exists()
    except (OSError, ValueError, RuntimeError):
        raise _unknown() from None
    if local and not real.is_relative_to(root().resolve() / "visitors"):
        return str(real)
    if elsewhere or not _HUB.fullmatch(name):
        raise _unknown()
    return name


@contextmanager
def untold() -> Iterator[None]:
    """Turn every reason why a model cannot be loaded into one message, and paths into names."""
    try:
        yield
    except UnloadableError:
        raise _unknown() from None
    except wb.WorkbenchError as error:
        told = {name: told_of(text) for name in ("where", "found", "expected", "fix")
                if (text := getattr(error, name)) is not None}  # fmt: skip
        raise wb.ConfigError(told_of(error.what), **told) from None


def told_of(text: str) -> str:
    """Return text without the place of the folder that the dashboard was started in."""
    return text.replace(f"{root().resolve().parent}{os.sep}", "")


def _open(started: Path) -> list[Path]:
    """Return the folders below which models are looked for."""
    data = Path(os.environ.get("WORKBENCH_DATA", ""))
    return [started, data.resolve()] if data.is_absolute() and data.is_dir() else [started]


def _unknown() -> wb.WorkbenchError:
    return wb.ConfigError(
        "A model cannot be loaded.",
        expected="a hub id, or a folder below the one that the dashboard was started in, with a "
        "causal language model, its tokenizer and its weights",
        fix="Check the names. Whether something else is there is not told.",
    )
