"""The zip of an Inspect log, whose files Python's zipfile cannot unpack before 3.14."""

import json
import zipfile

import pytest

import workbench as wb
from tests.data.reading.inspect_logs import log, members, sample, write_eval
from workbench.data.reading.eval_log import is_eval_log, read_eval_log
from workbench.errors import DataError

LOG = log(sample(1, match={"value": "C"}), sample("dir/2", 3))


def test_packed_by_zstandard_or_as_older_versions_packed(tmp_path):
    new = write_eval(tmp_path / "new.eval", members(LOG))
    old = tmp_path / "old.eval"
    with zipfile.ZipFile(old, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members(LOG).items():
            archive.writestr(name, json.dumps(content))
    assert is_eval_log(new)
    assert is_eval_log(old)
    document = read_eval_log(new)
    assert document == read_eval_log(old)
    assert [(s["id"], s["epoch"]) for s in document["samples"]] == [(1, 1), ("dir/2", 3)]
    assert document["eval"] == LOG["eval"]
    # the transcript is left where it is
    assert not {"events", "messages"} & document["samples"][0].keys()


def test_a_log_that_was_cut_off_has_no_header(tmp_path):
    files = members(LOG)
    del files["header.json"]
    path = write_eval(tmp_path / "cut.eval", files)
    assert is_eval_log(path)
    assert len(read_eval_log(path)["samples"]) == 2


def test_a_number_that_is_none_is_read(tmp_path):
    nan = log(sample(1, match={"value": float("nan")}))
    path = write_eval(tmp_path / "nan.eval", members(nan))
    value = read_eval_log(path)["samples"][0]["scores"]["match"]["value"]
    assert value != value


def test_a_sample_in_several_files_is_put_together(tmp_path):
    shell = {k: v for k, v in sample(1).items() if k not in ("metadata", "events", "attachments")}
    files = members(log())
    folder = "samples/1_epoch_1/"
    files |= {
        f"{folder}sample.json": {**shell, "input": "attachment://2"},
        f"{folder}metadata.json": {"answer_a": "attachment://0", "answer_b": "short"},
        f"{folder}attachments/0.json": ["long", "x"],
        f"{folder}attachments/2.json": ["Which?"],
        f"{folder}messages/0.json": [{"role": "user", "content": "x"}],
        f"{folder}events/0.json": [{"event": "model"}],
    }
    [read] = read_eval_log(write_eval(tmp_path / "parts.eval", files))["samples"]
    assert read["input"] == "Which?"
    assert read["metadata"] == {"answer_a": "long", "answer_b": "short"}


def test_attachments_stand_where_their_references_stood(tmp_path):
    held = sample(1, metadata={"image": "attachment://h1", "list": ["attachment://gone"]})
    held["attachments"] = {"h1": "data:image/png;base64,AAAA"}
    [read] = read_eval_log(write_eval(tmp_path / "a.eval", members(log(held))))["samples"]
    assert read["metadata"] == {"image": held["attachments"]["h1"], "list": ["attachment://gone"]}


def test_of_a_name_that_stands_twice_the_last_file_counts(tmp_path):
    path = tmp_path / "twice.eval"
    name = "samples/1_epoch_1.json"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.json", json.dumps(members(LOG)["header.json"]))
        archive.writestr(name, json.dumps(sample(1, target="old")))
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr(name, json.dumps(sample(1, target="new")))
    assert [one["target"] for one in read_eval_log(path)["samples"]] == ["new"]


def test_other_files_are_no_logs(tmp_path):
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("header.json", "{}")
        archive.writestr("votes.csv", "a,b\n")
    text = tmp_path / "text.eval"
    text.write_text("no zip")
    assert not is_eval_log(other)
    assert not is_eval_log(text)


def test_a_damaged_log_says_so(tmp_path):
    path = write_eval(tmp_path / "bad.eval", members(LOG))
    content = bytearray(path.read_bytes())
    content[content.index(b"samples/1") + 60] ^= 0xFF
    path.write_bytes(bytes(content))
    with pytest.raises(DataError, match="damaged"):
        wb.load(path)


def test_a_log_unpacks_within_bounds(tmp_path):
    path = write_eval(tmp_path / "large.eval", members(LOG))
    with pytest.raises(DataError, match="unpacks to more"):
        wb.load(path, limits={"unpacked": 1000})


def test_a_file_that_unpacks_to_more_than_it_says_is_damaged(tmp_path):
    path = write_eval(tmp_path / "liar.eval", {**members(LOG), "header.json": b" " * 99_999}, 100)
    with pytest.raises(DataError, match="damaged"):
        read_eval_log(path)
