"""Images that data name, as bytes: from the data's own folder only, and never fetched."""

from __future__ import annotations

import os
import re
from pathlib import Path

LARGEST = 5_000_000
"""Bytes of the largest image that is read."""

BEGINS = {
    ".png": rb"\x89PNG\r\n\x1a\n",
    ".jpg": rb"\xff\xd8\xff",
    ".jpeg": rb"\xff\xd8\xff",
    ".gif": rb"GIF8[79]a",
    ".webp": rb"RIFF....WEBP",
    ".bmp": rb"BM",
}
"""How the bytes of an image begin, by the end of its name; a drawing (SVG) is none."""


def local_image(name: str, *folders: Path) -> bytes | None:
    """Return the bytes of an image that lies in a folder, or None.

    Parameters
    ----------
    name : str
        A path as the data give it, relative to a folder or absolute. What leads out of the
        folder (also by a link), URLs, other files than images, images whose bytes are none of
        their kind, and those of more than :data:`LARGEST` bytes are not read.
    *folders : Path
        Where to look, the first one first. The root of a file system is no folder of data.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = Path(place)
    ...     _ = (folder / "a.gif").write_bytes(b"GIF89a...")
    ...     local_image("a.gif", folder), local_image("../a.gif", folder / "inside")
    (b'GIF89a...', None)
    """
    begins = BEGINS.get(Path(name).suffix.lower())
    if begins is None or "://" in name:
        return None
    for folder in folders:
        try:
            content = _content(name, folder)
        except (OSError, ValueError, RuntimeError):
            # a name that no path can have, such as one that is too long, or links in a circle
            continue
        if content is not None and re.match(begins, content, re.DOTALL):
            return content
    return None


def _content(name: str, folder: Path) -> bytes | None:
    inside = folder.resolve()
    given = Path(os.path.normpath(inside / name))
    # judged by its name first: to follow a foreign path can already mount or ask another machine
    roots = (inside, Path(os.path.normpath(folder.absolute())))
    if inside == inside.parent or not any(given.is_relative_to(root) for root in roots):
        return None
    path = given.resolve()
    if not path.is_relative_to(inside) or not path.is_file() or path.stat().st_size > LARGEST:
        return None
    with path.open("rb") as stream:
        return stream.read(LARGEST)
