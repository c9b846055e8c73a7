"""Several files are one set: the split of rows over files and their order change nothing."""

from __future__ import annotations

import itertools
import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb

ROWS = [
    {"prompt": f"q{n // 2}", "response_a": f"yes {n}", "response_b": f"no {n}",
     "label": "ab"[n % 2], "annotator": f"p{n % 3}", "length_a": n}
    for n in range(12)
]  # fmt: skip
WRITERS = {
    "csv": lambda frame: frame.to_csv(index=False).encode(),
    "jsonl": lambda frame: frame.to_json(orient="records", lines=True).encode(),
    "json": lambda frame: frame.to_json(orient="split").encode(),
    "parquet": lambda frame: frame.to_parquet(),
}


def _write(folder, name, rows):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(WRITERS[name.split(".")[1]](pd.DataFrame(rows)))
    return path


def _kept(data):
    labels = data.labels.merge(data.pairs[["pair_id", "prompt"]], on="pair_id")
    columns = ["pair_id", "annotator", "criterion", "preference", "prompt", "kind", "reason"]
    return sorted(labels[columns].fillna("-").itertuples(index=False, name=None))


@pytest.fixture(scope="module")
def whole():
    return wb.load(pd.DataFrame(ROWS))


@pytest.mark.parametrize("suffix", WRITERS)
@settings(max_examples=12, deadline=None)
@given(cuts=st.sets(st.integers(1, 11), max_size=3), order=st.randoms())
def test_the_split_over_files_changes_nothing(tmp_path_factory, whole, suffix, cuts, order):
    folder = tmp_path_factory.mktemp("split")
    ends = [0, *sorted(cuts), len(ROWS)]
    paths = [
        _write(folder, f"part-{n}.{suffix}", ROWS[start:end])
        for n, (start, end) in enumerate(itertools.pairwise(ends))
    ]
    order.shuffle(paths)
    data = wb.load(paths)
    assert _kept(data) == _kept(whole)
    assert data.digest == wb.load(folder).digest == wb.load(folder / f"*.{suffix}").digest
    assert data.pairs["length_a"].tolist() == list(range(12))


def test_each_judgement_knows_its_file(tmp_path):
    paths = [_write(tmp_path, "x.csv", ROWS[:5]), _write(tmp_path, "y.jsonl", ROWS[5:])]
    data = wb.load(paths)
    assert data.labels["file"].value_counts().to_dict() == {"x.csv": 5, "y.jsonl": 7}
    assert data.load_report.source == "x.csv, y.jsonl"
    assert data.load_report.notes[-1] == "joined from 2 files"
    assert "file" not in wb.load(paths[0]).labels


def test_what_is_left_out_names_its_file_and_row(tmp_path):
    x = _write(tmp_path, "x.csv", ROWS[:5])
    y = _write(tmp_path, "y.jsonl", ROWS[5:])
    x.write_bytes(x.read_bytes() + b"only,two\n")
    y.write_bytes(b'{"broken\n' + y.read_bytes() + json.dumps({**ROWS[0], "label": "?"}).encode())
    report = wb.load([y, x]).load_report
    found = {
        (reason, one["file"], one["row"])
        for reason, entry in report.left_out.items()
        for one in entry.examples
    }
    assert found == {("unparseable", "x.csv", 6), ("unparseable", "y.jsonl", 1),
                     ("unknown label", "y.jsonl", 9)}  # fmt: skip
    assert sorted(report.to_frame()["file"]) == ["x.csv", "y.jsonl", "y.jsonl"]


def test_codes_are_decided_for_the_set_and_not_file_by_file(tmp_path):
    """The first file's 1 alone looks like a share; beside the second one's 2 it is a code."""
    codes = [{**row, "label": 1 if n < 6 else 2} for n, row in enumerate(ROWS)]
    paths = [_write(tmp_path, "x.csv", codes[:6]), _write(tmp_path, "y.csv", codes[6:])]
    with pytest.raises(wb.DataError):
        wb.load(paths)
    data = wb.load(paths, mapping={"labels": {"1": "a", "2": "b"}})
    assert data.labels["preference"].tolist() == [1.0] * 6 + [0.0] * 6


def test_files_of_different_formats_are_each_read_and_told(tmp_path):
    pairs = [{"prompt": "p", "chosen": "right", "rejected": "wrong"}]
    paths = [_write(tmp_path, "x.jsonl", pairs), _write(tmp_path, "y.csv", ROWS)]
    data = wb.load(paths)
    assert len(data.labels) == 13
    assert set(data.load_report.format.split(", ")) == {"trl", "tabular"}
    notes = " ".join(data.load_report.notes)
    assert "read as trl: x.jsonl" in notes
    assert "read as tabular: y.csv" in notes


def test_columns_of_other_names_are_read_by_their_own_roles(tmp_path):
    names = {"label": "winner", "response_a": "output_1", "response_b": "output_2"}
    other = [{names.get(key, key): value for key, value in row.items()} for row in ROWS[6:]]
    data = wb.load([_write(tmp_path, "x.csv", ROWS[:6]), _write(tmp_path, "y.csv", other)])
    assert _kept(data) == _kept(wb.load(pd.DataFrame(ROWS)))


def test_a_column_that_only_some_files_have(tmp_path):
    noted = [{**row, "note": "late"} for row in ROWS[6:]]
    data = wb.load([_write(tmp_path, "x.jsonl", ROWS[:6]), _write(tmp_path, "y.jsonl", noted)])
    assert data.pairs["note"].notna().sum() == 6


def test_a_column_of_other_types_in_other_files(tmp_path):
    coded = [{**row, "annotator": n} for n, row in enumerate(ROWS[6:])]
    data = wb.load([_write(tmp_path, "x.jsonl", ROWS[:6]), _write(tmp_path, "y.jsonl", coded)])
    assert set(data.labels["annotator"]) == {"p0", "p1", "p2", *"012345"}


def test_escapes_that_one_part_shows_hold_for_all(tmp_path):
    head = "prompt,response_a,response_b,label\n"
    (tmp_path / "part-0.csv").write_text(head + 'q,"say \\"yes\\", do",no,a\n')
    (tmp_path / "part-1.csv").write_text(head + 'r,"a\\\\b, c",no,b\n')
    assert wb.load(tmp_path).pairs["response_a"].tolist() == ['say "yes", do', "a\\b, c"]


def test_decimal_commas_are_those_of_the_set(tmp_path):
    head = "prompt;text_a;text_b;label;score_a;score_b;n\n"
    (tmp_path / "x.csv").write_text(head + "q;x;y;a;3,5;1,5;2\n")
    (tmp_path / "y.csv").write_text(head + "r;x;z;b;4;none;NA\n")
    data = wb.load(tmp_path)
    assert data.pairs["score_a"].tolist() == [3.5, 4.0]
    assert data.pairs["score_b"].tolist() == ["1,5", "none"]
    assert data.pairs["n"].fillna(-1).tolist() == [2, -1]


def test_folders_inside_folders_and_what_is_no_data(tmp_path):
    _write(tmp_path, "train/votes.csv", ROWS[:6])
    _write(tmp_path, "test/votes.csv", ROWS[6:])
    for name in ("README.md", "_SUCCESS", ".part.csv.crc", "dataset_infos.json", ".git/x.csv"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("{}")
    (tmp_path / "train" / "part-9.csv").write_text("")
    data = wb.load(tmp_path)
    assert len(data.labels) == 12
    assert set(data.labels["file"]) == {"train/votes.csv", "test/votes.csv"}
    assert "files without content: part-9.csv" in data.load_report.notes
    assert data.load_report.source == tmp_path.name


def test_a_table_in_two_formats_is_not_counted_twice(tmp_path):
    _write(tmp_path, "votes.csv", ROWS)
    _write(tmp_path, "votes.parquet", ROWS)
    with pytest.raises(wb.DataError, match="in two formats") as caught:
        wb.load(tmp_path)
    assert "votes.csv, votes.parquet" in caught.value.found
    assert len(wb.load(tmp_path / "*.csv").labels) == 12
    # named one by one they are what was asked for
    assert len(wb.load([tmp_path / "votes.csv", tmp_path / "votes.csv"]).labels) == 12


def test_a_file_that_holds_nothing_of_the_kind_is_named(tmp_path):
    _write(tmp_path, "x.csv", ROWS)
    (tmp_path / "config.json").write_text('{"epochs": 3}')
    (tmp_path / "more.txt").write_text("prompt,winner")
    data = wb.load(tmp_path)
    assert len(data.labels) == 12
    told = [note for note in data.load_report.notes if "not read" in note]
    assert told == ["files of the folder that are not recognised, not read: config.json, more.txt"]
    # a file that is named is to be read, and one alone in its folder too
    with pytest.raises(wb.DataError) as caught:
        wb.load([tmp_path / "x.csv", tmp_path / "config.json"])
    assert caught.value.where == "config.json"
    (tmp_path / "x.csv").unlink()
    with pytest.raises(wb.DataError, match="not recognised"):
        wb.load(tmp_path)


def test_patterns_lists_and_folders_of_nothing(tmp_path):
    for source, what in (
        (tmp_path / "*.csv", "fits the pattern"),
        ([], "No file is named"),
        (tmp_path, "holds no data file"),
        ([tmp_path / "x.csv"], "no such file"),
    ):
        with pytest.raises(wb.DataError, match=what):
            wb.load(source)


def test_a_name_that_looks_like_a_pattern_is_a_name(tmp_path):
    path = _write(tmp_path, "votes[1].csv", ROWS)
    assert len(wb.load(str(path)).labels) == 12


def test_a_preview_of_several(tmp_path):
    paths = [_write(tmp_path, "x.csv", ROWS[:5]), _write(tmp_path, "y.csv", ROWS[5:])]
    look = wb.preview(paths)
    assert (look.format, len(look.records)) == ("tabular", 12)
