"""What became of files of replies, line by line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.llm.asking.failures import readable

_EXAMPLES = 5
_ID = 40


@dataclass
class ImportReport:
    """What became of every line of the files of replies.

    Of the lines of one request the best one counts, wherever it stands: an answer before a
    reply that could not be read, and that before an error. Of equals the first one counts.

    Attributes
    ----------
    lines : int
        Lines that are not blank.
    answered, kept, repeated : int
        New answers; lines about what was answered before; lines whose request has another
        line in these files, which counts.
    different : int
        Of those kept or repeated: answers that are not the one that counts.
    failed : dict of str to int
        Replies that could not be read, by reason, and what a server refused for good; their
        text is kept.
    errors : dict of str to int
        Lines that hold an error instead of a reply, by status: still open.
    words : dict of str to str
        What a server said, for each of ``errors`` that says more than its status.
    foreign : int
        Ids that no request of this run has.
    foreign_ids : list of str
        A few of them.
    broken : list of str
        ``file:line`` of lines that are no JSON object with an id.
    open : int
        Requests that are still to be asked.

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
    different: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    errors: dict[str, int] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    foreign: int = 0
    foreign_ids: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    open: int = 0

    def count_foreign(self, line_id: str) -> None:
        """Count a line of another run."""
        self.foreign += 1
        if len(self.foreign_ids) < _EXAMPLES:
            self.foreign_ids.append(readable(line_id)[:_ID])

    def summary(self) -> str:
        """Return the report as text."""
        lines = [
            f"{self.lines:,} lines: {self.answered:,} answered, {self.kept:,} known already, "
            f"{self.repeated:,} repeated, {sum(self.failed.values()):,} failed, "
            f"{sum(self.errors.values()):,} errors, {self.foreign:,} foreign, "
            f"{len(self.broken):,} broken"
        ]
        if self.different:
            known = "known already or repeated"
            lines.append(
                f"{known}: {self.different:,} of them hold another answer; the first counts"
            )
        lines += _counted("failed", self.failed, {}) + _counted("errors", self.errors, self.words)
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


def _counted(name: str, counts: Mapping[str, int], words: Mapping[str, str]) -> list[str]:
    return [
        f"{name}: {count:,} {reason}" + (f" ({words[reason]})" if reason in words else "")
        for reason, count in sorted(counts.items())
    ]
