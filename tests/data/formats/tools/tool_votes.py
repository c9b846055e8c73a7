"""Votes planted in the files of tools, and what was read of them."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

import workbench as wb


def verdicts(data) -> list[tuple]:
    """Return each label with its two responses, in an order that no side tells."""
    table = data.labels.merge(data.pairs, on="pair_id", suffixes=("", "_of_pair"))
    rows = []
    for row in table.to_dict("records"):
        first, second, preference = row["response_a"], row["response_b"], row["preference"]
        if first > second:
            first, second, preference = second, first, 1 - preference
        reason = row["reason"] if isinstance(row["reason"], str) else None
        value = None if preference != preference else preference
        rows.append((row["annotator"], row["kind"], row["criterion"], first, second, value, reason))
    return sorted(rows, key=str)


def left_out(data) -> dict[str, int]:
    return {reason: entry.count for reason, entry in data.load_report.left_out.items()}


def written(folder: Path, records: list[dict], name: str) -> Path:
    """Write records as the ending of a name says."""
    path = folder / name
    if path.suffix == ".json":
        path.write_text(json.dumps(records, indent=1))
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(record) + "\n" for record in records))
    elif path.suffix == ".csv":
        # nested values become what Python prints of them
        pd.DataFrame(records).to_csv(path, index=False)
    else:
        # Parquet has no objects without fields, nor lists that are always empty of them
        empty = [name for name in records[0] if not any(record[name] for record in records)]
        pd.DataFrame(records).drop(columns=empty).to_parquet(path)
    return path


def loaded(folder: Path, records: list[dict], name: str = "votes.json", **options):
    return wb.load(written(folder, records, name), **options)
