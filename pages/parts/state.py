"""Which data set a session shows. The URL names it by digest; texts never leave the server."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.opening.needs import need_factors, need_texts
from parts.opening.offers import say_absent, say_refused
from parts.opening.served import SAMPLE, source
from parts.opening.sets import (
    DATA,
    adopt,
    choose,
    is_own,
    is_sample,
    open_sets,
    opened,
    uploads,
)
from parts.slices import sliced
from parts.ui import note, warn

import workbench as wb
from workbench.data.sample import plan
from workbench.factors import FAMILIES, only_subsets, score_factors
from workbench.report.job import MainJob
from workbench.report.main_job import main_job

__all__ = [
    "adopt", "announce", "current", "is_own", "is_sample", "job_of", "need_factors",
    "need_texts", "open_sets", "truth", "uploads", "whole",
]  # fmt: skip


def current(*, elsewhere: bool = True) -> wb.PreferenceData:
    """Return the slice on view of the data set that :func:`whole` returns."""
    data = whole(elsewhere=elsewhere)
    return sliced(data, own=data.digest in uploads())


def whole(*, elsewhere: bool = True) -> wb.PreferenceData:
    """Return the data set that the URL names, or the served one; stop where it is not open.

    Parameters
    ----------
    elsewhere : bool
        Whether files are opened on another page, which is offered where nothing is open.
    """
    wanted = st.query_params.get(DATA) or st.session_state.get(DATA)
    data, refused = _found(wanted)
    if data is None:
        if refused is None:
            say_absent(elsewhere=elsewhere)
        else:
            say_refused(refused, elsewhere=elsewhere)
        st.stop()
    choose(data.digest)
    return data


def _found(wanted: str | None) -> tuple[wb.PreferenceData | None, wb.WorkbenchError | None]:
    """Return the wanted data set, or why the one of the server is not there."""
    own, refused = uploads().get(wanted or ""), None
    if own is not None:
        return own, None
    try:
        served = opened(source())
        if wanted in (None, served.digest):
            return served, None
    except wb.WorkbenchError as error:
        refused = error
    # never instead of other data: the sample is opened by a link that names it
    sample = None if wanted is None else opened(SAMPLE)
    return (sample, None) if sample is not None and sample.digest == wanted else (None, refused)


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
    fit = _own_job if is_own(data) else _job
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
