"""The documentation builds without a warning, and holds every public name and verb."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import workbench as wb
from workbench.data.formats.registry import FORMATS

pytest.importorskip("sphinx")

ROOT = Path(__file__).resolve().parents[2]
OFFLINE = "import socket; socket.socket.connect = None; "
"""A build that reached for the network would end with a traceback."""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    out = tmp_path_factory.mktemp("html")
    build = OFFLINE + "from sphinx.cmd.build import main; import sys; sys.exit(main(sys.argv[1:]))"
    options = ["-W", "--keep-going", "-n", "-q", "-b", "html"]
    done = subprocess.run(
        [sys.executable, "-c", build, *options, str(ROOT / "docs"), str(out)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out


def text_of(built: Path, page: str) -> str:
    return (built / f"{page}.html").read_text("utf-8")


def test_it_builds_and_every_page_is_reached_from_the_first(built):
    pages = {path.relative_to(ROOT / "docs").with_suffix("").as_posix()
             for path in (ROOT / "docs").rglob("*.md")}  # fmt: skip
    seen, left = {"index"}, ["index"]
    while left:
        page = left.pop()
        here = (built / page).parent
        for link in re.findall(r'href="([^"#:]+)\.html', text_of(built, page)):
            other = (here / link).resolve().relative_to(built.resolve()).as_posix()
            if other in pages - seen:
                seen.add(other)
                left.append(other)
    assert pages - seen == set()


def test_a_page_loads_nothing_from_elsewhere(built):
    for page in built.rglob("*.html"):
        loads = re.findall(
            r"<(?:script|img|link|iframe)[^>]*(?:src|href)=\"((?:https?:)?//[^\"]+)",
            page.read_text("utf-8"),
        )
        assert loads == [], page.name


def test_every_public_name_is_in_the_reference(built):
    told = "".join(text_of(built, f"reference/{path.stem}")
                   for path in (ROOT / "docs/reference").glob("*.md"))  # fmt: skip
    names = [name for name in dir(wb) if name in wb._EXPORTS]
    assert len(names) > 70
    assert [name for name in names if f'id="workbench.{name}"' not in told] == []


def test_every_verb_and_option_is_in_the_reference_of_the_command_line(built):
    told = text_of(built, "reference/commands")
    for verb in ("load", "contrast", "principles-extract", "how-a-table-is-read", "every-verb"):
        assert f'id="{verb}"' in told
    for flag in ("--reference", "--margin", "--map", "--dry-run", "--fail-on", "--preset"):
        assert f">{flag}<" in told
    assert "&lt;" not in told  # no type in the words of the parser


def test_every_format_and_formula_is_shown(built):
    told = text_of(built, "formats")
    assert [name for name in FORMATS if f">{name}<" not in told] == []
    assert told.count("<h2>") == 7
    assert "<math" in text_of(built, "methods/decomposition")
    assert 'class="math' in text_of(built, "reference/weights")
