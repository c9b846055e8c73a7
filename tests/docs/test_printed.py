"""What pages say that a command prints is what it prints."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.conftest import SHARED

ROOT = Path(__file__).resolve().parents[2]
_SPEC = importlib.util.spec_from_file_location("printed", ROOT / "docs/building/printed.py")
printed = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(printed)

ANEW = "run `python docs/building/printed.py FOLDER PAGE` in a folder with the page's data"


def test_the_sample_output_of_the_readme_is_what_is_printed(tmp_path):
    page = (ROOT / "README.md").read_text("utf-8")
    assert "```console" in page
    assert printed.same(page, printed.renewed(page, tmp_path)) is None, ANEW


def test_the_tutorial_runs_and_prints_its_numbers(tmp_path):
    files = SHARED / "data" / "hh_rlhf_test"
    if not files.is_dir():
        pytest.skip("the tutorial's data are not beside the project (../shared/data/hh_rlhf_test)")
    for part in ("helpful", "harmless"):
        source = files / f"{part}-base.test.jsonl.gz"
        (tmp_path / f"{part}.jsonl.gz").write_bytes(source.read_bytes())
    page = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    assert printed.same(page, printed.renewed(page, tmp_path)) is None, ANEW


ADS = "adparaphrase_v2_main.csv"


@pytest.mark.parametrize(
    ("name", "part", "data"),
    [("agents", 0, None), ("media", 0, None), ("media", 1, f"adparaphrase/{ADS}")],
)
def test_a_worked_example_runs_and_prints_its_numbers(name, part, data, tmp_path):
    if data is not None:
        if not (SHARED / "data" / data).is_file():
            pytest.skip(f"the data of the example are not beside the project ({data})")
        (tmp_path / ADS).write_bytes((SHARED / "data" / data).read_bytes())
    page = (ROOT / "docs" / "methods" / f"{name}.md").read_text("utf-8")
    page = page.split("## Advertisements")[part]
    assert "```console" in page
    assert printed.same(page, printed.renewed(page, tmp_path)) is None, ANEW


def test_the_numbers_in_the_words_of_the_tutorial_stand_in_its_outputs():
    page = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    told = printed.decimals(page)
    assert {"0.501", "0.0196", "0.451"} <= told
    outputs = "".join(one["console"] or one["output"] for one in printed._BLOCK.finditer(page))
    # addresses and versions are no results
    assert [n for n in sorted(told) if n not in outputs and n not in page.split("##")[1]] == []


@pytest.mark.parametrize(
    ("now", "alike"),
    [
        ("words +0.501 q = 1e-20", True),
        ("words +0.502 q = 1.01e-20", True),
        ("words +0.52 q = 1e-20", False),
        ("words -0.501 q = 1e-20", False),
        ("links +0.501 q = 1e-20", False),
        ("words +0.501 q = 1e-20\nmore", False),
    ],
)
def test_other_numbers_and_other_words_are_seen(now, alike):
    assert (printed.same("words +0.501 q = 1e-20", now) is None) is alike
