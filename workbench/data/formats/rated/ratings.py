"""Rated responses, one a row: HelpSteer, Prometheus' feedback, your own long table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.formats import Format
from workbench.data.formats.rated import ultrafeedback
from workbench.data.formats.rated.long_tables import (
    NEXT_SITTING,
    LongTable,
    column_of,
    group_keys,
    groups_of,
    layout_of,
    ratings_in,
)
from workbench.data.formats.rated.pairing import Items, Rule, paired, recorded, rule_of
from workbench.data.formats.rated.unfolded import beside, spoken_column
from workbench.data.formats.records import metadata, names
from workbench.errors import DataError

_PLAIN = LongTable((), Rule(("helpfulness",)))


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate all records at once: rows that belong together must not be cut in two.

    ``options["rule"]`` gives the fields of :class:`Rule`. By default HelpSteer is decided by
    helpfulness; correctness and coherence are further criteria.
    """
    if "completions" in records.column_names:
        return ultrafeedback.translate(records, first_row, options)
    columns = list(records.column_names)
    layout = layout_of(columns, records.slice(0, 100).to_pylist()) or _PLAIN
    rule = rule_of(options.get("rule"), layout.rule)
    _check(columns, rule)
    if rule.group != layout.rule.group:
        layout = replace(layout, in_twos=False)
    elif not layout.needs:
        rule = replace(rule, group=group_keys(records))
    layout = replace(layout, rule=rule)
    seed = int(options.get("seed") or 0)
    items, how, left_out, broken = _items(records, layout, first_row, options)
    frame = paired(items, rule, seed)
    if len(broken):
        frame = pd.concat([frame, broken], ignore_index=True)
    frame.attrs["settings"] = recorded(rule, seed, left_out) | {"rated together": how}
    frame.attrs["notes"] = _notes(rule, how)
    return frame


def _check(columns: list[str], rule: Rule) -> None:
    wanted = [rule.prompt, rule.response, *rule.columns, *rule.criteria, *rule.group]
    missing = [column for column in wanted if column not in columns]
    if missing:
        raise DataError(
            f"There is no column {missing[0]!r} to make pairs of ratings.",
            found=", ".join(columns),
            expected=", ".join(dict.fromkeys(wanted)),
            fix="Name the columns in the rule.",
        )


def _items(
    records: pa.Table, layout: LongTable, first_row: int, options: Mapping[str, Any]
) -> tuple[Items, str, list[str], pd.DataFrame]:
    """Return the rows as rated responses, how they were grouped, and what was not read."""
    rule, columns = layout.rule, list(records.column_names)
    prompt, no_prompt = spoken_column(records, rule.prompt, "prompt")
    said, no_response = spoken_column(records, rule.response, "response")
    person, writer = column_of(columns, "annotator"), column_of(columns, "model")
    annotator = None if person is None else names(records, person)
    model = None if writer is None else names(records, writer)
    rated = [*dict.fromkeys((*rule.columns, *rule.criteria))]
    ratings = pd.DataFrame({name: ratings_in(records, name) for name in rated})
    codes, how = groups_of(records, layout, prompt["prompt"], annotator, model, said["response"])
    used = {rule.prompt, rule.response, person, writer, layout.criterion, *rated}
    extra, left_out = metadata(records, {name for name in used if name is not None})
    same = [name for name in extra if _is_shared(extra[name], codes)]
    shared = beside(extra[same], prompt)
    shared["annotator"] = _annotator(annotator, layout, options)
    shared["kind"] = options.get("kind") or layout.kind
    if layout.criterion is not None:
        shared["criterion"] = names(records, layout.criterion)
    if rule.group and not layout.needs:
        keys = [names(records, name) for name in rule.group]
        # of keys that were found the first is the widest: a conversation before its turns
        wide = keys[:1] if not options.get("rule") else keys
        shared["cluster"] = pd.concat(wide, axis=1).fillna("").agg(" ".join, axis=1)
    sides = beside(extra.drop(columns=same), said)
    if model is not None:
        sides["model"] = model
    rows = np.arange(len(records), dtype="int64") + first_row
    good = ~(no_prompt | no_response)
    broken = pd.DataFrame({"row": rows[~good], "problem": "unparseable", "found": "nested values"})
    parts = (codes[good], rows[good], shared[good], sides[good], ratings[good])
    return Items(*parts), how, left_out, broken


def _annotator(column: pd.Series | None, layout: LongTable, options: Mapping[str, Any]) -> Any:
    default = options.get("annotator") or layout.annotator
    if column is None:
        return pd.Series([default], dtype="str").iloc[0] if default else None
    return column if default is None else column.fillna(default)


def _is_shared(column: pd.Series, codes: NDArray[np.int64]) -> bool:
    """Tell whether the rows of each group agree on a column: it is not of one response."""
    return bool((column.groupby(codes).nunique(dropna=False) <= 1).all())


def _notes(rule: Rule, how: str) -> list[str]:
    notes = []
    better = "lower" if rule.lower else "higher"
    notes.append(f"of {', '.join(rule.columns)} the {better} is preferred")
    if how.startswith("neighbouring"):
        notes.append(
            "the file names no group: neighbouring rows with one prompt are taken as rated "
            'together; rule={"group": ["<column>"]} says otherwise'
        )
    if how.endswith(NEXT_SITTING):
        notes.append(f"{NEXT_SITTING}: it is not compared with itself")
    return notes


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return layout_of(columns, records) is not None


FORMAT = Format(
    "ratings",
    "Rated responses, one a row (HelpSteer, Prometheus' feedback, long table)",
    _recognise,
    _translate,
    whole=True,
)
