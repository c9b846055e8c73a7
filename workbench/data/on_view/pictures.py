"""Images that a pair names or holds, each with its bytes or with why these are not read."""

from __future__ import annotations

import base64
import binascii
import io
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from workbench.data.formats.battles.media import named
from workbench.data.formats.message_parts import media_in, media_name
from workbench.data.reading.images import BEGINS, LARGEST, local_image

MediaColumn = Literal["media", "media_a", "media_b"]

PIXELS = 50_000_000
"""Pixels of the largest image that is unpacked: a small file can hold a very large one."""

_MESSAGES = {
    "media": "prompt_messages",
    "media_a": "response_a_messages",
    "media_b": "response_b_messages",
}
_TYPES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg"}
_DIGESTS = ("blake2b:", "embedded:")
_INLINE = re.compile(r"data:[\w/+.-]{0,100};base64,")

ELSEWHERE = "it is on another machine, and not fetched"
NOT_FOUND = "no image of its kind lies beside the data by its name"
NOT_KEPT = "its bytes are not kept in the data"
NO_IMAGE = "it is no image of a known kind (PNG, JPEG, GIF, WebP, BMP)"
TOO_LARGE = f"it has more than {LARGEST:,} bytes or {PIXELS:,} pixels"
DAMAGED = "it is damaged"


@dataclass(frozen=True)
class Shown:
    """An image of a pair.

    Attributes
    ----------
    name : str
        As the data name it, a digest for one that stands in them: text, never a link.
    content : bytes or None
        What was read, and is an image.
    kind : str or None
        Its media type, such as ``image/png``.
    reason : str or None
        Why there are no bytes.
    """

    name: str
    content: bytes | None = None
    kind: str | None = None
    reason: str | None = None

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is an address of another machine."""
        return self.reason == ELSEWHERE

    @property
    def url(self) -> str:
        """The image as a data URL."""
        return f"data:{self.kind};base64,{base64.b64encode(self.content or b'').decode('ascii')}"


def pictures_of(pair: Mapping[str, Any], column: MediaColumn, *folders: Path) -> Iterator[Shown]:
    """Yield the images of a pair's prompt or of one of its responses, in order.

    Nothing is fetched: images are those that stand in the data as data URLs, and files in the
    folders. What they hold is looked at, not what they are called; a drawing (SVG) is none.

    Parameters
    ----------
    pair : mapping
        A row of the pairs.
    column : {"media", "media_a", "media_b"}
    *folders : Path
        Where files are looked for; none leads out of them.

    Examples
    --------
    >>> pair = {"media": "https://example.org/a.png", "prompt_messages": None}
    >>> [one.reason for one in pictures_of(pair, "media")]
    ['it is on another machine, and not fetched']
    """
    told = named(pair.get(column))
    found = {media_name(one) or one: one for one in told}
    for name, url in _inline(pair.get(_MESSAGES[column])):
        if url.startswith("data:") or name not in found:
            found[name] = url
    for name, url in found.items():
        if url.startswith("data:"):
            yield _of_url(name, url)
        elif "://" in url:
            yield Shown(name, reason=ELSEWHERE)
        elif url.startswith(_DIGESTS):
            yield Shown(name, reason=NOT_KEPT)
        else:
            yield _of_file(url, folders)


def _inline(messages: Any) -> Iterator[tuple[str, str]]:
    """Yield what messages show, by its name: the data URL, or the name again."""
    if not isinstance(messages, str):
        return
    try:
        found = json.loads(messages)
    except ValueError:
        return
    if not (isinstance(found, list) and all(isinstance(one, dict) for one in found)):
        return
    for part in _parts(found):
        names = media_in(part)
        urls = [url for url in _urls(part) if url.startswith("data:")]
        if len(names) == len(urls):
            yield from zip(names, urls, strict=True)
        else:
            yield from ((name, name) for name in names)


def _parts(messages: list[Any]) -> Iterator[dict[str, Any]]:
    for message in messages:
        content = message.get("content")
        for part in content if isinstance(content, list) else ():
            if isinstance(part, dict):
                yield part


def _urls(part: dict[str, Any]) -> Iterator[str]:
    """Yield the addresses that a part holds; bytes without a scheme get theirs."""
    source = part.get("source")
    if isinstance(source, dict) and isinstance(source.get("data"), str):
        yield f"data:{source.get('media_type')};base64,{source['data']}"
    for value in part.values():
        inner = value.get("url") if isinstance(value, dict) else value
        if isinstance(inner, str):
            yield inner


def _of_url(name: str, url: str) -> Shown:
    head = _INLINE.match(url)
    if head is None:
        return Shown(name, reason=NO_IMAGE)
    if (len(url) - head.end()) * 3 // 4 > LARGEST:
        return Shown(name, reason=TOO_LARGE)
    try:
        return _looked_at(name, base64.b64decode(url[head.end() :], validate=True))
    except (binascii.Error, ValueError):
        return Shown(name, reason=DAMAGED)


def _of_file(name: str, folders: tuple[Path, ...]) -> Shown:
    content = local_image(name, *folders)
    if content is not None:
        return _looked_at(name, content)
    # what a name's end says is enough to tell it: its bytes are not read
    known = Path(name).suffix.lower() in BEGINS
    return Shown(name, reason=NOT_FOUND if known else NO_IMAGE)


def _looked_at(name: str, content: bytes) -> Shown:
    end = next((e for e, begin in BEGINS.items() if re.match(begin, content, re.DOTALL)), None)
    if end is None:
        return Shown(name, reason=NO_IMAGE)
    reason = _fault(content)
    if reason is not None:
        return Shown(name, reason=reason)
    return Shown(name, content, _TYPES.get(end, f"image/{end[1:]}"))


def _fault(content: bytes) -> str | None:
    """Return why an image is not to be shown, by its head: nothing is unpacked."""
    try:
        from PIL import Image
    except ImportError:
        # Pillow comes with the dashboard; without it the first bytes have to do
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content)) as opened:
                if opened.width * opened.height > PIXELS:
                    return TOO_LARGE
                opened.verify()
    except Image.DecompressionBombError:
        return TOO_LARGE
    except Exception:
        # a damaged file makes Pillow raise nearly anything
        return DAMAGED
    return None
