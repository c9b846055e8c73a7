"""References of docstrings to parts that no page shows: they have to be there, not to be shown."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from sphinx.application import Sphinx


def exists(name: str) -> bool:
    """Tell whether a full name of the workbench names a module or something in one.

    Examples
    --------
    >>> exists("workbench.intervals.mid_p"), exists("workbench.intervals.mid_q")
    (True, False)
    """
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: Any = import_module(".".join(parts[:end]))
        except ModuleNotFoundError as error:
            # what an extra would bring is no reason to doubt the rest
            if not str(error.name).startswith("workbench"):
                return True
            continue
        for part in parts[end:]:
            fields = getattr(found, "__dataclass_fields__", {})
            if not hasattr(found, part):
                return part in fields
            found = getattr(found, part)
        return True
    return False


def _unshown(app: Sphinx, env: Any, node: Any, shown: Any) -> Any:
    name = str(node.get("reftarget", ""))
    known = node.get("refdomain") == "py" and name.startswith("workbench.") and exists(name)
    return shown if known else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Tell Sphinx of it."""
    app.connect("missing-reference", _unshown)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
