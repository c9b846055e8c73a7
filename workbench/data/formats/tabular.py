"""Plain tables: a verdict a row, or one in each of several columns; any number of responses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.columns import KINDS
from workbench.data.formats import Format
from workbench.data.formats.plain.answers import Answers, flag_empty
from workbench.data.formats.plain.choices import PairVerdicts
from workbench.data.formats.plain.columns import person_columns, propose
from workbench.data.formats.plain.counted import VOTES_RULE, beside, check_weights
from workbench.data.formats.plain.mapping import (
    Layout,
    Question,
    as_config,
    check_kind,
    resolve,
)
from workbench.data.formats.plain.pairs import Pairs
from workbench.data.formats.records import names
from workbench.data.formats.verdict_words import OTHERWISE

MEANT = "meant"
"""Option of a list that :func:`translate` adds to: what :func:`meanings` says of the table."""


def translate(table: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the judgements of a table.

    Parameters
    ----------
    table : pyarrow.Table
    first_row : int
    options : mapping
        ``mapping``, ``verdicts``, ``scale``, ``annotators``, ``criteria``: see
        :func:`workbench.data.formats.plain.mapping.resolve`; ``annotator`` and ``kind`` for
        files that name none; ``order="shown"`` where A was shown first in every row; and
        :data:`MEANT`.

    Raises
    ------
    DataError
        A mapped column is missing, no label or vote column is found, nothing tells one pair
        from another, or what the verdicts mean is not known.
    """
    notes: list[str] = []
    layout = _fitting(resolve(list(table.column_names), options), table, options, notes)
    pairs = Pairs(table, layout, notes)
    answers = Answers(table, layout, pairs, again=MEANT in options)
    rest = beside(table, layout.roles, options.get("order"), notes)
    parts = []
    for question in layout.questions or (None,):
        said = rest.assign(**_who(table, layout, question, options, notes))
        found = answers.counted() if question is None else answers.of(question)
        parts += [_judged(pairs, pair, said, first_row) for pair in found]
    result = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    result = _asked(result)
    notes += answers.check(result)
    check_weights(result)
    if len(parts) > 1:
        result = result.sort_values("row", kind="stable", ignore_index=True)
    if MEANT in options:
        options[MEANT].append(_meant(answers, table, layout, options))
    result.attrs = {"settings": _settings(layout, options), "notes": notes}
    return result


def meanings(table: pa.Table, options: Mapping[str, Any]) -> pd.DataFrame:
    """Return what each value of a table's labels means, with its count.

    Returns
    -------
    DataFrame
        ``column, value, count, meaning``; empty where the table counts votes or ranks.

    Examples
    --------
    >>> table = pa.table({"text_a": ["x"] * 3, "text_b": ["y"] * 3, "label": ["A", "?", "?"]})
    >>> meanings(table, {})[["count", "meaning"]].values.tolist()
    [[2, 'not read'], [1, 'A preferred']]
    """
    notes: list[str] = []
    layout = _fitting(resolve(list(table.column_names), options), table, options, notes)
    return _meant(Answers(table, layout, Pairs(table, layout, notes)), table, layout, options)


def _meant(
    answers: Answers, table: pa.Table, layout: Layout, options: Mapping[str, Any]
) -> pd.DataFrame:
    kind = _kind(table, layout, options)
    parts = [answers.meanings(each, each.kind or kind) for each in layout.questions]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _judged(pairs: Pairs, pair: PairVerdicts, rest: pd.DataFrame, first_row: int) -> pd.DataFrame:
    """Join pair, verdict and what stands beside it, a row for each judgement."""
    base = pairs.between(pair.first, pair.second).iloc[pair.rows].reset_index(drop=True)
    rest = rest.iloc[pair.rows].reset_index(drop=True)
    verdict = pair.verdicts.reset_index(drop=True)
    for column in ("reason", "strength", "raw"):
        if column in rest and column in verdict:
            # what the file says of a verdict goes before what its word does
            rest[column] = rest[column].where(rest[column].notna(), verdict[column])
    bad = base["problem"].notna()
    for column in ("problem", "found"):
        base[column] = base[column].where(bad, verdict[column])
    own = [c for c in verdict if c not in rest and c not in ("problem", "found", "side")]
    rows = pd.Series(pair.rows + first_row, dtype="int64", name="row")
    return pd.concat([rows, base, verdict[own], rest], axis=1)


def _asked(result: pd.DataFrame) -> pd.DataFrame:
    """Return the judgements with the cells marked that hold none."""
    if "missing" in result:
        flag_empty(result, result.pop("missing"), result["kind"])
    return result


def _fitting(
    layout: Layout, table: pa.Table, options: Mapping[str, Any], notes: list[str]
) -> Layout:
    """Drop a role that a column has by its name alone, where its content is another."""
    given, roles = options.get("mapping") or {}, dict(layout.roles)
    for role, known in (("kind", KINDS), ("reason", tuple(OTHERWISE))):
        if role in roles and role not in given:
            found = names(table, roles[role]).str.strip().str.casefold().dropna()
            if not found.isin(known).any():
                notes.append(f"column {roles[role]!r} names no {role}: kept as metadata")
                del roles[role]
    return replace(layout, roles=roles)


def _who(
    table: pa.Table,
    layout: Layout,
    question: Question | None,
    options: Mapping[str, Any],
    notes: list[str],
) -> dict[str, Any]:
    """Return annotator, kind and criterion of the judgements of one column of labels."""
    said: dict[str, Any] = {"kind": _kind(table, layout, options)}
    if question is not None and question.criterion is not None:
        said["criterion"] = question.criterion
    if question is not None and question.annotator is not None:
        return {**said, "annotator": question.annotator, "kind": question.kind or said["kind"]}
    name = options.get("annotator")
    if "annotator" in layout.roles:
        column = names(table, layout.roles["annotator"])
        if column.isna().any():
            called = f"named {name!r}" if name else "left unnamed"
            note = f"annotator: missing in {int(column.isna().sum()):,} rows, {called}"
            notes += [note] if note not in notes else []
        said["annotator"] = column.fillna(name) if name else column
    elif name:
        said["annotator"] = name
    return said


def _kind(table: pa.Table, layout: Layout, options: Mapping[str, Any]) -> Any:
    default = options.get("kind") or "unknown"
    check_kind(default)
    if "kind" not in layout.roles:
        return default
    column = names(table, layout.roles["kind"]).str.strip().str.casefold().fillna(default)
    for kind in column.unique():
        check_kind(kind)
    return column


def _settings(layout: Layout, options: Mapping[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {"mapping": layout.given}
    said = as_config(options)
    if said:
        settings["said"] = said
    if layout.scale is not None:
        settings["scale"] = str(layout.scale)
    if options.get("order"):
        settings["order"] = str(options["order"])
    if "votes_a" in layout.roles:
        tie = ", a tie's vote half to each side" if "votes_tie" in layout.roles else ""
        settings["votes"] = VOTES_RULE + tie
    if "rank_a" in layout.roles:
        settings["ranks"] = "the lower rank is preferred, equal ranks are a tie"
    return settings


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    found = propose(columns)
    sides = {"response_a", "response_b"} <= found.keys() or {"media_a", "media_b"} <= found.keys()
    models = {"model_a", "model_b"} <= found.keys()
    numeric = any(c.endswith("_a") and c[:-2] + "_b" in columns for c in columns)
    labels = bool({"label", "votes_a", "rank_a"} & found.keys()) or bool(person_columns(columns))
    return labels and (sides or models or numeric)


FORMAT = Format(
    "tabular", "Table with a column mapping", _recognise, translate, exchanged=True, whole=True
)
