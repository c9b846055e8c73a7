"""What can be asked of what is said of choices; each is one verb."""

from __future__ import annotations

from parts.reasons.shown import reasons_shown, values_shown
from parts.structure.views import View

STATED = (
    View(
        "Stated reasons",
        "rationales",
        "Do the reasons that annotators state name the factors that their labels follow?",
        ("annotators", "factors", "told", "exchange"),
        only_if="Read the reasons by lists of phrases, in English (takes up to a minute)",
        needs=(
            "reasons_in",
            "a column of reasons (reason, rationale, explanation and the like), or what judges "
            "wrote beside their verdicts",
        ),
        named=(("column", "reasons_in"),),
        draw=reasons_shown,
    ),
    View(
        "Values",
        "values",
        "Which values do choices hold to, and which only come with those?",
        ("annotators", "least"),
        factors="",
        only_if="Weigh each value beside the others (takes up to a minute)",
        needs=(
            "lists",
            "lists of what each response holds (columns values_a and values_b, names with ; "
            "between them)",
        ),
        named=(("column", "lists"),),
        draw=values_shown,
    ),
)
"""What is said of choices, in the order of the tabs."""
