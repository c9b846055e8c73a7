"""Curate: a rule, the pairs that go and stay, what that does, and the files for a trainer."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.choices import one
from parts.commands import curate_command
from parts.entry import enter
from parts.judges import findings
from parts.rule import chosen_rule, whose
from parts.state import announce, current
from parts.ui import failure, note, result, table, text, texts_of

import workbench as wb
from workbench.curate.writers.layouts import LAYOUTS
from workbench.curate.writers.write import KINDS, packed

_SHOWN = 25
_VIEWS = ("Pairs", "Effect", "Download", "Strength of the labels")
_Key = tuple[tuple[str, Any], ...]


# Streamlit does not hash arguments that start with _, so digest and choices are the key
@st.cache_resource(max_entries=4, show_spinner="Curating ...", scope="session")
def _curated(digest: str, who: _Key, rule: _Key, _data: wb.PreferenceData) -> wb.Curation:
    return wb.curate(_data, dict(rule), annotators=dict(who)["annotators"] or None)


@st.cache_resource(max_entries=4, show_spinner="Weighing labels ...", scope="session")
def _weighed(digest: str, who: _Key, source: str | None, _data: wb.PreferenceData) -> wb.Strength:
    return wb.strength(_data, annotators=dict(who)["annotators"] or None, source=source)


enter("Curate")
whole = current()
announce(whole)
who = whose(whole)
st.caption(
    "Which pairs go to training, and the price. Nothing leaves the data before the download; a "
    "rule is tried on labels that it never touches."
)
rule = chosen_rule(whole)


def pairs() -> None:
    """Show pairs that stay and pairs that go, each with its reason and its texts."""
    table(made.rows, "curate-rows", "Pairs that stay, and pairs left out by reason")
    reason = st.selectbox("Show pairs", made.rows["reason"].tolist(), key="c-reason")
    rows = made.pairs[made.pairs["reason"] == reason]
    shown = rows.head(_SHOWN).astype({"reason": "str", "chosen": "str"})
    note(f"{len(rows):,} pairs: {reason}; the first {len(shown):,}")
    table(shown, "curate-pairs", "Each with the side chosen, its votes, P(chosen) and its weight")
    texts_of(shown["pair_id"], data, "c-pair")


def effect() -> None:
    """Show what the rule does to factor weights, and to predictions of untouched labels."""
    if made.held_out.empty:
        st.info("The effect is not known: no scored factors, or too few prompts.")
    text(made.summary())
    findings(made.findings(), "curate")
    result(made, "curate")


def download() -> None:
    """Offer the training files, and the command that writes them."""
    left, right = st.columns(2)
    with left:
        layout = one("Layout", list(LAYOUTS), "layout")
    with right:
        kind = one("Files", list(KINDS), "file_kind")
    note(f"{len(made.data):,} pairs; digest of the curated data {made.data.digest}")
    st.download_button(
        "Download the training files (ZIP)",
        packed(made.data, layout, kind),
        file_name=f"{layout}.zip",
        mime="application/zip",
        key="c-download",
        on_click="ignore",
        type="primary",
        icon=":material/download:",
    )
    note("The same from the command line:")
    text(curate_command(whole, made, who, layout, kind))


def strength() -> None:
    """Show how sure each label is, and which are suspect."""
    found = _weighed(data.digest, key, rule.get("source"), data)
    text(found.summary())
    findings(found.findings(), "strength")
    result(found, "strength")


SHOW = dict(zip(_VIEWS, (pairs, effect, download, strength), strict=True))
try:
    data = whole.filter(criteria=who["criteria"] or None)
    key = tuple(who.items())
    made = _curated(data.digest, key, tuple(rule.items()), data)
    # only the open view is computed, and a link opens it again
    places = st.tabs(_VIEWS, key="curate_view", bind="query-params")
    for name, place in zip(_VIEWS, places, strict=True):
        if place.open:
            with place:
                SHOW[name]()
except wb.WorkbenchError as error:
    failure(error)
