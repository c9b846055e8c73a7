"""What can be asked of judges beside people, and of labels to buy; each is one verb."""

from __future__ import annotations

from parts.structure.views import View

JUDGES: tuple[View, ...] = ()
"""What judges beside people tell, in the order of the tabs."""

LABELS: tuple[View, ...] = (
    View(
        "Which pairs",
        "choose_pairs",
        "Which pairs, labelled next, would tell most of the weights?",
        ("n", "reference", "factors"),
    ),
)
"""What is asked before labels are bought, in the order of the tabs."""
