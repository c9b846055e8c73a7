"""Records of JSON with ever other fields: refused before a table has a column for each."""

from __future__ import annotations

import gzip
import json
import random
import time

import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app
from workbench.data.reading.bounds.json_fields import FieldNames, check_fields
from workbench.errors import DataError

ROW = {"prompt": "2+2?", "response_a": "4", "response_b": "5", "label": "a"}
MANY = {f"c{n}": "v" for n in range(20_000)}
OBJECTS = {f"c{n}": {"x": "v"} for n in range(20_000)}


def _line(*records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def _others(n):
    return [{**ROW, "meta": {f"c{i}": "v"}} for i in range(n)]


FILES = {
    "one.jsonl": _line({**ROW, **MANY}),
    "objects.jsonl": _line({**ROW, **OBJECTS}),
    "nested.jsonl": _line({**ROW, "meta": MANY}),
    "deeper.jsonl": _line({**ROW, "meta": {"inner": MANY}}),
    "array.json": json.dumps([{**ROW, **MANY}]).encode(),
    "array-nested.json": json.dumps([{**ROW, "meta": MANY}]).encode(),
    "array-others.json": json.dumps(_others(5_000)).encode(),
    "document.json": json.dumps({**ROW, **MANY}, indent=1).encode(),
    "inside.json": json.dumps({"data": [{**ROW, **MANY}]}).encode(),
    "others.jsonl": _line(*_others(5_000)),
    "late.jsonl": _line(*[ROW] * 15_000, *_others(5_000)),
    "late.jsonl.gz": gzip.compress(_line(*[ROW] * 15_000, *_others(5_000)), 1),
    "pairs.jsonl": _line(
        *[{**ROW, "m": {f"a{i}": {f"b{j}": 1 for j in range(60)}}} for i in range(60)]
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_records_of_20_000_fields(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(FILES[name])
    start = time.process_time()
    with pytest.raises(wb.DataError) as caught:
        wb.load(path)
    assert time.process_time() - start < 2
    assert "--limit columns=4000" in caught.value.fix


@pytest.mark.parametrize("name", ["one.jsonl", "nested.jsonl"])
def test_fields_as_many_as_are_allowed_are_read(tmp_path, name):
    extra = {f"c{n}": "v" for n in range(300)}
    record = {**ROW, **extra} if name == "one.jsonl" else {**ROW, "meta": extra}
    path = tmp_path / name
    path.write_bytes(_line(record))
    data = wb.load(path, limits={"columns": 400})
    assert len(data.labels) == 1
    assert len([one for one in data.pairs.columns if str(one).split(".")[-1] in extra]) == 300
    with pytest.raises(DataError, match="limit columns"):
        wb.load(path, limits={"columns": 250})


def test_a_document_of_one_line_whose_fields_number_its_rows_is_read(tmp_path):
    rows = {str(n): {**ROW, "prompt": f"{n}+2?"} for n in range(3_000)}
    path = tmp_path / "votes.jsonl"
    path.write_bytes(_line(rows))
    assert len(wb.load(path).labels) == 3_000


def test_names_inside_texts_are_no_fields(tmp_path):
    said = [json.dumps({f"c{n}": 1, f"d{n}": ": x"}) for n in range(3_000)]
    path = tmp_path / "votes.jsonl"
    path.write_bytes(_line(*[{**ROW, "response_a": text} for text in said]))
    assert len(wb.load(path).labels) == 3_000


def test_names_are_found_however_blocks_are_cut_and_lines_spaced():
    names = FieldNames("x")
    names.add(b'{"a" : 1, "b":')
    names.add(b' 2}\n {"a": 3, "c"  :4}')
    assert names._found == {b"a", b"b", b"c"}


def test_fields_inside_lists_and_objects_are_counted_once():
    record = {"chat": [{"role": "user", "content": "x"}] * 9, "meta": {"x": {"y": 1}}}
    with pytest.raises(DataError) as caught:
        check_fields([record, record, *_others(3_000)], "x")
    assert caught.value.found == "2,001 columns"
    check_fields([record] * 3_000, "x")


def test_fields_of_objects_cost_no_more_each_the_more_there_are(tmp_path):
    seconds = []
    for number in (500, 4_000):
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(_line({**ROW, "meta": {f"c{n}": [[1]] for n in range(number)}}))
        start = time.process_time()
        wb.load(path, limits={"columns": 10_000})
        seconds.append(time.process_time() - start)
    # eight times the fields; each asked of all the others took more than thirty times as long
    assert seconds[1] < 16 * seconds[0] + 0.5


def test_by_the_command(tmp_path):
    path = tmp_path / "votes.jsonl"
    path.write_bytes(FILES["one.jsonl"])
    run = CliRunner().invoke(app, ["load", str(path)])
    assert run.exit_code == 1
    assert "--limit columns=4000" in run.output


def _names_by_letters(text: bytes) -> set[bytes]:
    """The names before each colon, letter by letter: behind the last quote or colon before."""
    found = set()
    for at, letter in enumerate(text):
        begin = text.rfind(b":", 0, at) + 1
        before = text[begin:at].rstrip()
        if letter == ord(":") and before.endswith(b'"') and before[-2:-1] != b"\\":
            found.add(before[:-1].rsplit(b'"', 1)[-1])
    return found


def test_names_are_those_before_colons_whatever_stands_around_them():
    draw = random.Random(0)
    for _ in range(3_000):
        text = bytes(draw.choices(b':" \\ab\t\n{\xa0', k=draw.randrange(25)))
        names = FieldNames("votes.jsonl")
        names.add(text)
        assert names._found == _names_by_letters(text), text
