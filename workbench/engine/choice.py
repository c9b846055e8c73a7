"""An engine by its name."""

from __future__ import annotations

from typing import Literal, get_args

from workbench.engine.engine import Engine
from workbench.engine.local import Local
from workbench.engine.ray_cluster import Ray
from workbench.errors import ConfigError

Name = Literal["local", "ray"]
NAMES: tuple[str, ...] = get_args(Name)


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
