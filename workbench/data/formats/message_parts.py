"""What a chat message is made of: plain values, parts of a content, media."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

_MEDIA = ("image", "image_url", "video", "video_url", "audio", "audio_url", "input_audio", "file")
_NAMES = ("url", "path", "image", "file", "bytes", "uri")

_LONGEST_PATH = 4096


def clean(value: Any) -> Any:
    """Return plain values: no missing ones, which a table adds, and no broken code points."""
    if isinstance(value, str):
        return whole_text(value)
    if isinstance(value, dict):
        cleaned = {str(key): clean(item) for key, item in value.items()}
        return {key: item for key, item in cleaned.items() if item is not None}
    if isinstance(value, list | tuple | np.ndarray):
        return [clean(item) for item in value]
    if isinstance(value, bytes):
        return _digest(value)
    if isinstance(value, np.generic):
        return clean(value.item())
    if isinstance(value, float) and math.isnan(value):
        return None
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _digest(content: bytes) -> str:
    """Return a short name for bytes, which would make a table of texts too large."""
    return "blake2b:" + hashlib.blake2b(content, digest_size=16).hexdigest()


def whole_text(value: str) -> str:
    r"""Return a text with lone surrogates (JSON can hold them, UTF-8 cannot) replaced.

    Examples
    --------
    >>> whole_text("a\ud83d") == "a\ufffd"
    True
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def is_part(part: Any) -> bool:
    """Tell whether an item of a content is text or a typed part."""
    if not isinstance(part, dict):
        return isinstance(part, str)
    if "type" not in part:
        return isinstance(part.get("text"), str) or bool(media_in(part))
    if part["type"] == "text":
        return isinstance(part.get("text"), str)
    return isinstance(part["type"], str)


def part_text(part: Any) -> str:
    """Return the text of a part, the type in brackets where it is none."""
    if isinstance(part, str):
        return part
    if isinstance(part.get("text"), str) and part.get("type", "text") == "text":
        return str(part["text"])
    return f"[{part.get('type', 'image')}]"


def media_name(value: Any) -> str | None:
    """Return what names a medium: its path or URL, else a digest of its bytes.

    Examples
    --------
    >>> media_name({"bytes": None, "path": "a.png"}), media_name("https://x.org/b.png")
    ('a.png', 'https://x.org/b.png')
    >>> media_name({"source": {"type": "base64", "data": "QUJD"}})
    'blake2b:7589495e8295086eae1b258317e05158'
    """
    value = clean(value)
    if isinstance(value, dict) and isinstance(value.get("source"), dict):
        value = value["source"]
    if isinstance(value, dict):
        bare = value.get("data")
        if isinstance(bare, str) and not any(isinstance(value.get(key), str) for key in _NAMES):
            # bytes without a scheme before them, as Anthropic and input_audio have them
            return _digest(bare.encode())
        value = next((value[key] for key in _NAMES if isinstance(value.get(key), str)), None)
    if not isinstance(value, str) or not value.strip():
        return None
    inline = value.startswith("data:") or len(value) > _LONGEST_PATH
    return _digest(value.encode()) if inline else value


def media_in(part: Mapping[str, Any]) -> list[str]:
    """Return the names of what a part of a content shows."""
    kinds = [kind for kind in _MEDIA if part.get(kind) is not None]
    found = [media_name(part[kind]) for kind in kinds]
    if not kinds and part.get("type", "text") != "text":
        found = [media_name(part)]
    return [name for name in found if name is not None]
