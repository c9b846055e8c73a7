"""Data sets on disk: write and read are inverse, and damage is noticed."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import workbench as wb
from tests.data.saved.before import saved_before
from workbench.data.load_report import LeftOut, LoadReport

TEXT = st.text(max_size=12)
ROWS = st.lists(
    st.tuples(
        TEXT,
        TEXT,
        TEXT,
        st.sampled_from([0.0, 0.25, 0.5, 1.0, None]),
        st.text(min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda row: row[:3],
)


def _data(rows) -> wb.PreferenceData:
    pairs = pd.DataFrame([row[:3] for row in rows], columns=["prompt", "response_a", "response_b"])
    labels = pd.DataFrame(
        {
            "pair": range(len(rows)),
            "preference": [row[3] for row in rows],
            "annotator": [row[4] for row in rows],
        }
    )
    return wb.PreferenceData.from_tables(pairs, labels)


def _same(one: wb.PreferenceData, two: wb.PreferenceData) -> None:
    for name in ("pairs", "labels", "factors", "factor_values"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))
    assert one.digest == two.digest
    assert one.factor_specs == two.factor_specs
    assert one.load_report == two.load_report


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(ROWS)
def test_what_is_written_is_read(tmp_path, rows):
    data = _data(rows)
    _same(data, wb.open_folder(wb.save(data, tmp_path / "set")))


def test_factors_report_and_metadata_survive(tmp_path):
    data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["tone"])
    report = LoadReport("x", "y", 3, 1, 1, 1, {"empty": LeftOut(2, ({"row": 1, "found": "z"},))})
    data = replace(data, load_report=report)
    again = wb.load(wb.save(data, tmp_path / "set"))
    _same(data, again)
    assert again.factor_specs["hedges"]["coding"]["transform"] == "relative"


def test_a_saved_set_is_replaced_and_anything_else_is_not(tmp_path):
    data = wb.load("sample")
    wb.save(data, tmp_path / "set")
    wb.save(data.filter(kinds=["human"]), tmp_path / "set")
    assert set(wb.open_folder(tmp_path / "set").annotators["kind"]) == {"human"}
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "precious.txt").write_text("keep")
    with pytest.raises(wb.DataError, match="something else"):
        wb.save(data, tmp_path / "other")
    assert (tmp_path / "other" / "precious.txt").read_text() == "keep"


def test_a_failed_write_leaves_the_old_set(tmp_path, monkeypatch):
    folder = wb.save(_data([("p", "a", "b", 1.0, "x")]), tmp_path / "set")
    digest = wb.open_folder(folder).digest
    monkeypatch.setattr("pyarrow.ipc.new_file", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        wb.save(wb.load("sample"), folder)
    assert wb.open_folder(folder).digest == digest
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("table", ["pairs", "labels", "factors", "factor_values"])
def test_a_damaged_table_is_named(tmp_path, table):
    folder = wb.save(_data([("p", "a", "b", 1.0, "x")]), tmp_path / "set")
    file = folder / f"{table}.arrow"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(wb.DataError, match="missing or damaged") as caught:
        wb.open_folder(folder)
    assert f"{table}.arrow" in caught.value.where


def test_a_data_set_of_version_2_is_read(tmp_path):
    data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["tone"])
    _same(data, wb.load(saved_before(data, tmp_path / "set")))


@pytest.mark.parametrize("table", ["pairs", "labels", "factors"])
def test_a_damaged_table_of_version_2_is_named(tmp_path, table):
    folder = saved_before(_data([("p", "a", "b", 1.0, "x")]), tmp_path / "set")
    file = folder / f"{table}.parquet"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(wb.DataError, match="missing or damaged") as caught:
        wb.open_folder(folder)
    assert f"{table}.parquet" in caught.value.where


def test_changed_tables_of_version_2_are_refused(tmp_path):
    folder = saved_before(_data([("p", "a", "b", 1.0, "x")]), tmp_path / "set")
    labels = pd.read_parquet(folder / "labels.parquet").assign(preference=0.0)
    labels.to_parquet(folder / "labels.parquet")
    with pytest.raises(wb.DataError, match="do not match"):
        wb.open_folder(folder)


_ABSENT = object()


def _saved_with(tmp_path, **changed):
    """Return a saved folder whose manifest says something else, or lacks a key."""
    folder = wb.save(_data([("p", "a", "b", 1.0, "x")]), tmp_path / "set")
    file = folder / "manifest.json"
    manifest = {**json.loads(file.read_text()), **changed}
    file.write_text(json.dumps({k: v for k, v in manifest.items() if v is not _ABSENT}))
    return folder


@pytest.mark.parametrize(
    ("version", "what"),
    [(4, "newer version"), (99, "newer version"), (0, "not said"), (_ABSENT, "not said"),
     (None, "not said"), ("2", "not said"), (True, "not said"), (1.5, "not said")],
)  # fmt: skip
def test_versions_that_are_not_read(tmp_path, version, what):
    folder = _saved_with(tmp_path, schema_version=version)
    with pytest.raises(wb.DataError, match=what) as caught:
        wb.load(folder)
    assert caught.value.where == "set/manifest.json"
    assert ("Upgrade" in caught.value.fix) == (what == "newer version")


def test_an_older_version_is_read_and_saved_as_the_newest(tmp_path):
    folder = saved_before(_data([("p", "a", "b", 1.0, "x")]), tmp_path / "set", 1)
    again = wb.save(wb.load(folder), tmp_path / "again")
    assert json.loads((again / "manifest.json").read_text())["schema_version"] == 3
    assert wb.load(again).labels["criterion"].tolist() == ["overall"]


@pytest.mark.parametrize(
    ("key", "broken"),
    [("digest", _ABSENT), ("digest", 3), ("factor_specs", _ABSENT), ("factor_specs", 3),
     ("load_report", _ABSENT), ("load_report", 3), ("load_report", {"notes": []})],
)  # fmt: skip
def test_a_manifest_that_is_not_whole(tmp_path, key, broken):
    folder = _saved_with(tmp_path, **{key: broken})
    with pytest.raises(wb.DataError, match=r"not whole|do not match") as caught:
        wb.load(folder)
    assert "load the original file" in caught.value.fix


@pytest.mark.parametrize("content", ["{", "[]", "", "[" * 100_000, "\x00", None])
def test_a_manifest_that_is_broken_or_lost(tmp_path, content):
    folder = wb.save(_data([("p", "a", "b", 1.0, "x")]), tmp_path / "set")
    (folder / "manifest.json").unlink()
    if content is not None:
        (folder / "manifest.json").write_text(content)
    with pytest.raises(wb.DataError, match="no readable manifest") as caught:
        wb.load(folder)
    assert "load the original file" in caught.value.fix
    # such a folder may be saved over
    assert len(wb.load(wb.save(wb.load("sample"), folder))) == 2000


def test_a_table_without_a_column(tmp_path):
    folder = saved_before(_data([("p", "a", "b", 1.0, "x")]), tmp_path / "set")
    for name in ("labels", "pairs"):
        table = pd.read_parquet(folder / f"{name}.parquet")
        table.drop(columns="pair_id").to_parquet(folder / f"{name}.parquet")
        with pytest.raises(wb.DataError):
            wb.load(folder)


def test_a_saved_set_is_opened_within_bounds(tmp_path):
    folder = wb.save(_data([("p", "a", "b", 1.0, "x")]), tmp_path / "set")
    with pytest.raises(wb.DataError, match="limit columns"):
        wb.load(folder, limits={"columns": 3})


def test_digest_ignores_order_and_sees_every_change():
    data = wb.load("sample")
    order = np.random.default_rng(0).permutation(len(data.pairs))
    mixed = replace(
        data,
        pairs=data.pairs.iloc[order].reset_index(drop=True),
        factors=data.factors.iloc[order].reset_index(drop=True),
        labels=data.labels.iloc[::-1].reset_index(drop=True),
    )
    assert mixed.digest == data.digest
    labels = data.labels.copy()
    labels.loc[0, "preference"] = 1 - labels.loc[0, "preference"]
    assert replace(data, labels=labels).digest != data.digest
    pairs = data.pairs.assign(scenario="other")
    assert replace(data, pairs=pairs).digest != data.digest
    scored = wb.score_factors(data, wb.factors.FAMILIES["length"])
    assert scored.digest != data.digest
