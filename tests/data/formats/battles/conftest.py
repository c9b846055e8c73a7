"""One set of records written in every way that a file may hold it."""

from __future__ import annotations

import json

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.data.formats.registry import FORMATS, get_format
from workbench.data.load import load
from workbench.data.reading.containers import open_container

WAYS = ("jsonl", "json", "csv of JSON", "csv as Python prints", "csv as numpy prints", "parquet")


def write(records, way, path):
    """Write records to a file in one of the ways, and return its path."""
    if way == "jsonl":
        path.write_text("\n".join(map(json.dumps, records)) + "\n")
    elif way == "json":
        path.write_text(json.dumps(records))
    elif way == "csv of JSON":
        cells = [
            {k: json.dumps(v) if isinstance(v, list | dict) else v for k, v in record.items()}
            for record in records
        ]
        pd.DataFrame(cells).to_csv(path, index=False)
    elif way == "csv as Python prints":
        pd.DataFrame(records).to_csv(path, index=False)
    else:
        pq.write_table(pa.Table.from_pylist(records), path)
    if way == "csv as numpy prints":
        pd.read_parquet(path).to_csv(path, index=False)
    return path


def recognised(path):
    """Return the format by whose content a file is recognised, and the file's records."""
    container = open_container(path)
    columns, head = container.columns, container.head()
    for name in FORMATS:
        found = get_format(name)
        if found.records_of is None and found.recognise(columns, head):
            return found, container
    return None, container


@pytest.fixture(params=WAYS)
def read_file(request, tmp_path):
    """Read records from a file of each kind: the name of the format and the judgements."""

    def read(records, **options):
        path = write(records, request.param, tmp_path / "data")
        found, container = recognised(path)
        assert found is not None
        frame = found.translate(container.table, 1, {"seed": 0, **options})
        return found.name, frame

    return read


@pytest.fixture
def format_of(tmp_path):
    """Tell by which format a file of records is recognised; None where by none."""

    def name(records):
        found, _ = recognised(write(records, "jsonl", tmp_path / "data"))
        return None if found is None else found.name

    return name


@pytest.fixture(params=WAYS)
def load_file(request, tmp_path):
    """Load records from a file of each kind as preference data."""
    return lambda records, **options: load(
        write(records, request.param, tmp_path / "data"), **options
    )


def verdicts(frame, *columns):
    """Return the judgements as a sorted list: what stood on A, what on B, and the preference."""
    columns = columns or ("response_a", "response_b", "preference")
    good = frame[frame["problem"].isna()]
    return sorted(zip(*(good[column] for column in columns), strict=True))


def side_texts(row, side):
    """Return all that names a side of a judgement: its text, its model, its images."""
    return " ".join(str(row.get(f"{name}_{side}")) for name in ("response", "model", "media"))
