"""The overview of a data set and choices with its figures, made once for both."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import streamlit as st
from parts.further import known_ceiling
from parts.state import is_own, job_of
from parts.ui import failure

import workbench as wb


class Made(NamedTuple):
    """An overview, its first figure, and one for each of its points that has any."""

    found: wb.Overview
    chart: Any
    figures: list[Any]


def overview_of(data: wb.PreferenceData, choices: dict[str, Any]) -> Made:
    """Return the overview; of labels that cannot be fitted, what their verdicts tell."""
    make = _own_made if is_own(data) else _made
    key = tuple(sorted(choices.items()))
    # battles without texts or columns have no factors: there is nothing to fit
    if not data.factor_names:
        return make(data.digest, (), data)
    try:
        job = job_of(data, choices)
        # it takes a minute to make, so that it is told where it has been made
        known = known_ceiling(data, choices)
        if known is not None:
            job, key = replace(job, further=(*job.further, known)), (*key, "ceiling")
        return make(data.digest, key, job)
    except wb.WorkbenchError as error:
        failure(error)
        return make(data.digest, (*key, "unfitted"), data, error.what)


# Streamlit hashes no argument that starts with _: digest and choices are the key
def _overview(digest: str, key: tuple[Any, ...], _job: Any, why: str | None = None) -> Made:
    found = wb.overview(_job, why) if isinstance(_job, wb.PreferenceData) else wb.overview(_job)
    return Made(found, found.plot(), [found.figure(point) for point in found.points])


_made = st.cache_resource(max_entries=16, show_spinner="Looking for what matters ...")(_overview)
_own_made = st.cache_resource(max_entries=4, show_spinner="Looking ...", scope="session")(_overview)
