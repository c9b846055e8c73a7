"""Files read piece by piece into parts give what reading them whole gives."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import workbench as wb
from workbench.data.dataset import PreferenceData
from workbench.data.parts import loading, pieces
from workbench.data.parts.loading import load_parts
from workbench.data.parts.parted import open_parts
from workbench.data.parts.prompts import Prompts, words_of
from workbench.errors import DataError, DesignError
from workbench.places import put


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", 20_000)
    monkeypatch.setattr(pieces, "_ROWS", 60)


def records(n: int = 300) -> list[dict[str, Any]]:
    """Pairs with shared and near-equal prompts, repeats, both sides, an empty one, ties."""
    draw = random.Random(4)
    words = ["".join(draw.choices("abcdefghij", k=5)) for _ in range(200)]

    def text(k: int) -> str:
        return " ".join(draw.choices(words, k=k))

    rows: list[dict[str, Any]] = []
    for i in range(n):
        prompt = rows[-1]["prompt"] if i % 3 == 1 else f"Tell me of {text(6)}?"
        rows.append(
            {
                "prompt": prompt.upper() if i % 20 == 5 else prompt,
                "response_a": f'{text(30)}\n"{text(3)}", yes',
                "response_b": text(25),
                "label": draw.choice(["A", "B", "tie"]),
                "annotator": f"p{i % 7}",
                "batch": f"b{i % 4}",
            }
        )
    rows += [{**rows[i], "batch": "again"} for i in range(0, n // 8, 3)]
    rows += [
        {**one, "response_a": one["response_b"], "response_b": one["response_a"]}
        for one in rows[n // 6 : n // 4]
    ]
    return [*rows, {**rows[0], "response_a": "", "response_b": ""}]


def written(rows: list[dict[str, Any]], path: Path) -> Path:
    table = pd.DataFrame(rows)
    if path.suffix == ".csv":
        table.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        table.to_parquet(path)
    else:
        text = "".join(json.dumps(row) + "\n" for row in rows).encode()
        path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def same(data: PreferenceData, other: PreferenceData) -> None:
    assert other.digest == data.digest
    for name, key in (("pairs", ["pair_id"]), ("labels", ["pair_id", "annotator", "replicate"])):
        one, two = (
            getattr(each, name).sort_values(key, ignore_index=True) for each in (data, other)
        )
        pd.testing.assert_frame_equal(one, two[one.columns])


@pytest.mark.parametrize(
    ("name", "n"),
    [
        ("votes.jsonl", 1),
        ("votes.jsonl", 16),
        ("votes.csv", 4),
        ("votes.parquet", 4),
        ("votes.jsonl.gz", 4),
    ],
)
def test_parts_hold_what_the_whole_holds(tmp_path: Path, name: str, n: int) -> None:
    path = written(records(), tmp_path / name)
    whole = wb.load(path)
    found = load_parts(path, tmp_path / "out", parts=n)
    assert 1 <= len(found.facts) <= n
    assert found.digest == whole.digest
    same(whole, found.whole())
    assert str(found.load_report) == str(whole.load_report)
    assert found.load_report is not None
    assert whole.load_report is not None
    assert found.load_report.left_out == whole.load_report.left_out
    clusters = [set(ref.open().pairs["cluster"]) for ref in found.refs]
    assert sum(map(len, clusters)) == len(set.union(*clusters)) == whole.pairs["cluster"].nunique()


def test_several_files_are_one_set_and_name_their_rows(tmp_path: Path) -> None:
    rows = records()
    paths = [written(rows[:150], tmp_path / "a.jsonl"), written(rows[150:], tmp_path / "b.jsonl")]
    whole, found = wb.load(paths), load_parts(paths, tmp_path / "out", parts=3)
    same(whole, found.whole())
    assert found.load_report is not None
    (example,) = found.load_report.left_out["empty"].examples
    assert (example["file"], example["row"]) == ("b.jsonl", len(rows) - 150)
    assert whole.load_report is not None
    assert found.load_report.source == whole.load_report.source


def test_files_of_one_name_are_told_by_their_folders(tmp_path: Path) -> None:
    rows, paths = records(), []
    empty = rows[-1]
    for folder, own in (("x", [*rows[:90], empty]), ("y", [empty, *rows[90:-1]])):
        (tmp_path / folder).mkdir()
        paths.append(written(own, tmp_path / folder / "votes.jsonl"))
    whole, found = wb.load(paths), load_parts(paths, tmp_path / "out", parts=3)
    same(whole, found.whole())
    assert found.load_report is not None
    assert whole.load_report is not None
    assert found.load_report.source == whole.load_report.source == "x/votes.jsonl, y/votes.jsonl"
    assert found.load_report.left_out == whole.load_report.left_out
    told = [one["file"] for one in found.load_report.left_out["empty"].examples]
    assert told == ["x/votes.jsonl", "y/votes.jsonl"]


def test_how_far_people_share_prompts_is_said_of_all_parts(tmp_path: Path) -> None:
    rows = [
        {**row, "kind": "human" if row["annotator"] != "p0" else "llm"} for row in records()[:-1]
    ]
    path = written(rows, tmp_path / "votes.csv")
    whole, found = wb.load(path), load_parts(path, tmp_path / "out", parts=5)
    assert whole.load_report is not None
    assert found.load_report is not None
    (told,) = [note for note in whole.load_report.notes if " people, " in note]
    assert told in found.load_report.notes
    again = open_parts(tmp_path / "out").load_report
    assert again is not None
    assert told in again.notes


def test_files_behind_urls_are_read_as_those_of_this_machine(tmp_path: Path) -> None:
    rows = records()
    paths = [written(rows[:150], tmp_path / "a.jsonl"), written(rows[150:], tmp_path / "b.jsonl")]
    for path in paths:
        put(f"memory://votes/{path.name}", path)
    whole = wb.load(paths)
    for place in ("memory://votes/*.jsonl", "memory://votes"):
        same(whole, wb.load(place))
        found = load_parts(place, tmp_path / place[-3:].strip("./*"), parts=2)
        assert found.digest == whole.digest
        assert str(found.load_report) == str(whole.load_report)
        # the same call finds it whole
        again = load_parts(place, tmp_path / place[-3:].strip("./*"), parts=2)
        assert again.digest == whole.digest
    with pytest.raises(DataError, match="No file is at this place"):
        wb.load("memory://votes/*.csv")


def test_a_folder_of_parts_opens_as_one_set(tmp_path: Path) -> None:
    path = written(records(), tmp_path / "votes.csv")
    load_parts(path, tmp_path / "out", parts=3)
    same(wb.load(path), wb.load(tmp_path / "out"))


def test_what_was_interrupted_goes_on_and_makes_no_part_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, out = written(records(), tmp_path / "votes.jsonl"), tmp_path / "out"
    made: list[int] = []
    build = loading.Build

    class Interrupted(build):  # type: ignore[misc, valid-type]
        def __call__(self, number: int) -> Any:
            if len(made) == 2:
                raise KeyboardInterrupt
            made.append(number)
            return super().__call__(number)

    monkeypatch.setattr(loading, "Build", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_parts(path, out, parts=5)
    times = {one: (out / one / "manifest.json").stat().st_mtime_ns for one in ("part-00000",)}
    monkeypatch.setattr(loading, "Build", build)
    monkeypatch.setattr(loading, "spool", None)
    found = load_parts(path, out, parts=5)
    assert found.digest == wb.load(path).digest
    for one, time in times.items():
        assert (out / one / "manifest.json").stat().st_mtime_ns == time
    # nothing is read again once it is whole
    monkeypatch.setattr(loading, "_streamed", None)
    assert load_parts(path, out, parts=5).digest == found.digest
    assert not (out / "spool").exists()


def test_a_folder_of_something_else_is_not_touched(tmp_path: Path) -> None:
    path, out = written(records(20), tmp_path / "votes.jsonl"), tmp_path / "out"
    load_parts(path, out, parts=2)
    with pytest.raises(DataError, match="files of another call"):
        load_parts(path, out, parts=3)
    with pytest.raises(DataError, match="no data set in parts"):
        load_parts(path, tmp_path, parts=3)
    with pytest.raises(DesignError, match="parts"):
        load_parts(path, tmp_path / "new", parts=0)
    with pytest.raises(TypeError, match="verdict"):
        load_parts(path, tmp_path / "new", verdict={})


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (
            [{"prompt": "p", "response": x, "rating": k} for k, x in enumerate("xyz")],
            "several records",
        ),
        (
            [
                {"prompt": "p", "text_a": "x", "text_b": "y", "label": "a", "cluster": c}
                for c in ("s", "t")
            ],
            "several clusters",
        ),
    ],
)
def test_what_needs_the_whole_is_read_whole_and_said(
    tmp_path: Path, rows: list[dict[str, Any]], reason: str
) -> None:
    path = tmp_path / "votes.jsonl"
    path.write_text("".join(json.dumps({**row, "n": k}) + "\n" for k, row in enumerate(rows)))
    whole, found = wb.load(path), load_parts(path, tmp_path / "out", parts=3)
    same(whole, found.whole())
    assert reason in str(found.load_report)


def test_labels_that_a_piece_leaves_open_are_read_by_all_of_them(tmp_path: Path) -> None:
    rows = [{**row, "label": (k % 2) / (1 + (k > 250))} for k, row in enumerate(records())]
    path = written(rows, tmp_path / "votes.jsonl")
    whole, found = wb.load(path), load_parts(path, tmp_path / "out", parts=2)
    same(whole, found.whole())
    assert "a piece by itself cannot be read" in str(found.load_report)
    said = load_parts(path, tmp_path / "said", parts=2, scale="probability_a")
    assert said.digest == wb.load(path, scale="probability_a").digest
    assert "as a whole" not in str(said.load_report)


@pytest.mark.parametrize("name", ["adparaphrase_v1.csv", "adparaphrase_v2_pt.csv"])
def test_real_tables_whose_columns_differ_between_judgements(
    tmp_path: Path, shared_data: Path, name: str
) -> None:
    path = shared_data / "adparaphrase" / name
    whole = wb.load(path)
    found = load_parts(path, tmp_path / "out", parts=5)
    assert found.digest == open_parts(tmp_path / "out").digest == whole.digest
    assert str(found.load_report) == str(whole.load_report)


def test_prompts_that_come_again_are_kept_once() -> None:
    rng = random.Random(2)
    prompts, seen = Prompts(), set()
    for _ in range(12):
        texts = [f"prompt {rng.randrange(400)}" for _ in range(rng.randrange(1, 90))]
        column = pd.Series([*texts, None], dtype="str")
        prompts.add(column, words_of(column))
        seen |= set(texts)
    kept = [text for part in prompts.texts for text in part.to_pylist()]
    assert len(kept) == len(seen)
    assert set(kept) == seen


def test_a_damaged_manifest_is_made_again_of_the_parts(tmp_path: Path) -> None:
    path, out = written(records(60), tmp_path / "votes.jsonl"), tmp_path / "out"
    first = load_parts(path, out, parts=3)
    times = [(Path(ref.folder) / "manifest.json").stat().st_mtime_ns for ref in first.refs]
    (out / "parts.json").write_text("{", "utf-8")
    again = load_parts(path, out, parts=3)
    assert again.digest == first.digest
    assert times == [(Path(ref.folder) / "manifest.json").stat().st_mtime_ns for ref in again.refs]


def test_what_only_some_pairs_have_groups_those_of_all_parts(tmp_path: Path) -> None:
    rows = records(90)
    for k, row in enumerate(rows):
        row["topic"] = "odd" if k == 7 else None
        row["size"] = 3.5 if k == 11 else None
        row["turns"] = 2 if k == 13 else None
        row["verified"] = True if k == 14 else None
    path = written(rows, tmp_path / "votes.jsonl")
    found = load_parts(path, tmp_path / "out", parts=9)
    same(wb.load(path), found.whole())
    assert len(found.facts) > 3
    for ref in found.refs:
        assert {"topic", "size", "turns", "verified"} <= set(ref.open().pairs.columns)
    # what nobody said of a pair is not said to be so
    assert found.whole().pairs["verified"].notna().sum() == 1


@pytest.mark.parametrize("kind", ["bool", "int64", "float64", "str", "object"])
def test_a_column_that_a_part_lacks_says_nothing_there(tmp_path: Path, kind: str) -> None:
    data = wb.load_parts("sample", tmp_path / "out", parts=2)
    lacking = data.facts[0]
    found = loading._with_columns(lacking, [], {"own": kind}, tmp_path / "out")
    assert found.pair_columns.keys() - lacking.pair_columns.keys() == {"own"}
    assert data.part(0).pairs["own"].isna().all()
    assert found.sums == lacking.sums


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("kind", ["pasted", "interleaved", "once"])
def test_what_looks_pasted_is_decided_of_the_whole(tmp_path: Path, named: bool, kind: str) -> None:
    rows = pd.DataFrame(
        {
            "prompt": [f"question {k * k} of {k}" for k in range(24)],
            "response_a": [f"yes {k}" for k in range(24)],
            "response_b": "no",
            "label": list("ab" * 12),
        }
    )
    if named:
        rows["annotator"] = "ann"
    twice = pd.concat([rows, rows])
    given = {"pasted": twice, "interleaved": twice.sort_index(kind="stable"), "once": rows}[kind]
    given.to_csv(tmp_path / "votes.csv", index=False)
    whole = wb.load(tmp_path / "votes.csv").load_report
    # no part has the ten rows that it takes
    found = wb.load_parts(tmp_path / "votes.csv", tmp_path / "parts", parts=8).load_report
    assert (found.kept_oddly, sorted(found.notes)) == (whole.kept_oddly, sorted(whole.notes))
    # people who are not named may say the same, one after another
    told = kind == "pasted" or (kind == "interleaved" and named)
    assert any("pasted twice" in note for note in found.notes) == told
    assert found.kept_oddly.get("repeated", 0) == 24 * told
