"""Images beside the data are read, and nothing else."""

from __future__ import annotations

import base64
import os
from pathlib import Path

import pytest

from workbench.data.reading.images import LARGEST, local_image

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "data"
    (inside / "images").mkdir(parents=True)
    (inside / "images" / "one.png").write_bytes(PNG)
    (tmp_path / "outside.png").write_bytes(PNG)
    return inside


def test_a_relative_and_an_absolute_path_inside_are_read(folder: Path) -> None:
    assert local_image("images/one.png", folder) == PNG
    assert local_image(str(folder / "images" / "one.png"), folder) == PNG


def test_what_leads_out_is_not_read(folder: Path) -> None:
    (folder / "link.png").symlink_to(folder.parent / "outside.png")
    (folder / "up").symlink_to(folder.parent)
    (folder / "circle.png").symlink_to(folder / "circle.png")
    outside = str(folder.parent / "outside.png")
    beside = folder.with_name("data-2")
    beside.mkdir()
    (beside / "one.png").write_bytes(PNG)
    names = ("../outside.png", outside, "link.png", "images/../../outside.png", "up/outside.png",
             "circle.png")  # fmt: skip
    for name in (*names, str(beside / "one.png"), "../data-2/one.png"):
        assert local_image(name, folder) is None


def test_links_inside_are_followed(folder: Path) -> None:
    (folder / "same.png").symlink_to(folder / "images" / "one.png")
    other = folder.with_name("other")
    other.symlink_to(folder)
    assert local_image("same.png", folder) == PNG
    assert local_image(str(other / "same.png"), other) == PNG


def test_a_foreign_path_is_never_looked_at(folder: Path, monkeypatch) -> None:
    looked = []
    resolve = Path.resolve

    def seen(path: Path, *args: bool) -> Path:
        looked.append(path)
        return resolve(path, *args)

    monkeypatch.setattr(Path, "resolve", seen)
    assert local_image("/net/example.org/share/one.png", folder) is None
    assert looked == [folder]


def test_the_folders_are_searched_in_order(folder: Path) -> None:
    assert local_image("outside.png", folder, folder.parent) == PNG
    assert local_image("one.png", folder / "images", folder) == PNG


def test_the_root_of_a_file_system_is_no_folder_of_data(folder: Path) -> None:
    assert local_image(str(folder / "images" / "one.png"), Path(folder.anchor)) is None


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("a.JPG", b"\xff\xd8\xff\xe0"),
        ("a.jpeg", b"\xff\xd8\xff\xdb"),
        ("a.gif", b"GIF87a"),
        ("a.webp", b"RIFF\n\x00\x00\x00WEBPVP8L"),
        ("a.bmp", b"BM"),
    ],
)
def test_each_kind_begins_as_its_name_says(folder: Path, name: str, begins: bytes) -> None:
    (folder / name).write_bytes(begins)
    (folder / f"not-{name}").write_bytes(b"\n" + begins)
    assert local_image(name, folder) == begins
    assert local_image(f"not-{name}", folder) is None


def test_only_images_are_read(folder: Path) -> None:
    (folder / "votes.csv").write_text("a,b")
    (folder / "votes.png").write_text("a,b")
    (folder / "drawing.svg").write_text("<svg/>")
    (folder / "drawing.png").write_text("<svg/>")
    (folder / "sound.webp").write_bytes(b"RIFF\n\x00\x00\x00WAVEfmt ")
    (folder / "large.png").write_bytes(PNG + b"0" * LARGEST)
    (folder / "folder.png").mkdir()
    os.mkfifo(folder / "pipe.png")
    files = [path.name for path in folder.iterdir()]
    assert [local_image(name, folder) for name in files] == [None] * len(files)


def test_urls_and_impossible_names_are_none(folder: Path) -> None:
    # a folder of that name does not make a URL a path
    (folder / "https:" / "example.org").mkdir(parents=True)
    (folder / "https:" / "example.org" / "one.png").write_bytes(PNG)
    urls = ["https://example.org/one.png", "file:///images/one.png", "data:image/png;base64,.png"]
    names = [*urls, "a\0b.png", "x" * 9000 + ".png", "none.png", "", ".", "embedded:0123.png"]
    assert [local_image(name, folder) for name in names] == [None] * len(names)
