"""How a table is read is said the same way in flags, run.toml, Python and links."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

import workbench as wb
from workbench.cli.flags import flags_of
from workbench.cli.main import app
from workbench.config import RunConfig
from workbench.errors import ConfigError


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def run_json(*arguments: object) -> Any:
    done = run(*arguments, "--json", "--quiet")
    assert done.exit_code == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "t.csv"
    n = 6
    pd.DataFrame(
        {
            "question": [f"question {i}" for i in range(n)],
            "one": [f"first {i}" * (i % 3 + 1) for i in range(n)],
            "two": [f"second {i}" * (i % 2 + 1) for i in range(n)],
            "ann, the elder": [1, 2, 2, 1, 0, 1],
            "bob": [1, 1, 2, 2, 0, 1],
        }
    ).to_csv(path, index=False)
    return path


MAPS = {"response_a": "one", "response_b": "two"}
CODES = {"1": "a", "2": "b", "0": "tie"}
WAYS = [
    (
        ["--label", "quality=ann, the elder", "--label", "safety=bob", "--annotator", "crowd",
         "--kind", "human", "--order", "shown"],
        {"criteria": {"quality": "ann, the elder", "safety": "bob"}, "annotator": "crowd",
         "kind": "human", "order": "shown"},
    ),
    (["--annotators", "bob", "--kind", "llm"], {"annotators": ["bob"], "kind": "llm"}),
    (["--map", "label=ann, the elder"], {"mapping": {"label": "ann, the elder"}}),
    (["--map", "label=bob", "--map", "prompt="], {"mapping": {"label": "bob", "prompt": None}}),
]  # fmt: skip


@pytest.mark.parametrize(("flags", "options"), WAYS)
def test_flags_and_python_read_the_same(table, flags, options):
    maps = [word for role, c in MAPS.items() for word in ("--map", f"{role}={c}")]
    codes = [word for value, side in CODES.items() for word in ("--verdict", f"{value}={side}")]
    found = run_json("load", table, *maps, *codes, *flags)
    mapping = {**MAPS, **options.pop("mapping", {})}
    data = wb.load(table, mapping=mapping, verdicts=CODES, **options)
    assert found["digest"] == data.digest
    assert found["annotators"] == data.annotators.to_dict("records")


def test_scale_and_negative_codes_are_values_of_flags(table):
    maps = ("--map", "response_a=one", "--map", "response_b=two", "--map", "label=bob")
    assert run_json("load", table, *maps, "--scale", "-2..2:b")["n_labels"] == 6
    words = ("--verdict", "-1=b", "--verdict", "1=a", "--verdict", "2=b", "--verdict", "0=tie")
    assert run_json("load", table, *maps, *words)["n_labels"] == 6


def test_a_configuration_says_it_too(table, tmp_path):
    config = RunConfig(
        source=str(table), map=("response_a=one", "response_b=two"),
        verdict=("1=a", "2=b", "0=tie"), annotator_columns=("bob",), kind="human",
    )  # fmt: skip
    path = tmp_path / "run.toml"
    path.write_text(config.to_toml(), encoding="utf-8")
    found = run_json("load", "--config", path)
    assert found["annotators"][0] | {"n_labels": 0, "n_pairs": 0} == {
        "annotator": "bob", "kind": "human", "n_labels": 0, "n_pairs": 0,
    }  # fmt: skip
    assert RunConfig.from_toml(config.to_toml()) == config
    assert RunConfig.from_query(config.to_query()) == config
    # what was said stands in the report, and gives the flags again
    said = wb.load(table, **{k: v for k, v in config.reading().items() if k != "format"})
    kept = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in said.load_report.settings["said"].items()
    }
    again = RunConfig(source=str(table), **kept)
    assert flags_of(again) == flags_of(config)


def test_verbs_that_read_a_file_take_the_same_flags(table, tmp_path):
    flags = ("--map", "response_a=one", "--map", "response_b=two", "--annotators", "bob",
             "--verdict", "1=a", "--verdict", "2=b", "--verdict", "0=tie")  # fmt: skip
    done = run("factors", table, "--families", "length", *flags, "--out", tmp_path / "scored")
    assert done.exit_code == 0, done.stderr
    assert wb.open_folder(tmp_path / "scored").annotators["annotator"].tolist() == ["bob"]


@pytest.mark.parametrize("flag", ["--map", "--verdict", "--label"])
def test_a_flag_without_its_two_parts_is_a_wrong_call(table, flag):
    done = run("load", table, flag, "prompt")
    assert done.exit_code == 2
    assert "=" in done.stderr


def test_a_configuration_without_two_parts_is_explained():
    with pytest.raises(ConfigError, match="verdict"):
        RunConfig.from_toml('verdict = ["1"]')
