"""The overview of a data set and choices, made once for both."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.state import job_of, uploads
from parts.ui import failure

import workbench as wb


def overview_of(data: wb.PreferenceData, choices: dict[str, Any]) -> wb.Overview:
    """Return the overview; of labels that cannot be fitted, what their verdicts tell."""
    make = _own_made if data.digest in uploads() else _made
    key = tuple(sorted(choices.items()))
    # battles without texts or columns have no factors: there is nothing to fit
    if not data.factor_names:
        return make(data.digest, (), data)
    try:
        return make(data.digest, key, job_of(data, choices))
    except wb.WorkbenchError as error:
        failure(error)
        return make(data.digest, (*key, "unfitted"), data, error.what)


# Streamlit hashes no argument that starts with _: digest and choices are the key
def _overview(digest: str, key: tuple[Any, ...], _job: Any, why: str | None = None) -> wb.Overview:
    return wb.overview(_job, why) if isinstance(_job, wb.PreferenceData) else wb.overview(_job)


_made = st.cache_resource(max_entries=16, show_spinner="Looking for what matters ...")(_overview)
_own_made = st.cache_resource(max_entries=4, show_spinner="Looking ...", scope="session")(_overview)
