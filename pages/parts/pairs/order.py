"""In which order pairs come: of the file, by a prediction, or by a number that they are behind."""

from __future__ import annotations

from typing import Any

import streamlit as st
from parts.choices import one
from parts.linking import BEHIND
from parts.ui import text

from workbench.report.job import MainJob

IN_ORDER, WRONG, APART = "as in the data", "most wrong first", "two annotators disagree"
_SHORT = "behind"
"""The same order in links that were written by hand."""
FOR, AGAINST = "for it", "against it"


def fits_of(job: MainJob | None) -> dict[str, Any]:
    """Return the fit of each group: the reference first, then those compared with it."""
    fits = [] if job is None else [fit for fit in (job.people, job.judges) if fit is not None]
    return {group: fit for fit in fits for group in fit.groups}


def ordering(fits: dict[str, Any]) -> dict[str, str | None]:
    """Show whose prediction is on view, and in which order pairs come."""
    groups = list(fits)
    nothing: dict[str, str | None] = {"group": None, "order": IN_ORDER, "term": None,
                                      "other": None, "side": FOR}  # fmt: skip
    if not groups:
        return nothing
    terms = list(fits[groups[0]].terms)
    followed = _follow(groups, terms)
    left, middle, right, last = st.columns(4)
    with left:
        group = one("Prediction of", groups, "group")
    with middle:
        orders = [IN_ORDER, WRONG, *([APART] if len(groups) > 1 else [])]
        # a link that cannot be followed must not choose the order either
        orders += [BEHIND] if followed else []
        order = one("Order", orders, "order")
    others = [name for name in groups if name != group]
    view = {**nothing, "group": group, "order": order}
    if order == APART:
        with right:
            view["other"] = one("Against", others, "against")
    if order == BEHIND:
        with right:
            view["term"] = one(
                "Its weight of", terms, "term", index=None, placeholder="choose a factor"
            )
        with last:
            view["other"] = one(
                "Beside that of", others, "against", index=None, placeholder="nobody: the weight"
            )
        view["side"] = st.radio(
            "Pairs that speak", [FOR, AGAINST], horizontal=True, key="speak", bind="query-params"
        )
    if order == BEHIND and view["term"] is None:
        st.info("Choose the factor whose weight is meant: until then pairs come as in the data.")
        view["order"] = IN_ORDER
    return view


def _follow(groups: list[str], terms: list[str]) -> bool:
    """Obey the order that a link asks for, or say which of its names is not here."""
    asked = st.query_params.get("order")
    if asked not in (BEHIND, _SHORT):
        return True
    known = {"group": groups, "term": terms, "against": groups}
    wrong = {
        what: name
        for what, names in known.items()
        if (name := st.query_params.get(what)) is not None and name not in names
    }
    if not wrong:
        if asked == _SHORT:
            st.session_state["order"] = BEHIND
        return True
    st.warning(
        "This link names pairs behind a number that is not among those computed here. All "
        "pairs are shown in the order of the data.",
        icon=":material/link_off:",
    )
    told = [f"{what}: {name!r}" for what, name in wrong.items()]
    here = [f"groups compared here: {', '.join(groups)}", f"terms: {', '.join(terms)}"]
    text("\n".join([*told, *here, "to do: choose them at the side, and open the link again"]))
    return False
