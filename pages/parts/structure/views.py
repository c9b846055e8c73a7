"""What can be asked about people, and the verb that answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class View:
    """One question.

    Attributes
    ----------
    name : str
        Of the tab, and of the view in a link.
    verb : str
        Of the library.
    question : str
    takes : tuple of str
        Choices of the page that the verb has.
    factors : {"needed", "used", ""}
        Needed unless items are weighed, used where the data can have any, or of no use.
    only_if : str
        What the user has to say first; empty where nothing.
    criteria : bool
        Whether it wants the labels of all criteria, where the others take one.
    given : tuple
        Options that go with what was said.
    needs : tuple of two str
        A choice without which there is nothing to ask, and what it is; empty where nothing.
    files : callable, optional
        Offers what was found as files, beside the tables that every result has.
    named : tuple of two str
        Options of the verb that the page has under another name: the verb's, the page's.
    draw : callable, optional
        Shows what was found, with a key and the data, where some of it comes before the rest.
    """

    name: str
    verb: str
    question: str
    takes: tuple[str, ...]
    factors: str = "needed"
    only_if: str = ""
    criteria: bool = False
    given: tuple[tuple[str, Any], ...] = ()
    needs: tuple[str, str] | tuple[()] = ()
    files: Callable[[Any], None] | None = None
    named: tuple[tuple[str, str], ...] = ()
    draw: Callable[[Any, str, Any], None] | None = None


VIEWS = (
    View(
        "Agreement",
        "rater_agreement",
        "How far do raters say the same beyond chance, and who stands apart?",
        ("annotators", "by"),
        factors="",
    ),
    View(
        "People",
        "people",
        "Does each person weigh things otherwise: taste, reliability or carelessness?",
        ("annotators", "by", "factors", "items", "ties"),
    ),
    View(
        "Groups",
        "groups",
        "One public or several? Groups are told only where they predict labels of other prompts.",
        ("annotators", "by", "factors", "items", "ties"),
    ),
    View(
        "Mixed logit",
        "mixed",
        "How far do people's weights spread about their mean?",
        ("annotators", "by", "factors", "items", "ties"),
    ),
    View(
        "Reliability",
        "reliability",
        "Which answers are right, and how often is each person right, where a truth exists?",
        ("annotators", "by"),
        factors="used",
        only_if="One answer of each pair is right, whoever is asked. Without that, a minority "
        "would be told to be wrong.",
        given=(("truth", "exists"),),
    ),
    View(
        "Context",
        "context",
        "Which labels turn with the criterion, and which weights turn with the group?",
        ("annotators", "factors"),
        factors="used",
        criteria=True,
    ),
)
"""Every view, in the order of the tabs."""
