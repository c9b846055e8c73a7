"""The connection to an endpoint: its certificates, and the proxy of the environment."""

from __future__ import annotations

import base64
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from workbench.errors import ConfigError

if TYPE_CHECKING:
    from aiohttp import ClientSession

_LONGEST_HEADER = 1 << 16
_IDLE_S = 4.0
"""Servers close what is idle for 5 s; a call that meets that is lost."""


class Connection(NamedTuple):
    """A session, the headers that its proxy wants, and what is secret in them.

    A proxy reads them in each call to an address of HTTP, and else in what opens the tunnel,
    of which the server sees nothing.
    """

    http: ClientSession
    headers: dict[str, str]
    proxy_headers: dict[str, str]
    secrets: list[str]


@asynccontextmanager
async def session(base_url: str) -> AsyncIterator[Connection]:
    """Open a session for the calls of an endpoint.

    Parameters
    ----------
    base_url : str

    Raises
    ------
    ConfigError
        A proxy or certificates of the environment that cannot be used.

    Notes
    -----
    The session itself reads nothing of the environment: it would send what ``.netrc`` has
    for a host beside the key.
    """
    from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

    proxy, user, password = proxy_of(base_url)
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()

    # how many calls are on the way at once is the pace's to say
    connector = TCPConnector(limit=0, keepalive_timeout=_IDLE_S, ssl=_certificates(base_url))
    async with ClientSession(
        connector=connector,
        # the whole call is timed
        timeout=ClientTimeout(total=None),
        cookie_jar=DummyCookieJar(),
        # without a name and a password, for errors repeat addresses
        proxy=proxy,
        max_line_size=_LONGEST_HEADER,
        max_field_size=_LONGEST_HEADER,
    ) as http:
        told = {"Proxy-Authorization": f"Basic {basic}"} if user else {}
        plain = urlsplit(base_url).scheme == "http"
        secret = [password, quote(password, safe=""), basic] if user else []
        yield Connection(
            http, told if plain else {}, {} if plain else told, [one for one in secret if one]
        )


def proxy_of(base_url: str) -> tuple[str | None, str, str]:
    """Return the proxy that the environment names for an address, its user and its password.

    Raises
    ------
    ConfigError
        It is of a kind that is not spoken here, such as SOCKS.

    Examples
    --------
    >>> proxy_of("http://127.0.0.1:8000/v1")[0] is None or "no_proxy lacks it"
    True
    """
    to = urlsplit(base_url)
    if to.hostname is None or proxy_bypass(to.netloc):
        return None, "", ""
    named = getproxies().get(to.scheme) or getproxies().get("all")
    if not named:
        return None, "", ""
    # as other programs have it, host:port alone is a proxy of HTTP
    parts = urlsplit(named if "://" in named else f"http://{named}")
    try:
        fine = parts.scheme in ("http", "https") and bool(parts.hostname)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        fine, port = False, ""
    if not fine:
        kind = parts.scheme if "://" in named else "without a scheme"
        raise ConfigError(
            "The proxy of the environment cannot be used.",
            where=f"{to.scheme}_proxy",
            found=f"a proxy of the kind {kind!r}, or an address that is none",
            expected="http://host:port",
            fix=f"Set {to.scheme}_proxy, or add {to.hostname} to no_proxy.",
        )
    host = f"[{parts.hostname}]" if ":" in str(parts.hostname) else parts.hostname
    address = f"{parts.scheme}://{host}{port}"
    return address, unquote(parts.username or ""), unquote(parts.password or "")


def _certificates(base_url: str) -> ssl.SSLContext | bool:
    if urlsplit(base_url).scheme != "https":
        return True
    from httpx2 import create_ssl_context

    try:
        # those that the openai client trusts, too
        return create_ssl_context()
    except OSError as error:
        named = [name for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)]
        raise ConfigError(
            "The certificates cannot be read.",
            where=", ".join(named) or "the certificates of this machine",
            found=str(error),
            expected="certificates in PEM",
            fix=f"Correct or unset {' and '.join(named) or 'SSL_CERT_FILE'}.",
        ) from None
