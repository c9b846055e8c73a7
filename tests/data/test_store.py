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
    monkeypatch.setattr("pyarrow.parquet.write_table", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        wb.save(wb.load("sample"), folder)
    assert wb.open_folder(folder).digest == digest
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("table", ["pairs", "labels", "factors"])
def test_a_damaged_table_is_named(tmp_path, table):
    folder = wb.save(_data([("p", "a", "b", 1.0, "x")]), tmp_path / "set")
    file = folder / f"{table}.parquet"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(wb.DataError, match="missing or damaged") as caught:
        wb.open_folder(folder)
    assert f"{table}.parquet" in caught.value.where


def test_changed_tables_and_other_versions_are_refused(tmp_path):
    folder = wb.save(_data([("p", "a", "b", 1.0, "x")]), tmp_path / "set")
    labels = pd.read_parquet(folder / "labels.parquet").assign(preference=0.0)
    labels.to_parquet(folder / "labels.parquet")
    with pytest.raises(wb.DataError, match="do not match"):
        wb.open_folder(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 99}))
    with pytest.raises(wb.DataError, match="another version"):
        wb.open_folder(folder)
    (folder / "manifest.json").write_text("{")
    with pytest.raises(wb.DataError, match="no readable manifest"):
        wb.open_folder(folder)


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
