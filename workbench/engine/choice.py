"""An engine by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.engine.engine import Engine
from workbench.engine.local import Local
from workbench.engine.ray_cluster import Ray
from workbench.errors import ConfigError

NAMES = ("local", "ray")


def engine_of(
    name: str = "local", address: str | None = None, workers: int | None = None
) -> Engine:
    """Return the engine of a name.

    Parameters
    ----------
    name : {"local", "ray"}
    address : str, optional
        Of a cluster.
    workers : int, optional
        Parts that are worked on at a time.

    Raises
    ------
    ConfigError
        Another name, or the address of a cluster for work that stays here.
    DesignError
        Fewer than one worker.

    Examples
    --------
    >>> engine_of("local", workers=2)
    Local(workers=2)
    >>> engine_of("ray", "10.0.0.5:6379", 64)
    Ray(address='10.0.0.5:6379', workers=64)
    """
    if name == "ray":
        return Ray(address, workers)
    if name == "local" and address is None:
        return Local(1 if workers is None else workers)
    raise ConfigError(
        "This engine is not known." if address is None else "Only a cluster has an address.",
        found=name if address is None else f"{name}, {address}",
        expected="one of " + ", ".join(NAMES),
        fix="Choose the engine ray for an address.",
    )


def engine_from(table: Mapping[str, Any], where: str = "[engine]") -> Engine:
    """Return the engine that a table ``[engine]`` names.

    Parameters
    ----------
    table : mapping
        ``name``, ``address`` and ``workers``, as for :func:`engine_of`.
    where : str
        Of the table, for messages.

    Raises
    ------
    ConfigError
        An unknown key, or a value that cannot be used.

    Examples
    --------
    >>> engine_from({"workers": 2}), engine_from({})
    (Local(workers=2), Local(workers=1))
    """
    for key, value in table.items():
        kind = _KEYS.get(key)
        if kind is None or not isinstance(value, kind):
            raise ConfigError(
                f"Unknown key {key!r}." if kind is None else f"{key!r} cannot be used.",
                where=where,
                found=f"{key} = {value!r}",
                expected='keys such as name = "ray", address = "10.0.0.5:6379", workers = 64',
                fix="Check the spelling, or drop the key.",
            )
    return engine_of(**table)


_KEYS: dict[str, type] = {"name": str, "address": str, "workers": int}
