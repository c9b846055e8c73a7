"""The gate before the server: nothing but a note leaves it for those without the token."""

from __future__ import annotations

import html
import secrets
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from parts.entry import NOTE, QUERY, VISITOR, cookie, fits
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, RedirectResponse

_HEALTH = "/_stcore/health"
"""Says that the server is up, and nothing more."""

_QUIET = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'",
}
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Preference Workbench</title>'
    '<body style="font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:4rem auto;'
    f'padding:0 1rem"><h1>Preference Workbench</h1><p>{html.escape(NOTE)}</p></body></html>'
)


class Gate:
    """Lets requests and sockets through that bring the token, in the link or in a cookie.

    A link with the token is answered by one without it and by a cookie, so that neither the
    history of the browser nor a copied address holds it.

    Parameters
    ----------
    app : ASGI application
    """

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on, or answer it."""
        if scope["type"] == "lifespan" or scope["path"] == _HEALTH:
            await self._app(scope, receive, send)
            return
        came = HTTPConnection(scope)
        offered, known = came.query_params.get(QUERY), fits(came.cookies.get(cookie()))
        if scope["type"] == "websocket" and not known:
            # before it was accepted: the browser is told 403
            await send({"type": "websocket.close", "code": 1008})
        elif scope["type"] == "http" and offered is not None and fits(offered):
            answer = RedirectResponse(_without_token(came), 303, _QUIET)
            answer.headers.append("set-cookie", _cookie(came, cookie(), offered))
            await answer(scope, receive, send)
        elif not known:
            await HTMLResponse(_PAGE, 403, _QUIET)(scope, receive, send)
        else:
            await self._app(scope, receive, _marking(came, send))


def _without_token(came: HTTPConnection) -> str:
    """Return the address that was asked for, on this server, without the token."""
    query = [(k, v) for k, v in parse_qsl(came.url.query, True) if k != QUERY]
    # one slash: two would name another server
    place = "/" + quote(came.url.path.lstrip("/"))
    return f"{place}?{urlencode(query)}" if query else place


def _marking(came: HTTPConnection, send: Any) -> Any:
    """Return what sends an answer, and with the first page tells the browser who it is."""

    async def marked(message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("content-type", "").startswith("text/html"):
                own = _cookie(came, VISITOR, secrets.token_urlsafe(16))
                headers.append("set-cookie", own)
        await send(message)

    return send if VISITOR in came.cookies else marked


def _cookie(came: HTTPConnection, name: str, value: str) -> str:
    secure = "; Secure" if came.url.scheme == "https" else ""
    return f"{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}"
