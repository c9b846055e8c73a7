"""Results beside the main job's: chosen, computed once, shown."""

from __future__ import annotations

from typing import Any, cast

import streamlit as st
from parts.choices import one
from parts.state import is_own, job_of

import workbench as wb
from workbench.ceiling.result import Ceiling
from workbench.report.further import FURTHER
from workbench.report.job import MainJob
from workbench.results import Result

_ESTIMATES = {
    "maximum likelihood": ("", {}),
    "bootstrap": ("bootstrap", {}),
    "posterior, Laplace prior": ("posterior", {"prior": "laplace"}),
    "posterior, normal prior": ("posterior", {"prior": "normal"}),
}

_CEILINGS = "ceilings"


def estimate_of() -> tuple[str, dict[str, Any]]:
    """Let the user choose how weights and intervals are made; return a further result's name.

    The name is empty for the main job's own weights.
    """
    columns = st.columns(2)
    with columns[0]:
        name, options = _ESTIMATES[one("Estimate and intervals", list(_ESTIMATES), "estimate")]
    if name != "posterior":
        return name, options
    with columns[1]:
        scale = one(
            "Prior scale",
            ["held-out", "0.01", "0.03", "0.1", "0.3", "1"],
            "prior_scale",
            help="In logits per unit of a factor; held-out: the one with the least log-loss.",
        )
    return name, {**options, "scale": scale if scale == "held-out" else float(scale)}


def further_of(
    data: wb.PreferenceData, choices: dict[str, Any], name: str, **options: Any
) -> Result:
    """Return a further result of the main job, computed once for data, choices and options."""
    make = _own_further if is_own(data) else _further
    key = (tuple(sorted(choices.items())), name, tuple(sorted(options.items())))
    return make(data.digest, key, job_of(data, choices))


def ceiling_of(data: wb.PreferenceData, choices: dict[str, Any]) -> Ceiling:
    """Return the ceiling of a data set and choices, and keep it for the overview."""
    found = cast(Ceiling, further_of(data, choices, "ceiling"))
    st.session_state.setdefault(_CEILINGS, {})[_of(data, choices)] = found
    return found


def known_ceiling(data: wb.PreferenceData, choices: dict[str, Any]) -> Ceiling | None:
    """Return the ceiling of a data set and choices where this session has made it."""
    known: dict[Any, Ceiling] = st.session_state.get(_CEILINGS, {})
    return known.get(_of(data, choices))


def _of(data: wb.PreferenceData, choices: dict[str, Any]) -> tuple[Any, ...]:
    return data.digest, tuple(sorted(choices.items()))


def _made(digest: str, key: tuple[Any, str, tuple[tuple[str, Any], ...]], _job: MainJob) -> Result:
    return FURTHER[key[1]](_job, **dict(key[2]))


_further = st.cache_resource(max_entries=16, show_spinner="Fitting ...")(_made)
_own_further = st.cache_resource(max_entries=8, show_spinner="Fitting ...", scope="session")(_made)
