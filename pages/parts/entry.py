"""Who is let in: with the token of the link that `workbench app` printed, or signed in."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from typing import Any

import streamlit as st

from workbench.cli.dashboard import NO_TOKEN, TOKEN

QUERY = "token"
"""The word of the link before the token."""

VISITOR = "workbench-visitor"
"""Cookie of a browser: what its visitor made is found again after a reload."""

ALLOWED = "WORKBENCH_ALLOWED"
"""Environment variable of the server: who may sign in, e-mail addresses or @domains, by commas."""

NOTE = (
    "This dashboard opens with a link that holds a token. `workbench app` prints the link in the "
    "terminal where it was started; without it nothing is shown here."
)
_IN, _OWN = "let-in", "visitor"


def fits(offered: str | None) -> bool:
    """Tell whether a token opens the app; where none was set at the start, nothing does."""
    token = os.environ.get(TOKEN, "")
    if token == NO_TOKEN:
        return True
    # in a time that does not tell how much of it is right
    same = hmac.compare_digest((offered or "").encode("utf-8", "replace"), token.encode())
    return same and token != ""


def cookie() -> str:
    """Return the name of the cookie of those let in: ports share cookies, servers should not."""
    digest = hashlib.sha256(os.environ.get(TOKEN, "").encode()).hexdigest()
    return f"workbench-{digest[:12]}"


def allowed(user: Mapping[str, Any]) -> bool:
    """Tell whether somebody who signed in is on the list; without a list nobody is."""
    email = str(user.get("email") or "").strip().lower()
    if "@" not in email or user.get("email_verified", True) not in (True, "true"):
        return False
    listed = {one.strip().lower() for one in os.environ.get(ALLOWED, "").split(",")} - {"", "@"}
    return email in listed or f"@{email.rpartition('@')[2]}" in listed


def _signed_in() -> None:
    """Stop whoever is not signed in and listed, where the server has an identity provider."""
    user = st.user.to_dict()
    if "is_logged_in" not in user:
        # a list that nothing checks must not look like a lock
        if os.environ.get(ALLOWED):
            st.info("Only listed people are let in here, and nobody can sign in: no `[auth]`.")
            st.stop()
    elif not user["is_logged_in"]:
        st.info("This dashboard asks who you are.", icon=":material/lock:")
        st.button("Sign in", type="primary", on_click=st.login)
        st.stop()
    elif not allowed(user):
        st.info("You are signed in, and not on this dashboard's list.", icon=":material/lock:")
        st.text(str(user.get("email") or ""))
        st.button("Sign out", on_click=st.logout)
        st.stop()


def enter(title: str | None = None) -> None:
    """Let a visitor in and show the title, or show how to get in and nothing else.

    Every page begins with this call.
    """
    offered = (st.query_params.get(QUERY), st.context.cookies.get(cookie()))
    if not (st.session_state.get(_IN) or any(fits(one) for one in offered)):
        st.info(NOTE, icon=":material/lock:")
        st.stop()
    _signed_in()
    # the session remembers, so that links that are copied from here hold no token
    st.session_state[_IN] = True
    if QUERY in st.query_params:
        del st.query_params[QUERY]
    if title is not None:
        st.title(title)


def visitor() -> str:
    """Return the secret of who looks at the page: of the browser, or else of the session."""
    found = st.context.cookies.get(VISITOR) or secrets.token_urlsafe(16)
    return str(st.session_state.setdefault(_OWN, found))
