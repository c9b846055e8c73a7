"""What a piece or a part by itself would take for something else is read as the whole is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import workbench as wb
from workbench.data.parts import pieces
from workbench.data.parts.building import Build
from workbench.data.parts.loading import load_parts
from workbench.errors import DataError, DesignError, UnwrittenError

ROWS: list[dict[str, Any]] = [
    {
        "prompt": f"question {i} of thing {i * 7 % 13}",
        "response_a": f"yes {i} alpha",
        "response_b": f"no {i} beta",
        "label": "AB"[i % 2],
        "annotator": f"p{i % 3}",
    }
    for i in range(30)
]
CSV = pd.DataFrame(ROWS).to_csv(index=False)


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 300)


def lines(rows: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def changed(**columns: Any) -> str:
    """Return the rows as CSV with columns made of their numbers."""
    table = pd.DataFrame(ROWS).assign(
        **{name: [make(i) for i in range(30)] for name, make in columns.items()}
    )
    return table.to_csv(index=False, sep=";")


EMPTY = {"response_a": None, "response_b": None}
AGAIN = [{**row, "annotator": "z"} for row in ROWS[:10]]
SPARK = "prompt,response_a,response_b,label\n" + "".join(
    f'"q {i}","he said \\"hi\nyou, so","no {i}","A"\n' for i in range(12)
)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        # the part of a row without texts may hold no other row
        ("v.jsonl", lines([*ROWS, *({**row, **EMPTY} for row in ROWS[:6])])),
        # some judgements of a pair name a cluster, some do not
        (
            "v.jsonl",
            lines(
                [{**row, "cluster": f"c{i}"} for i, row in enumerate(ROWS[:10])]
                + [{**row, "cluster": None} for row in AGAIN]
            ),
        ),
        # the numbers of repeats are not distinct in one part alone
        (
            "v.jsonl",
            lines([{**row, "replicate": k} for k in (5, 6) for row in ROWS[:10]])
            + lines([{**ROWS[0], "replicate": 5}]),
        ),
        # an id that comes again in another piece is no judgement's
        ("v.jsonl", lines([{**ROWS[i % 20], "id": f"v{i % 20}"} for i in range(30)])),
        # columns of several kinds
        ("v.jsonl", lines([{**r, "x": True if i < 20 else "no"} for i, r in enumerate(ROWS)])),
        ("v.jsonl", lines([{**r, "x": {"k": 1} if i < 9 else [2]} for i, r in enumerate(ROWS)])),
        ("v.csv", changed(annotator=lambda i: "NA" if i % 5 == 0 else i % 3 if i < 20 else "x")),
        ("v.csv", changed(note=lambda i: f"1,{i:03d}" if i < 20 else "0,5 or so")),
        # quotes that open nothing, and quotes behind backslashes
        ("v.csv", CSV.replace("yes 3 alpha", '5" disk').replace("no 7 beta", '"two\nlines, x"')),
        ("v.csv", SPARK),
        # files that are not what their names say
        ("v.csv", CSV.replace("\n", "\r")),
        ("v.csv", "sep=,\n" + CSV),
        ("v.csv", json.dumps(ROWS, indent=1)),
        ("v.jsonl", json.dumps(ROWS, indent=1)),
        ("v.jsonl", "\n".join(json.dumps(row, indent=1) for row in ROWS)),
    ],
)
def test_parts_are_the_whole(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / name
    path.write_bytes(text.encode())
    whole = wb.load(path)
    found = load_parts(path, tmp_path / "out", parts=16)
    assert found.digest == found.whole().digest == whole.digest
    assert whole.load_report is not None
    assert found.load_report is not None
    assert found.load_report.left_out == whole.load_report.left_out
    key = ["pair_id", "annotator", "replicate"]
    one, two = (each.labels.sort_values(key, ignore_index=True) for each in (whole, found.whole()))
    pd.testing.assert_frame_equal(one, two[one.columns])


@pytest.mark.parametrize("text", ["", "prompt,response_a\n", CSV.replace("29 alpha", "29 \xe9")])
def test_files_that_cannot_be_read_are_told_as_in_memory(tmp_path: Path, text: str) -> None:
    path = tmp_path / "v.csv"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DataError) as in_memory:
        wb.load(path)
    with pytest.raises(DataError) as in_parts:
        load_parts(path, tmp_path / "out", parts=2)
    assert str(in_parts.value) == str(in_memory.value)


def test_rows_that_miss_an_annotator_are_added_up(tmp_path: Path) -> None:
    path = tmp_path / "v.jsonl"
    path.write_text(lines([{**r, "annotator": None} if i % 2 else r for i, r in enumerate(ROWS)]))
    report = load_parts(path, tmp_path / "out", parts=3).load_report
    assert report is not None
    assert "annotator: missing in 15 rows, left unnamed" in report.notes


def test_a_source_that_has_changed_is_not_what_the_folder_holds(tmp_path: Path) -> None:
    path, out = tmp_path / "files" / "v.jsonl", tmp_path / "out"
    path.parent.mkdir()
    path.write_text(lines(ROWS))
    table = pd.DataFrame(ROWS)
    for number, source in enumerate((path, path.parent, table)):
        assert len(load_parts(source, out / str(number), parts=2)) == 30
    assert len(load_parts(table.copy(), out / "2", parts=2)) == 30
    swapped = {"A": "B", "B": "A"}
    path.write_text(lines([{**row, "label": swapped[row["label"]]} for row in ROWS]))
    table["label"] = table["label"].map(swapped)
    for number, source in enumerate((path, path.parent, table)):
        with pytest.raises(DataError, match="something else"):
            load_parts(source, out / str(number), parts=2)


def test_judgements_that_are_gone_are_no_empty_part(tmp_path: Path) -> None:
    work = Build(str(tmp_path / "spool"), str(tmp_path), "v.jsonl", drop_duplicates=False)
    with pytest.raises(DataError, match="not there any more"):
        work(0)


def test_factors_that_the_data_bring_are_kept(tmp_path: Path) -> None:
    data = wb.score_factors(wb.load(pd.DataFrame(ROWS)))
    wb.save(data, tmp_path / "saved")
    found = load_parts(tmp_path / "saved", tmp_path / "out", parts=3)
    assert found.factor_names == data.factor_names
    assert found.digest == found.whole().digest == data.digest
    assert found.part(0).factor_specs == data.factor_specs


def test_what_could_not_be_read_may_be_mended_and_read_into_the_same_folder(tmp_path: Path) -> None:
    path, out = tmp_path / "v.jsonl", tmp_path / "out"
    path.write_text(lines([{**row, "label": "zzz"} for row in ROWS]))
    with pytest.raises(DataError, match="verdicts"):
        load_parts(path, out, parts=2)
    path.write_text(lines(ROWS))
    assert load_parts(path, out, parts=2).digest == wb.load(path).digest


def test_folders_and_files_that_are_none_are_told(tmp_path: Path) -> None:
    path = tmp_path / "v.jsonl"
    path.write_text(lines(ROWS))
    with pytest.raises(UnwrittenError, match=r"v\.jsonl"):
        load_parts(path, path, parts=2)
    with pytest.raises(DataError, match="no such file"):
        load_parts(tmp_path / "w.jsonl", tmp_path / "out", parts=2)
    assert not (tmp_path / "out").exists()
    found = load_parts(path, tmp_path / "out", parts=2)
    with pytest.raises(DesignError, match="where: part-0000"):
        wb.decompose(wb.score_factors(found), by=["nope"])
    (tmp_path / "out" / "parts.json").unlink()
    (tmp_path / "out" / "part-00001" / "part.json").write_text("{}")
    with pytest.raises(DataError, match="damaged or missing"):
        load_parts(path, tmp_path / "out", parts=2)


def test_near_equal_prompts_in_several_parts_are_no_clusters_of_a_fit(tmp_path: Path) -> None:
    path = tmp_path / "v.jsonl"
    same = [{**row, "prompt": row["prompt"].upper() + "?"} for row in ROWS]
    path.write_text(
        lines([{**row, "cluster": f"s{i % 20}"} for i, row in enumerate([*ROWS, *same])])
    )
    named = wb.score_factors(load_parts(path, tmp_path / "named", parts=4))
    assert wb.decompose(named, by=[], folds=0).groups == ["all"]
    with pytest.raises(DesignError, match="near-equal prompts may lie in several parts"):
        wb.decompose(named, by=[], folds=0, cluster="prompt")
    path.write_text(lines([*ROWS, *same]))
    found = wb.score_factors(load_parts(path, tmp_path / "own", parts=4))
    assert wb.decompose(found, by=[], folds=0, cluster="prompt").groups == ["all"]
