"""Which data set a session shows. The URL names it by digest; texts never leave the server."""

from __future__ import annotations

import os
from typing import Any

import streamlit as st
from _ui import note, warn

import workbench as wb
from workbench.data.sample import plan
from workbench.report.main_job import MainJob, ensure_factors, main_job

_DATA = "data"


@st.cache_resource(max_entries=4, show_spinner="Reading the data ...")
def _opened(source: str) -> wb.PreferenceData:
    """Open a data set of the server: the sample, or what `workbench app DATA` names."""
    return ensure_factors(wb.load(source))


def _uploads() -> dict[str, wb.PreferenceData]:
    # uploads stay in their own session: a shared cache would show them to everybody
    return st.session_state.setdefault("uploads", {})


def served() -> wb.PreferenceData:
    """Return the data set that the server opens by itself."""
    return _opened(os.environ.get("WORKBENCH_DATA", "sample"))


def current() -> wb.PreferenceData:
    """Return the data set that the URL names, or the served one."""
    wanted = st.query_params.get(_DATA) or st.session_state.get(_DATA)
    known = {data.digest: data for data in (served(), _opened("sample"))} | _uploads()
    if wanted is None or wanted in known:
        data = known[wanted] if wanted else served()
    else:
        warn(
            "This link names a data set that is not open here. Uploads live in the session of "
            "the person who made them. The data set below is another one."
        )
        data = served()
    _remember(data.digest)
    return data


def adopt(data: wb.PreferenceData) -> None:
    """Make an uploaded data set the current one of this session."""
    data = ensure_factors(data)
    _uploads()[data.digest] = data
    _remember(data.digest)


def _remember(digest: str) -> None:
    st.session_state[_DATA] = digest
    st.query_params[_DATA] = digest


def is_sample(data: wb.PreferenceData) -> bool:
    """Tell whether the data are the bundled, simulated sample."""
    report = data.load_report
    return report is not None and report.format == "sample"


def announce(data: wb.PreferenceData) -> None:
    """Say what data are on view, and that the sample is simulated."""
    report = data.load_report
    name = "data" if report is None else report.source
    note(f"{name}: {len(data.pairs):,} pairs, {len(data.labels):,} labels; digest {data.digest}")
    if is_sample(data):
        warn("All texts, annotators and labels are simulated; their true weights are known.")


def truth(data: wb.PreferenceData) -> Any:
    """Return the planted weights of the sample, or None for other data."""
    return plan().to_frame() if is_sample(data) else None


def job_of(data: wb.PreferenceData, choices: dict[str, Any]) -> MainJob:
    """Return the main job of a data set and choices, computed once for all sessions."""
    return _job(data.digest, tuple(sorted(choices.items())), data)


@st.cache_resource(max_entries=16, show_spinner="Fitting ...")
def _job(digest: str, choices: tuple[tuple[str, Any], ...], _data: wb.PreferenceData) -> MainJob:
    """Fit once per digest and choices; Streamlit does not hash arguments that start with _."""
    options = dict(choices)
    scenarios = options.pop("scenarios")
    data = _data.filter(scenarios=scenarios) if scenarios else _data
    return main_job(data, **options)
