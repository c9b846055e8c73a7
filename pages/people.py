"""People: how far they agree, whether they weigh things otherwise, and in which groups."""

from __future__ import annotations

from parts.entry import enter
from parts.state import announce, current
from parts.structure.choices import chosen_people
from parts.structure.tabs import tabs
from parts.structure.views import VIEWS

enter("People")
data = current()
announce(data)
tabs(VIEWS, "people_view", data, chosen_people(data))
