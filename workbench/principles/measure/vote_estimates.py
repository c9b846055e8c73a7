"""What results that hold votes against preferences have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from workbench.provenance import Provenance
from workbench.results import Result


@dataclass(frozen=True, eq=False)
class VoteEstimates(Result):
    """Estimates, and the pairs that they leave out.

    Attributes
    ----------
    estimates : DataFrame
    exclusions : DataFrame
        Pairs left out: ``reason, n``.
    settings : dict
    provenance : Provenance
    beside : tuple of str
        Attributes that are tables between these two.
    """

    estimates: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance
    beside: ClassVar[tuple[str, ...]] = ()

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the estimates, what stands beside them, and the pairs left out."""
        return {name: getattr(self, name) for name in ("estimates", *self.beside, "exclusions")}

    @property
    def _interval(self) -> str:
        return f"{100 * self.settings['level']:g}% interval"

    def _told(self, title: str, text: Callable[[Any], str], size: str, method: str) -> str:
        """Return a summary: ``text`` of each estimate that is known, ``size`` of every row."""
        lines = [title]
        for row in self.estimates.itertuples():
            said = text(row) if np.isfinite(row.estimate) else f"undefined: {row.reason}"
            lines.append(f"  {row.term}: {said}, {size.format(row)}")
        out = (f"left out: {row.n:,} pairs, {row.reason}" for row in self.exclusions.itertuples())
        return "\n".join([*lines, *out, f"method: {method}"])


def whose(annotator: str | Iterable[str] | None) -> str | list[str] | None:
    """Return the annotators asked for as a setting.

    Examples
    --------
    >>> whose("human"), whose(("ann", "bob")), whose(None)
    ('human', ['ann', 'bob'], None)
    """
    return annotator if annotator is None or isinstance(annotator, str) else [*annotator]
