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
from workbench.data.formats.rated.unfolded import Judged, beside, spoken, unfolded
from workbench.data.formats.records import Record, Unreadable, excerpt, metadata, with_columns
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
            pair[f"model_{side}"] = summary.get("policy")
            pair[f"note_{side}"] = summary.get("note")
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
    rows = records.to_pylist()
    summaries = [fields(row.get("summary")) for row in rows]
    axes = [fields(summary.get("axes")) for summary in summaries]
    ratings = pd.DataFrame.from_records(
        [{name: number(given.get(name)) for name in _AXES} for given in axes],
        index=range(len(rows)),
    )
    used = [name for name in _AXES if ratings[name].notna().any()]
    others = tuple(name for name in used if name != "overall")
    rule = rule_of(options.get("rule"), Rule(("overall",), criteria=others))
    shared = pd.DataFrame([{**_post(row), **_worker(row, options)} for row in rows])
    sides = pd.DataFrame(
        [
            {**spoken(s.get("text"), "response"), "model": s.get("policy"), "note": s.get("note")}
            for s in summaries
        ]
    )
    extra, left_out = metadata(records, _RATED)
    shared = beside(extra, shared)
    seed = int(options.get("seed") or 0)
    numbers = np.arange(len(rows), dtype="int64") + first_row
    ratings = ratings[list(dict.fromkeys(("overall", *used)))]
    frame = paired(Items(_together(shared, sides), numbers, shared, sides, ratings), rule, seed)
    with_columns(frame, ("problem", "found"))
    frame.attrs["settings"] = recorded(rule, seed, left_out)
    frame.attrs["settings"]["rated together"] = "summaries of one post by one worker"
    return frame


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
        **{name: info.get(name) for name in _ABOUT},
        "scenario": info.get("subreddit") or info.get("site"),
        "cluster": None if info.get("id") is None else str(info["id"]),
    }


def _worker(record: Record, options: Mapping[str, Any]) -> Record:
    return {
        "annotator": record.get("worker") or options.get("annotator"),
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
