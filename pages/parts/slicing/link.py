"""The link that opens the view again."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import streamlit as st
from parts.linking import ARRIVED
from parts.slicing.store import SLICE
from streamlit.runtime.scriptrunner import get_script_run_ctx

EMPTIED = "emptied"
"""The key of parameters that a click has just emptied: the line still holds them."""


def link() -> str:
    """Return the link of this view, with all of its parameters and without the token."""
    context = get_script_run_ctx()
    # the browser's own line: widgets write there what the server does not hold
    said = dict.fromkeys(parse_qsl("" if context is None else context.query_string))
    left_out = {"token", "data", SLICE, ARRIVED, *st.session_state.pop(EMPTIED, ())}
    told = [(name, value) for name, value in said if name not in left_out]
    fixed = [(name, st.query_params[name]) for name in ("data", SLICE) if name in st.query_params]
    return f"{st.context.url or ''}?{urlencode([*fixed, *told])}"
