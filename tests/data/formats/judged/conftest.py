"""One list of records in every container that a benchmark's file may come in."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

CONTAINERS = ("json", "jsonl", "csv", "printed", "parquet")


def write(records: list[dict[str, Any]], path: Path) -> Path:
    """Write records as the file's name says; ``.printed`` is a CSV of what Python prints."""
    kind = path.suffix.removeprefix(".")
    if kind == "json":
        path.write_text(json.dumps(records))
    elif kind == "jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(records), path)
    else:
        path = path.with_suffix(".csv") if kind == "csv" else path
        as_text = json.dumps if kind == "csv" else str
        with path.open("w", newline="") as file:
            table = csv.DictWriter(file, list(records[0]))
            table.writeheader()
            for record in records:
                table.writerow(
                    {k: as_text(v) if isinstance(v, list | dict) else v for k, v in record.items()}
                )
    return path


@pytest.fixture(params=CONTAINERS)
def written(request, tmp_path):
    """Write records in one of the containers and return the file."""
    return lambda records, name="file": write(records, tmp_path / f"{name}.{request.param}")


def said(data) -> pd.DataFrame:
    """Return the labels beside their pairs, in the order of the labels."""
    return data.labels.merge(data.pairs, on="pair_id", how="left", suffixes=("", "_of_pair"))


def of_model(row, model: str) -> float:
    """Return the preference for a model, whichever side it is."""
    return row["preference"] if row["model_a"] == model else 1.0 - row["preference"]


def of_text(row, part: str) -> float:
    """Return the preference for the side whose response holds a text."""
    return row["preference"] if part in row["response_a"] else 1.0 - row["preference"]


def shown_first(row) -> str:
    """Return the model whose response was shown first."""
    return row["model_a"] if row["order_shown"] == "ab" else row["model_b"]
