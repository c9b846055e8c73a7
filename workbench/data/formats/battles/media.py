"""Names of the images and other media that prompts and responses hold."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from workbench.data.formats.messages import Message
from workbench.data.formats.printed import nested

_PLACES = ("url", "path", "image_url", "image", "file", "src", "uri")


def media_names(value: Any) -> list[str]:
    """Return a name for each medium that a value holds: its path or URL, in the order given.

    Media whose bytes stand in the file are named by a digest of these: the names that files
    give them (``image.png``) are often all the same.

    Parameters
    ----------
    value : object
        A path or URL, an object with one (or with ``bytes``), or a list of these.

    Examples
    --------
    >>> media_names([{"bytes": None, "path": "a.png"}, "https://example.org/b.png", None])
    ['a.png', 'https://example.org/b.png']
    >>> media_names({"bytes": b"...", "path": "image.png"})
    ['embedded:ed8afa03a2db846a']
    """
    value = nested(value)
    if isinstance(value, str):
        return [value] if value.strip() else []
    if isinstance(value, bytes):
        return ["embedded:" + hashlib.blake2b(value, digest_size=8).hexdigest()]
    if isinstance(value, list):
        return [name for item in value for name in media_names(item)]
    if not isinstance(value, dict):
        return []
    if isinstance(value.get("source"), dict):
        return media_names(value["source"])
    inside = value.get("bytes") or value.get("data")
    if inside:
        return media_names(inside if isinstance(inside, bytes) else str(inside).encode())
    return next((names for key in _PLACES if (names := media_names(value.get(key)))), [])


def media_of(messages: Iterable[Message]) -> list[str]:
    """Return the names of the media among the parts of messages.

    Examples
    --------
    >>> part = {"type": "image_url", "image_url": {"url": "https://example.org/b.png"}}
    >>> media_of([{"role": "user", "content": [{"type": "text", "text": "See:"}, part]}])
    ['https://example.org/b.png']
    """
    names: list[str] = []
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict) and part.get("type", "text") != "text":
                names += media_names(part)
    return names


def joined(names: Iterable[str]) -> str | None:
    r"""Return names as one text, a line each; None where there are none.

    Examples
    --------
    >>> joined(["a.png", "b.png"]), joined([])
    ('a.png\nb.png', None)
    """
    return "\n".join(dict.fromkeys(names)) or None


def named(value: Any) -> list[str]:
    r"""Return the names that :func:`joined` made one text of; none where the value is missing.

    Examples
    --------
    >>> named("a.png\nb.png"), named(None), named(float("nan"))
    (['a.png', 'b.png'], [], [])
    """
    lines = value.split("\n") if isinstance(value, str) else []
    return [name for line in lines if (name := line.strip())]
