"""Open preference data, see what became of every row, look at pairs."""

from __future__ import annotations

import streamlit as st
from parts.entry import enter


def show() -> None:
    """Show the page: files to open, what is open, and what it holds."""
    # the title is on view while these bring in the library, which takes a second the first time
    from parts.opening.contents import contents
    from parts.opening.offers import sets
    from parts.opening.own_files import open_files
    from parts.opening.run_file import open_run_file
    from parts.state import announce, current
    from parts.ui import note

    with st.container(border=True):
        st.subheader("Open your own files")
        waiting = open_files()
    if waiting:
        # no numbers of other data below a file: they would be taken for its own
        note("What is open now is shown again once these files are loaded or removed.")
        st.stop()
    data = current(elsewhere=False)
    with st.container(border=True):
        st.subheader("Open data sets")
        sets()
    announce(data)
    with st.expander("Open the choices of a run.toml", icon=":material/settings:"):
        open_run_file(data)
    contents(data)


enter("Load preference data")
show()
