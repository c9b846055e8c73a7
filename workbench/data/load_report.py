"""What became of every row of a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import pandas as pd

REASONS = {
    "empty": "both responses are empty and no model or item is named",
    "duplicate": "the same judgement, by its own id in the file, came before",
    "unparseable": "the row could not be read",
    "unknown label": "the label is none of the format's values",
    "derived": "the verdict is derived of others: two orders disagree",
    "no judgement": "nobody judged it: voting was optional, skipped or withdrawn",
}
"""Why a row can be left out, in words."""

FAILED, REPEATED = "failed", "repeated"

ODD = {
    FAILED: "unread verdicts, kept as failed",
    REPEATED: "rows that repeat an earlier one in every column, kept as judgements",
}
"""What can be odd about rows that are kept, in words."""


@dataclass(frozen=True)
class LeftOut:
    """Rows left out for one reason, with a few of them as examples.

    Attributes
    ----------
    count : int
        How many rows.
    examples : tuple of dict
        Up to five, each with ``row`` (1-based record or line number) and ``found``
        (a short excerpt).
    """

    count: int
    examples: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True)
class LoadReport:
    """Rows read, kept and left out by reason; ``kept + left out = read`` always holds.

    Attributes
    ----------
    source : str
        Name of the file or data set (no directory).
    format : str
        Name of the reader.
    rows_read, rows_kept : int
        Judgements in the source, and those that became labels.
    n_pairs, n_labels : int
        Pairs and labels that resulted.
    left_out : dict of str to LeftOut
        By reason, a key of :data:`REASONS`.
    settings : dict
        Reader options that matter: column mapping, shuffle seed, rating rule.
    notes : tuple of str
        What else the reader did or noticed.
    kept_oddly : dict of str to int
        Rows that are kept though something is odd about them, by a key of :data:`ODD`.
    near_equal : tuple of (str, str)
        Excerpts of prompts that share a cluster for they are near-equal, where they differ;
        a note counts all of them.

    Examples
    --------
    >>> print(LoadReport("a.csv", "tabular", 10, 8, 8, 8, {"empty": LeftOut(2)}))
    8 kept; 2 left out: 2 empty
    """

    source: str
    format: str
    rows_read: int
    rows_kept: int
    n_pairs: int
    n_labels: int
    left_out: dict[str, LeftOut] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    kept_oddly: dict[str, int] = field(default_factory=dict)
    near_equal: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        text = f"{self.rows_kept:,} kept"
        if self.n_left_out:
            text += f"; {self.n_left_out:,} left out: {self._reasons()}"
        lines = [text, *(f"note: {note}" for note in self.notes)]
        lines += [f"near-equal: {one!r} and {other!r}" for one, other in self.near_equal]
        return "\n".join(lines)

    @property
    def n_left_out(self) -> int:
        """Rows that were left out, for whatever reason."""
        return sum(entry.count for entry in self.left_out.values())

    def line(self) -> str:
        """Return one line of what was left out or kept oddly; empty where nothing was.

        Examples
        --------
        >>> LoadReport("a.csv", "tabular", 10, 8, 8, 8, {"empty": LeftOut(2)}).line()
        'Reading a.csv: 2 of 10 rows left out (20.0%): 2 empty'
        >>> LoadReport("a.csv", "tabular", 8, 8, 8, 8).line()
        ''
        """
        parts = []
        if self.n_left_out:
            share = f"{self.n_left_out / self.rows_read:.1%}"
            parts.append(
                f"{self.n_left_out:,} of {self.rows_read:,} rows left out ({share}): "
                f"{self._reasons()}"
            )
        parts += [
            f"{ODD.get(what, what)}: {count:,} of {self.rows_kept:,} ({count / self.rows_kept:.1%})"
            for what, count in self.kept_oddly.items()
            if count
        ]
        # a name may hold anything; the line is one line
        name = " ".join(self.source.split())
        return f"Reading {name}: {'; '.join(parts)}" if parts else ""

    def _reasons(self) -> str:
        return ", ".join(f"{e.count:,} {reason}" for reason, e in self.left_out.items() if e.count)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per example of a left-out row (``reason, count, row, found``).

        Where several files were read as one set, ``file`` names the row's file.
        """
        rows = [
            {"reason": reason, "count": entry.count, **example}
            for reason, entry in self.left_out.items()
            for example in (entry.examples or ({"row": None, "found": None},))
        ]
        place = ["file", "row"] if any("file" in row for row in rows) else ["row"]
        return pd.DataFrame(rows, columns=["reason", "count", *place, "found"])

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> LoadReport:
        """Rebuild a report from :meth:`to_dict`, as stored in a manifest."""
        left_out = {
            reason: LeftOut(entry["count"], tuple(entry["examples"]))
            for reason, entry in record["left_out"].items()
        }
        near_equal = tuple((one, other) for one, other in record.get("near_equal", ()))
        told = {"left_out": left_out, "notes": tuple(record["notes"]), "near_equal": near_equal}
        return cls(**{**record, **told})


def summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return counts by what is counted, added up over several.

    Examples
    --------
    >>> summed([{"failed": 2}, {"failed": 1, "repeated": 4}])
    {'failed': 3, 'repeated': 4}
    """
    total: dict[str, int] = {}
    for one in counts:
        for what, count in one.items():
            total[what] = total.get(what, 0) + count
    return total
