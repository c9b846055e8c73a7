"""What a view's verb finds, made once for data and choices."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.opening.needs import need_factors
from parts.state import is_own
from parts.structure.views import View

import workbench as wb
from workbench.report.main_job import with_factors
from workbench.results import Result

_WAIT = "Comparing ..."


def found_for(view: View, data: wb.PreferenceData, choices: dict[str, Any]) -> Result:
    """Return what the view's verb finds, computed once for data and choices."""
    asked_for = [*((name, name) for name in view.takes), *view.named]
    options = {name: choices[own] for name, own in asked_for if choices.get(own) is not None}
    scored = bool(view.factors) and "items" not in options
    if scored and view.factors == "needed":
        need_factors(data)
    make = _own_found if is_own(data) else _found
    key = tuple(sorted({**options, **dict(view.given)}.items()))
    asked = () if view.criteria else choices["criteria"]
    return make(data.digest, view.verb, asked, key, scored, data)


# Streamlit hashes no argument that starts with _: digest and choices are the key
def _made(
    digest: str,
    verb: str,
    criteria: tuple[str, ...],
    options: tuple[tuple[str, Any], ...],
    scored: bool,
    _data: wb.PreferenceData,
) -> Result:
    data = _data.filter(criteria=criteria or None)
    result: Result = getattr(wb, verb)(with_factors(data) if scored else data, **dict(options))
    return result


_found = st.cache_resource(max_entries=16, show_spinner=_WAIT)(_made)
_own_found = st.cache_resource(max_entries=8, show_spinner=_WAIT, scope="session")(_made)
