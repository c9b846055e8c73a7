"""What a whole run did, and where it lies."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.finding import Finding
from workbench.json_values import json_ready, records

COLUMNS = ("stage", "state", "seconds", "calls", "prompt_tokens", "completion_tokens", "cost")


@dataclass(frozen=True, eq=False)
class WholeRun:
    """A whole run, done or planned.

    Attributes
    ----------
    path : Path
        Its folder.
    stages : DataFrame
        One row a stage: ``stage, state`` (``kept``: was there already; ``done``; ``to do`` in
        a dry run), ``seconds``, and of a dry run the ``calls, prompt_tokens,
        completion_tokens, cost`` that are still to be made; later rounds come on top.
    findings : tuple of Finding
    spent : dict
        ``calls, prompt_tokens, completion_tokens, cost`` of the run since it began; the cost
        is NaN where a price is not known.
    dry : bool
        Whether nothing was done.
    told : str
        The summary of the results.

    Examples
    --------
    >>> WholeRun(Path("runs/run"), pd.DataFrame(columns=COLUMNS)).report
    PosixPath('runs/run/report.html')
    """

    path: Path
    stages: pd.DataFrame
    findings: tuple[Finding, ...] = ()
    spent: dict[str, float] | None = None
    dry: bool = False
    told: str = ""

    @property
    def report(self) -> Path:
        """The report."""
        return self.path / "report.html"

    @property
    def data(self) -> Path:
        """The saved data with all factors and labels."""
        return self.path / "data"

    def to_frame(self) -> pd.DataFrame:
        """Return one row a stage."""
        return self.stages

    def summary(self) -> str:
        """Return the stages, and what came of them, as text."""
        if self.dry:
            return "\n".join([
                "Nothing was done. Stages, and what is still to ask; a later round that depends on "
                "these replies comes on top (give max_calls room for it):",
                self.stages.drop(columns="seconds").to_string(index=False, na_rep=""),
                _used(self.total, "To ask"),
            ])  # fmt: skip
        shown = self.stages[["stage", "state", "seconds"]].to_string(
            index=False, float_format="{:.1f}".format, na_rep=""
        )
        lines = [self.told, "", shown, f"\nReport: {self.report}"]
        return "\n".join([*lines, *([_used(self.spent, "Asked so far")] if self.spent else [])])

    @property
    def total(self) -> dict[str, float]:
        """What is still to ask, over all stages."""
        return {
            name: float(self.stages[name].sum(skipna=name != "cost" or not self._unpriced))
            for name in COLUMNS[3:]
        }

    @property
    def _unpriced(self) -> bool:
        asks = self.stages[self.stages["calls"].fillna(0) > 0]
        return bool(asks["cost"].isna().any())

    def to_dict(self) -> dict[str, Any]:
        """Return the run as plain JSON values."""
        found: dict[str, Any] = json_ready({
            "type": "WholeRun", "folder": str(self.path), "report": str(self.report),
            "dry": self.dry, "stages": records(self.stages),
            "spent": self.total if self.dry else self.spent,
            "findings": [one.to_dict() for one in self.findings],
        })  # fmt: skip
        return found

    def _repr_html_(self) -> str:
        return f"<pre>{html.escape(self.summary())}</pre>"


def _used(used: dict[str, float], what: str) -> str:
    cost = used["cost"]
    price = "unknown: no price of a model (prices = FILE)" if math.isnan(cost) else f"{cost:.4f}"
    return (
        f"{what}: calls {used['calls']:,.0f}; prompt tokens {used['prompt_tokens']:,.0f}; "
        f"completion tokens {used['completion_tokens']:,.0f}; cost {price}"
    )
