"""Images beside the data are read, and nothing else."""

from __future__ import annotations

import base64
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
    outside = str(folder.parent / "outside.png")
    for name in ("../outside.png", outside, "link.png", "images/../../outside.png"):
        assert local_image(name, folder) is None


def test_only_images_are_read(folder: Path) -> None:
    (folder / "votes.csv").write_text("a,b")
    (folder / "votes.png").write_text("a,b")
    (folder / "drawing.svg").write_text("<svg/>")
    (folder / "large.png").write_bytes(PNG + b"0" * LARGEST)
    names = ("votes.csv", "votes.png", "drawing.svg", "large.png", "images", "none.png", "x" * 9000)
    urls = ("https://example.org/one.png", "file:///images/one.png", "a\0b.png")
    assert [local_image(name, folder) for name in (*names, *urls)] == [None] * 10
