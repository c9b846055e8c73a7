"""Headers that a user adds: their values may come from the environment, and secrets must."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from workbench.errors import ConfigError

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")
_REFERENCE = re.compile(r"(?:[A-Za-z]+ )?(?:\$\{\w+\}|\$\w+)")
"""A value that is a variable, after a scheme or not; a secret may hold a $ of its own."""

_SECRET = re.compile(r"auth|key|token|secret|password|cookie|credential|signature", re.IGNORECASE)


def kept_aside(header: str) -> str:
    """Return a header as it may be written down: ``NAME=VALUE``, a secret as a variable.

    The value of a header whose name tells of a secret is moved into the environment of this
    process and its children; ``NAME=$VARIABLE`` stands in its place. A value that is a
    variable itself, after a scheme or not, stays.

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
    if _SECRET.search(name) is None or _REFERENCE.fullmatch(value):
        return header
    variable = "WORKBENCH_HEADER_" + re.sub(r"\W", "_", name).upper()
    os.environ[variable] = value
    return f"{name}=${variable}"


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
    """
    found: dict[str, str] = {}
    secrets: list[str] = []
    for header in headers:
        name, _, value = header.partition("=")
        names = [a or b for a, b in _VARIABLE.findall(value)]
        missing = [one for one in names if one not in os.environ]
        if missing:
            raise ConfigError(
                "A header has no value.",
                where=name,
                found=f"the environment variable {missing[0]} is not set",
                expected="its value in the environment: it is never written down",
                fix=f"Set {missing[0]}, or give it again: --header {name}=VALUE",
            )
        # a server may repeat the key without its scheme
        whole = [os.environ[one] for one in names]
        secrets += dict.fromkeys([*whole, *(part for one in whole for part in one.split())])
        found[name] = _VARIABLE.sub(lambda match: os.environ[match[1] or match[2]], value)
    return found, secrets
