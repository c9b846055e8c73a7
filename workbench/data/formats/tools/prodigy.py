"""Prodigy: the ``compare`` recipe, and a choice among options.

``compare`` calls the two files that it was given ``accept`` and ``reject``, whatever the
verdict; ``answer`` says which of the two was picked, and ``mapping`` which was shown first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.nested import fields, items, unpacked
from workbench.data.formats.records import Record, Unreadable, excerpt
from workbench.data.formats.single import translate
from workbench.data.formats.tools.answers import Choice, compared_by
from workbench.data.formats.tools.compared import said, text_in
from workbench.data.formats.tools.rows import plain

_SIDES = ("accept", "reject")
_PROMPT = ("input", "prompt", "text", "html", "image", "audio", "question")
_MARKS = ("_session_id", "_annotator_id", "_task_hash", "_input_hash", "_view_id", "_timestamp")
_READ = {*_SIDES, *_PROMPT, "mapping", "answer", "options", "_annotator_id", "_session_id",
         "_input_hash", "_task_hash", "id", "_is_binary", "_view_id"}  # fmt: skip
_PICKED = {"accept": 0, "reject": 1}


def _translate_compare(
    records: pa.Table, first_row: int, options: Mapping[str, Any]
) -> pd.DataFrame:
    def read(record: Record) -> Iterator[Record]:
        sides = [unpacked(record.get(name)) for name in _SIDES]
        if any(side is None for side in sides):
            raise Unreadable(f"accept, reject: {excerpt(sides)}")
        answer = record.get("answer")
        row = {**_about(record, options), **_both(sides[0], sides[1]), "raw": answer}
        if answer in _PICKED:
            yield {**row, "order_shown": _order(record), "preference": 1.0 - _PICKED[answer]}
        else:
            yield {**row, **_no_label(answer)}

    return translate(records, first_row, read, {})


def _translate_choice(
    records: pa.Table, first_row: int, options: Mapping[str, Any]
) -> pd.DataFrame:
    """Translate choices: what was accepted is preferred to every other option."""

    def read(record: Record) -> Iterator[Record]:
        offered = [fields(option) for option in items(record.get("options"))]
        if len(offered) < 2:
            raise Unreadable(f"options: {excerpt(record.get('options'))}")
        row = {**_about(record, options), "raw": _text(record.get("answer"))}
        names = [str(option.get("id", place)) for place, option in enumerate(offered)]
        chosen = [str(name) for name in items(record.get("accept"))]
        answer = record.get("answer", "accept")
        if answer != "accept" or not chosen or not set(chosen) <= set(names):
            found = answer if answer != "accept" else f"accept: {excerpt(record.get('accept'))}"
            known = answer in ("ignore", "reject") or not chosen
            yield {**row, **_both(offered[0], offered[1]), **_no_label(found, known=known)}
            return
        choice = Choice(tuple(names.index(name) for name in chosen))
        for pair in compared_by(choice, len(offered)):
            a, b = pair.pop("places")
            yield {**row, **_both(offered[a], offered[b]), **pair}

    return translate(records, first_row, read, {})


def _about(record: Record, options: Mapping[str, Any]) -> Record:
    person = record.get("_annotator_id") or record.get("_session_id")
    asked = next((record[name] for name in _PROMPT if record.get(name) is not None), None)
    inner = text_in(unpacked(asked))
    rest = {key: value for key, value in record.items() if key not in _READ}
    return {
        **plain({**fields(rest.pop("meta", None)), **rest}),
        **({} if record.get("id") is None else {"source_id": str(record["id"])}),
        **said(asked if inner is None else inner, "prompt"),
        "annotator": _text(person) or options.get("annotator"),
        "kind": options.get("kind") or "human",
    }


def _both(first: Any, second: Any) -> Record:
    sides: Record = {}
    for letter, side in (("a", first), ("b", second)):
        text = text_in(side)
        sides |= said(side if text is None else text, "response", letter)
        about = fields(side)
        about = {**fields(about.get("meta")), **about}
        sides[f"model_{letter}"] = _text(about.get("model", about.get("source")))
    return sides


def _order(record: Record) -> str | None:
    """Return whether ``accept``, which is A, was shown first."""
    first = fields(record.get("mapping")).get("A")
    return {"accept": "ab", "reject": "ba"}.get(str(first))


def _no_label(answer: Any, *, known: bool | None = None) -> Record:
    skipped = answer in ("ignore", None, "") if known is None else known
    return {
        "problem": "no judgement" if skipped else "unknown label",
        "found": f"answer: {excerpt(answer)}",
    }


def _text(value: Any) -> str | None:
    return None if value in (None, "") else str(value)


def _is_compare(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return set(columns) >= {*_SIDES, "answer"} and any(
        isinstance(unpacked(record.get("accept")), dict) for record in records
    )


def _is_choice(columns: list[str], records: list[dict[str, Any]]) -> bool:
    names = set(columns)
    return {"options", "accept", "answer"} <= names and not names.isdisjoint(_MARKS)


COMPARE = Format("prodigy", "Prodigy's compare recipe", _is_compare, _translate_compare)
CHOICE = Format("prodigy_choice", "Prodigy's choices", _is_choice, _translate_choice)
