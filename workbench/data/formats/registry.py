"""Every format by name, in the order in which a file is held against them."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from workbench.data.formats import Format
from workbench.data.formats.battles import LAYOUTS as BATTLES
from workbench.data.formats.contexts import LAYOUTS as CONTEXTS
from workbench.data.formats.judged import LAYOUTS as JUDGED
from workbench.data.formats.rated import LAYOUTS as RATED
from workbench.data.formats.tools import LAYOUTS as TOOLS
from workbench.data.formats.training import LAYOUTS as TRAINING
from workbench.errors import DataError

_ROOMS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "tools": TOOLS,
    "contexts": CONTEXTS,
    "battles": BATTLES,
    "judged": JUDGED,
    "rated": RATED,
    "training": TRAINING,
}
_PLACES = {
    **{
        name: (f"workbench.data.formats.{room}.{module}", attribute)
        for room, layouts in _ROOMS.items()
        for name, (module, attribute) in layouts.items()
    },
    "tabular": ("workbench.data.formats.tabular", "FORMAT"),
}

FORMATS = tuple(_PLACES)
"""Names for ``load(..., format=...)``, in the order in which they are tried."""


def get_format(name: str) -> Format:
    """Return a format by name.

    Raises
    ------
    DataError
        There is no such format.

    Examples
    --------
    >>> get_format("arena").name
    'arena'
    """
    if name not in _PLACES:
        raise DataError(
            f"There is no format {name!r}.",
            found=name,
            expected=", ".join(FORMATS),
            fix="Leave format out to have it recognised by content.",
        )
    module, attribute = _PLACES[name]
    found: Format = getattr(import_module(module), attribute)
    return found
