"""Headers that a user adds: their values may come from the environment, and secrets must."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from workbench.errors import ConfigError

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")
_REFERENCE = re.compile(r"(?:(?:Bearer|Basic|Token) )?(?:\$\{(\w+)\}|\$(\w+))", re.IGNORECASE)
"""A value that is a variable, after a scheme or not."""

_USUAL = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
"""A name that variables have and secrets have not: it may be set another time."""

_NO_KEY = "none"
"""Sent where no key is set: local servers ask for none."""

_OPENAI = "api.openai.com"
_BILLED = {"OpenAI-Organization": "OPENAI_ORG_ID", "OpenAI-Project": "OPENAI_PROJECT_ID"}
_ASIDE = "WORKBENCH_HEADER_"
_ASIDE = "WORKBENCH_HEADER_"
_ASIDE = "WORKBENCH_HEADER_"
_SECRET = re.compile(r"auth|key|token|secret|password|cookie|credential|signature", re.IGNORECASE)


def kept_aside(header: str) -> str:
    """Return a header as it may be written down: ``NAME=VALUE``, a secret as a variable.

    The value of a header whose name tells of a secret is moved into the environment of this
    process and its children; ``NAME=$VARIABLE`` stands in its place. A value that is a
    variable itself, after a scheme or not, stays; a secret may hold a $ of its own, so what
    follows it must be set in the environment, or look like ``MY_KEY``.

    Raises
    ------
    ConfigError
        No ``=``, a name that is none, or a value of several lines. The value is not repeated.

    Examples
    --------
    >>> kept_aside("X-Team=blue"), kept_aside("Authorization=Bearer $MY_KEY")
    ('X-Team=blue', 'Authorization=Bearer $MY_KEY')
    >>> kept_aside("X-Api-Key=abc")
    'X-Api-Key=$WORKBENCH_HEADER_X_API_KEY'
    """
    name, sign, value = header.partition("=")
    if not sign or _NAME.fullmatch(name) is None or "\n" in value or "\r" in value:
        raise ConfigError(
            "The header cannot be used.",
            found=f"{name!r} and a value" if sign else "text without =",
            expected="NAME=VALUE, such as X-Team=blue or Authorization=Bearer $MY_KEY",
            fix="Give it again: --header NAME=VALUE",
        )
    if _SECRET.search(name) is None or _is_variable(value):
        return header
    variable = _ASIDE + re.sub(r"\W", "_", name).upper()
    os.environ[variable] = value
    return f"{name}=${variable}"


def _is_variable(value: str) -> bool:
    found = _REFERENCE.fullmatch(value)
    variable = str(found[1] or found[2]) if found else ""
    return variable in os.environ or _USUAL.fullmatch(variable) is not None


def values_of(headers: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """Return headers with their values, and those parts of them that are secret.

    Parameters
    ----------
    headers : iterable of str
        ``NAME=VALUE``, where ``$VARIABLE`` in a value stands for the environment's.

    Raises
    ------
    ConfigError
        A variable is not set.

    Examples
    --------
    >>> values_of(["X-Team=blue", "X-Api-Key=abcd efgh"])
    ({'X-Team': 'blue', 'X-Api-Key': 'abcd efgh'}, ['abcd efgh', 'efgh'])
    """
    found: dict[str, str] = {}
    secrets: list[str] = []
    for header in headers:
        name, _, value = header.partition("=")
        names = [a or b for a, b in _VARIABLE.findall(value)]
        missing = [one for one in names if one not in os.environ]
        if missing:
            raise _unset(name, f"the environment variable {missing[0]} is not set")
        if any(one.startswith(_ASIDE) and _REFERENCE.fullmatch(os.environ[one]) for one in names):
            # what follows the $ may be the secret itself: it is not repeated
            raise _unset(name, "the variable after the $ is not set")
        found[name] = _VARIABLE.sub(lambda match: os.environ[match[1] or match[2]], value)
        whole = [os.environ[one] for one in names]
        secret = [found[name]] if _SECRET.search(name) else []
        secrets += [part for one in dict.fromkeys([*whole, *secret]) for part in _parts(one)]
    return found, list(dict.fromkeys(secrets))


def _parts(secret: str) -> list[str]:
    """Return what a server may repeat of a secret: a key without its scheme, a cookie's value."""
    first, *rest = re.split(r"[\s;,]+", secret)
    parts = [first, *rest] if "=" in first or not rest else rest
    values = [part.partition("=")[2] for part in parts]
    if first.lower() == "basic" and rest:
        with suppress(ValueError):
            user = base64.b64decode(rest[0]).decode()
            values += [user, user.partition(":")[2]]
    return list(dict.fromkeys(one for one in (secret, *parts, *values) if one))


def _unset(name: str, found: str) -> ConfigError:
    return ConfigError(
        "A header has no value.",
        where=name,
        found=found,
        expected="its value in the environment: it is never written down",
        fix=f"Set the variable, or give it again: --header {name}=VALUE (a value that begins "
        "with a $ of its own goes into a variable)",
    )


def sent_headers(base_url: str, key: str | None, own: Mapping[str, str]) -> dict[str, str]:
    """Return all headers of a call; those of the user take the place of the usual ones.

    Examples
    --------
    >>> sent_headers("http://127.0.0.1:1/v1", None, {"authorization": "Basic x"})["authorization"]
    'Basic x'
    """
    usual = {
        "Authorization": f"Bearer {key or _NO_KEY}",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "gzip, deflate",
        "User-Agent": "preference-workbench",
    }
    if urlsplit(base_url).hostname == _OPENAI:
        # whose account is billed, where a key belongs to several
        billed = {name: os.environ.get(variable) for name, variable in _BILLED.items()}
        usual |= {name: text for name, text in billed.items() if text}
    given = {name.lower() for name in own}
    return {name: text for name, text in usual.items() if name.lower() not in given} | dict(own)


def key_place(headers: Iterable[str], variable: str) -> str:
    """Return where the key of an endpoint comes from: a header of its own, or a variable.

    Examples
    --------
    >>> key_place(["X-Team=blue", "X-Api-Key=$MY_KEY"], "OPENAI_API_KEY")
    'the header X-Api-Key'
    >>> key_place([], "OPENAI_API_KEY")
    'OPENAI_API_KEY'
    """
    names = (header.partition("=")[0] for header in headers)
    own = next((name for name in names if _SECRET.search(name)), None)
    return variable if own is None else f"the header {own}"


def check_headers(headers: Mapping[str, str], variable: str, own: Iterable[str]) -> None:
    """Refuse what no header can hold; the values are not repeated.

    Parameters
    ----------
    headers : mapping of str to str
        All that are sent.
    variable : str
        Where the key comes from.
    own : iterable of str
        The names of those that the user added.

    Raises
    ------
    ConfigError
        A value has a character beyond printable ASCII.
    """
    added = set(own)
    for name, text in headers.items():
        if not (text.isascii() and text.isprintable()):
            where = f"--header {name}" if name in added else f"the environment variable {variable}"
            raise ConfigError(
                "A header cannot be sent.",
                where=where,
                found="a character beyond printable ASCII, such as a line end or a curly quote",
                expected="letters, digits and signs of ASCII",
                fix="Set it again, without quotes and without a line end.",
            )
