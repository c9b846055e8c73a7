"""Objects that count the wins of each model, a record an instruction (CoBBLEr)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.battles.compared import by_number, nobody, table
from workbench.data.formats.single import number
from workbench.errors import DataError

_MEANINGS = {"wins": False, "ranks": True}
_NO_MODELS = {
    "age", "clarity", "coherence", "complexity", "conciseness", "correctness", "creativity",
    "depth", "fluency", "harmlessness", "helpfulness", "honesty", "index", "label", "length",
    "n", "overall", "preference", "quality", "rank", "rating", "relevance", "row", "safety",
    "score", "tokens", "truthfulness", "verbosity", "votes", "winner", "year",
}  # fmt: skip


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate counts of wins: of two models the one with more of them is preferred.

    Another file of the same study holds ranks instead, where the lower number is the better,
    and a file does not say which it is. Numbers that can be no ranking are wins; where all
    records could be rankings, ``rule={"numbers": "wins"}`` or ``"ranks"`` must say it.
    """
    models = records.column_names
    lists = [[number(record[m]) for m in models] for record in records.to_pylist()]
    meaning = _meaning(lists, options.get("rule"))
    rows = []
    for row, numbers in enumerate(lists, start=first_row):
        items = [{"model": m, "number": x} for m, x in zip(models, numbers, strict=True)]
        pairs = list(by_number(items, numbers, lower_is_better=_MEANINGS[meaning]))
        item = f"row {row}"
        rows += [{"row": row, "item": item, "cluster": item, **pair} for pair in pairs] or [
            nobody(row, "numbers of fewer than two models")
        ]
    common = {
        "annotator": options.get("annotator") or "judge",
        "kind": options.get("kind") or "unknown",
    }
    better = "lower" if _MEANINGS[meaning] else "higher"
    frame = table([{**common, **row} for row in rows], records, first_row, models, {
        "rule": f"columns are models, numbers their {meaning}: the {better} one is preferred",
    })  # fmt: skip
    frame.attrs["notes"] = [
        f"columns taken for models and numbers for their {meaning} ({better} is better); "
        "who judged is not in the file: name it with annotator= and kind="
    ]
    return frame


def _meaning(lists: list[list[float]], rule: Any) -> str:
    said = (rule or {}).get("numbers")
    if said in _MEANINGS:
        return str(said)
    if said is None and not all(_is_ranking(numbers) for numbers in lists):
        return "wins"
    raise DataError(
        "The numbers of the models may be wins or ranks: the file does not say which is better.",
        found=f"rule {rule!r}" if said else "every record could be a ranking of its models",
        expected="wins (higher is better) or ranks (lower is better)",
        fix='Say it: workbench.load(path, rule={"numbers": "wins"}), or "ranks".',
    )


def _is_ranking(numbers: list[float]) -> bool:
    """Tell whether numbers could rank: each one counts those before it, in some convention."""
    known = sorted(x for x in numbers if x == x)
    if not known or known[0] not in (0, 1):
        return False
    dense = {x: i for i, x in enumerate(dict.fromkeys(known))}
    by_rule = (
        [float(dense[x]) for x in known],
        [float(known.index(x)) for x in known],
        [float(len(known) - 1 - known[::-1].index(x)) for x in known],
    )
    return [x - known[0] for x in known] in by_rule[:2] or known in by_rule


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    """Recognise tables of nothing but counts: of both orders no model wins more than all."""
    k = len(columns)
    if k < 3 or not records or {c.lower() for c in columns} & _NO_MODELS:
        return False
    if any(column.lower().endswith(("_a", "_b", "_id")) for column in columns):
        return False
    return all(_are_counts([record.get(c) for c in columns]) for record in records)


def _are_counts(values: list[Any]) -> bool:
    counts, k = [number(value) for value in values], len(values)
    if not all(x >= 0 and x.is_integer() for x in counts):
        return False
    return max(counts) <= 2 * (k - 1) and 0 < sum(counts) <= k * (k - 1)


FORMAT = Format(
    "win_counts", "Wins of each model, a record an instruction", _recognise, _translate, whole=True
)
