"""AnnotatedPairs 1.0 and 2.0, the exchange format of ICAI and Feedback Forensics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.records import (
    Record,
    excerpt,
    flag,
    judgements,
    metadata,
    require,
    texts,
)

_PREFERENCES = {"a": 1.0, "b": 0.0, "text_a": 1.0, "text_b": 0.0}
_PAIR = ("source_id", "prompt", "response_a", "response_b", "model_a", "model_b", "broken")
_VOTE = ("annotator", "annotator_type", "pref", "no_pref_reason", "value")
_FIELDS = (*_PAIR, *_VOTE)

_REASONS = {"irrelevant": "not_applicable", "invalid": "failed"}
"""Reasons with a name of their own in the data model; the others stay as they are."""

_KINDS = {"human": "human", "principle": "llm", "non_preference_principle": "llm"}
"""An LLM votes by principles. Who made labels of type ``unknown`` is not recorded: they are
a data set's own labels, and taken for people's unless the option ``kind`` says otherwise."""


def records_of(document: Any) -> list[Record] | None:
    """Return one flat record per comparison and annotator, or None for another document.

    Annotators are called by their name, else their description, else their id, where that
    tells them apart. A comparison's 32-bit id is kept as ``source_id``; further fields of a
    response become ``<field>_a`` and ``<field>_b``.

    Parameters
    ----------
    document : object
        The parsed JSON, ``{"metadata", "annotators", "comparisons"}``.

    Returns
    -------
    list of dict or None
        Text fields ``source_id, prompt, response_a, response_b, model_a, model_b,
        annotator, annotator_type, pref, no_pref_reason, value`` and ``broken`` (what could
        not be read), then the comparison's metadata.

    Examples
    --------
    >>> document = {
    ...     "annotators": {"ba751e7b": {"name": "people", "type": "human"}},
    ...     "comparisons": [{
    ...         "id": "1", "prompt": "2+2?", "response_a": {"text": "4"},
    ...         "response_b": {"text": "5"}, "annotations": {"ba751e7b": {"pref": "a"}}}],
    ... }
    >>> record = records_of(document)[0]
    >>> record["annotator"], record["pref"], record["response_b"]
    ('people', 'a', '5')
    >>> records_of([1, 2]) is None
    True
    """
    if not isinstance(document, dict) or not {"annotators", "comparisons"} <= document.keys():
        return None
    annotators, comparisons = document["annotators"], document["comparisons"]
    if not isinstance(annotators, dict) or not isinstance(comparisons, list):
        return None
    known = _known(annotators)
    records: list[Record] = []
    for comparison in comparisons:
        pair = _comparison(comparison)
        votes = comparison.get("annotations") if isinstance(comparison, dict) else None
        if not isinstance(votes, dict) or not votes:
            broken = pair["broken"] or f"annotations: {excerpt(votes)}"
            records.append({**pair, "broken": broken, **_vote({}, None, None)})
            continue
        for key, vote in votes.items():
            records.append({**pair, **_vote(vote, *known.get(key, (key, None)))})
    return records


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate flat records.

    A verdict that is none keeps its ``no_pref_reason`` (``not_applicable``, ``both``,
    ``neither``, ``non_preference_annotation``); an ``invalid`` vote has ``failed``, and
    ``irrelevant``, which Feedback Forensics writes as the preference, is ``not_applicable``.
    """
    require(records, _FIELDS, "AnnotatedPairs")
    frame, left_out = metadata(records, _FIELDS)
    for name in ("source_id", "prompt", "response_a", "response_b", "model_a", "model_b"):
        frame[name] = texts(records, name)
    frame["annotator"] = texts(records, "annotator")
    kind = texts(records, "annotator_type").map(_KINDS).astype("str")
    frame["kind"] = kind.fillna(options.get("kind") or "human")
    frame["raw"] = texts(records, "value")
    given = texts(records, "pref")
    nothing = (given.isna() | (given == "irrelevant")).to_numpy()
    reason = given.where(given == "irrelevant", texts(records, "no_pref_reason"))
    reason = reason.fillna("unspecified").replace(_REASONS)
    frame["preference"] = given.map(_PREFERENCES).astype("float64")
    frame["reason"] = reason.where(nothing)
    broken = texts(records, "broken")
    flag(frame, broken.notna().to_numpy(), "unparseable", broken)
    unknown = np.isnan(frame["preference"].to_numpy()) & ~nothing
    flag(frame, unknown, "unknown label", "pref: " + given.fillna(""))
    return judgements(frame, first_row, {"columns_left_out": ", ".join(left_out)})


def _known(annotators: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    """Return name and type by the annotator's id."""
    about = {key: item if isinstance(item, dict) else {} for key, item in annotators.items()}
    wanted = {
        key: str(item.get("name") or item.get("description") or key) for key, item in about.items()
    }
    count = Counter(wanted.values())
    return {
        key: (wanted[key] if count[wanted[key]] == 1 else key, _text(item.get("type")))
        for key, item in about.items()
    }


def _comparison(comparison: Any) -> Record:
    """Return the fields of a comparison's pair, and what of it cannot be read."""
    pair: Record = dict.fromkeys(_PAIR)
    if not isinstance(comparison, dict):
        return {**pair, "broken": f"comparison: {excerpt(comparison)}"}
    extra = comparison.get("metadata")
    extra = dict(extra) if isinstance(extra, dict) else {}
    # ICAI writes the prompt column of a table into the metadata
    prompt = extra.pop("prompt", None)
    prompt = prompt if comparison.get("prompt") is None else comparison["prompt"]
    for side in ("model_a", "model_b"):
        pair[side] = _text(extra.pop(side, None))
    pair["source_id"] = _text(comparison.get("id"))
    if prompt is None or isinstance(prompt, str):
        pair["prompt"] = prompt
    else:
        pair["broken"] = f"prompt: {excerpt(prompt)}"
    pair |= {f"source_{key}" if key in _FIELDS else str(key): v for key, v in extra.items()}
    for side in "ab":
        pair |= _response(comparison.get(f"response_{side}", comparison.get(f"text_{side}")), side)
    return pair


def _response(value: Any, side: str) -> Record:
    # version 1 has the text alone
    fields = dict(value) if isinstance(value, dict) else {"text": value}
    text = fields.pop("text", None)
    if not isinstance(text, str):
        return {"broken": f"response_{side}: {excerpt(value)}"}
    if "model" in fields:
        fields["model"] = _text(fields["model"])
    named = {f"{key}_{side}": item for key, item in fields.items()}
    return {**named, f"response_{side}": text}


def _vote(vote: Any, name: str | None, kind: str | None) -> Record:
    if not isinstance(vote, dict):
        vote = {"pref": excerpt(vote)}
    fields = {key: _text(vote.get(key)) for key in ("pref", "no_pref_reason", "value")}
    return {"annotator": name, "annotator_type": kind, **fields}


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(_FIELDS) <= set(columns)


FORMAT = Format(
    "annotated_pairs",
    "AnnotatedPairs 1.0 and 2.0 (ICAI, Feedback Forensics)",
    _recognise,
    _translate,
    records_of=records_of,
)
