"""Reading files of fitted weights: entries, one weight a row, and what cannot be used."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.data.dissection_ratings import PROPERTY_NAMES
from workbench.data.reading.files import Reading, mixed_encodings, open_bytes
from workbench.decompose.design import POSITION
from workbench.decompose.weights import SEPARATOR
from workbench.errors import DataError
from workbench.factors.dissection_subsets import CASES, SCENARIOS

QUERY_CASES = tuple(CASES)
"""The 5 kinds of query that preference dissection fits beside them; they overlap the scenarios."""

ALL = "all"
"""Scenario of weights that were fitted on everything."""

_ENDINGS = (".jsonl", ".json", ".csv")
_WRAPPING = re.compile(r"^model_|_fitted_paras$")
_NUMBERS = ("std_error", "conf_low", "conf_high")


def _plain(name: str) -> str:
    return re.sub(r"[\s_]+", " ", name).strip().lower()


_KNOWN = {_plain(name): name for name in (*SCENARIOS, *QUERY_CASES)}


@dataclass
class FitRows:
    """Weights as they stand in files, and what was left out."""

    weights: list[dict[str, Any]] = field(default_factory=list)
    exclusions: list[dict[str, Any]] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)

    def leave_out(
        self, file: str, row: int, annotator: str | None, scenario: str | None, reason: str
    ) -> None:
        """Record what cannot be used, and why."""
        self.exclusions.append(
            {
                "file": file,
                "row": row,
                "annotator": annotator,
                "scenario": scenario,
                "reason": reason,
            }
        )


def subset_name(path: Path) -> str:
    """Return the subset that a file of fits is of, by its name.

    Examples
    --------
    >>> subset_name(Path("model_Creative Writing_fitted_paras.jsonl"))
    'Creative Writing'
    >>> subset_name(Path("Unsafe_Queries.jsonl")), subset_name(Path("mine.jsonl"))
    ('Unsafe Queries', 'mine')
    """
    stem = _WRAPPING.sub("", path.name.split(".jsonl")[0].split(".json")[0])
    return _KNOWN.get(_plain(stem), stem)


def fit_files(source: str | Path | Sequence[str | Path]) -> list[Path]:
    """Return the files that a folder, a file or a list of them stands for, sorted.

    Raises
    ------
    DataError
        One is not there, or is of a kind that holds no weights.
    """
    given = [source] if isinstance(source, (str, Path)) else list(source)
    files: list[Path] = []
    for path in map(Path, given):
        if path.is_dir():
            files += [p for p in path.iterdir() if p.suffix.lower() in _ENDINGS and p.is_file()]
        elif path.is_file() and path.suffix.lower() in _ENDINGS:
            files.append(path)
        else:
            raise DataError(
                "There are no weights to read here.",
                where=str(path),
                found="a file of another kind" if path.exists() else "nothing of this name",
                expected=f"a folder, or files that end in {', '.join(_ENDINGS)}",
                fix="Check the path.",
            )
    return sorted(set(files), key=lambda p: (p.name, str(p)))


def read_rows(files: Sequence[Path], terms: Sequence[str] | None) -> FitRows:
    """Read every weight of the files.

    Parameters
    ----------
    files : sequence of Path
    terms : sequence of str, optional
        Names of the values of an entry that gives a bare list of them; the 29 properties of
        preference dissection when None.

    Returns
    -------
    FitRows
        ``terms`` in order: those given, or the properties where an entry needs them, or the
        names that the files give.
    """
    rows = FitRows()
    names = list(PROPERTY_NAMES if terms is None else terms)
    bare = False
    for path in files:
        for row, entry in _entries(path, rows):
            if isinstance(entry, dict) and "parameters" in entry:
                bare = True
                _add_entry(rows, path, row, entry, names)
            elif isinstance(entry, dict) and {"term", "estimate"} <= entry.keys():
                _add_weight(rows, path, row, entry)
            else:
                reason = "holds no weights: neither model_name and parameters, nor term, estimate"
                rows.leave_out(path.name, row, None, None, reason)
    named = list(dict.fromkeys(weight["term"] for weight in rows.weights))
    rows.terms = names if terms is not None or bare else named
    _drop_unknown(rows)
    return rows


def _entries(path: Path, rows: FitRows) -> Iterator[tuple[int, Any]]:
    with Reading(path), open_bytes(path) as stream:
        content = stream.read()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise mixed_encodings(path.name, error) from error
    if path.suffix.lower() == ".csv":
        yield from enumerate(csv.DictReader(io.StringIO(text, newline="")), 2)
    elif path.suffix.lower() == ".jsonl":
        for row, line in enumerate(text.split("\n"), 1):
            if line.strip():
                yield from ((row, entry) for entry in _parsed(line, path, row, rows))
    else:
        for whole in _parsed(text, path, 1, rows):
            if isinstance(whole, dict) and isinstance(whole.get("tables"), dict):
                # what to_dict() of a result wrote: its first table holds the estimates
                whole = next(iter(whole["tables"].values()), [])
            yield from enumerate(whole if isinstance(whole, list) else [whole], 1)


def _parsed(text: str, path: Path, row: int, rows: FitRows) -> list[Any]:
    try:
        return [json.loads(text)]
    except ValueError as error:
        rows.leave_out(path.name, row, None, None, f"not JSON: {error}")
        return []


def _add_entry(
    rows: FitRows, path: Path, row: int, entry: dict[str, Any], terms: list[str]
) -> None:
    name = entry.get("model_name", entry.get("annotator"))
    values = entry["parameters"]
    scenario = subset_name(path)
    if not isinstance(name, str) or not name.strip():
        rows.leave_out(path.name, row, None, scenario, "no model_name")
    elif not isinstance(values, list):
        rows.leave_out(path.name, row, name, scenario, "parameters are not a list")
    elif len(values) != len(terms):
        reason = f"weights that do not match: {len(values)} values for {len(terms)} terms"
        rows.leave_out(path.name, row, name, scenario, reason)
    else:
        place = {"file": path.name, "row": row, "annotator": name, "scenario": scenario}
        rows.weights += [
            {**place, "term": term, **_estimate(value), "n": 0}
            for term, value in zip(terms, values, strict=True)
        ]


def _add_weight(rows: FitRows, path: Path, row: int, entry: dict[str, Any]) -> None:
    if entry["term"] == POSITION:
        return
    annotator, scenario = _names(entry)
    if not annotator or not isinstance(entry["term"], str) or not entry["term"]:
        rows.leave_out(path.name, row, annotator, scenario, "no annotator, group or term")
        return
    found = _estimate(entry["estimate"])
    if not math.isfinite(found["estimate"]) and isinstance(entry.get("reason"), str):
        found["reason"] = entry["reason"] or found["reason"]
    n = _number(entry.get("n"))
    rows.weights.append(
        {
            "file": path.name,
            "row": row,
            "annotator": annotator,
            "scenario": scenario,
            "term": entry["term"],
            **found,
            "n": int(n) if math.isfinite(n) and n > 0 else 0,
            **{name: _number(entry.get(name)) for name in _NUMBERS},
        }
    )


def _names(entry: dict[str, Any]) -> tuple[str | None, str]:
    annotator = entry.get("annotator") or entry.get("kind")
    scenario = entry.get("scenario")
    if not annotator and entry.get("group"):
        parts = str(entry["group"]).split(SEPARATOR, 1)
        annotator = parts[0]
        scenario = scenario or (parts[1] if len(parts) > 1 else None)
    return (str(annotator) if annotator else None), str(scenario) if scenario else ALL


def _estimate(value: object) -> dict[str, Any]:
    number = _number(value)
    missing = value is None or value == ""
    reason = "no value given" if missing else f"not a finite number: {str(value)[:40]!r}"
    return {"estimate": number, "reason": None if math.isfinite(number) else reason}


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return math.nan
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def _drop_unknown(rows: FitRows) -> None:
    known = set(rows.terms)
    kept = [weight for weight in rows.weights if weight["term"] in known]
    for weight in rows.weights:
        if weight["term"] not in known:
            reason = f"weights that do not match: the term {weight['term']!r} is not among them"
            rows.leave_out(
                weight["file"], weight["row"], weight["annotator"], weight["scenario"], reason
            )
    rows.weights = kept
