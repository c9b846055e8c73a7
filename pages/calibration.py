"""Judges beside people: what may be believed of them, together and each, and what mends them."""

from __future__ import annotations

from parts.beside.choices import chosen_judges
from parts.beside.views import JUDGES
from parts.entry import enter
from parts.state import announce, current
from parts.structure.tabs import tabs

enter("Judges beside people")
data = current()
announce(data)
tabs(JUDGES, "judges_view", data, chosen_judges(data))
