"""What the main job can be asked for about judges beside people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.results import Result

if TYPE_CHECKING:
    from workbench.report.job import MainJob

BESIDE: dict[str, Callable[[MainJob], Result]] = {}
"""How each further result about judges beside people is made, by its name in a report."""
