"""Images that data name, as bytes: from the data's own folder only, and never fetched."""

from __future__ import annotations

from pathlib import Path

LARGEST = 5_000_000
"""Bytes of the largest image that is read."""

_MAGIC = {
    ".png": (b"\x89PNG\r\n\x1a\n",),
    ".jpg": (b"\xff\xd8\xff",),
    ".jpeg": (b"\xff\xd8\xff",),
    ".gif": (b"GIF87a", b"GIF89a"),
    ".webp": (b"RIFF",),
}
"""How the bytes of an image begin, by the end of its name."""


def local_image(name: str, folder: Path) -> bytes | None:
    """Return the bytes of an image that lies in a folder, or None.

    Parameters
    ----------
    name : str
        A path as the data give it, relative to the folder or absolute. What leads out of the
        folder (also by a link), URLs, other files than images, images whose bytes are none of
        their kind, and those of more than :data:`LARGEST` bytes are not read.
    folder : Path

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     folder = Path(place)
    ...     _ = (folder / "a.gif").write_bytes(b"GIF89a...")
    ...     local_image("a.gif", folder), local_image("../a.gif", folder / "inside")
    (b'GIF89a...', None)
    """
    try:
        inside = folder.resolve()
        path = (inside / name).resolve()
        if not path.is_relative_to(inside) or not path.is_file():
            return None
        if path.stat().st_size > LARGEST:
            return None
        begins = _MAGIC.get(path.suffix.lower(), ())
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except (OSError, ValueError):
        # a name that no path can have, such as one that is too long
        return None
    return content if content.startswith(begins) and begins else None
