"""Lists and objects of a field, also where a table holds them as text."""

from __future__ import annotations

from typing import Any

from workbench.data.formats.printed import nested


def unpacked(value: Any) -> Any:
    r"""Return a list or an object, also from its text; any other value as it is.

    Examples
    --------
    >>> unpacked('[{"rank": 1}]'), unpacked("[{'rank': 1}\n {'rank': None}]")
    ([{'rank': 1}], [{'rank': 1}, {'rank': None}])
    >>> unpacked("array(['a' 'b'], dtype=object)"), unpacked("[see above]")
    (['a', 'b'], '[see above]')
    """
    return nested(value)


def items(value: Any) -> list[Any]:
    """Return the members of a list, also from its text; none of anything else.

    Examples
    --------
    >>> items("[1, 2]"), items(None), items("one")
    ([1, 2], [], [])
    """
    found = nested(value)
    return found if isinstance(found, list) else []


def fields(value: Any) -> dict[str, Any]:
    """Return an object's fields, also from its text; none of anything else.

    Examples
    --------
    >>> fields("{'id': 1}"), fields([1])
    ({'id': 1}, {})
    """
    found = nested(value)
    return found if isinstance(found, dict) else {}
