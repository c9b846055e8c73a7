"""Fields that a user adds to each request, from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from workbench.errors import ConfigError

_OURS = ("model", "messages", "stream")
"""Fields without which a reply would not be that to the question, or could not be read."""


def read_extra_body(path: Path) -> dict[str, Any]:
    """Read a JSON object whose fields are added to each chat completion.

    Raises
    ------
    ConfigError
        No such file, something else than an object, or a field that is not to be replaced.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise _bad(path, str(error)) from None
    if not isinstance(found, dict):
        raise _bad(path, f"a {type(found).__name__}")
    taken = [name for name in _OURS if name in found]
    if taken:
        raise _bad(path, f"the field {taken[0]!r}")
    return found


def _bad(path: Path, found: str) -> ConfigError:
    return ConfigError(
        "The file of --extra-body cannot be used.",
        where=path.name,
        found=found,
        expected='a JSON object without model, messages and stream, such as {"top_k": 1}',
        fix="Correct the file.",
    )
