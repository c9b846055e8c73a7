"""Learning to summarize from human feedback: comparisons, and ratings along axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.formats import Format
from workbench.data.formats.nested import fields, items
from workbench.data.formats.rated.long_tables import codes_of, rounds
from workbench.data.formats.rated.pairing import Items, Rule, paired, recorded, rule_of
from workbench.data.formats.rated.unfolded import Judged, beside, named, spoken, unfolded
from workbench.data.formats.records import Record, Unreadable, excerpt, metadata
from workbench.data.formats.single import number

_COMPARED = {"info", "summaries", "choice", "worker"}
_RATED = {"info", "summary", "worker"}
_AXES = ("overall", "accuracy", "coverage", "coherence", "compatible")
_ABOUT = ("title", "subreddit", "site")


def _comparisons(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate comparisons: ``choice`` is the index of the better summary, 0 or 1."""

    def read(record: Record) -> list[Judged]:
        both = [fields(summary) for summary in items(record.get("summaries"))]
        if len(both) != 2:
            raise Unreadable(record.get("summaries"))
        pair = _post(record)
        for side, summary in zip("ab", both, strict=True):
            pair |= spoken(summary.get("text"), f"response_{side}")
            pair[f"model_{side}"] = named(summary.get("policy"))
            pair[f"note_{side}"] = named(summary.get("note"))
        choice = number(record.get("choice"))
        label: Record = {**_worker(record, options)}
        if choice in (0, 1):
            label["preference"] = 1 - choice
            label["strength"] = number(fields(record.get("extra")).get("confidence"))
        else:
            label["problem"] = "no judgement" if choice != choice else "unknown label"
            label["found"] = f"choice: {excerpt(record.get('choice'))}"
        return [Judged(pair, [label])]

    return unfolded(records, first_row, read, _COMPARED | {"extra"})


def _axes(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate ratings of summaries: pairs of those of one post by one worker.

    The rating overall decides, and each other axis is a criterion of its own.
    """
    rated: list[tuple[int, Record, Record, dict[str, float]]] = []
    broken: list[Record] = []
    for place, record in enumerate(records.to_pylist()):
        try:
            rated.append((place, *_one(record, options)))
        except Unreadable as trouble:
            row = place + first_row
            broken.append({"row": row, "problem": "unparseable", "found": trouble.found})
    index = range(len(rated))
    places = np.array([place for place, *_ in rated], dtype="int64")
    extra, left_out = metadata(records, _RATED)
    shared = beside(
        extra.iloc[places], pd.DataFrame.from_records([s for _, s, *_ in rated], index=index)
    )
    sides = pd.DataFrame.from_records([side for *_, side, _ in rated], index=index)
    ratings = pd.DataFrame([given for *_, given in rated], index=index, columns=_AXES)
    others = tuple(name for name in _AXES[1:] if ratings[name].notna().any())
    rule = rule_of(options.get("rule"), Rule(("overall",), criteria=others))
    seed = int(options.get("seed") or 0)
    codes = _together(shared, sides) if rated else places
    used = ratings[["overall", *others]].astype("float64")
    frame = paired(Items(codes, places + first_row, shared, sides, used), rule, seed)
    frame = pd.concat([frame, pd.DataFrame(broken)], ignore_index=True) if broken else frame
    frame.attrs["settings"] = recorded(rule, seed, left_out)
    frame.attrs["settings"]["rated together"] = "summaries of one post by one worker"
    return frame


def _one(record: Record, options: Mapping[str, Any]) -> tuple[Record, Record, dict[str, float]]:
    """Return what a rated summary shares with others, its own, and its ratings."""
    summary = fields(record.get("summary"))
    axes = fields(summary.get("axes"))
    side = {
        **spoken(summary.get("text"), "response"),
        "model": named(summary.get("policy")),
        "note": named(summary.get("note")),
    }
    ratings = {name: number(axes.get(name)) for name in _AXES}
    return {**_post(record), **_worker(record, options)}, side, ratings


def _together(shared: pd.DataFrame, sides: pd.DataFrame) -> NDArray[np.int64]:
    """Return which summaries belong together; one that a worker rates again starts a round."""
    codes = codes_of({name: shared[name] for name in ("cluster", "prompt", "annotator")})
    again = rounds(codes, sides["model"], sides["response"])
    return codes_of({"post": pd.Series(codes), "round": again})


def _post(record: Record) -> Record:
    info = fields(record.get("info"))
    text = info.get("post") if info.get("post") is not None else info.get("article")
    return {
        **spoken(text, "prompt"),
        **{name: named(info.get(name)) for name in _ABOUT},
        "scenario": named(info.get("subreddit")) or named(info.get("site")),
        "cluster": named(info.get("id")),
    }


def _worker(record: Record, options: Mapping[str, Any]) -> Record:
    return {
        "annotator": named(record.get("worker")) or options.get("annotator"),
        "kind": options.get("kind") or "human",
    }


def _recognise_comparisons(columns: list[str], _: list[dict[str, Any]]) -> bool:
    return set(columns) >= _COMPARED


def _recognise_axes(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(columns) >= _RATED and any("axes" in fields(r.get("summary")) for r in records)


COMPARISONS = Format(
    "summarize_comparisons", "Summaries compared by people", _recognise_comparisons, _comparisons
)
AXES = Format("summarize_axes", "Summaries rated along axes", _recognise_axes, _axes, whole=True)
