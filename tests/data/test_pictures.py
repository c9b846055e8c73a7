"""Images that pairs name: kept apart in the identity, read locally, looked at, never fetched."""

from __future__ import annotations

import base64
import io
import json
import socket
import struct
import sys
import zlib

import pandas as pd
import pytest
from PIL import Image

import workbench as wb
from workbench.data.on_view import pictures
from workbench.data.on_view.pictures import (
    DAMAGED,
    ELSEWHERE,
    NO_IMAGE,
    NOT_FOUND,
    NOT_KEPT,
    TOO_LARGE,
    pictures_of,
)  # fmt: skip
from workbench.data.reading.images import LARGEST


def image(colour="red", kind="PNG", size=(2, 3)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, kind)
    return stream.getvalue()


def data_url(content: bytes, kind="image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def bomb(width=60_000, height=60_000) -> bytes:
    """The head of a huge image: nothing that could be unpacked follows it."""

    def chunk(name, content):
        check = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + check

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def asks(url, text="What is it?"):
    part = {"type": "image_url", "image_url": {"url": url}}
    return [{"role": "user", "content": [{"type": "text", "text": text}, part]}]


def votes(tmp_path, *urls):
    rows = [
        {"prompt": asks(url), "chosen": [{"role": "assistant", "content": "A cat."}],
         "rejected": [{"role": "assistant", "content": "A dog."}]}
        for url in urls
    ]  # fmt: skip
    path = tmp_path / "votes.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return wb.load(path)


def only(pair, *folders, column="media"):
    (found,) = pictures_of(pair, column, *folders)
    return found


def test_equal_texts_with_other_images_are_other_pairs(tmp_path):
    one, other = data_url(image("red")), data_url(image("blue"))
    data = votes(tmp_path, one, other, one)
    assert len(data) == 2
    assert len(data.labels) == 3


def test_an_image_in_the_data_comes_back_byte_for_byte(tmp_path):
    content = image()
    pair = votes(tmp_path, data_url(content)).pairs.iloc[0]
    found = only(pair)
    assert (found.content, found.kind) == (content, "image/png")
    assert found.url == data_url(content)
    # its name is short, and says nothing of its bytes
    assert found.name.startswith("blake2b:")
    assert len(found.name) < 60


@pytest.mark.parametrize(("kind", "end"), [("PNG", "png"), ("JPEG", "jpg"), ("GIF", "gif"),
                                           ("WEBP", "webp"), ("BMP", "bmp")])  # fmt: skip
def test_files_of_every_kind_are_read_in_the_folder(tmp_path, kind, end):
    (tmp_path / f"a.{end}").write_bytes(image(kind=kind))
    found = only({"media_a": f"a.{end}"}, tmp_path, column="media_a")
    assert found.content == image(kind=kind)
    assert found.kind == f"image/{kind.lower()}"


HTML = b"<html><script>alert(1)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (data_url(HTML), NO_IMAGE),
        (data_url(HTML, "text/html"), NO_IMAGE),
        (data_url(SVG, "image/svg+xml"), NO_IMAGE),
        ("data:image/svg+xml,<svg/>", NO_IMAGE),
        ("data:image/png;base64,%%%", DAMAGED),
        (data_url(bomb()), TOO_LARGE),
        (data_url(bomb(8_000, 8_000)), TOO_LARGE),
        (data_url(image()[:40]), DAMAGED),
        ("data:image/png;base64," + "A" * (LARGEST * 4 // 3 + 8), TOO_LARGE),
    ],
    ids=["html", "html_said", "svg", "svg_bare", "no_base64", "bomb", "small_bomb", "cut", "long"],
)
def test_what_is_no_fine_image_in_the_data_is_refused_with_the_reason(url, reason):
    pair = {"media": None, "prompt_messages": json.dumps(asks(url))}
    assert (only(pair).content, only(pair).reason) == (None, reason)


@pytest.mark.parametrize("content", [HTML, SVG, b"", b"\x00" * 50])
def test_a_file_that_only_says_that_it_is_an_image_is_refused(tmp_path, content):
    (tmp_path / "a.png").write_bytes(content)
    assert only({"media": "a.png"}, tmp_path).content is None
    (tmp_path / "b.svg").write_bytes(content)
    assert only({"media": "b.svg"}, tmp_path).reason == NO_IMAGE


def test_what_leads_out_or_lies_elsewhere_is_not_opened(tmp_path, monkeypatch):
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "a.png").write_bytes(image())
    (inside / "link.png").symlink_to(tmp_path / "a.png")
    monkeypatch.setattr(socket, "socket", lambda *_: pytest.fail("something was fetched"))
    for name in ("../a.png", str(tmp_path / "a.png"), "link.png", "none.png"):
        assert only({"media": name}, inside).reason == NOT_FOUND, name
    for name in ("https://example.org/a.png", "file:///etc/a.png", "ftp://x/a.png"):
        assert only({"media": name}, inside).reason == ELSEWHERE, name
    assert only({"media": "embedded:00"}, inside).reason == NOT_KEPT
    # without a folder no file is one
    assert only({"media": "a.png"}).reason == NOT_FOUND


@pytest.mark.parametrize(
    "odd", [None, float("nan"), pd.NA, "not json", "{}", "[1]", '[{"content": [3]}]']
)
def test_odd_messages_show_nothing(odd):
    assert list(pictures_of({"media": None, "prompt_messages": odd}, "media")) == []


def test_without_pillow_the_first_bytes_have_to_do(monkeypatch):
    content = image()
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert pictures._looked_at("x", content).content == content
    assert pictures._looked_at("x", SVG).reason == NO_IMAGE


def test_bytes_without_a_scheme_are_an_image_and_part_of_the_identity(tmp_path):
    def asked(content):
        source = {"type": "base64", "media_type": "image/png",
                  "data": base64.b64encode(content).decode()}  # fmt: skip
        part = {"type": "image", "source": source}
        return [{"role": "user", "content": [{"type": "text", "text": "What?"}, part]}]

    rows = [{"prompt": asked(image(colour)), "chosen": "A cat.", "rejected": "A dog."}
            for colour in ("red", "blue")]  # fmt: skip
    path = tmp_path / "v.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    data = wb.load(path)
    assert len(data) == 2
    found = {only(pair).content for _, pair in data.pairs.iterrows()}
    assert found == {image("red"), image("blue")}
