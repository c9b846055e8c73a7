"""AnnotatedPairs 1.0 and 2.0, the exchange format of ICAI and Feedback Forensics."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.records import Record, Unreadable, excerpt, scalars
from workbench.errors import DataError

_PREFERENCES = {"a": 1.0, "b": 0.0, "text_a": 1.0, "text_b": 0.0}

_KINDS = {
    "human": "human",
    "unknown": "human",
    "principle": "llm",
    "non_preference_principle": "llm",
}
"""Principles are votes of an LLM; the origin of ``unknown`` labels is not recorded."""


def read_document(
    document: Any, _: Mapping[str, Any]
) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Return pairs and judgements of a document, or None where it is another document.

    Parameters
    ----------
    document : object
        The parsed JSON.

    Notes
    -----
    The ids of the format have 32 bits and collide in large sets: pairs get our own ids, the
    old ones stay in the column ``source_id``.
    """
    if not isinstance(document, dict) or not {"annotators", "comparisons"} <= document.keys():
        return None
    annotators, comparisons = document["annotators"], document["comparisons"]
    if not isinstance(annotators, dict) or not isinstance(comparisons, list):
        return None
    names, kinds = _names(annotators), _kinds(annotators)
    pairs: list[Record] = []
    judgements: list[Record] = []
    for row, comparison in enumerate(comparisons, start=1):
        try:
            pairs.append(_pair(comparison))
            annotations = comparison.get("annotations")
            if not isinstance(annotations, dict):
                raise Unreadable(f"annotations: {excerpt(annotations)}")
        except Unreadable as trouble:
            pairs.append({})
            judgements.append(_lost(row, trouble))
            continue
        for key, annotation in annotations.items():
            label = {"annotator": names.get(key, key), "kind": kinds.get(key, "human")}
            try:
                judgements.append({"row": row, "pair": row - 1, **label, **_verdict(annotation)})
            except Unreadable as trouble:
                judgements.append({**_lost(row, trouble), **label})
    return pd.DataFrame(pairs), pd.DataFrame(judgements)


def _lost(row: int, trouble: Unreadable) -> Record:
    return {"row": row, "pair": row - 1, "problem": trouble.problem, "found": trouble.found}


def _pair(comparison: Any) -> Record:
    if not isinstance(comparison, dict):
        raise Unreadable(comparison)
    metadata = comparison.get("metadata")
    metadata = dict(metadata) if isinstance(metadata, dict) else {}
    prompt = comparison.get("prompt")
    if prompt is None:
        # ICAI writes the prompt column of a CSV into the metadata
        prompt = metadata.pop("prompt", None)
    return {
        **scalars(metadata, ()),
        **_response(comparison, "a"),
        **_response(comparison, "b"),
        "source_id": excerpt(comparison.get("id")),
        "prompt": prompt if isinstance(prompt, str) else None,
    }


def _kinds(annotators: dict[str, Any]) -> dict[str, str]:
    return {
        key: _KINDS.get(str(about.get("type")), "human") if isinstance(about, dict) else "human"
        for key, about in annotators.items()
    }


def _names(annotators: dict[str, Any]) -> dict[str, str]:
    """Name annotators by name or description where that is unique, else by their id."""
    wanted = {}
    for key, about in annotators.items():
        about = about if isinstance(about, dict) else {}
        wanted[key] = str(about.get("name") or about.get("description") or key)
    count = Counter(wanted.values())
    return {key: name if count[name] == 1 else key for key, name in wanted.items()}


def _response(comparison: Record, side: str) -> Record:
    value = comparison.get(f"response_{side}", comparison.get(f"text_{side}"))
    if isinstance(value, str):
        return {f"response_{side}": value}
    if not isinstance(value, dict) or not isinstance(value.get("text"), str):
        raise Unreadable(f"response_{side}: {excerpt(value)}")
    extra = {f"{key}_{side}": item for key, item in scalars(value, ("text",)).items()}
    return {f"response_{side}": value["text"], **extra}


def _verdict(annotation: Any) -> Record:
    if not isinstance(annotation, dict):
        raise Unreadable(annotation)
    preference = annotation.get("pref")
    if preference in _PREFERENCES:
        return {"preference": _PREFERENCES[preference], "reason": None}
    if preference == "irrelevant":
        return {"preference": math.nan, "reason": "not_applicable"}
    if preference is None:
        reason = annotation.get("no_pref_reason")
        return {"preference": math.nan, "reason": str(reason) if reason else "no verdict"}
    raise Unreadable(f"pref: {excerpt(preference)}", "unknown label")


def _refuse(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    raise DataError(
        "The file is no AnnotatedPairs document.",
        found="columns " + ", ".join(records.column_names[:8]),
        expected="a JSON object with annotators and comparisons",
        fix="Leave format out to have it recognised by content.",
    )


FORMAT = Format(
    "annotated_pairs",
    "AnnotatedPairs 1.0 and 2.0 (ICAI, Feedback Forensics)",
    lambda columns, records: False,
    _refuse,
    document=read_document,
)
