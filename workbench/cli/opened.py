"""What the command ``app`` takes: the data that it opens first, and how they are read."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.command import SHARED as EVERY
from workbench.cli.options import SOURCE


def _first(context: typer.Context, data: str | None) -> str | None:
    """Return the data that were named; the sample where neither they nor a file of options."""
    # options are read before arguments
    return "sample" if data is None and context.params.get("config") is None else data


_told = typer.Argument(
    metavar="DATA",
    help="A file, a pattern in quotes, a folder, a saved folder, hub:owner/name, or sample.",
    show_default=False,
    callback=_first,
)
DATA = SOURCE.replace(annotation=Annotated[str | None, _told])
SHARED = tuple(one for one in EVERY if one.name in ("config", "seed", "debug"))
"""Flags of every command that say something to the dashboard."""
