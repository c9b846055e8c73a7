"""How files are to be read: every flag of `workbench load` as a box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from parts.opening.meanings import meanings
from parts.opening.rarely import further_boxes
from parts.opening.rating_rule import OPEN

from workbench.config import RunConfig
from workbench.data.columns import KINDS
from workbench.data.formats.plain.columns import SINGLE
from workbench.data.formats.registry import FORMATS
from workbench.data.load import Preview

_FIRST = ("prompt", "response_a", "response_b", "label", "annotator", "criterion", "model_a",
          "model_b", "scenario", "cluster")  # fmt: skip
_TRAINED = ("chosen", "rejected", "completion", "baseline")
"""Roles of files that models are trained on, and of a benchmark whose baseline is known."""
_NONE, _CONTENT = "(none)", "(what its content says)"


def reading_of(look: Preview, key: str) -> tuple[str | None, dict[str, Any]]:
    """Let the user say how files are read.

    Returns
    -------
    tuple of str or None and dict
        The format, and keywords of :func:`workbench.load`.
    """
    form = st.selectbox(
        "Read as", [_CONTENT, *FORMATS], key=f"format-{key}",
        help="A format is known by what the file holds; say it where that is wrong.",
    )  # fmt: skip
    asked = None if form == _CONTENT else form
    plain = (asked or look.format) in (None, "tabular")
    with st.expander("Columns", expanded=plain, icon=":material/view_column:"):
        said = _roles(look, key, _FIRST)
    who = _who(key)
    with st.expander("Further: verdicts, scale, people, criteria, order, ratings, limits"):
        further = further_boxes(look, key)
        said |= _rare(look, key)
    rule, limits, kinds = (further.pop(name) for name in ("rule", "limits", "kinds"))
    options: dict[str, Any] = {**who, **further, "map": tuple(f"{k}={v}" for k, v in said.items())}
    given = {name: value for name, value in options.items() if value}
    reading = RunConfig().updated("the boxes", **given).reading()
    verdicts = {**meanings(key), **(reading["verdicts"] or {})}
    reading |= {"verdicts": verdicts or None, "rule": rule, "limits": limits}
    if kinds:
        reading["annotators"] = kinds
    return asked, {name: value for name, value in reading.items() if name != "format"}


def _roles(look: Preview, key: str, roles: Sequence[str]) -> dict[str, str]:
    """Return the roles whose column differs from what the names suggest."""
    said = {}
    options = [_NONE, *look.columns]
    columns = st.columns(5)
    for place, role in enumerate(roles):
        named = look.mapping.get(role, _NONE)
        guess = look.to_try.get(role, named)
        value = columns[place % 5].selectbox(
            role.replace("_", " "),
            options,
            index=options.index(guess if guess in options else _NONE),
            key=f"map-{role}-{key}",
        )
        if value != named:
            said[role] = "" if value == _NONE else value
    return said


def _rare(look: Preview, key: str) -> dict[str, str]:
    """Return the columns of rarer roles: each role that is chosen has a box."""
    rare = [*_TRAINED, *(role for role in SINGLE if role not in _FIRST)]
    named = [role for role in rare if role in look.mapping]
    roles = st.multiselect(
        "Columns that hold something else", rare, named, key=f"rare-{key}",
        format_func=lambda role: role.replace("_", " "),
    )  # fmt: skip
    said = _roles(look, key, roles)
    return said | {role: "" for role in named if role not in roles}


def _who(key: str) -> dict[str, Any]:
    left, right = st.columns(2)
    name = left.text_input("Who judged, where the file does not say", key=f"annotator-{key}")
    kind = right.selectbox("Their kind", [OPEN, *KINDS], key=f"kind-{key}")
    return {"annotator_name": name.strip(), "kind": None if kind == OPEN else kind}
