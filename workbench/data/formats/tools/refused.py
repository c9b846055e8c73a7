"""Tools' files that hold no comparison: refused with the reason and the way out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.nested import fields
from workbench.errors import DataError

_PHOENIX = ("span_id", "trace_id", "annotation_name", "span_kind")

Columns = list[str]
Records = list[dict[str, Any]]


def _refusing(
    what: str, expected: str, fix: str
) -> Callable[[pa.Table, int, Mapping[str, Any]], pd.DataFrame]:
    def refuse(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
        shown = ", ".join(records.column_names[:12])
        raise DataError(what, found=f"columns {shown}", expected=expected, fix=fix)

    return refuse


def _is_batch(columns: Columns, records: Records) -> bool:
    names = set(columns)
    if "custom_id" not in names or "winner" in names or "label" in names:
        return False
    return bool(names & {"response", "result"}) or {"url", "body"} <= names


def _is_openai_evals(columns: Columns, records: Records) -> bool:
    return {"run_id", "sample_id", "type", "data"} <= set(columns)


def _is_langfuse(columns: Columns, records: Records) -> bool:
    names = set(columns)
    scores = {"traceId", "name", "source"} <= names and bool(names & {"value", "stringValue"})
    traces = {"scores", "observations"} <= names or {"scores", "htmlPath"} <= names
    return scores or traces


def _is_phoenix(columns: Columns, records: Records) -> bool:
    last = {name.rsplit(".", 1)[-1] for name in columns}
    return "annotator_kind" in last and not last.isdisjoint(_PHOENIX)


def _is_labelbox(columns: Columns, records: Records) -> bool:
    if not {"data_row", "projects"} <= set(columns):
        return False
    return any("id" in fields(record.get("data_row")) for record in records)


OPENAI_BATCH = Format(
    "batch_replies",
    "Replies of a batch API (refused: their requests are missing)",
    _is_batch,
    _refusing(
        "These are replies of a batch API: what was asked, and with it every pair, is missing.",
        "judgements of two responses",
        "Replies to requests of `workbench plan` are read by `workbench import RUN FILE`; "
        "other replies join their requests by custom_id.",
    ),
)

OPENAI_EVALS = Format(
    "openai_evals",
    "OpenAI evals log (refused: single responses)",
    _is_openai_evals,
    _refusing(
        "This is an event log of OpenAI evals: it scores single responses of one model.",
        "judgements of two responses",
        "Compare two models' responses with a judge, or write their scores of one sample as a "
        "table with one row a response.",
    ),
)

LANGFUSE = Format(
    "langfuse",
    "Langfuse export (refused: scores of single traces)",
    _is_langfuse,
    _refusing(
        "These are scores of single traces from Langfuse: nothing is compared, and the export "
        "does not say which way a score is better.",
        "two outputs for one dataset item and which one is preferred",
        "Write one row an output (dataset item, output, score) and state the rule: "
        'format="ratings", rule={"prompt": ..., "response": ..., "columns": [...]}.',
    ),
)

PHOENIX = Format(
    "phoenix",
    "Phoenix annotations (refused: labels of single spans)",
    _is_phoenix,
    _refusing(
        "These are Phoenix annotations of single spans: nothing is compared.",
        "two outputs for one example and which one is preferred",
        "Write one row an output of an experiment (example, output, score) and state the rule: "
        'format="ratings", rule={"prompt": ..., "response": ..., "columns": [...]}.',
    ),
)

LABELBOX = Format(
    "labelbox",
    "Labelbox export (refused: its choices are the project's own)",
    _is_labelbox,
    _refusing(
        "This is a Labelbox export: its answers are classifications of a project's own schema, "
        "which the file does not relate to the responses.",
        "one row a judgement: prompt, two responses, choice and annotator",
        "Write these columns as CSV or JSONL from data_row and projects, and load that.",
    ),
)
