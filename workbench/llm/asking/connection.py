"""The connection to an endpoint: its certificates, and the proxy of the environment."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from workbench.errors import ConfigError

if TYPE_CHECKING:
    from aiohttp import ClientSession

_IDLE_S = 4.0
"""Servers close what is idle for 5 s; a call that meets that is lost."""


@asynccontextmanager
async def session(base_url: str) -> AsyncIterator[tuple[ClientSession, str | None]]:
    """Open a session for the calls of an endpoint; gives it and its proxy, or None.

    Parameters
    ----------
    base_url : str

    Notes
    -----
    The session itself reads nothing of the environment: it would send what ``.netrc`` has
    for a host beside the key.
    """
    from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

    # how many calls are on the way at once is the pace's to say
    connector = TCPConnector(limit=0, keepalive_timeout=_IDLE_S, ssl=_certificates(base_url))
    async with ClientSession(
        connector=connector,
        # the whole call is timed
        timeout=ClientTimeout(total=None),
        cookie_jar=DummyCookieJar(),
    ) as http:
        yield http, proxy_of(base_url)


def proxy_of(base_url: str) -> str | None:
    """Return the proxy that the environment names for an address; None where there is none.

    Raises
    ------
    ConfigError
        It is of a kind that is not spoken here, such as SOCKS.

    Examples
    --------
    >>> proxy_of("http://127.0.0.1:8000/v1") is None or "NO_PROXY lacks it"
    True
    """
    parts = urlsplit(base_url)
    if parts.hostname is None or proxy_bypass(parts.netloc):
        return None
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if proxy and urlsplit(proxy).scheme not in ("http", "https"):
        raise ConfigError(
            "The proxy of the environment cannot be used.",
            found=f"a proxy of the kind {urlsplit(proxy).scheme or 'none'!r}",
            expected="http://host:port",
            fix=f"Set {parts.scheme}_proxy, or add {parts.hostname} to no_proxy.",
        )
    return proxy


def _certificates(base_url: str) -> ssl.SSLContext | bool:
    if urlsplit(base_url).scheme != "https":
        return True
    from httpx2 import create_ssl_context

    # those that the openai client trusts, too
    return create_ssl_context()
