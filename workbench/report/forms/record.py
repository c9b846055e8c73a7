"""The JSON of a report: its published schema, and files that are read by it."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from workbench.errors import DataError

_SHOWN = 5
"""Faults that a message names."""


@cache
def schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of ``report.json``, in the package beside this room.

    Examples
    --------
    >>> schema()["properties"]["schema_version"]
    {'const': 2}
    """
    text = files("workbench.report").joinpath("schema.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


def check_record(record: Any, where: str | None = None) -> dict[str, Any]:
    """Return a record that holds to the schema.

    Raises
    ------
    DataError
        It does not; the message names the first places.

    Examples
    --------
    >>> check_record({})
    Traceback (most recent call last):
    ...
    workbench.errors.DataError: This is no report of schema version 2.
      found: /: 'schema_version' is a required property; /: 'title' is a required property; ...
    """
    from jsonschema import Draft202012Validator

    faults = sorted(Draft202012Validator(schema()).iter_errors(record), key=lambda e: e.json_path)
    if not faults:
        return dict(record)
    shown = [
        f"/{'/'.join(map(str, fault.absolute_path))}: {fault.message[:120]}" for fault in faults
    ]
    more = len(shown) - _SHOWN
    raise DataError(
        "This is no report of schema version 2.",
        where=where,
        found="; ".join(shown[:_SHOWN]) + (f"; and {more} more" if more > 0 else ""),
        expected="what workbench/report/schema.json says",
        fix="Make the report again with this version of the workbench, and compare its JSON file.",
    )


def read_record(source: str | Path | bytes, where: str | None = None) -> dict[str, Any]:
    """Read the JSON of a report, from a file or as bytes, and check it.

    Raises
    ------
    DataError
        It cannot be read, is no JSON, or does not hold to the schema.
    """
    where = where or (None if isinstance(source, bytes) else str(source))
    try:
        raw = source if isinstance(source, bytes) else Path(source).read_bytes()
        record = json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse)
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            "The report's JSON cannot be read.",
            where=where,
            found=_words(error),
            expected="a report.json",
            fix="Name the JSON file that stands beside a report.",
        ) from None
    return check_record(record, where)


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error)[:200] or type(error).__name__


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
