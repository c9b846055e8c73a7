"""Rated responses turned into pairs by a recorded rule: UltraFeedback, HelpSteer, your own."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.orientation import SHUFFLE_RULE, chosen_is_a
from workbench.data.formats.records import Record, Unreadable, excerpt
from workbench.data.formats.single import number, scalars, translate
from workbench.errors import DataError

_HELPSTEER = ("helpfulness", "correctness", "coherence", "complexity", "verbosity")
_ULTRAFEEDBACK = ("instruction_following", "truthfulness", "honesty", "helpfulness")


@dataclass(frozen=True)
class Rule:
    """How the ratings of a prompt's responses become preferences.

    Attributes
    ----------
    prompt, response : str
        Columns of a long table with one response a row.
    columns : tuple of str
        Ratings whose mean decides; the higher one is preferred, equal means are a tie.
        The mean is over these columns where all are known.
    pairs : str
        ``all`` pairs of a prompt's responses, or ``best-worst`` only.
    """

    columns: tuple[str, ...]
    prompt: str = "prompt"
    response: str = "response"
    pairs: str = "all"


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate all records at once: rows of one prompt must not be cut in two.

    ``options["rule"]`` gives the fields of :class:`Rule`. By default UltraFeedback is
    decided by the mean of its four aspects (early releases had wrong overall scores) and
    HelpSteer by helpfulness.
    """
    names = records.column_names
    nested = "completions" in names
    rule = _rule(names, options.get("rule"), nested)
    seed = int(options.get("seed", 0))
    common = {
        "annotator": options.get("annotator") or "ratings",
        "kind": options.get("kind") or ("llm" if nested else "human"),
    }

    def read(record: Record) -> list[Record]:
        items = _completions(record, rule) if nested else _rows(record, rule)
        pairs = _pairs(items, rule)
        if not pairs:
            raise Unreadable(f"{len(items)} rated responses of one prompt")
        return [{**common, **_judgement(a, b, rule, seed)} for a, b in pairs]

    table, numbers = (records, None) if nested else _grouped(records, rule, first_row)
    settings = {"rule": asdict(rule), "shuffle_seed": seed, "shuffle_rule": SHUFFLE_RULE}
    frame = translate(table, first_row, read, settings)
    if numbers is not None:
        frame["row"] = [numbers[row - first_row] for row in frame["row"]]
    return frame


def _rule(names: list[str], rule: Mapping[str, Any] | None, nested: bool) -> Rule:
    given = dict(rule or {})
    if "columns" not in given:
        given["columns"] = _ULTRAFEEDBACK if nested else ("helpfulness",)
    given["columns"] = tuple(given["columns"])
    unknown = given.keys() - Rule.__dataclass_fields__.keys()
    if unknown or given.get("pairs", "all") not in ("all", "best-worst"):
        raise DataError(
            "The rule for ratings is not understood.",
            found=", ".join(sorted(unknown)) or repr(given["pairs"]),
            expected="columns, prompt, response, and pairs as 'all' or 'best-worst'",
            fix='For example rule={"columns": ["helpfulness"], "pairs": "all"}.',
        )
    result = Rule(**given)
    wanted = [] if nested else [result.prompt, result.response, *result.columns]
    missing = [column for column in wanted if column not in names]
    if missing:
        raise DataError(
            f"There is no column {missing[0]!r} to make pairs of ratings.",
            found=", ".join(names),
            expected=", ".join(wanted),
            fix="Name the columns in the rule.",
        )
    return result


def _grouped(records: pa.Table, rule: Rule, first_row: int) -> tuple[pa.Table, list[int]]:
    """Return one record a prompt with its rows as a list, and the first row's number."""
    groups: dict[str, list[Record]] = {}
    first: dict[str, int] = {}
    for row, record in enumerate(records.to_pylist(), start=first_row):
        prompt = record[rule.prompt]
        key = prompt if isinstance(prompt, str) else f"\0{row}"
        groups.setdefault(key, []).append(record)
        first.setdefault(key, row)
    table = pa.table({"rows": pa.array(list(groups.values()))})
    return table, list(first.values())


def _completions(record: Record, rule: Rule) -> list[Record]:
    completions = record.get("completions")
    if not isinstance(record.get("instruction"), str) or not isinstance(completions, list):
        raise Unreadable(completions)
    items = []
    for completion in completions:
        completion = completion if isinstance(completion, dict) else {}
        aspects = completion.get("annotations")
        aspects = aspects if isinstance(aspects, dict) else {}
        ratings = {name: _rating(aspects.get(name)) for name in rule.columns}
        items.append(
            {
                "prompt": record["instruction"],
                "response": completion.get("response"),
                "model": completion.get("model"),
                "ratings": ratings,
                "extra": scalars(record, ("instruction", "completions")),
            }
        )
    return items


def _rating(value: Any) -> float:
    # ratings are texts such as "4", or "N/A"
    return number(value.get("Rating")) if isinstance(value, dict) else number(value)


def _rows(record: Record, rule: Rule) -> list[Record]:
    return [
        {
            "prompt": row[rule.prompt],
            "response": row[rule.response],
            "model": row.get("model"),
            "ratings": {
                name: number(value)
                for name, value in row.items()
                if name in rule.columns or (name in _HELPSTEER and value is not None)
            },
            "extra": {},
        }
        for row in record["rows"]
    ]


def _pairs(items: list[Record], rule: Rule) -> Iterable[tuple[Record, Record]]:
    for item in items:
        values = [item["ratings"].get(name, math.nan) for name in rule.columns]
        item["score"] = sum(values) / len(values)
    rated = [i for i in items if isinstance(i["response"], str) and math.isfinite(i["score"])]
    if rule.pairs == "best-worst":
        ordered = sorted(rated, key=lambda item: item["score"])
        return [(ordered[-1], ordered[0])] if len(ordered) > 1 else []
    return list(itertools.combinations(rated, 2))


def _judgement(first: Record, second: Record, rule: Rule, seed: int) -> Record:
    prompt = first["prompt"]
    if not isinstance(prompt, str):
        raise Unreadable(f"{rule.prompt}: {excerpt(prompt)}")
    a, b = first, second
    if not chosen_is_a(prompt, a["response"], b["response"], seed):
        a, b = b, a
    difference = a["score"] - b["score"]
    result: Record = {
        **first["extra"],
        "prompt": prompt,
        "preference": 0.5 if difference == 0 else float(difference > 0),
        "reason": "tie" if difference == 0 else None,
        "strength": abs(difference),
    }
    for side, item in (("a", a), ("b", b)):
        result[f"response_{side}"] = item["response"]
        result[f"model_{side}"] = item["model"]
        result.update({f"{name}_{side}": value for name, value in item["ratings"].items()})
    return result


def _recognise(columns: list[str], _: list[dict[str, Any]]) -> bool:
    have = set(columns)
    return {"instruction", "completions"} <= have or {"prompt", "response", *_HELPSTEER} <= have


FORMAT = Format(
    "ratings",
    "Rated responses (UltraFeedback, HelpSteer, long table)",
    _recognise,
    _translate,
    whole=True,
)
