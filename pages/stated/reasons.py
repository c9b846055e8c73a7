"""Reasons and values: what annotators say of their choices, and what choices hold to."""

from __future__ import annotations

from parts.entry import enter
from parts.reasons.choices import chosen_reasons
from parts.reasons.views import STATED
from parts.state import announce, current
from parts.structure.tabs import tabs

enter("Reasons and values")
data = current()
announce(data)
tabs(STATED, "stated", data, chosen_reasons(data))
