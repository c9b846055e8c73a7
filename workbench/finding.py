"""Findings: measured results that crossed a stated threshold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from workbench.json_values import json_ready

NAN = float("nan")


@dataclass(frozen=True)
class Rule:
    """What makes a finding.

    Attributes
    ----------
    measure : str
        What the finding's estimate is.
    threshold : str
        What it has to cross.
    help : str
        What to do about it.
    """

    measure: str
    threshold: str
    help: str


@dataclass(frozen=True)
class Finding:
    """A result that a reader should act on.

    Attributes
    ----------
    rule_id : str
        A key of :data:`RULES`.
    level : str
        ``warning``: changes what the labels may be used for; ``note``: limits what they tell.
    message : str
    estimate, conf_low, conf_high : float
        What :data:`RULES` says for this rule; NaN where there is no number.
    threshold : str
        What was crossed.
    n : int
        Labels behind it.
    help : str
        What to do.
    evidence : tuple of str
        Pairs that show it, at most ten.
    group, term, against : str or None
        Of which weight it is: whose, of which factor; and of a difference the reference's
        name. The pairs behind it are those of :func:`workbench.explain.behind.behind`.
    """

    rule_id: str
    level: str
    message: str
    estimate: float
    conf_low: float
    conf_high: float
    threshold: str
    n: int
    help: str
    evidence: tuple[str, ...] = ()
    group: str | None = None
    term: str | None = None
    against: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain JSON values."""
        return dict(json_ready(asdict(self)))


def finding(
    rules: Mapping[str, Rule],
    rule_id: str,
    level: str,
    message: str,
    n: int,
    numbers: tuple[float, float, float] = (NAN, NAN, NAN),
    *,
    threshold: str | None = None,
    evidence: tuple[str, ...] = (),
    group: str | None = None,
    term: str | None = None,
    against: str | None = None,
) -> Finding:
    """Return a finding by one of some rules.

    Parameters
    ----------
    rules : mapping of str to Rule
    rule_id, level, message, n
        See :class:`Finding`.
    numbers : tuple of float
        Estimate and interval.
    threshold : str, optional
        In place of the rule's own words.
    evidence : tuple of str
        Pairs.
    group, term, against : str, optional
        Of which number it is.

    Examples
    --------
    >>> rules = {"big": Rule("size", "above 3", "Make it smaller.")}
    >>> finding(rules, "big", "note", "It is big", 10, (4.0, 3.5, 4.5)).threshold
    'above 3'
    """
    rule = rules[rule_id]
    told = threshold or rule.threshold
    return Finding(
        rule_id, level, message, *numbers, told, n, rule.help, evidence, group, term, against
    )
