"""The pages of the dashboard and their order, for those who were let in."""

from __future__ import annotations

import streamlit as st
from parts.entry import enter

# an emoji draws the browser's icon by itself; Streamlit fetches Material ones from the network
st.set_page_config(page_title="Preference Workbench", page_icon="⚖️", layout="wide")
enter()

st.navigation(
    {
        "": [
            st.Page("overview.py", title="Overview", icon=":material/insights:", default=True),
        ],
        "Data": [
            st.Page("load.py", title="Load", icon=":material/upload_file:", url_path="load"),
            st.Page(
                "annotate.py", title="Annotate", icon=":material/edit_note:", url_path="annotate"
            ),
            st.Page("runs.py", title="Runs", icon=":material/list_alt:", url_path="runs"),
            st.Page(
                "side_by_side.py",
                title="Side by side",
                icon=":material/splitscreen:",
                url_path="side-by-side",
            ),
        ],
        "Analyse": [
            st.Page(
                "compare.py", title="Compare", icon=":material/compare_arrows:", url_path="compare"
            ),
            st.Page(
                "examples.py",
                title="Examples",
                icon=":material/quick_reference:",
                url_path="examples",
            ),
            st.Page(
                "leaderboard.py",
                title="Leaderboard",
                icon=":material/leaderboard:",
                url_path="leaderboard",
            ),
            st.Page("people.py", title="People", icon=":material/groups:", url_path="people"),
            st.Page(
                "stated/reasons.py",
                title="Reasons and values",
                icon=":material/psychology:",
                url_path="reasons-and-values",
            ),
            st.Page(
                "transitivity.py",
                title="Transitivity",
                icon=":material/cycle:",
                url_path="transitivity",
            ),
            st.Page(
                "principles.py",
                title="Principles",
                icon=":material/gavel:",
                url_path="principles",
            ),
            st.Page(
                "judge_audit.py",
                title="Judge audit",
                icon=":material/policy:",
                url_path="judge-audit",
            ),
            st.Page(
                "model_audit.py",
                title="Model audit",
                icon=":material/model_training:",
                url_path="model-audit",
            ),
            st.Page(
                "calibration.py",
                title="Judges beside people",
                icon=":material/balance:",
                url_path="judges-beside-people",
            ),
            st.Page(
                "add_judge.py",
                title="Add a judge",
                icon=":material/person_add:",
                url_path="add-judge",
            ),
        ],
        "Hand on": [
            st.Page(
                "next_labels.py",
                title="Labels to buy",
                icon=":material/add_task:",
                url_path="labels-to-buy",
            ),
            st.Page("curate.py", title="Curate", icon=":material/filter_alt:", url_path="curate"),
            st.Page("report.py", title="Report", icon=":material/description:", url_path="report"),
        ],
    },
    # beside a form of its own the bar would fold the last pages away
    expanded=True,
).run()
