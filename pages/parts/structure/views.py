"""What can be asked about people, and the verb that answers: made once for data and choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st
from parts.opening.needs import need_factors
from parts.state import is_own

import workbench as wb
from workbench.report.main_job import ensure_factors
from workbench.results import Result

_WAIT = "Comparing people ..."


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
    weighs : bool
        Whether it needs factors, where no items are weighed.
    only_if : str
        What the user has to say first; empty where nothing.
    given : tuple
        Options that this says.
    """

    name: str
    verb: str
    question: str
    takes: tuple[str, ...]
    weighs: bool = True
    only_if: str = ""
    given: tuple[tuple[str, Any], ...] = ()


VIEWS = (
    View(
        "Agreement",
        "rater_agreement",
        "How far do raters say the same beyond chance, and who stands apart?",
        ("annotators", "by"),
        weighs=False,
    ),
)
"""Every view, in the order of the tabs."""


def found_for(view: View, data: wb.PreferenceData, choices: dict[str, Any]) -> Result:
    """Return what the view's verb finds, computed once for data and choices."""
    options = {name: choices[name] for name in view.takes if choices.get(name) is not None}
    if view.weighs and "items" not in options:
        need_factors(data)
    make = _own_found if is_own(data) else _found
    key = tuple(sorted({**options, **dict(view.given)}.items()))
    return make(data.digest, view.verb, choices["criteria"], key, view.weighs, data)


# Streamlit hashes no argument that starts with _: digest and choices are the key
def _made(
    digest: str,
    verb: str,
    criteria: tuple[str, ...],
    options: tuple[tuple[str, Any], ...],
    weighs: bool,
    _data: wb.PreferenceData,
) -> Result:
    data, given = _data.filter(criteria=criteria or None), dict(options)
    if weighs and "items" not in given:
        data = ensure_factors(data)
    result: Result = getattr(wb, verb)(data, **given)
    return result


_found = st.cache_resource(max_entries=16, show_spinner=_WAIT)(_made)
_own_found = st.cache_resource(max_entries=8, show_spinner=_WAIT, scope="session")(_made)
