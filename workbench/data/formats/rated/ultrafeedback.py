"""UltraFeedback as its authors publish it: completions that GPT-4 rated for four aspects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.nested import fields, items
from workbench.data.formats.rated.completions import Listed, translate_lists
from workbench.data.formats.rated.pairing import Rule, rule_of
from workbench.data.formats.rated.unfolded import named, spoken
from workbench.data.formats.records import Record, Unreadable
from workbench.data.formats.single import number, scalars

_ASPECTS = ("instruction_following", "truthfulness", "honesty", "helpfulness")


def translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate records of UltraFeedback.

    The mean of the aspects that are known decides (early releases had wrong overall
    scores), and each aspect is a criterion of its own. A rating of ``N/A`` is none.
    ``options["rule"]`` gives other fields of :class:`Rule`.
    """
    rule = rule_of(options.get("rule"), Rule(_ASPECTS, criteria=_ASPECTS))
    names = tuple(dict.fromkeys((*rule.columns, *rule.criteria)))

    def read(record: Record) -> Listed:
        if record.get("instruction") is None:
            raise Unreadable("no instruction")
        shared = {"annotator": "gpt-4", "kind": "llm", **spoken(record["instruction"], "prompt")}
        completions = [fields(item) for item in items(record.get("completions"))]
        aspects = [fields(completion.get("annotations")) for completion in completions]
        ratings = [{name: _rating(given.get(name)) for name in names} for given in aspects]
        return Listed(shared, [_response(completion) for completion in completions], ratings)

    return translate_lists(records, first_row, options, read, rule, _USED)


_USED = ("instruction", "completions", "models")


def _response(completion: Record) -> Record:
    used = ("response", "model")
    said = spoken(completion.get("response"), "response")
    return {**scalars(completion, used), **said, "model": named(completion.get("model"))}


def _rating(value: Any) -> float:
    # ratings are texts such as "4", or "N/A"
    return number(value.get("Rating")) if isinstance(value, dict) else number(value)


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return {"instruction", "completions"} <= set(columns) and any(
        "annotations" in fields(item)
        for record in records
        for item in items(record.get("completions"))
    )


FORMAT = Format("ultrafeedback", "UltraFeedback (rated completions)", _recognise, translate)
