"""The rarer boxes of how files are read: scale, people, criteria, order, ratings, limits."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.opening.advice import LIMITS
from parts.opening.rating_rule import OPEN, rule_boxes

import workbench as wb
from workbench.data.columns import KINDS
from workbench.data.load import Preview


def further_boxes(look: Preview, key: str) -> dict[str, Any]:
    """Let be said what is rarely to be said; return it by keys of a configuration, and others."""
    left, middle, right = st.columns(3)
    verdict = left.text_input(
        "What verdicts mean, as text", key=f"verdict-{key}", placeholder="1=a, 2=b:2, 0=tie",
        help="a, b, tie, both_bad, both_good, not_applicable, failed, no_judgement",
    )  # fmt: skip
    scale = middle.text_input(
        "What numbers mean", key=f"scale-{key}", placeholder="percent_a, margin_b, -3..3:b",
        help="-3..3:b is a scale from -3 to 3 whose high end is all for B.",
    )  # fmt: skip
    label = right.text_input(
        "Criteria", key=f"label-{key}", placeholder="safety=column, tone=column",
        help="A column of verdicts for each criterion.",
    )  # fmt: skip
    people = left.multiselect("Columns of one person each", look.columns, key=f"people-{key}")
    shown = middle.selectbox("Order", [OPEN, "shown", "alpaca_eval"], key=f"order-{key}",
                             help="shown: the responses stand in the order shown.")  # fmt: skip
    with right:
        limits_box(key)
    seed = left.number_input("Seed of the shuffle of sides", 0, 2**32 - 1, 0, key=f"seed-{key}",
                             help="Of files that put the chosen response first.")  # fmt: skip
    again = middle.checkbox("Leave out rows that repeat an earlier one", key=f"again-{key}")
    return {
        "verdict": parts_of(verdict),
        "scale": scale.strip(),
        "label": parts_of(label),
        "annotator_columns": tuple(people),
        "order": None if shown == OPEN else shown,
        "drop_duplicates": again,
        "seed": int(seed),
        "kinds": _kinds(people, key),
        "limits": limits_of(key),
        "rule": rule_boxes(look, key),
    }


def _kinds(people: list[str], key: str) -> dict[str, str | None] | None:
    """Let the kind of each person's column be said."""
    if not people:
        return None
    st.caption("The kind of each of them")
    said = {}
    for place, name in enumerate(people):
        if place % 4 == 0:
            columns = st.columns(4)
        with columns[place % 4]:
            st.text(name)
            kind = st.selectbox("Kind of a column", [OPEN, *KINDS], key=f"kind-{place}-{key}",
                                label_visibility="collapsed")  # fmt: skip
        said[name] = None if kind == OPEN else kind
    return said


def limits_box(key: str) -> None:
    """Let limits be widened."""
    st.text_input(
        "What the file may cost", key=f"limits-{key}", placeholder="columns=5000, cell=64MiB",
        help=f"Limits that can be widened here: {', '.join(LIMITS)}.",
    )  # fmt: skip


def limits_of(key: str) -> dict[str, str]:
    """Return the limits that the box says, with those of a server that many use.

    Raises
    ------
    ConfigError
        A limit that is not a visitor's to widen.
    """
    said = dict(
        part.partition("=")[::2] for part in parts_of(st.session_state.get(f"limits-{key}", ""))
    )
    other = [name for name in said if name not in LIMITS]
    if other:
        raise wb.ConfigError(
            "This limit cannot be widened in the app.",
            found=other[0],
            expected="one of " + ", ".join(LIMITS),
            fix="Open the file on the command line, where limits are the user's own.",
        )
    return {"unpacked": "2GiB", **said}


def parts_of(text: str) -> tuple[str, ...]:
    """Return what commas part in a box."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
