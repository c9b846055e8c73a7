"""How ratings of single responses become pairs: the rule as boxes."""

from __future__ import annotations

from typing import Any

import streamlit as st

from workbench.data.load import Preview

OPEN = "(the file says)"
"""What a box says where nothing is said."""


def rule_boxes(look: Preview, key: str) -> dict[str, Any] | None:
    """Let the rule by which ratings become pairs be said; None where nothing is."""
    left, middle, right = st.columns(3)
    told = "Ratings of single responses that decide"
    columns = left.multiselect(told, look.columns, key=f"rated-{key}", help="Their mean decides.")
    if not columns:
        return None
    group = middle.multiselect("Rated together: same values of", look.columns, key=f"group-{key}")
    criteria = right.multiselect("Criteria of their own", look.columns, key=f"aspects-{key}")
    prompt = left.selectbox("Column of the prompt", [OPEN, *look.columns], key=f"asked-{key}")
    said = middle.selectbox("Column of the response", [OPEN, *look.columns], key=f"replied-{key}")
    pairs = right.selectbox("Pairs", ["all", "best-worst"], key=f"pairs-{key}")
    lower = left.checkbox("The lower is better, as with ranks", key=f"lower-{key}")
    rule: dict[str, Any] = {"columns": columns, "pairs": pairs, "lower": lower}
    rule |= {"group": group} if group else {}
    rule |= {"criteria": criteria} if criteria else {}
    named = {"prompt": prompt, "response": said}
    return rule | {name: column for name, column in named.items() if column != OPEN}
