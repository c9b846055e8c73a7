"""What can be asked of labels to buy; each is one verb."""

from __future__ import annotations

from parts.beside.views import JUDGE
from parts.structure.views import View

LABELS = (
    View(
        "How many",
        "plan_labels",
        "How many labels of people find a weight, a difference, a rate or a rank?",
        ("judge", "reference", "factors"),
    ),
    View(
        "Which pairs",
        "choose_pairs",
        "Which pairs, labelled next, would tell most of the weights?",
        ("n", "reference", "factors"),
    ),
    View(
        "People or judge",
        "route",
        "Which pairs should go to people, and which may a judge decide?",
        ("judge", "judges", "reference"),
        factors="used",
        needs=JUDGE,
    ),
    View(
        "Watch",
        "monitor",
        "Does a judge still agree with people, looked at after every label?",
        ("judge", "reference"),
        factors="",
    ),
)
"""What is asked before labels are bought, and while they come, in the order of the tabs."""
