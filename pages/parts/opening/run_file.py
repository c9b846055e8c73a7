"""The comparison on view as a ``run.toml``: to be kept, done again as a whole, and opened."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.commands import read_from
from parts.ui import failure, note, text

import workbench as wb
from workbench.errors import ConfigError
from workbench.factors import FAMILIES
from workbench.factors.dissection_subsets import CASES
from workbench.report.further import FURTHER
from workbench.whole_run.choices import Choices, of_toml, to_toml

_PAGE = "compare.py"
_LISTS = ("annotators", "families", "factors", "scenarios", "cluster", "further")
_ONES = ("reference", "covariance", "ties", "folds")


def run_file(
    data: wb.PreferenceData, choices: dict[str, Any], sections: tuple[str, ...] = ()
) -> None:
    """Offer the comparison, and sections of its report, as the file that `workbench run` takes."""
    source, reading = read_from(data)
    try:
        written = to_toml(choices, source, reading, sections=sections)
    except wb.WorkbenchError as error:
        failure(error)
        return
    st.download_button(
        "Download run.toml",
        written,
        file_name="run.toml",
        mime="application/toml",
        on_click="ignore",
        icon=":material/settings:",
    )
    note("All of it in one run, taken up where it stopped:")
    text("workbench run run.toml")


def open_run_file(data: wb.PreferenceData) -> None:
    """Take a run.toml, say what of it these data know, and go to its comparison."""
    given = st.file_uploader("A run.toml", type=["toml"], key="run-file", max_upload_size=1)
    if given is None:
        return
    try:
        found = of_toml(_text(given.getvalue()), given.name)
    except wb.WorkbenchError as error:
        failure(error)
        return
    note(f"It is of these data: {found.source}. Its choices are taken for the data that are open.")
    params, unknown = params_of(found, data)
    if unknown:
        note("Not in the data that are open, and left out: " + ", ".join(unknown))
    if st.button("Compare as it says", key="run-file-use", type="primary"):
        st.switch_page(_PAGE, query_params=params)


def params_of(found: Choices, data: wb.PreferenceData) -> tuple[dict[str, list[str]], list[str]]:
    """Return a file's choices as the parameters of a link, and names that the data lack."""
    known = _known(data)
    lists = {name: list(found.chosen[name] or ()) for name in _LISTS}
    lists |= {name: [str(found.chosen[name])] for name in _ONES if found.chosen[name] is not None}
    lists["criterion"] = list(found.chosen["criteria"])[:1]
    unknown = [one for name, values in lists.items() for one in values
               if one not in known.get(name, values)]  # fmt: skip
    kept = {name: [one for one in values if one in known.get(name, values)]
            for name, values in lists.items()}  # fmt: skip
    return {"data": [data.digest], **{name: v for name, v in kept.items() if v}}, unknown


def _known(data: wb.PreferenceData) -> dict[str, set[str]]:
    """Return what can be chosen in these data."""
    names, kinds = (set(data.annotators[column]) for column in ("annotator", "kind"))
    return {
        "reference": names | kinds, "annotators": names, "criterion": set(data.criteria),
        "families": set(FAMILIES), "scenarios": {*data.pairs["scenario"].dropna(), *CASES},
        "factors": {*data.factor_names, *(one.name for f in FAMILIES.values() for one in f)},
        "further": set(FURTHER),
    }  # fmt: skip


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(
            "The file is no text.", expected="a run.toml in UTF-8", fix="Save it as UTF-8."
        ) from None
