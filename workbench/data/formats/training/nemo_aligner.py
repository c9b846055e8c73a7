"""NeMo-Aligner's lines of text: two lines are a pair, the good one before the bad one.

Such a file cannot be told from any other lines of text, so it is read where its name is
given (``format="nemo_aligner"``) and only then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.records import Record, excerpt, require, values, with_columns
from workbench.data.formats.training.trl import UNSAID, settings_of, shuffled
from workbench.errors import DataError

_TURN = re.compile(
    r"(?:<extra_id_1>|<\|im_start\|>|<\|start_header_id\|>)?\b(?:assistant|bot|model)\b"
    r"(?:<\|end_header_id\|>)?:?\s",
    re.IGNORECASE,
)


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    require(records, ("text",), "NeMo-Aligner's comparisons")
    lines = values(records, "text")
    rows = [{"row": first_row + at, **_pair(lines[at : at + 2])} for at in range(0, len(lines), 2)]
    sides = pd.DataFrame.from_records(rows)
    sides = with_columns(sides, ("prompt", "chosen", "rejected", "problem", "found"))
    for name in ("prompt", "chosen", "rejected", "problem", "found"):
        sides[name] = sides[name].astype("str")
    seed = int(options.get("seed") or 0)
    frame = shuffled(sides, seed)
    frame["annotator"] = options.get("annotator") or UNSAID.annotator
    frame["kind"] = options.get("kind") or UNSAID.kind
    frame.attrs["settings"] = settings_of(seed, [])
    return frame


def _pair(lines: list[Any]) -> Record:
    if len(lines) < 2:
        return {"problem": "unparseable", "found": f"a line without its pair: {excerpt(lines[0])}"}
    good, bad = lines
    if not isinstance(good, str) or not isinstance(bad, str):
        return {
            "problem": "unparseable",
            "found": f"text: {excerpt(bad if isinstance(good, str) else good)}",
        }
    end = _end_of_prompt(good, bad)
    return {"prompt": good[:end].strip() or None, "chosen": good[end:], "rejected": bad[end:]}


def _end_of_prompt(good: str, bad: str) -> int:
    """Return where the answers begin: after the last turn's mark that both lines share."""
    shared = next((i for i, (x, y) in enumerate(zip(good, bad, strict=False)) if x != y), None)
    shared = min(len(good), len(bad)) if shared is None else shared
    marks = [found.end() for found in _TURN.finditer(good, 0, shared)]
    if marks:
        return marks[-1]
    return max(good.rfind(space, 0, shared) for space in (" ", "\n")) + 1


def _refuse(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    raise DataError(
        "The file holds lines of text and nothing that says which is preferred.",
        found="the one column text",
        expected="two responses and a verdict, or the name of a layout of text lines",
        fix="If each two lines are a pair, the good one before the bad one (NeMo-Aligner), say so: "
        'format="nemo_aligner" (--format nemo_aligner).',
    )


def _is_named_only(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return False


def _is_text_lines(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return columns == ["text"]


FORMAT = Format(
    "nemo_aligner",
    "NeMo-Aligner comparisons (by name only)",
    _is_named_only,
    _translate,
    whole=True,
)
TEXT_LINES = Format("text-lines", "Lines of text (refused)", _is_text_lines, _refuse)
