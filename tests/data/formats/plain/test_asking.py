"""What is not read is asked for: each value with its count and the flags to paste."""

from __future__ import annotations

import shlex

import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app
from workbench.data.formats.plain.asking import flags
from workbench.errors import DataError


def table(labels: list, column: str = "choice") -> pd.DataFrame:
    n = len(labels)
    return pd.DataFrame(
        {
            "prompt": [f"p{i}" for i in range(n)],
            "response_a": [f"yes {i}" for i in range(n)],
            "response_b": [f"no {i}" for i in range(n)],
            column: labels,
        }
    )


CODES = [
    [1, 2, 2], [0, 1, 1], ["0", "1"], [1, 2, 0], [True, False], [-1, 1, 0], [-3, 1, 2],
    [0, 40, 100], [1, 7, 5], [0.5, 1.5], [12.5, -40.0], ["yes", "no"],
]  # fmt: skip


@pytest.mark.parametrize("labels", CODES)
def test_codes_stop_and_the_flags_that_are_told_read_them(labels, tmp_path):
    path = tmp_path / "v.csv"
    table(labels).to_csv(path, index=False)
    with pytest.raises(DataError) as caught:
        wb.load(path)
    error = caught.value
    assert "'choice'" in error.what
    assert "rows" in error.found
    told = error.fix.removeprefix("Say which: ").split(" (")[0]
    first, second = map(shlex.split, told.split(", or the other way round: "))
    for words in (first, second):
        done = CliRunner().invoke(app, ["load", str(path), *words])
        assert done.exit_code == 0, done.stderr
        assert f"{len(labels)} kept" in done.stdout


@pytest.mark.parametrize(
    ("values", "first"),
    [
        (["0", "1"], "--verdict 1=a --verdict 0=b"),
        (["1", "2", "0"], "--verdict 1=a --verdict 2=b --verdict 0=tie"),
        (["1", "-1"], "--verdict 1=a --verdict -1=b"),
        (["-2", "2"], "--scale -2..2:a"),
        (["0", "55", "100"], "--scale percent_a"),
        (["-0.7", "12"], "--scale margin_a"),
    ],
)
def test_flags_fit_the_values(values, first):
    assert flags(values)[0] == first
    assert len(flags(values)) == 2


def test_where_only_ties_survive_it_stops():
    with pytest.raises(DataError, match="prefer no side: 1"):
        wb.load(table([1, 2, "tie"]))
    # a file of ties alone holds nothing unread
    assert len(wb.load(table(["tie", "tie"])).labels) == 2


def test_a_share_that_is_not_read_is_told_with_its_values():
    report = wb.load(table(["a", "b", "perhaps", "perhaps", "?"])).load_report
    assert report.left_out["unknown label"].count == 3
    [note] = [note for note in report.notes if "not read" in note]
    assert "3 of 5 verdicts (60%)" in note
    assert "'perhaps' in 2 rows, '?' in 1" in note
    assert "--verdict 'perhaps=?'" in note
    read = wb.load(table(["a", "b", "perhaps", "perhaps", "?"]), verdicts={"perhaps": "tie"})
    assert read.load_report.rows_kept == 4


def test_an_index_and_a_flag_are_opposite_and_both_can_be_said():
    labels = [0, 1, 1]
    as_index = wb.load(table(labels), verdicts={"0": "a", "1": "b"}).labels["preference"]
    as_flag = wb.load(table(labels), verdicts={"1": "a", "0": "b"}).labels["preference"]
    assert as_index.tolist() == [1.0, 0.0, 0.0]
    assert as_flag.tolist() == [0.0, 1.0, 1.0]


def test_derived_verdicts_are_left_out_as_what_they_are():
    report = wb.load(table(["a", "b", "tie (inconsistent)"])).load_report
    assert report.left_out["derived"].count == 1


def test_words_that_nobody_knows_are_asked_for_and_stay_open_until_they_are_said(tmp_path):
    path = tmp_path / "v.csv"
    table(["L", "R", "-", "L"]).to_csv(path, index=False)
    with pytest.raises(DataError) as caught:
        wb.load(path)
    fix = caught.value.fix
    assert "--verdict 'L=?' --verdict 'R=?' --verdict '-=?'" in fix
    assert "L and R may be left and right: a and b" in fix
    assert "verdicts={'L': '?', 'R': '?', '-': '?'}" in fix
    words = shlex.split(fix.removeprefix("Say which: ").split(" (")[0])
    done = CliRunner().invoke(app, ["load", str(path), *words])
    assert done.exit_code != 0
    assert "L=?, R=?, -=?" in done.stderr
    with pytest.raises(DataError, match="-=\\?"):
        wb.load(path, verdicts={"L": "a", "R": "b", "-": "?"})
    read = wb.load(path, verdicts={"L": "a", "R": "b", "-": "tie"})
    assert read.labels["preference"].tolist() == [1.0, 0.0, 0.5, 1.0]


def test_codes_are_not_taken_for_the_texts_of_some_rows():
    table = pd.DataFrame(
        {"response_a": ["7", "1", "2"], "response_b": ["9", "5", "1"], "label": [1, 2, 1]}
    )
    with pytest.raises(DataError) as caught:
        wb.load(table)
    assert "--verdict 1=a --verdict 2=b" in caught.value.fix
    own = wb.load(table.assign(label=[7, 5, 1]))
    assert own.labels["preference"].tolist() == [1.0, 0.0, 0.0]


@pytest.mark.parametrize("name", ["m", "A", "gpt"])
def test_the_name_of_both_models_is_no_verdict(name):
    table = pd.DataFrame(
        {"response_a": ["x", "u"], "response_b": ["y", "v"], "model_a": [name, "one"],
         "model_b": [name, "two"], "winner": [name, "two"]}
    )  # fmt: skip
    data = wb.load(table)
    assert data.labels["preference"].tolist() == [0.0]
    assert data.load_report.left_out["unknown label"].count == 1
