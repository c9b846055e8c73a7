"""Why files cannot be read, or not yet."""

from __future__ import annotations

import streamlit as st
from parts.opening.advice import in_the_app
from parts.ui import text, warn

import workbench as wb


def refuse(error: wb.WorkbenchError, *, hide: str = "") -> None:
    """Show why files cannot be read, as text: it may quote them.

    Parameters
    ----------
    error : WorkbenchError
    hide : str
        A folder of the server that is nobody's business.
    """
    st.error("This did not work.", icon=":material/error:")
    said = in_the_app(error)
    text(said.replace(f"{hide}/", "").replace(hide, "the upload") if hide else said)


def missing(problem: str) -> None:
    """Show what is still to be said before files can be read."""
    warn("These files cannot be read yet.")
    text(in_the_app(problem))
