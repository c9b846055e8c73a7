"""Which data set a session shows. The URL names it by digest; texts never leave the server."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.ui import failure, note, warn

import workbench as wb
from workbench.cli.dashboard import read_as, served
from workbench.data.sample import plan
from workbench.factors import FAMILIES, only_subsets, score_factors
from workbench.report.job import MainJob
from workbench.report.main_job import main_job, with_factors

_DATA, _SAMPLE, _UPLOADS = "data", "sample", 3  # uploads that a session keeps


@st.cache_resource(max_entries=4, show_spinner="Reading the data ...")
def _opened(source: str, reading: str = "") -> wb.PreferenceData:
    """Open a data set of the server: the sample, or what `workbench app DATA` names."""
    return with_factors(read_as(source, reading))


def uploads() -> dict[str, wb.PreferenceData]:
    """Return what this session uploaded, by digest."""
    # uploads stay in their own session: a shared cache would show them to everybody
    return st.session_state.setdefault("uploads", {})


def _served() -> wb.PreferenceData:
    """Return the data that the server opens by itself; the sample where it cannot."""
    try:
        return _opened(*served())
    except wb.WorkbenchError as error:
        failure(error)
        note("The bundled sample is open instead.")
        return _opened(_SAMPLE)


def current() -> wb.PreferenceData:
    """Return the data set that the URL names, or the served one; stop where it is not open."""
    wanted = st.query_params.get(_DATA) or st.session_state.get(_DATA)
    data = uploads().get(wanted) or _served()
    if wanted not in (None, data.digest):
        data = _opened(_SAMPLE)
        if wanted != data.digest:
            _offer(data)
    _remember(data.digest)
    return data


def _offer(sample: wb.PreferenceData) -> None:
    warn(
        "This link names data that are not open here. An upload lives in the session of the "
        "person who made it, and ends with it: open the same file under Load, or start with "
        "the simulated sample."
    )
    if st.button("Open the simulated sample", key="open-sample", type="primary"):
        _remember(sample.digest)
        st.rerun()
    st.stop()


def adopt(data: wb.PreferenceData) -> None:
    """Make an uploaded data set the current one of this session."""
    data = with_factors(data)
    kept = uploads()
    kept[data.digest] = data
    for old in list(kept)[:-_UPLOADS]:
        del kept[old]
    _remember(data.digest)


def _remember(digest: str) -> None:
    st.session_state[_DATA] = digest
    st.query_params[_DATA] = digest


def is_sample(data: wb.PreferenceData) -> bool:
    """Tell whether the data are the bundled, simulated sample."""
    return data.load_report is not None and data.load_report.format == _SAMPLE


def announce(data: wb.PreferenceData) -> None:
    """Say what data are on view, what of them was lost, and that the sample is simulated."""
    report = data.load_report
    name, lost = ("data", "") if report is None else (report.source, report.line())
    st.text(
        f"{name}: {len(data):,} pairs, {len(data.labels):,} labels; digest {data.digest[:10]}",
        help=f"Digest of the content, which names it in links and reports: {data.digest}",
    )
    if lost:
        note(lost)
    if is_sample(data):
        warn("All texts, annotators and labels are simulated; their true weights are known.")


def truth(data: wb.PreferenceData) -> Any:
    """Return the planted weights of the sample, or None for other data."""
    return plan().to_frame() if is_sample(data) else None


def job_of(data: wb.PreferenceData, choices: dict[str, Any]) -> MainJob:
    """Return the main job of a data set and choices, fitted once for both."""
    fit = _own_job if data.digest in uploads() else _job
    return fit(data.digest, tuple(sorted(choices.items())), data)


# Streamlit hashes no argument that starts with _: digest and choices are the key
def _fitted(digest: str, choices: tuple[tuple[str, Any], ...], _data: wb.PreferenceData) -> MainJob:
    options = dict(choices)
    families, scenarios = options.pop("families"), options.pop("scenarios")
    _data = _data.filter(criteria=options.pop("criteria") or None)
    specs = [spec for family in families for spec in FAMILIES[family]]
    if specs:
        new = [spec for spec in specs if spec.name not in _data.factor_names]
        _data = score_factors(_data, new) if new else _data
        options["factors"] = options["factors"] or tuple(spec.name for spec in specs)
    return main_job(only_subsets(_data, scenarios) if scenarios else _data, **options)


_job = st.cache_resource(max_entries=16, show_spinner="Fitting ...")(_fitted)
_own_job = st.cache_resource(max_entries=4, show_spinner="Fitting ...", scope="session")(_fitted)
