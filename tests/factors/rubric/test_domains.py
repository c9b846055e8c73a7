"""Rubrics of domains: whole, with a source, listed, scored by the offline model, in the package."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app
from workbench.factors.rubric.definition import RUBRICS, find_rubric, read_rubric, rubric_table

DOMAINS = ("opinion-summary", "counselling", "code")
FOLDER = files("workbench.factors.rubric.domains")


def run(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_every_file_is_a_rubric_of_its_name_and_no_other() -> None:
    there = {Path(str(file)).stem for file in FOLDER.iterdir() if file.name.endswith(".toml")}
    assert there == set(DOMAINS)
    assert set(DOMAINS) < set(RUBRICS)
    assert len(RUBRICS) == len(rubric_table()["name"].unique())


@pytest.mark.parametrize("name", DOMAINS)
def test_it_says_where_it_comes_from_and_whose_the_words_are(name: str) -> None:
    rubric = find_rubric(name)
    assert rubric == read_rubric(str(FOLDER.joinpath(f"{name}.toml")))
    assert "arXiv:" in rubric.source
    assert "ours" in rubric.source
    assert rubric.version
    assert rubric.about
    assert len({one.name for one in rubric.factors}) == len(rubric.factors) >= 5
    assert len({one.meaning for one in rubric.factors}) == len(rubric.factors)
    assert {(one.minimum, one.maximum) for one in rubric.factors} == {(1, 5)}
    # no factor stands in two rubrics, so that several may be scored on one data set
    others = {f.name for key, other in RUBRICS.items() if key != name for f in other.factors}
    assert not others & {one.name for one in rubric.factors}
    record = rubric.to_dict()
    assert (record["source"], record["version"]) == (rubric.source, rubric.version)


@pytest.mark.parametrize("name", DOMAINS)
def test_the_offline_model_scores_it(name: str, tmp_path: Path) -> None:
    data = wb.load("sample")
    few = data.filter(pair_ids=data.pairs["pair_id"][:3].tolist())
    with wb.Journal(tmp_path / "j") as journal, wb.Asker(wb.OfflineModel(), journal) as asker:
        found = wb.score_rubric(few, name, asker, model="offline:plain")
    assert found.data.factor_names == [one.name for one in RUBRICS[name].factors]
    assert found.data.factors[found.data.factor_names].notna().all(axis=None)
    values = found.data.factor_values
    assert values.filter(regex="_[ab]$").to_numpy().min() >= 1
    assert found.settings["rubric"]["source"] == RUBRICS[name].source


def test_a_run_takes_it_by_name(tmp_path: Path) -> None:
    done = run("factors", "sample", "--rubric", "counselling", "--model", "offline:plain",
               "--pairs", 4, "--out", tmp_path / "run")  # fmt: skip
    assert done.exit_code == 0, done.stderr
    assert "leaves the choice" in wb.load(tmp_path / "run").factor_names


def test_they_are_listed_and_shown() -> None:
    done = run("rubrics")
    assert done.exit_code == 0, done.stderr
    assert all(f"{name}: " in done.stdout for name in RUBRICS)
    told = json.loads(run("rubrics", "--json").stdout)
    assert {one["name"] for one in told["rubrics"]} == set(RUBRICS)
    one = run("rubrics", "code")
    assert "Source: Liu et al." in one.stdout
    assert "secure (1 to 5, sees the response)" in one.stdout
    assert run("rubrics", "none").exit_code == 1


def test_a_file_of_one_s_own_may_say_its_source(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('source = "a paper"\nversion = "2"\n[factors.x]\nmeaning = "m"\n')
    assert (read_rubric(path).source, read_rubric(path).version) == ("a paper", "2")
    path.write_text('[factors.x]\nmeaning = "m"\n')
    assert set(read_rubric(path).to_dict()) == {"name", "about", "factors"}
