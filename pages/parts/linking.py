"""Ways from a number to the pairs behind it: the page Examples, opened at them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any, NoReturn

import streamlit as st
from streamlit.errors import StreamlitPageNotFoundError

_EXAMPLES = "examples.py"

BEHIND = "behind a number"
"""Order of Examples, as its box has it: the pairs that speak most for a number come first."""

KEPT = ("data", "slice", "reference", "annotators", "criterion", "families", "factors",
        "scenarios", "covariance", "cluster", "ties", "folds")  # fmt: skip
"""Parameters of a link that say of which data and of which fit a number is."""

ARRIVED = "by"
"""Parameter that numbers the links of a session: Examples tells a new one by it.

It stays in the line of the browser: to take it out would be a step of its own on the way back.
"""

OF_EXAMPLES = ("group", "term", "against", "order", "speak", "search", "labelled", "within",
               "agreement", "by_model", "of_criterion", "factor", "at_least", "at_most",
               "first_day", "last_day", "example")  # fmt: skip
"""What a visitor chooses on Examples: keys of its widgets, and parameters of its links."""

_LINKS, _SEEN = "links-shown", "link-followed"
_Said = dict[str, list[str]]


def to_pairs(**params: str | Iterable[str] | None) -> NoReturn:
    """Go to the pairs behind a number, as when a point of a chart was chosen.

    Parameters
    ----------
    params : str or iterable of str
        ``group``, ``term``, ``against`` and Examples' own filters; None is left out.
    """
    st.switch_page(_EXAMPLES, query_params=_followed(params))


def pairs_link(label: str, **params: str | Iterable[str] | None) -> None:
    """Show a link to the pairs behind a number.

    Parameters
    ----------
    label : str
        In our own words: Streamlit reads labels as Markdown.
    params
        As of :func:`to_pairs`.
    """
    where = _followed(params)
    try:
        st.page_link(_EXAMPLES, label=label, icon=":material/quick_reference:", query_params=where)
    except StreamlitPageNotFoundError:
        # a page that runs alone, without the others beside it, has nowhere to lead
        # names of the data are no names of elements
        name = hashlib.sha256(repr(sorted(where.items())).encode()).hexdigest()[:12]
        st.button(label, disabled=True, key=f"pairs-{name}")


def arrive() -> None:
    """Forget what an earlier visit to Examples chose, where a link was followed to it.

    A choice that is kept from before would win over the link's, where the link does not name
    that box or names the option that it starts with.
    """
    followed = st.query_params.get(ARRIVED)
    if followed is not None and followed != st.session_state.get(_SEEN):
        st.session_state[_SEEN] = followed
        for name in OF_EXAMPLES:
            st.session_state.pop(name, None)


def _followed(params: dict[str, Any]) -> _Said:
    number = st.session_state[_LINKS] = st.session_state.get(_LINKS, 0) + 1
    return {**link_of(**params), ARRIVED: [str(number)]}


def link_of(**params: str | Iterable[str] | None) -> _Said:
    """Return the parameters of a link to pairs, with what says of which fit it is.

    A number of the reference names no group: pages show the reference at first.
    A number of a group and a term comes with its pairs in the order of what they add to it.
    """
    kept: dict[str, Any] = {name: st.query_params.get_all(name) for name in KEPT}
    order = {"order": BEHIND} if params.get("term") else {}
    asked = {**kept, **order, **params}
    if asked.get("group") == st.session_state.get("reference"):
        # whom a page shows at first it takes out of its address: one more step on the way back
        asked["group"] = None
    told = {k: [v] if isinstance(v, str) else list(v) for k, v in asked.items() if v is not None}
    return {name: values for name, values in told.items() if values}


def to_page(page: str, label: str) -> None:
    """Show a link to another page that keeps data, fit and slice; the label is our own words."""
    try:
        st.page_link(page, label=label, icon=":material/arrow_forward:", query_params=link_of())
    except StreamlitPageNotFoundError:
        st.button(label, disabled=True, key=f"page-{page}-{label}")
