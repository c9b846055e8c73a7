"""Saved data sets are mapped: nothing is copied, and what is damaged or made up is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import workbench as wb
from workbench.data import store
from workbench.data.reading.bounds.limits import bounded
from workbench.data.saved import mapped
from workbench.data.saved.damage import marks_of

N = 3_000


def _long(n: int = N, seed: int = 0) -> wb.PreferenceData:
    """Return pairs of long texts with labels, raw replies and factors."""
    rng = np.random.default_rng(seed)
    texts = [
        f"text {k} of {seed}: " + "word " * int(m) for k, m in enumerate(rng.integers(60, 99, n))
    ]
    pairs = pd.DataFrame({
        "prompt": [text[:90] for text in texts], "response_a": texts,
        "response_b": [text.upper() for text in texts], "scenario": rng.choice(["x", "y"], n),
    })  # fmt: skip
    labels = pd.DataFrame({
        "pair": np.arange(n), "annotator": rng.choice(["p", "q"], n), "kind": "human",
        "preference": rng.choice([0.0, 1.0, np.nan], n), "raw": [text[:80] for text in texts],
    })  # fmt: skip
    data = wb.PreferenceData.from_tables(pairs, labels)
    factors = pd.DataFrame({name: rng.normal(size=n) for name in ("f", "g")})
    values = pd.DataFrame({f"{n}_{s}": rng.normal(size=len(texts)) for n in "fg" for s in "ab"})
    return data.with_factors(factors, values, {"f": {}, "g": {}})


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    return wb.save(_long(), tmp_path_factory.mktemp("saved") / "set")


def _file_size(folder) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def test_opening_allocates_next_to_nothing(saved):
    before = pa.total_allocated_bytes()
    data = wb.open_folder(saved)
    assert pa.total_allocated_bytes() - before < 100_000 < 0.05 * _file_size(saved)
    texts = (saved / "pairs.texts.arrow").stat().st_size
    shown = data.pairs["response_a"].iloc[N - 1]
    assert shown == _long().pairs["response_a"].iloc[N - 1]
    # what most verbs begin with copies no text either
    whole = data.filter(kinds=["human"], scenarios=["x", "y"])
    shared = whole.pairs.assign(more=1).drop(columns="cluster")
    shared = pd.concat([shared, whole.factors[["f"]]], axis=1)
    both = pd.concat([whole.pairs, data.pairs], ignore_index=True)
    few = data.pairs.iloc[[3, N - 1]]
    more = whole.with_factors(whole.factors[["f"]].set_axis(["h"], axis=1), whole.factors[[]], {})
    assert (len(both), len(few), len(more), len(shared)) == (2 * N, 2, N, N)
    assert pa.total_allocated_bytes() - before < 0.2 * texts


def _address(column: pd.Series) -> list[int]:
    array = pa.chunked_array(pa.array(column))
    return [chunk.buffers()[2].address for chunk in array.chunks]


def test_texts_stay_where_they_are_mapped(saved):
    data = wb.open_folder(saved)
    part = data.filter(annotators=["p", "q"])
    for name in ("prompt", "response_a", "response_b"):
        assert _address(part.pairs[name]) == _address(data.pairs[name])
    assert np.shares_memory(part.factors["f"].to_numpy(), data.factors["f"].to_numpy())
    assert not data.factors["f"].to_numpy().flags.writeable


def test_what_is_kept_beside_the_rows_is_what_they_give(saved):
    data, made = wb.open_folder(saved), _long()
    assert data.digest == made.digest
    assert "_hashes" in data.__dict__
    assert (data.pair_rows == made.pair_rows).all()
    part, own = (one.filter(scenarios=["x"]) for one in (data, made))
    assert part.digest == own.digest == replace(own).digest
    assert (part.pair_rows == replace(own).pair_rows).all()


def test_columns_of_all_types_come_back_as_before(tmp_path):
    data = _long(4)
    pairs = data.pairs.assign(
        whole=pd.array([1, None, 3, 4], dtype="Int64"),
        yes=[True, False, True, True],
        maybe=pd.array([True, None, True, False], dtype="boolean"),
        grade=pd.Categorical(["u", "v", None, "u"]),
        when=pd.to_datetime(["2020-01-01", None, "2021-01-01", "2022-01-01"], utc=True),
        parts=[["a", "b"], [], None, ["c"]],
        said=[{"role": "user", "n": 1}, None, {"role": "x", "n": 2}, {"role": "y", "n": 3}],
        bytes=[b"1", None, b"3", b""],
        small=np.array([1, 2, 3, 4], dtype="int8"),
        half=np.array([1, 2, np.nan, 4], dtype="float32"),
        none=[None] * 4,
        texts=pd.Series(["t", None, "", "\x00é"], dtype="object"),
    )
    pairs = pairs[[*pairs.columns[::-1]]]
    data = replace(data, pairs=pairs)
    again = wb.open_folder(wb.save(data, tmp_path / "set"))
    pairs.to_parquet(tmp_path / "pairs.parquet")
    before = pd.read_parquet(tmp_path / "pairs.parquet")
    pd.testing.assert_frame_equal(again.pairs, before)
    assert again.digest == data.digest


def test_a_set_without_rows_or_labels(tmp_path):
    data = _long(5)
    for part in (data.filter(pair_ids=[]), replace(data, labels=data.labels.iloc[:0])):
        again = wb.open_folder(wb.save(part, tmp_path / "set"))
        assert (len(again), len(again.labels)) == (len(part), 0)
        assert again.digest == part.digest
        pd.testing.assert_frame_equal(again.labels, part.labels)


def test_texts_in_pieces_are_saved_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr(mapped, "_PIECE", 1_000)
    one, other = _long(1_500), _long(900, seed=1)
    folder = wb.save(wb.concat([one, other]), tmp_path / "set")
    again = wb.open_folder(folder)
    pd.testing.assert_frame_equal(again.pairs, wb.concat([one, other]).pairs)
    with pa.memory_map(str(folder / "pairs.texts.arrow")) as file:
        assert pa.ipc.open_file(file).num_record_batches == 3


def test_a_set_is_saved_over_itself(tmp_path):
    folder = wb.save(_long(50), tmp_path / "set")
    opened = wb.open_folder(folder)
    wb.save(opened.filter(annotators=["p"]), folder)
    # the first one still shows its texts
    assert opened.pairs["prompt"].tolist() == _long(50).pairs["prompt"].tolist()
    assert set(wb.open_folder(folder).labels["annotator"]) == {"p"}


@pytest.fixture
def copy(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "set")


def _flip(path, at: float) -> None:
    content = bytearray(path.read_bytes())
    content[int(at * len(content))] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["pairs", "labels", "factors"])
@pytest.mark.parametrize("at", [0.2, 0.5, 0.9])
def test_a_flipped_bit_is_found_at_opening(copy, name, at):
    _flip(copy / f"{name}.arrow", at)
    with pytest.raises(wb.DataError, match="missing or damaged") as caught:
        wb.open_folder(copy)
    assert caught.value.where == f"set/{name}.arrow"
    assert "checksum" in caught.value.found


@pytest.mark.parametrize("file", ["pairs.texts", "labels.texts", "factor_values"])
def test_a_flipped_bit_of_what_is_only_shown_is_found_by_verify(copy, file):
    store.verify(copy)
    _flip(copy / f"{file}.arrow", 0.7)
    with pytest.raises(wb.DataError, match="missing or damaged") as caught:
        store.verify(copy)
    assert caught.value.where == f"set/{file}.arrow"


@pytest.mark.parametrize("file", ["pairs", "pairs.texts", "labels", "factors", "factor_values"])
def test_a_file_that_is_lost_cut_or_of_another_set_is_found(copy, tmp_path, file):
    path = copy / f"{file}.arrow"
    whole = path.read_bytes()
    path.unlink()
    with pytest.raises(wb.DataError, match="missing or damaged"):
        wb.open_folder(copy)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(wb.DataError, match="missing or damaged"):
        wb.open_folder(copy)
    other = wb.save(_long(seed=1), tmp_path / "other")
    shutil.copy(other / f"{file}.arrow", path)
    _say_marks(copy)
    with pytest.raises(wb.DataError, match="do not match"):
        wb.open_folder(copy)


def _say_marks(folder, **changed) -> None:
    """Let the manifest say that the files are as they are: a folder that somebody made up."""
    file = folder / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["files"] = marks_of(path for path in folder.iterdir() if path != file)
    file.write_text(json.dumps({**manifest, **changed}))


def _made_up(folder, name: str, change) -> None:
    """Put a changed table in place of one, with all checksums right."""
    path = folder / f"{name}.arrow"
    with pa.OSFile(str(path)) as file:
        table = pa.ipc.open_file(file).read_all()
    table = change(table)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    _say_marks(folder)


def _bad_offsets(table: pa.Table) -> pa.Table:
    n = table.num_rows
    column = table.column("response_a").chunk(0)
    offsets = np.frombuffer(column.buffers()[1], np.int64).copy()
    offsets[n // 2] = 1 << 40
    bad = pa.LargeStringArray.from_buffers(n, pa.py_buffer(offsets), column.buffers()[2])
    return table.set_column(table.column_names.index("response_a"), "response_a", bad)


def _of_numbers(table: pa.Table) -> pa.Table:
    return table.set_column(1, table.column_names[1], pa.array(np.arange(table.num_rows)))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("pairs.texts", _bad_offsets),
        ("pairs.texts", lambda table: table.slice(1)),
        ("pairs.texts", lambda table: table.drop_columns("prompt")),
        ("labels", lambda table: table.drop_columns("hash")),
        ("labels", lambda table: table.slice(1)),
        ("pairs", lambda table: table.rename_columns([f"x{c}" for c in table.column_names])),
        ("labels", lambda t: t.set_column(t.num_columns - 1, "pair_row", t.column("hash"))),
        ("factors", lambda table: table.append_column("x", pa.array([1] * table.num_rows))),
    ],
)
def test_a_folder_that_was_made_up_is_refused(copy, name, change):
    _made_up(copy, name, change)
    with pytest.raises(wb.DataError):
        wb.open_folder(copy)


def test_a_label_of_no_pair_is_refused(copy):
    def change(table: pa.Table) -> pa.Table:
        rows = np.full(table.num_rows, N + 5)
        column = mapped._as_bytes(rows)
        return table.set_column(table.num_columns - 1, "pair_row", column)

    _made_up(copy, "labels", change)
    with pytest.raises(wb.DataError, match="not whole"):
        wb.open_folder(copy)


def test_a_packed_table_is_opened_within_bounds(copy):
    path = copy / "pairs.texts.arrow"
    with pa.OSFile(str(path)) as file:
        table = pa.ipc.open_file(file).read_all()
    blank = pa.array(["x" * 20_000] * N, pa.large_string())
    table = table.set_column(1, "response_a", blank)
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with (
        pa.OSFile(str(path), "wb") as file,
        pa.ipc.new_file(file, table.schema, options=options) as w,
    ):
        w.write_table(table)
    _say_marks(copy)
    with bounded({"unpacked": "8MiB"}), pytest.raises(wb.DataError, match="limit unpacked"):
        wb.open_folder(copy)


@pytest.mark.parametrize("broken", [None, 3, [], {}, {"pairs.arrow": 3}, {"pairs.arrow": {}}])
def test_a_manifest_without_its_files_is_refused(copy, broken):
    file = copy / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "files": broken}))
    with pytest.raises(wb.DataError):
        wb.open_folder(copy)


@pytest.mark.parametrize("name", ["../secret", "sub/labels.arrow"])
def test_a_manifest_names_files_of_its_folder_only(copy, name):
    file = copy / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["files"][name] = {"bytes": 6, "crc32": "0"}
    (copy.parent / "secret").write_text("secret")
    file.write_text(json.dumps(manifest))
    with pytest.raises(wb.DataError):
        wb.open_folder(copy)


@pytest.mark.parametrize("content", [b"", b"ARROW1", b"ARROW1\0\0" + b"\xff" * 64, b"\0" * 400])
@pytest.mark.parametrize("file", ["pairs", "pairs.texts"])
def test_what_is_no_arrow_file_is_refused(copy, file, content):
    (copy / f"{file}.arrow").write_bytes(content)
    _say_marks(copy)
    with pytest.raises(wb.DataError, match="missing or damaged"):
        wb.open_folder(copy)


def test_noise_in_a_file_of_texts_never_crashes(copy):
    """Whatever stands in the texts' file: an error that says so, or other letters."""
    path = copy / "pairs.texts.arrow"
    whole = path.read_bytes()
    for seed in range(60):
        rng = np.random.default_rng(seed)
        content = bytearray(whole)
        # heads of messages and offsets, where a wrong number leads elsewhere
        for at in rng.integers(0, min(len(content), 30_000), 12):
            content[at] = rng.integers(0, 256)
        path.write_bytes(content)
        _say_marks(copy)
        try:
            data = wb.open_folder(copy)
            total = sum(len(text) for text in data.pairs["prompt"].fillna(""))
            assert total >= 0
        except (wb.DataError, UnicodeDecodeError):
            continue


def test_the_texts_of_a_folder_are_those_that_were_saved(saved):
    data = wb.open_folder(saved)
    words = hashlib.sha256("".join(data.pairs["response_b"]).encode()).hexdigest()
    made = hashlib.sha256("".join(_long().pairs["response_b"]).encode()).hexdigest()
    assert words == made
