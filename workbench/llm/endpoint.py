"""Where models are asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from workbench.errors import ConfigError
from workbench.llm.asking.bends import Form, omit, rename
from workbench.llm.request import Sampling

_NEEDED = ("model", "messages")
_READ = ("input", "response_format", "stream", "stream_options", "tools")
"""Fields that say what comes back: nothing else may stand in their place."""


def _is_host(name: str | None) -> bool:
    """Return whether a name can be one of a host: of labels, none of them empty."""
    if not name:
        return False
    odd = any(c.isspace() or c in '\\^|<>{}"`' for c in name)
    return ":" in name or (all(name.rstrip(".").split(".")) and not odd)


@dataclass(frozen=True)
class Endpoint:
    """Where models are asked, and how patiently.

    Attributes
    ----------
    base_url : str
        Of an OpenAI-compatible server, such as ``http://127.0.0.1:8000/v1``.
    key_variable : str
        Environment variable that holds the key; the key itself is never stored.
    concurrency : int
        Most calls at once.
    timeout_s : float
        Longest wait for one reply, to its last byte.
    attempts : int
        Calls before a request is given up as failed.
    omit : tuple of str
        Fields that are not sent.
    rename : tuple of str
        ``FIELD=NAME``: fields that are sent under another name.
    headers : tuple of str
        ``NAME=VALUE``, sent beside the usual ones; ``$VARIABLE`` in a value stands for the
        environment's.
    extra_body : mapping or None
        Fields that are added to each chat completion, in the place of its own.

    Examples
    --------
    >>> Endpoint("http://127.0.0.1:8000/v1").concurrency
    16
    """

    base_url: str
    key_variable: str = "OPENAI_API_KEY"
    concurrency: int = 16
    timeout_s: float = 120.0
    attempts: int = 6
    omit: tuple[str, ...] = ()
    rename: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    extra_body: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """Return the address as keys have it: with a digest of what is added to each request.

        Examples
        --------
        >>> Endpoint("http://h/v1").name, Endpoint("http://h/v1", extra_body={"top_k": 1}).name
        ('http://h/v1', 'http://h/v1#39d2905b')
        """
        if not self.extra_body:
            return self.base_url
        text = json.dumps(self.extra_body, sort_keys=True)
        return f"{self.base_url}#{hashlib.blake2b(text.encode(), digest_size=4).hexdigest()}"

    @property
    def bends(self) -> Form:
        """Return what is changed in each request from the first on.

        Examples
        --------
        >>> Endpoint("http://h/v1", omit=("seed",), rename=("max_tokens=most",)).bends
        ('omit seed', 'rename max_tokens=most')
        """
        parts = (one.partition("=") for one in self.rename)
        return (*map(omit, self.omit), *(rename(field, to) for field, _, to in parts))

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.base_url)
            fine = parts.scheme in ("http", "https") and _is_host(parts.hostname)
            fine = fine and parts.port != 0
        except ValueError:
            parts, fine = urlsplit(""), False
        if not fine or "@" in parts.netloc or parts.query or parts.fragment:
            raise ConfigError(
                "The address of the endpoint cannot be used.",
                # what stands in the place of a key is not repeated
                found=f"{parts.scheme or 'no scheme'}://{parts.hostname or 'no host'}{parts.path}",
                expected="http(s)://host[:port]/v1, without a name, password or query",
                fix="Give the plain address; the key comes from the environment.",
            )
        if min(self.concurrency, self.attempts) < 1 or not self.timeout_s > 0:
            raise ConfigError(
                "The endpoint's limits cannot be used.",
                found=f"concurrency={self.concurrency}, attempts={self.attempts}, "
                f"timeout_s={self.timeout_s}",
                expected="at least 1 call at once, 1 attempt, and a timeout above 0",
                fix="Give larger values.",
            )
        self._check_fields()

    def _check_fields(self) -> None:
        parts = [one.partition("=") for one in self.rename]
        changed = {*self.omit, *(field for field, _, _ in parts)}
        names = [name for _, _, name in parts]
        # a name that is taken would lose what it has
        taken = {*_NEEDED, *_READ, *Sampling(top_logprobs=1).body()} - changed
        fine = changed.isdisjoint(_NEEDED) and taken.isdisjoint(names)
        if not fine or not all(names) or len(set(names)) < len(names):
            raise ConfigError(
                "The fields of the request cannot be changed so.",
                found=f"omit {', '.join(self.omit) or 'none'}; rename {', '.join(self.rename)}",
                expected=f"fields other than {', '.join(_NEEDED)}; FIELD=NAME to rename one, "
                "each to a name of its own",
                fix="Correct --omit and --rename.",
            )
