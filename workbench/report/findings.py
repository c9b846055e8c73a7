"""Findings, and their rules, as the report takes them."""

from __future__ import annotations

from workbench.overview.findings import find, findings_frame
from workbench.overview.rules import ALL_RULES, LOST_SHARE, Q_LEVEL, RULES, SLOT_POINTS
from workbench.overview.taste import difference_in_words

__all__ = [
    "ALL_RULES",
    "LOST_SHARE",
    "Q_LEVEL",
    "RULES",
    "SLOT_POINTS",
    "difference_in_words",
    "find",
    "findings_frame",
]
