"""One finding as the overview tells it: what, why, where, how sure, and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from workbench.json_values import json_ready

NAN = float("nan")


@dataclass(frozen=True)
class Point:
    """A finding in words for people.

    Attributes
    ----------
    message : str
        What was found, with the number, its interval and n.
    level : str
        ``warning`` or ``note``, as of findings.
    rule_id : str
        By which rule.
    why : str
        What its figure shows, and what the factor is.
    how_sure : str
        Method, n, and the threshold that was crossed.
    to_do : str
    group, term, against : str or None
        Of which number it is; see :class:`workbench.finding.Finding`.
    estimate, conf_low, conf_high : float
        In ``unit``; NaN where there is no number.
    unit : str
    n : int
        Labels behind the number.
    """

    message: str
    level: str
    rule_id: str
    why: str
    how_sure: str
    to_do: str
    n: int
    group: str | None = None
    term: str | None = None
    against: str | None = None
    estimate: float = NAN
    conf_low: float = NAN
    conf_high: float = NAN
    unit: str = ""

    @property
    def interval(self) -> tuple[float, float]:
        """Both ends of the interval."""
        return self.conf_low, self.conf_high

    @property
    def where(self) -> dict[str, str]:
        """The number as a link to its pairs names it; empty where no pairs are behind it."""
        if self.group is None or self.term is None:
            return {}
        named = {"group": self.group, "term": self.term, "against": self.against}
        return {key: value for key, value in named.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain JSON values."""
        return dict(json_ready({**asdict(self), "where": self.where}))
