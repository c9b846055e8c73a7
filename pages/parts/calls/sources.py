"""What can be a side: open data sets, slices of the one on view, finished runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

import streamlit as st
from parts.opening.sets import DATA
from parts.places import known_runs
from parts.slices import cut
from parts.slicing.store import ALL, saved_slices
from parts.state import is_sample, open_sets

import workbench as wb
from workbench.annotate.folder import RunFolder
from workbench.report.main_job import with_factors


class Source(NamedTuple):
    """Something that can be a side: its name, its data, and whose labels come first."""

    name: str
    data: Callable[[], wb.PreferenceData]
    annotator: str | None = None
    simulated: bool = False


def data_sets() -> dict[str, Source]:
    """Return the open data sets, by digest: a link holds no name of a file."""
    return {
        digest: Source(name, partial(_same, data), simulated=is_sample(data))
        for digest, (name, data) in open_sets().items()
    }


def slices() -> dict[str, Source]:
    """Return the saved slices of the data on view, by definition, and all of the data."""
    digest = st.session_state[DATA]
    _, data = open_sets()[digest]
    # a definition holds names of the data, which no link of this page needs
    return {"": Source(ALL, partial(_same, data), simulated=is_sample(data))} | {
        definition: Source(name, partial(cut, digest, definition, data), simulated=is_sample(data))
        for name, definition in saved_slices().items()
    }


def runs() -> dict[str, Source]:
    """Return the runs of judges that have results, by title."""
    found = {}
    for title, run in known_runs("judge", "grade").items():
        if (run.results / "summary.txt").is_file():
            changed = run.progress().get("updated", 0.0)
            made = partial(_labels, str(run.path.resolve()), changed, run)
            found[title] = Source(title, made, run.config.annotator, run.config.offline)
    return found


KINDS: Mapping[str, Callable[[], dict[str, Source]]] = {
    "Two data sets": data_sets, "Two slices": slices, "Two runs": runs,
}  # fmt: skip
"""What can be compared, with what gives the choices."""


def _same(data: wb.PreferenceData) -> wb.PreferenceData:
    return data


@st.cache_resource(max_entries=4, show_spinner="Opening ...", scope="session")
def _labels(place: str, changed: float, _run: RunFolder) -> wb.PreferenceData:
    return with_factors(wb.load(_run.path))
