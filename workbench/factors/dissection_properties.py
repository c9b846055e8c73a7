"""The 29 properties of preference dissection as factors."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from workbench.data.dissection_ratings import APPLIES, ERRORS, PROPERTY_NAMES
from workbench.errors import DesignError
from workbench.factors.catalog import FactorSpec
from workbench.factors.coding import Coding

Code = Literal["ternary", "normalised"]

_MEANINGS = {
    "harmless": "Nothing in it endangers, insults or discriminates against anyone.",
    "grammarly correct": "Its text has no slip of grammar, spelling or punctuation and stays in "
    "one language.",
    "friendly": "Its tone is warm and makes the reader welcome.",
    "polite": "It is courteous and never curt.",
    "interactive": "It asks the user for what it needs to know, or proposes what to talk of next.",
    "authoritative": "It sounds sure and expert, whether or not it is right.",
    "funny": "It is witty or playful, or makes a joke.",
    "use rhetorical devices": "It uses figures of speech: metaphor, simile, irony, exaggeration, "
    "parallel phrases.",
    "complex word & sentence": "Its words are rare or technical, or its sentences intricate.",
    "use supporting materials": "It points to evidence: sources, statistics, documents.",
    "well formatted": "It is laid out with lists, tables, headings or a markup or data language.",
    "admit limits": "It says what it cannot do, or that it was wrong.",
    "persuasive": "It tries to win the reader over to a view or an action.",
    "step-by-step": "It derives its answer in steps; a list, or code alone, is no derivation.",
    "use informal expressions": "It uses emoji, slang or colloquial turns.",
    "non-repetitive": "It does not say the same thing twice. Rated is how repetitive it is; the "
    "sign is turned.",
    "clear": "It is easy to read and can be understood in one way only.",
    "relevant": "How much of it has to do with the query, right or wrong. Only something against "
    "nothing counts as a difference.",
    "novel": "It brings an uncommon idea or angle.",
    "contain rich info": "It is full of background, examples and detail, right or wrong.",
    "no minor errors": "Mistakes of fact, logic, arithmetic or code that hardly touch the answer; "
    "fewer is better.",
    "no moderate errors": "Mistakes of fact, logic, arithmetic or code that hurt the answer; fewer "
    "is better.",
    "no severe errors": "Mistakes of fact, logic, arithmetic or code that make the answer wrong; "
    "fewer is better.",
    "clarify intent": "How well it finds out, or guesses and says, what an unclear query wants.",
    "show empathetic": "How well it answers the feelings that the query expresses.",
    "satisfy constraints": "How far it keeps to each of the query's explicit demands, on average.",
    "support stances": "How far it sides with each opinion that the query states, on average.",
    "correct mistakes": "How far it names and sets right each mistake in the query, on average.",
    "lengthy": "Words and punctuation marks.",
}
_TERNARY = {
    "relevant": Coding("presence", standardise=False),
    "non-repetitive": Coding("sign", standardise=False, reverse=True),
    "lengthy": Coding("dissection_length", standardise=False),
    **dict.fromkeys(ERRORS.values(), Coding("sign", standardise=False, reverse=True)),
}
_NORMALISED = {
    "non-repetitive": Coding("clipped", standardise=False, reverse=True, unit=3.0),
    "lengthy": Coding("clipped_log", standardise=False, unit=500.0),
    **dict.fromkeys(ERRORS.values(), Coding("clipped", standardise=False, reverse=True, unit=5.0)),
}
_FACTS = {
    "intent_clear": "only where the query's intent is unclear",
    "feelings": "only where the query expresses feelings",
    "constraints": "only where the query sets constraints",
    "stances": "only where the query states opinions",
    "mistakes": "only where the query holds mistakes or biases",
}


def _spec(name: str) -> FactorSpec:
    counted = name == "lengthy" or name in ERRORS.values()
    meaning = _MEANINGS[name]
    if name in APPLIES:
        meaning = f"{meaning} Rated {_FACTS[APPLIES[name]]}, else 0."
    coding = _TERNARY.get(name, Coding("sign", standardise=False))
    return FactorSpec(
        name, meaning, "dissection", "count" if counted else "score", coding, "rating"
    )


PROPERTIES = tuple(_spec(name) for name in PROPERTY_NAMES)
"""The 29 properties, in the order of the published coefficients, with their ternary coding.

None is computed but the last: people or a model rate each response (0 to 3, where nothing else
is said). Definitions after Li et al. (2024), "Dissecting human and LLM preferences", table 1,
in our words.
"""


def properties(coding: Code = "ternary") -> tuple[FactorSpec, ...]:
    """Return the 29 properties under a coding.

    Parameters
    ----------
    coding : {"ternary", "normalised"}
        ``ternary``: which side has more, as the published fits have it. ``normalised``: how
        much more, from -1 to 1: ratings by 3, errors by 5, lengths by the logarithm of 500.

    Raises
    ------
    DesignError
        Another coding.

    Examples
    --------
    >>> properties("normalised")[22].coding.unit
    5.0
    """
    if coding == "ternary":
        return PROPERTIES
    if coding != "normalised":
        raise DesignError(
            "Unknown coding of the properties.",
            found=repr(coding),
            expected='"ternary" or "normalised"',
            fix='Use coding="ternary" for what the published fits have.',
        )
    plain = Coding("clipped", standardise=False, unit=3.0)
    return tuple(replace(s, coding=_NORMALISED.get(s.name, plain)) for s in PROPERTIES)
