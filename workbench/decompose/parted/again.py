"""Fits over parts that are worked on again: their rows are laid out once more."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workbench.data.parts.part import PartRef
from workbench.decompose.design import Design
from workbench.decompose.parted.layout import Layout
from workbench.decompose.parted.moments import Directions
from workbench.decompose.parted.whole import PartedDesign, Whole, joined, rows_in_parts
from workbench.engine import Engine
from workbench.errors import DesignError


@dataclass(frozen=True, eq=False)
class Source:
    """Where the rows of a fit over parts come from.

    Attributes
    ----------
    digest : str
        Of the data.
    refs : tuple of PartRef
    layout : Layout
    engine : Engine
        Where the fit was made.
    directions : mapping
        By group, what separates its labels: rows that these decide are not in the fit.
    """

    digest: str
    refs: tuple[PartRef, ...]
    layout: Layout
    engine: Engine
    directions: Directions


def source_of(design: Design) -> Source:
    """Return where the rows of a design of data in parts come from."""
    if not isinstance(design, PartedDesign) or not isinstance(design.source, Source):
        raise rows_in_parts()
    return design.source


@contextmanager
def laid_again(source: Source, engine: Engine) -> Iterator[Whole]:
    """Lay the rows of a fit out for as long as they are worked on.

    Parameters
    ----------
    source : Source
    engine : Engine
    """
    layout = source.layout
    folder = Path(layout.folder)
    facts = list(engine.map(layout, source.refs))
    names = [ref.name for ref in source.refs]
    try:
        yield joined(folder, names, facts, layout.by, layout.clustered_by, 0, layout.seed)
    except DesignError:
        removed(folder)
        raise
    # where work broke off otherwise, what was laid out stays, and is taken up again
    removed(folder)


def removed(folder: Path) -> None:
    """Remove what was laid out, and the folder of unfinished work where nothing else is in it."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.parent.is_dir() and not any(folder.parent.iterdir()):
        folder.parent.rmdir()
