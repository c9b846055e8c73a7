"""The data of preference dissection: resolved annotations, and the published data set."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.dataset import PreferenceData
from workbench.data.dissection_ratings import FACTS, PROPERTY_NAMES, canonical, written_facts
from workbench.data.formats import Format
from workbench.data.formats.messages import whole_text
from workbench.data.formats.rated.dissection_records import as_object, compared, rated
from workbench.data.formats.records import RESERVED, Record, Unreadable, excerpt
from workbench.data.formats.verdicts import VERDICTS

_PUBLISHED = {"query", "response_1", "response_2", "preference_labels"}
_RESOLVED = {"query_info", "comparison"}
_USED = {
    *_PUBLISHED, *_RESOLVED, "source", "prompt", "response_a", "response_b", "model_a", "model_b",
    "winner", "scenario", "group", "scenario_auto-j", "scenario_group", "id",
    "gpt-4-turbo_reference", "gpt4_ref_output", "response_a word", "response_b word",
    *(f"{block}_response_{k}" for block in ("basic", "errors", "query-specific") for k in "12"),
}  # fmt: skip
_VERDICTS = {**VERDICTS, "response_1": VERDICTS["a"], "response_2": VERDICTS["b"]}
_UNCODED = {
    "transform": "difference", "standardise": False, "threshold": 0.0, "scale": 1.0,
    "reverse": False, "unit": 1.0,
}  # fmt: skip


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate records of either layout: a pair and the label of each judge.

    Response 1 is A. The judge ``human`` is a person, the others are models. Their prompts'
    order is not recorded: models were asked in both orders and their scores summed. The
    facts of the query, ratings of each side as ``<property>_a`` and ``<property>_b``, the
    file's own comparisons, and whatever else is text or a number are kept with the pair.
    """
    nested: dict[str, None] = {}
    pairs: list[Record] = []
    labels: list[Record] = []
    for row, record in enumerate(records.to_pylist(), start=first_row):
        try:
            record = _flat(record)
            pair = _rest(record, nested) | _pair(record)
            votes = list(_votes(record, options))
        except Unreadable as trouble:
            pair, votes = {}, [{"problem": "unparseable", "found": trouble.found}]
        labels += [{"row": row, "place": len(pairs), **vote} for vote in votes]
        pairs.append(pair)
    frame = pd.DataFrame.from_records(pairs, index=range(len(pairs)))
    for fact in set(FACTS) & set(frame):
        frame[fact] = written_facts(frame[fact])
    votes_frame = pd.DataFrame.from_records(labels)
    columns = ("row", "place", "annotator", "kind", "preference", "reason", "problem", "found")
    for name in columns:
        if name not in votes_frame:
            votes_frame[name] = None
    place = votes_frame.pop("place").to_numpy("int64")
    joined = pd.concat([frame.take(place).reset_index(drop=True), votes_frame], axis=1)
    joined.attrs["settings"] = {"columns_left_out": ", ".join(nested)} if nested else {}
    return joined


def _flat(record: Record) -> Record:
    """Return a record with the fields of a nested source row beside the others."""
    source = record.get("source")
    return {**source, **record} if isinstance(source, Mapping) else record


def _pair(record: Record) -> Record:
    pair: Record = {"prompt": _text(record, "query", "prompt")}
    for side, number in (("a", "1"), ("b", "2")):
        response = record.get(f"response_{number}")
        if isinstance(response, Mapping):
            pair[f"response_{side}"] = _text(response, "content")
            pair[f"model_{side}"] = _name(response.get("model"))
        else:
            pair[f"response_{side}"] = _text(record, f"response_{side}")
            pair[f"model_{side}"] = _name(record.get(f"model_{side}"))
    published = "query" in record
    pair["scenario"] = _name(record.get("scenario_group" if published else "group"))
    pair["scenario_auto_j"] = _name(record.get("scenario_auto-j" if published else "scenario"))
    pair["reference"] = _name(record.get("gpt-4-turbo_reference", record.get("gpt4_ref_output")))
    pair["source_id"] = _name(record.get("id"))
    info = as_object(record.get("query_info")) or record
    for key, value in info.items():
        name = canonical(key)
        if name in FACTS:
            pair[name] = value
    comparison = as_object(record.get("comparison"))
    return pair | rated({**record, "comparison": comparison}) | compared(comparison)


def _rest(record: Record, nested: dict[str, None]) -> Record:
    """Return what else is text or a number, and note the names of what is neither."""
    rest: Record = {}
    for key, value in record.items():
        if key in _USED or canonical(key) in FACTS or value is None:
            continue
        if not isinstance(value, str | int | float):
            nested[key] = None
            continue
        taken = key in RESERVED or canonical(re.sub("_[ab]$", "", key)) is not None
        name = f"source_{key}" if taken else key
        rest[name] = whole_text(value) if isinstance(value, str) else float(value)
    return rest


def _votes(record: Record, options: Mapping[str, Any]) -> Iterator[Record]:
    given = as_object(record.get("preference_labels"))
    judges = {str(name): value for name, value in given.items() if value is not None}
    judged = [(name, "human" if name == "human" else "llm", v) for name, v in judges.items()]
    if "human" not in given and record.get("winner") is not None:
        # the arena's voters, whom the file does not name
        person = str(options.get("annotator") or "human")
        judged.insert(0, (person, str(options.get("kind") or "human"), record["winner"]))
    if not judged:
        yield {"problem": "unknown label", "found": "no judge's label"}
    for name, kind, value in judged:
        vote: Record = {"annotator": name, "kind": kind}
        known = _VERDICTS.get(value.strip().lower()) if isinstance(value, str) else None
        if known is None:
            vote |= {"problem": "unknown label", "found": f"{name}: {excerpt(value)}"}
        else:
            vote["preference"], vote["reason"] = known
        yield vote


def _text(record: Mapping[str, Any], *names: str) -> str:
    value = next((record[name] for name in names if record.get(name) is not None), None)
    if not isinstance(value, str):
        raise Unreadable(f"{names[-1]}: {excerpt(value)}")
    return whole_text(value)


def _name(value: Any) -> str | None:
    return whole_text(str(value)) if isinstance(value, str | int | float) else None


def _finish(data: PreferenceData) -> PreferenceData:
    """Make factors of the comparisons that the file holds, and count the unchecked pairs."""
    names = [name for name in PROPERTY_NAMES if name in data.pairs]
    if not names:
        return data
    factors = data.pairs[names].astype("float64")
    values = pd.DataFrame(index=factors.index)
    for name in names:
        for side in "ab":
            kept = f"{'repetitive' if name == 'non-repetitive' else name}_{side}"
            given = data.pairs.get(kept, np.nan)
            values[f"{name}_{side}"] = pd.Series(given, index=factors.index, dtype="float64")
    specs = {
        name: {
            "name": name,
            "meaning": f"The file's own comparison of the responses: {name}.",
            "family": "dissection",
            "scale": "score",
            "coding": dict(_UNCODED),
            "source": "column",
        }
        for name in names
    }
    report = data.load_report
    missing = int(factors.isna().any(axis=1).sum())
    if report is not None and missing:
        note = f"{missing:,} pairs lack a comparison (errors not checked, say): no fit uses them"
        report = replace(report, notes=(*report.notes, note))
    rest = replace(data, pairs=data.pairs.drop(columns=names), load_report=report)
    return rest.with_factors(factors, values, specs)


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    have = set(columns)
    return have >= _PUBLISHED or have >= _RESOLVED


FORMAT = Format(
    "dissection",
    "Preference dissection (Li et al. 2024)",
    _recognise,
    _translate,
    finish=_finish,
)
