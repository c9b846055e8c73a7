"""Whom a run may ask: the endpoints given at the start, others by their address without a key."""

from __future__ import annotations

import os
from typing import Any

from workbench.annotate.config import AnnotateConfig
from workbench.annotate.endpoints import Endpoints
from workbench.cli.dashboard import ENDPOINTS, TOKEN

_TYPED = "Another address, without a key"
_LOCAL = "http://127.0.0.1:8000/v1"


def _listed() -> Endpoints:
    text = os.environ.get(ENDPOINTS)
    return Endpoints.from_json(text) if text else Endpoints()


def endpoint_of(place: Any, key: str) -> dict[str, str | None]:
    """Let the user choose an endpoint, or type an address; return the keys of a configuration.

    Parameters
    ----------
    place : container
        Where the boxes stand.
    key : str
        Of the box of the address.
    """
    known = _listed()
    name = _TYPED
    if known.urls:
        options = [*known.urls, _TYPED]
        name = place.selectbox("Endpoint", options, key=f"{key}-name", persist_state="session")
    # by its name alone: what a browser sends is one of the listed ones, or typed
    url = known.urls.get(name)
    if url is None:
        told = "An address that is typed is asked without a key."
        url = place.text_input(
            "Address", _LOCAL, key=key, max_chars=300, help=told, persist_state="session"
        )
    return {"base_url": url or None, "key_variable": known.variable_of(url)}


def environment_of(config: AnnotateConfig) -> dict[str, str]:
    """Return the environment of a run that a page starts: the key of its endpoint, no other."""
    own = {name: value for name, value in os.environ.items() if name not in (TOKEN, ENDPOINTS)}
    return _listed().environment(config, own)
