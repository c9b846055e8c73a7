"""``workbench on-policy``: the library's numbers from names, and a page beside them."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app


def run(*arguments: object):
    return CliRunner().invoke(app, ["on-policy", *map(str, arguments)])


def test_by_names_it_is_the_library_s_and_leaves_a_page(tmp_path: Path) -> None:
    data = wb.load("sample")
    name = str(data.pairs["model_a"].iloc[0])
    done = run("sample", "--own", name, "--json", "--out", tmp_path)
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)["tables"]
    (rows,) = told.values()
    found = wb.on_policy(data, name)
    assert [row["estimate"] for row in rows] == found.to_frame()["estimate"].tolist()
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "On- and off-policy responses" in page
    assert f"--own {name}" in page


def test_without_a_name_or_scores_it_says_what_is_needed() -> None:
    for given in ((), ("--samples",)):
        done = run("sample", *given)
        assert done.exit_code == 1
        assert "to do:" in done.stderr
