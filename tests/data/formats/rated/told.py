"""What a reader says of records, without the sides it gave them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from workbench.data.formats.registry import FORMATS, get_format
from workbench.data.reading.containers import open_container
from workbench.data.reading.record_tables import table_of


def recognised(columns: list[str], records: list[dict[str, Any]]) -> str | None:
    formats = (get_format(name) for name in FORMATS)
    return next(
        (f.name for f in formats if f.records_of is None and f.recognise(columns, records)), None
    )


def judged(records: list[dict[str, Any]], name: str | None = None, **options: Any) -> pd.DataFrame:
    """Return the judgements of records, in the format given or recognised."""
    table = table_of(records)[0]
    found = name or recognised(table.column_names, table.slice(0, 100).to_pylist())
    assert found is not None
    return each_criterion(get_format(found).translate(table, 1, options))


def each_criterion(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each criterion: translations have further ones in columns beside."""
    parts = [frame]
    for name in [c for c in frame if c.startswith("preference[")]:
        criterion = name[len("preference[") : -1]
        more = frame[frame[name].notna()]
        parts.append(
            more.assign(
                criterion=criterion,
                preference=more[name],
                reason=pd.Series("tie", more.index, dtype="str").where(more[name] == 0.5),
                strength=more.get(f"strength[{criterion}]"),
            )
        )
    joined = pd.concat(parts, ignore_index=True)
    joined.attrs = frame.attrs
    return joined


def judged_file(path: Path, **options: Any) -> tuple[str | None, pd.DataFrame]:
    container = open_container(path)
    found = recognised(container.columns, container.head())
    assert found is not None, f"{path.name} is not recognised"
    return found, each_criterion(get_format(found).translate(container.table, 1, options))


def kept(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["problem"].isna()]


def preferred(frame: pd.DataFrame, *beside: str) -> list[tuple]:
    """Return the better and the worse response of each judgement, sorted ones of a tie."""
    rows = []
    for row in kept(frame).to_dict("records"):
        a, b = row["response_a"], row["response_b"]
        if row["preference"] == 0.5:
            said = ("tie", *sorted((a, b)))
        else:
            said = (a, b) if row["preference"] > 0.5 else (b, a)
        rows.append((*said, *(row[name] for name in beside)))
    return sorted(rows, key=str)


def problems(frame: pd.DataFrame) -> dict[str, int]:
    return frame["problem"].dropna().value_counts().to_dict()
