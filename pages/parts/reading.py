"""How an uploaded file is to be read: the flags of `workbench load` as boxes."""

from __future__ import annotations

from typing import Any

import streamlit as st

from workbench.config import RunConfig
from workbench.data.columns import KINDS
from workbench.data.load import Preview

_ROLES = ("prompt", "response_a", "response_b", "label", "annotator",
          "kind", "scenario", "cluster", "model_a", "model_b",
          "order_shown", "votes_a", "votes_b", "weight", "strength",
          "criterion", "item", "row_id", "media_a", "media_b")  # fmt: skip
_OPEN = "(the file says)"


def reading_of(look: Preview, key: str, is_table: bool) -> dict[str, Any]:
    """Let the user say how the file is read; return it as keywords of ``wb.load``."""
    chosen = {**(_table(look, key) if is_table else {}), **_who(key)}
    said = {name: value for name, value in chosen.items() if value}
    reading = RunConfig().updated("the boxes", **said).reading()
    return {name: value for name, value in reading.items() if name not in ("format", "seed")}


def _table(look: Preview, key: str) -> dict[str, Any]:
    return {"map": _roles(look, key), **_verdicts(look, key)}


def _roles(look: Preview, key: str) -> tuple[str, ...]:
    """Return what differs from the columns that the names suggest."""
    changed = []
    options = ["(none)", *look.columns]
    for place, role in zip(st.columns(5) * 4, _ROLES, strict=True):
        guess = look.mapping.get(role)
        index = options.index(guess) if guess in options else 0
        value = place.selectbox(role, options, index=index, key=f"map-{role}-{key}")
        if value != options[index]:
            changed.append(f"{role}={'' if value == options[0] else value}")
    return tuple(changed)


def _verdicts(look: Preview, key: str) -> dict[str, Any]:
    left, middle, right = st.columns(3)
    verdict = left.text_input(
        "What verdicts mean", key=f"verdict-{key}", placeholder="1=a, 2=b, 0=tie",
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
    shown = middle.checkbox("The responses stand in the order shown", key=f"order-{key}")
    return {
        "verdict": _parts(verdict),
        "scale": scale.strip(),
        "label": _parts(label),
        "annotator_columns": tuple(people),
        "order": "shown" if shown else None,
    }


def _who(key: str) -> dict[str, Any]:
    left, right = st.columns(2)
    name = left.text_input("Who judged, where the file does not say", key=f"annotator-{key}")
    kind = right.selectbox("Their kind", [_OPEN, *KINDS], key=f"kind-{key}")
    return {"annotator_name": name.strip(), "kind": None if kind == _OPEN else kind}


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())
