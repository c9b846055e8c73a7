"""Every layout of ratings and crowds reads alike from JSON, JSONL, CSV and Parquet."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.data.formats.rated.layouts import RECORDS
from tests.data.formats.rated.told import judged_file

Records = list[dict[str, Any]]


def _csv(path: Path, records: Records, write: Callable[[Any], str]) -> None:
    rows = [
        {k: write(v) if isinstance(v, list | dict) else v for k, v in record.items()}
        for record in records
    ]
    pd.DataFrame(rows).to_csv(path, index=False)


def _parquet(path: Path, records: Records) -> None:
    pq.write_table(pa.Table.from_pylist(records), path)


def _numpy_csv(path: Path, records: Records) -> None:
    # what pandas prints of a Parquet file's lists: NumPy's arrays, without commas
    _parquet(path.with_suffix(".parquet"), records)
    pd.read_parquet(path.with_suffix(".parquet")).to_csv(path, index=False)


WRITERS: dict[str, Callable[[Path, Records], Any]] = {
    "list.json": lambda path, records: path.write_text(json.dumps(records)),
    "lines.jsonl": lambda path, records: path.write_text("\n".join(map(json.dumps, records))),
    "table.parquet": _parquet,
    "json.csv": lambda path, records: _csv(path, records, json.dumps),
    "python.csv": lambda path, records: _csv(path, records, str),
    "numpy.csv": _numpy_csv,
}
COMPARED = ("row", "prompt", "response_a", "response_b", "model_a", "model_b", "annotator", "kind",
            "criterion", "preference", "strength", "weight", "n_votes", "n_ties", "reason", "raw",
            "cluster", "item", "row_id", "scenario", "prompt_messages", "problem")  # fmt: skip


def _content(frame: pd.DataFrame) -> list[str]:
    columns = [name for name in COMPARED if name in frame]
    plain = frame[columns].astype(object).where(frame[columns].notna(), None)
    return sorted(map(str, plain.to_dict("records")))


@pytest.mark.parametrize("layout", RECORDS)
def test_a_layout_reads_alike_from_every_kind_of_file(layout: str, tmp_path: Path):
    found = {}
    for name, write in WRITERS.items():
        write(tmp_path / name, RECORDS[layout])
        format_name, frame = judged_file(tmp_path / name)
        assert format_name == layout, name
        found[name] = _content(frame)
    first = found.pop("list.json")
    assert len(first) > 0
    for name, content in found.items():
        # an empty response is missing in a CSV file
        same = [line.replace("'response_a': ''", "'response_a': None") for line in first]
        assert content in (first, same), name


@pytest.mark.parametrize("layout", RECORDS)
def test_no_text_is_the_print_of_a_nested_value(layout: str, tmp_path: Path):
    WRITERS["lines.jsonl"](tmp_path / "x.jsonl", RECORDS[layout])
    frame = judged_file(tmp_path / "x.jsonl")[1]
    for name in (c for c in frame if not c.endswith("_messages")):
        if pd.api.types.is_string_dtype(frame[name]) or frame[name].dtype == object:
            assert not frame[name].astype("str").str.match(r"\s*[\[{]['\"{\[]").any(), name
