"""Plain tables: one judgement a row, columns named by a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.columns import KINDS
from workbench.data.digests import content_digests
from workbench.data.formats import Format
from workbench.data.formats.messages import as_messages, render, to_json
from workbench.data.formats.records import excerpt, flag, judgements, metadata, names
from workbench.data.formats.verdicts import read_labels
from workbench.errors import DataError

_NAMES: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt", "instruction", "question", "query", "input", "context"),
    "response_a": ("response_a", "text_a", "output_a", "output_1", "answer_a", "answer_1",
                   "completion_a", "response_1", "response1", "response 1", "a"),
    "response_b": ("response_b", "text_b", "output_b", "output_2", "answer_b", "answer_2",
                   "completion_b", "response_2", "response2", "response 2", "b"),
    "label": ("preference", "label", "preferred", "preferred_text", "winner", "choice", "verdict",
              "vote"),
    "annotator": ("annotator", "judge", "rater", "annotator_id", "worker_id", "user_id"),
    "kind": ("annotator_kind", "kind"),
    "model_a": ("model_a", "generator_1", "model_1"),
    "model_b": ("model_b", "generator_2", "model_2"),
    "scenario": ("scenario", "category", "subset", "domain", "task"),
    "cluster": ("cluster", "session", "session_id", "group_id", "prompt_id", "question_id"),
    "order_shown": ("order_shown",),
    "strength": ("strength", "margin"),
    "weight": ("weight", "n_votes"),
    "replicate": ("replicate", "repeat"),
    "reason": ("reason",),
    "raw": ("raw", "raw_reply"),
    "id": ("pair_id", "id", "index", "item_id", "item"),
    "votes_a": ("votes_a", "n_a", "count_a"),
    "votes_b": ("votes_b", "n_b", "count_b"),
    "votes_tie": ("votes_tie", "n_tie", "count_tie"),
}  # fmt: skip
"""By role, the column names that are taken for it without a mapping, best first."""

ROLES = (*_NAMES, "labels", "annotators")
"""What a mapping may name: a column for each role; ``labels``, the meaning of label
values; ``annotators``, a label column and kind for each annotator."""

_TEXT = ("prompt", "response_a", "response_b")
_NAMED = ("model_a", "model_b", "scenario", "cluster")


def propose(columns: list[str]) -> dict[str, str]:
    """Return a column for each role that the columns' names suggest.

    Examples
    --------
    >>> propose(["instruction", "output_1", "output_2", "winner"])["label"]
    'winner'
    """
    lower = {column.lower(): column for column in columns}
    mapping: dict[str, str] = {}
    for role, known in _NAMES.items():
        chosen = next((lower[name] for name in known if name in lower), None)
        if chosen is not None and chosen not in mapping.values():
            mapping[role] = chosen
    return mapping


def translate(table: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the judgements of a table.

    Parameters
    ----------
    table : pyarrow.Table
    first_row : int
    options : mapping
        ``mapping`` (see :data:`ROLES`; roles not named are proposed by column name),
        ``annotator`` and ``kind`` for files that name none.

    Raises
    ------
    DataError
        A mapped column is missing, no label or vote column is found, or nothing tells
        one pair from another.
    """
    mapping = resolve(list(table.column_names), options.get("mapping"))
    wide = mapping.get("annotators", {})
    used = list(dict.fromkeys([*(mapping[r] for r in mapping if r in _NAMES), *wide]))
    frame = table.select(used).to_pandas()
    base, notes = _pairs(table, frame, mapping, used)
    if wide:
        verdicts = [
            read_labels(frame[column], mapping.get("labels")).assign(annotator=column, kind=kind)
            for column, kind in wide.items()
        ]
    elif "votes_a" in mapping:
        verdicts = [_votes(frame, mapping)]
    else:
        verdicts = [read_labels(frame[mapping["label"]], mapping.get("labels"))]
    notes += list(dict.fromkeys(note for part in verdicts for note in part.attrs.get("notes", [])))
    rest = _rest(frame, mapping, notes)
    if not wide:
        rest["annotator"] = _annotator(table, mapping, options, notes)
        rest["kind"] = _kind(table, mapping, options)
    parts = [judgements(_beside(base, verdict, rest), first_row) for verdict in verdicts]
    result = parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)
    if wide:
        result = _asked(result, frame[list(wide)], notes)
    _check_weights(result)
    result.attrs = {"settings": _settings(mapping), "notes": notes}
    return result


def resolve(columns: list[str], mapping: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the mapping in force: the user's, and proposals for what it leaves open.

    A role that the user maps to None has no column, whatever the columns are called.
    """
    given = dict(mapping or {})
    user = {role: value for role, value in given.items() if value is not None}
    wide = user.get("annotators", {})
    if not isinstance(wide, Mapping):
        raise DataError(
            "The mapping of annotators is no mapping.",
            found=excerpt(wide),
            expected="a label column and a kind for each annotator",
            fix='For example mapping={"annotators": {"ann": "human", "gpt": "llm"}}.',
        )
    for kind in wide.values():
        _check_kind(kind)
    unknown = [role for role in user if role not in ROLES]
    named = [user[role] for role in user if role in _NAMES] + list(wide)
    missing = [column for column in named if column not in columns]
    if unknown or missing:
        raise DataError(
            f"The mapping names an unknown {'role' if unknown else 'column'}.",
            found=repr((unknown or missing)[0]),
            expected=", ".join(ROLES if unknown else columns),
            fix="Correct the mapping; see the columns of the file with workbench.preview.",
        )
    taken = set(named)
    proposed = {r: c for r, c in propose(columns).items() if c not in taken and r not in given}
    result = {**proposed, **user}
    both = not wide and {"votes_a", "votes_b"} <= result.keys()
    votes = both and ("label" not in user or "votes_a" in user)
    dropped = ["label"] if votes else ["votes_a", "votes_b", "votes_tie"]
    for role in ("label", "annotator", "kind", *dropped) if wide else dropped:
        result.pop(role, None)
    if not {"label", "annotators", "votes_a"} & result.keys():
        raise DataError(
            "No column holds the labels.",
            found=", ".join(columns),
            expected="a column such as label, preference, winner; or votes_a and votes_b",
            fix='Name it: mapping={"label": "<column>"} (--map label=<column>).',
        )
    return result


def _pairs(
    table: pa.Table, frame: pd.DataFrame, mapping: dict[str, Any], used: list[str]
) -> tuple[pd.DataFrame, list[str]]:
    """Return text, models and metadata of the pairs, and notes on the latter."""
    extra, lost = metadata(table, used)
    extra = extra.rename(columns={"": "unnamed"}).apply(_as_numbers)
    notes = []
    if len(extra.columns):
        notes.append("columns kept as metadata: " + ", ".join(map(str, extra.columns)))
    if lost:
        notes.append("columns not kept, lists of nested values: " + ", ".join(lost))
    roles: dict[str, pd.Series] = {}
    for role in (r for r in _TEXT if r in mapping):
        roles[role], messages = _chats(frame[mapping[role]])
        if messages.notna().any():
            roles[f"{role}_messages"] = messages
    roles.update({r: names(table, mapping[r]) for r in _NAMED if r in mapping})
    if "id" in mapping:
        roles["source_id"] = names(table, mapping["id"])
        if not any(r in mapping for r in _TEXT) and roles["source_id"].notna().all():
            # without text the file's own id is what says that two rows are one pair
            roles["pair_id"] = content_digests([roles["source_id"]])
    if not roles and not len(extra.columns):
        raise DataError(
            "Nothing tells one pair from another.",
            found="columns " + ", ".join(table.column_names),
            expected="responses, an id, or columns that describe the pair",
            fix='Name them: mapping={"response_a": ..., "response_b": ...} or {"id": ...}.',
        )
    base = extra.drop(columns=[r for r in roles if r in extra]).assign(**roles)
    return base, notes


def _as_numbers(column: pd.Series) -> pd.Series:
    """Read text as numbers where all of it is; codes such as 007 stay as they are."""
    if not pd.api.types.is_string_dtype(column.dtype) or not column.notna().any():
        return column
    numbers = pd.to_numeric(column, errors="coerce")
    same = (numbers.notna() == column.notna()).all()
    return numbers if same and not column.str.match(r"\s*[+-]?0\d").any() else column


def _texts(column: pd.Series) -> pd.Series:
    return _chats(column)[0]


def _chats(column: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Return a column as text, and the chat messages that it holds as their JSON.

    Numbers are written out. Nested data that are no messages have no reading as a text:
    the row is left out as empty.
    """
    if pd.api.types.is_string_dtype(column.dtype):
        return column, pd.Series([None] * len(column), dtype="str", index=column.index)

    def one(value: Any) -> tuple[str | None, str | None]:
        value = value.tolist() if isinstance(value, np.ndarray) else value
        messages = as_messages(value)
        if messages is not None:
            return render(messages), to_json(messages)
        nothing = isinstance(value, list | dict) or pd.isna(value)
        return None if nothing else str(value), None

    texts, messages = zip(*map(one, column), strict=True) if len(column) else ((), ())
    return (
        pd.Series(texts, dtype="str", index=column.index),
        pd.Series(messages, dtype="str", index=column.index),
    )


def _votes(frame: pd.DataFrame, mapping: dict[str, Any]) -> pd.DataFrame:
    """Return one soft label a row: the share of votes for A, a tie's vote half to each."""
    sides = [s for s in ("votes_a", "votes_b", "votes_tie") if s in mapping]
    counts = {s: pd.to_numeric(frame[mapping[s]], errors="coerce").astype("float64") for s in sides}
    ties = counts.get("votes_tie", pd.Series(0.0, index=frame.index)).fillna(0.0)
    a, b, tie = (c.to_numpy() for c in (counts["votes_a"], counts["votes_b"], ties))
    total = a + b + tie
    usable = np.isfinite(total) & (total > 0) & (a >= 0) & (b >= 0) & (tie >= 0)
    share = np.full(len(frame), np.nan)
    np.divide(a + tie / 2, total, out=share, where=usable)
    nothing = pd.Series([None] * len(frame), dtype="str")
    shown = frame[[mapping[s] for s in sides]].astype("str").fillna("nothing")
    return pd.DataFrame(
        {
            "preference": share,
            "weight": np.where(usable, total, 1.0),
            "reason": nothing.mask(share == 0.5, "tie").array,
            "problem": nothing.mask(~usable, "unknown label").array,
            "found": ("votes " + shown.agg(", ".join, axis=1)).where(~usable).array
            if not usable.all()
            else nothing.array,
        }
    )


def _rest(frame: pd.DataFrame, mapping: dict[str, Any], notes: list[str]) -> pd.DataFrame:
    """Return order, strength, weight, replicate, reason and raw reply where the file has them."""
    rest = pd.DataFrame(index=frame.index)
    for role in ("reason", "raw"):
        if role in mapping:
            rest[role] = _texts(frame[mapping[role]])
    if "order_shown" in mapping:
        order = _texts(frame[mapping["order_shown"]]).str.strip().str.lower()
        rest["order_shown"] = order.where(order.isin(["ab", "ba"]))
        _note_lost(order, rest["order_shown"], "order_shown", "neither ab nor ba", notes)
    for role in ("strength", "weight", "replicate"):
        if role not in mapping or (role == "weight" and "votes_a" in mapping):
            continue
        numbers = pd.to_numeric(frame[mapping[role]], errors="coerce").astype("float64")
        if role == "weight":
            # text instead of a weight is marked, an open one counts once
            numbers = numbers.where(numbers.notna() | frame[mapping[role]].isna(), -np.inf)
        elif role == "replicate" and not (numbers == numbers.round()).all():
            notes.append("replicate: not all are whole numbers; numbered in file order instead")
            continue
        else:
            _note_lost(frame[mapping[role]], numbers, role, "no number", notes)
        rest[role] = numbers
    return rest


def _note_lost(before: pd.Series, after: pd.Series, role: str, what: str, notes: list[str]) -> None:
    lost = before.notna() & after.isna()
    if lost.any():
        example = excerpt(before[lost].iloc[0])
        notes.append(f"{role}: left open in {int(lost.sum()):,} rows, {what} (such as {example})")


def _beside(base: pd.DataFrame, verdict: pd.DataFrame, rest: pd.DataFrame) -> pd.DataFrame:
    """Join the columns; a reason that the file gives goes before that of the label."""
    if "reason" in rest:
        rest = rest.assign(reason=rest["reason"].where(rest["reason"].notna(), verdict["reason"]))
    return pd.concat([base, verdict.drop(columns=[c for c in verdict if c in rest]), rest], axis=1)


def _asked(result: pd.DataFrame, cells: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Keep the judgements of cells that hold something: an empty one was not asked for."""
    given = cells.notna().to_numpy().T.ravel()
    if not given.all():
        notes.append(f"{int((~given).sum()):,} empty cells of annotators' columns: no judgements")
    return result[given].reset_index(drop=True)


def _check_weights(result: pd.DataFrame) -> None:
    if "weight" in result:
        weight = result["weight"]
        bad = (~(weight > 0) & weight.notna()) | np.isinf(weight)
        shown = "weight " + weight.astype("str").replace("-inf", "that is no number")
        flag(result, bad.to_numpy(), "unparseable", shown)


def _settings(mapping: dict[str, Any]) -> dict[str, Any]:
    settings: dict[str, Any] = {"mapping": dict(mapping)}
    if "votes_a" in mapping:
        settings["votes"] = "share of votes for A, weight = number of votes"
        if "votes_tie" in mapping:
            settings["votes"] += ", a tie's vote half to each side"
    return settings


def _annotator(
    table: pa.Table, mapping: dict[str, Any], options: Mapping[str, Any], notes: list[str]
) -> Any:
    default = options.get("annotator") or "annotator"
    if "annotator" not in mapping:
        return default
    column = names(table, mapping["annotator"])
    if column.isna().any():
        notes.append(f"annotator: missing in {int(column.isna().sum()):,} rows, named {default!r}")
    return column.fillna(default)


def _kind(table: pa.Table, mapping: dict[str, Any], options: Mapping[str, Any]) -> Any:
    default = options.get("kind") or "human"
    _check_kind(default)
    if "kind" not in mapping:
        return default
    column = names(table, mapping["kind"]).fillna(default)
    for kind in column.unique():
        _check_kind(kind)
    return column


def _check_kind(kind: Any) -> None:
    if kind not in KINDS:
        raise DataError(
            "Unknown kind of annotator.",
            found=excerpt(kind),
            expected=", ".join(KINDS),
            fix="Name one of these kinds, or leave the column open with kind=None in the mapping.",
        )


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    found = propose(columns)
    sides = {"response_a", "response_b"} <= found.keys()
    numeric = any(c.endswith("_a") and c[:-2] + "_b" in columns for c in columns)
    labels = "label" in found or {"votes_a", "votes_b"} <= found.keys()
    return labels and (sides or numeric)


FORMAT = Format("tabular", "Table with a column mapping", _recognise, translate, whole=True)
