"""Plain tables: one judgement a row, columns named by a mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.dataset import KINDS
from workbench.data.formats import Format
from workbench.data.formats.messages import as_messages
from workbench.data.formats.records import excerpt
from workbench.errors import DataError

_NAMES: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt", "instruction", "question", "query", "input", "context"),
    "response_a": ("response_a", "text_a", "output_a", "output_1", "answer_a", "answer_1",
                   "completion_a", "response_1", "response1", "a"),
    "response_b": ("response_b", "text_b", "output_b", "output_2", "answer_b", "answer_2",
                   "completion_b", "response_2", "response2", "b"),
    "label": ("preference", "label", "preferred", "preferred_text", "winner", "choice", "verdict",
              "vote"),
    "annotator": ("annotator", "judge", "rater", "annotator_id", "worker_id", "user_id"),
    "kind": ("annotator_kind", "kind"),
    "model_a": ("model_a", "generator_1", "model_1"),
    "model_b": ("model_b", "generator_2", "model_2"),
    "scenario": ("scenario", "category", "subset", "domain", "task"),
    "cluster": ("cluster", "session", "session_id", "group_id"),
    "order_shown": ("order_shown",),
    "strength": ("strength", "margin"),
    "weight": ("weight", "n_votes"),
    "replicate": ("replicate", "repeat"),
    "reason": ("reason",),
    "raw": ("raw", "raw_reply"),
    "id": ("pair_id", "id", "index", "item_id", "item"),
    "votes_a": ("votes_a", "n_a", "count_a"),
    "votes_b": ("votes_b", "n_b", "count_b"),
}  # fmt: skip
"""By role, the column names that are taken for it without a mapping, best first."""

_TEXT_LABELS = {
    1.0: ("a", "model_a", "response_a", "text_a", "output_a", "first", "left", "1.0", "true"),
    0.0: ("b", "model_b", "response_b", "text_b", "output_b", "second", "right", "0.0", "false"),
}
_TIES = ("tie", "both", "draw", "equal", "same", "c", "0.5")
_BOTH_BAD = ("both_bad", "bothbad", "both bad", "tie (bothbad)", "neither")
_NOTHING = ("not_applicable", "not applicable", "n/a", "na", "none")
_FAILED = ("failed", "invalid", "error", "", "nan", "null")

VERDICTS: dict[str, tuple[float, str | None]] = {
    **{label: (value, None) for value, labels in _TEXT_LABELS.items() for label in labels},
    **dict.fromkeys(_TIES, (0.5, "tie")),
    **dict.fromkeys(_BOTH_BAD, (0.5, "both_bad")),
    **dict.fromkeys(_NOTHING, (np.nan, "not_applicable")),
    **dict.fromkeys(_FAILED, (np.nan, "failed")),
}
"""Label texts (lower case) that are understood without a mapping."""

_TARGETS = {"a": (1.0, None), "b": (0.0, None), "tie": (0.5, "tie"),
            "both_bad": (0.5, "both_bad"), "not_applicable": (np.nan, "not_applicable"),
            "failed": (np.nan, "failed")}  # fmt: skip
"""What a mapping of labels may name."""

ROLES = (*_NAMES, "labels", "annotators")
"""What a mapping may name: a column for each role; ``labels``, the meaning of label
values; ``annotators``, a label column and kind for each annotator."""


def propose(columns: list[str]) -> dict[str, str]:
    """Return a column for each role that the columns' names suggest.

    Examples
    --------
    >>> propose(["instruction", "output_1", "output_2", "winner"])["label"]
    'winner'
    """
    lower = {column.lower(): column for column in columns}
    mapping: dict[str, str] = {}
    for role, names in _NAMES.items():
        chosen = next((lower[name] for name in names if name in lower), None)
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
        A mapped column is missing, or no label or vote column is found.
    """
    mapping = resolve(list(table.column_names), options.get("mapping"))
    frame = table.to_pandas()
    rows = pd.RangeIndex(first_row, first_row + len(frame))
    base = _pair_columns(frame, mapping).assign(row=rows)
    if "annotators" in mapping:
        result = _wide(frame, base, mapping)
    else:
        verdicts = _votes(frame, mapping) if "votes_a" in mapping else _labels(frame, mapping)
        result = pd.concat([base, verdicts], axis=1)
        result["annotator"] = _annotator(frame, mapping, options)
        result["kind"] = _kind(frame, mapping, options)
    result = _optional(frame, result, mapping)
    shown = {k: v for k, v in mapping.items() if k != "annotators"}
    result.attrs["settings"] = {"mapping": {**shown, **_wide_settings(mapping)}}
    if "votes_a" in mapping:
        result.attrs["settings"]["votes"] = "share of votes for A, weight = number of votes"
    return result


def resolve(columns: list[str], mapping: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the mapping in force: the user's, and proposals for what it leaves open.

    A role that the user maps to None has no column, whatever the columns are called.
    """
    given = dict(mapping or {})
    user = {role: value for role, value in given.items() if value is not None}
    unknown = [role for role in user if role not in ROLES]
    named = [user[role] for role in user if role in _NAMES] + list(user.get("annotators", {}))
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
    if "annotators" in user:
        result.pop("label", None)
    if not {"label", "annotators"} & result.keys() and not {"votes_a", "votes_b"} <= result.keys():
        raise DataError(
            "No column holds the labels.",
            found=", ".join(columns),
            expected="a column such as label, preference, winner; or votes_a and votes_b",
            fix='Name it: mapping={"label": "<column>"} (--map label=<column>).',
        )
    return result


def _pair_columns(frame: pd.DataFrame, mapping: dict[str, Any]) -> pd.DataFrame:
    """Return text, models and metadata of the pairs; message lists beside their text."""
    roles = ("prompt", "response_a", "response_b", "model_a", "model_b", "scenario", "cluster")
    used = {mapping[r] for r in mapping if r in _NAMES} | set(mapping.get("annotators", {}))
    result = frame[[c for c in frame.columns if c not in used]].copy()
    for column in result.columns:
        result[column] = _plain(result[column])
    for role in roles:
        if role in mapping:
            result[role] = frame[mapping[role]]
    for role in ("prompt", "response_a", "response_b"):
        if role in result and not pd.api.types.is_string_dtype(result[role].dtype):
            result[role] = _texts(result[role])
    if "id" in mapping:
        result["source_id"] = _as_str(frame[mapping["id"]])
    return result


def _texts(column: pd.Series) -> pd.Series:
    """Read a column that is not all text: chat messages are rendered, numbers written."""
    from workbench.data.formats.messages import render

    def one(value: Any) -> str | None:
        if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
            return None
        if isinstance(value, np.ndarray):
            value = value.tolist()
        messages = as_messages(value)
        if messages is not None:
            return render(messages)
        if isinstance(value, (list, dict)):
            # nested data where a text should be has no reading: the row is left out
            return ""
        return str(value)

    return pd.Series([one(value) for value in column], index=column.index, dtype="str")


def _plain(column: pd.Series) -> pd.Series:
    """Return metadata as numbers where all of it is numeric, nested values as text."""
    if pd.api.types.is_string_dtype(column.dtype):
        numbers = pd.to_numeric(column, errors="coerce")
        return (
            numbers
            if column.notna().any() and (numbers.notna() == column.notna()).all()
            else column
        )
    return column.map(excerpt).astype("str") if column.dtype == object else column


def _labels(frame: pd.DataFrame, mapping: dict[str, Any]) -> pd.DataFrame:
    return read_labels(frame[mapping["label"]], mapping.get("labels"))


def read_labels(column: pd.Series, labels: Mapping[str, str] | None) -> pd.DataFrame:
    """Return ``preference, reason, problem, found`` of a column of labels.

    Parameters
    ----------
    column : Series
        Texts of :data:`VERDICTS`, flags, or numbers in [0, 1]: P(A preferred).
    labels : mapping, optional
        Meaning of each value as ``a, b, tie, both_bad, not_applicable`` or ``failed``;
        then nothing else is understood.
    """
    codes, values = pd.factorize(column)
    table = [_meaning(value, labels) for value in values]
    table.append((np.nan, "failed", None) if not labels else _meaning(None, labels))
    preference, reason, problem = zip(*table, strict=True)
    found = pd.Series([f"label {excerpt(v)}" for v in values] + [None], dtype="str")
    hit = pd.Series(problem, dtype="str").iloc[codes].reset_index(drop=True)
    return pd.DataFrame(
        {
            "preference": np.array(preference, dtype=np.float64)[codes],
            "reason": pd.Series(reason, dtype="str").iloc[codes].array,
            "problem": hit.array,
            "found": found.iloc[codes].reset_index(drop=True).where(hit.notna()).array,
        },
        index=column.index,
    )


def _meaning(value: Any, labels: Mapping[str, str] | None) -> tuple[float, str | None, str | None]:
    if labels:
        wanted = {str(k).strip().lower(): str(v) for k, v in labels.items()}
        target = wanted.get(_key(value))
        if target is not None and target not in _TARGETS:
            raise DataError(
                "The mapping of labels names an unknown meaning.",
                found=repr(target),
                expected=", ".join(_TARGETS),
                fix='For example mapping={"labels": {"1": "a", "2": "b", "0": "tie"}}.',
            )
        return (*_TARGETS[target], None) if target else (np.nan, None, "unknown label")
    if isinstance(value, str):
        value = value.strip().lower()
        if value in VERDICTS:
            return (*VERDICTS[value], None)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return np.nan, None, "unknown label"
    if 0.0 <= number <= 1.0:
        return number, "tie" if number == 0.5 else None, None
    return np.nan, None, "unknown label"


def _key(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip().lower()


def _votes(frame: pd.DataFrame, mapping: dict[str, Any]) -> pd.DataFrame:
    a, b = (pd.to_numeric(frame[mapping[f"votes_{s}"]], errors="coerce") for s in "ab")
    total = (a + b).to_numpy("float64")
    usable = np.isfinite(total) & (total > 0) & (a >= 0).to_numpy() & (b >= 0).to_numpy()
    share = np.divide(a.to_numpy("float64"), total, out=np.full(len(total), np.nan), where=usable)
    nothing = pd.Series([None] * len(total), dtype="str")
    shown = "votes " + frame[mapping["votes_a"]].astype("str") + " and "
    shown = shown + frame[mapping["votes_b"]].astype("str")
    return pd.DataFrame(
        {
            "preference": share,
            "weight": np.where(usable, total, 1.0),
            "reason": nothing.mask(share == 0.5, "tie").array,
            "problem": nothing.mask(~usable, "unknown label").array,
            "found": shown.where(~usable).array,
        }
    )


def _wide(frame: pd.DataFrame, base: pd.DataFrame, mapping: dict[str, Any]) -> pd.DataFrame:
    """Return one judgement a row and annotator of a file with a label column for each."""
    parts = []
    for column, kind in mapping["annotators"].items():
        _check_kind(kind)
        verdicts = read_labels(frame[column], mapping.get("labels"))
        parts.append(pd.concat([base, verdicts], axis=1).assign(annotator=column, kind=kind))
    return pd.concat(parts, ignore_index=True)


def _wide_settings(mapping: dict[str, Any]) -> dict[str, Any]:
    return {"annotators": dict(mapping["annotators"])} if "annotators" in mapping else {}


def _annotator(frame: pd.DataFrame, mapping: dict[str, Any], options: Mapping[str, Any]) -> Any:
    if "annotator" in mapping:
        return _as_str(frame[mapping["annotator"]])
    return options.get("annotator") or "annotator"


def _kind(frame: pd.DataFrame, mapping: dict[str, Any], options: Mapping[str, Any]) -> Any:
    if "kind" not in mapping:
        kind = options.get("kind") or "human"
        _check_kind(kind)
        return kind
    column = frame[mapping["kind"]].astype("str").fillna("human")
    for kind in column.unique():
        _check_kind(kind)
    return column


def _check_kind(kind: Any) -> None:
    if kind not in KINDS:
        raise DataError(
            "Unknown kind of annotator.",
            found=excerpt(kind),
            expected=", ".join(KINDS),
            fix="Name one of these kinds.",
        )


def _optional(frame: pd.DataFrame, result: pd.DataFrame, mapping: dict[str, Any]) -> pd.DataFrame:
    """Add order, strength, weight, replicate and raw reply, where the file has them."""
    repeats = len(result) // max(len(frame), 1)
    for role in ("order_shown", "strength", "weight", "replicate", "raw", "reason"):
        if role not in mapping or (role == "weight" and "votes_a" in mapping):
            continue
        column = frame[mapping[role]]
        if role in ("strength", "weight", "replicate"):
            column = pd.to_numeric(column, errors="coerce")
        values = pd.concat([column] * repeats, ignore_index=True)
        if role == "order_shown":
            values = values.astype("str").where(values.isin(["ab", "ba"]))
        if role == "reason":
            values = values.astype("str").where(values.notna(), result["reason"])
        result[role] = values.array
    return result


def _as_str(column: pd.Series) -> pd.Series:
    return column.astype("str") if column.dtype != object else column.map(str).astype("str")


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    found = propose(columns)
    sides = {"response_a", "response_b"} <= found.keys()
    numeric = any(c.endswith("_a") and c[:-2] + "_b" in columns for c in columns)
    labels = "label" in found or {"votes_a", "votes_b"} <= found.keys()
    return labels and (sides or numeric)


FORMAT = Format("tabular", "Table with a column mapping", _recognise, translate)
