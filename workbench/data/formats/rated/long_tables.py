"""Long tables, one rated response a row: which rows belong together, and how they are rated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.formats.nested import items
from workbench.data.formats.rated.pairing import Rule
from workbench.data.formats.records import Record, is_text, names, numbers, values
from workbench.data.formats.single import number

_Codes = NDArray[np.int64]

NEXT_SITTING = "a response that comes again starts the next sitting"
"""Told of a table in which one response to a prompt was rated several times."""

_PROMPTS = ("prompt", "instruction", "question", "query", "user_prompt")
_RESPONSES = ("response", "output", "completion", "answer", "model_response", "generation")
_RATINGS = ("rating", "overall", "overall_rating", "overall_score", "score", "quality", "rank")
_OF_PAIRS = {"chosen", "rejected", "response_a", "response_b", "response_1", "response_2",
             "output_1", "output_2", "model_a", "model_b", "winner", "preference"}  # fmt: skip
_GROUPS = ("conversation_id", "interaction_id", "task_id", "item_id", "example_id",
           "instance_id", "prompt_id", "question_id", "query_id", "post_id",
           "sample_id")  # fmt: skip
_PEOPLE = ("annotator", "annotator_id", "worker", "worker_id", "rater", "rater_id", "user_id",
           "evaluator", "judge")  # fmt: skip
_MODELS = ("model", "model_name", "policy", "generator", "system")


@dataclass(frozen=True)
class LongTable:
    """A layout of one rated response a row.

    Attributes
    ----------
    needs : tuple of str
        Columns by which it is known.
    rule : Rule
    annotator : str, optional
        Name of who rated, where no column tells.
    kind : str
    criterion : str, optional
        Column that names what was rated.
    in_twos : bool
        Rows 2k-1 and 2k were rated together.
    """

    needs: tuple[str, ...]
    rule: Rule
    annotator: str | None = None
    kind: str = "unknown"
    criterion: str | None = None
    in_twos: bool = False


HELPSTEER = LongTable(
    ("prompt", "response", "helpfulness", "correctness", "coherence", "complexity", "verbosity"),
    # complexity and verbosity describe a response, they are no preference
    Rule(("helpfulness",), criterion="helpfulness", criteria=("correctness", "coherence")),
    "ratings",
    "human",
    in_twos=True,
)
"""HelpSteer and HelpSteer2."""

_PROPERTIES = (
    "confidence", "style", "detail", "clarity", "creativity", "useful", "contradiction",
    "inconsistent", "factuality", "relevance", "formatting", "refusal", "repetition", "scope",
    "fluency", "harmful",
)  # fmt: skip
_SITTING = ("dataset", "sample_ix", "time_str")

KNOWN = (
    HELPSTEER,
    # Hosking et al. 2024, "Human feedback is not gold standard": two responses a sitting
    LongTable(
        ("prompt", "response", "overall", *_SITTING, "other_model", *_PROPERTIES),
        Rule(("overall",), criteria=_PROPERTIES, group=_SITTING),
        kind="human",
        in_twos=True,
    ),
    LongTable(
        ("prompt", "response", "score", *_SITTING),
        Rule(("score",), group=_SITTING),
        kind="human",
        in_twos=True,
    ),
    # Prometheus' feedback collection: the responses to one instruction under one rubric
    LongTable(
        ("orig_instruction", "orig_response", "orig_score", "orig_criteria"),
        Rule(
            ("orig_score",),
            prompt="orig_instruction",
            response="orig_response",
            group=("orig_criteria", "orig_instruction"),
        ),
        "gpt-4",
        "llm",
        criterion="orig_criteria",
    ),
)
"""Layouts that are known by their columns."""


def layout_of(columns: Sequence[str], records: list[Record]) -> LongTable | None:
    """Return the layout of a table by its columns and first records, None where it is none.

    A plain table has a prompt, a response and a number called a rating, a score or a rank,
    and some of its rows belong together.

    Examples
    --------
    >>> rows = [{"prompt": "?", "response": "x", "rank": 1}, {"prompt": "?", "rank": 2}]
    >>> layout_of(["prompt", "response", "rank"], rows).rule.lower
    True
    >>> layout_of(["prompt", "response", "rank"], rows[:1]) is None
    True
    """
    have = set(columns)
    known = next((layout for layout in KNOWN if have >= set(layout.needs)), None)
    if known is not None or have & _OF_PAIRS:
        return known
    found = [next((n for n in wanted if n in have), None) for wanted in (_PROMPTS, _RESPONSES)]
    rating = next((name for name in _RATINGS if name in have), None)
    prompt, response = found
    if prompt is None or response is None or rating is None:
        return None
    rated = [number(record[rating]) for record in records if record.get(rating) is not None]
    asked = [record.get(prompt) for record in records]
    together = any(a is not None and a == b for a, b in pairwise(asked))
    if not rated or any(value != value for value in rated):
        return None
    if not together and not have & set(_GROUPS):
        return None
    return LongTable((), Rule((rating,), prompt, response, lower=rating == "rank"))


def group_keys(records: pa.Table) -> tuple[str, ...]:
    """Return the columns that name what rows have in common: conversation, item, prompt.

    Examples
    --------
    >>> group_keys(pa.table({"item_id": [1, 2], "prompt_id": [1, 1], "score": [3, 3]}))
    ('prompt_id',)
    """
    present = [name for name in _GROUPS if name in records.column_names]
    return tuple(name for name in present if names(records, name).dropna().duplicated().any())


def column_of(columns: Sequence[str], role: str) -> str | None:
    """Return the column of the annotator or the model that names suggest.

    Examples
    --------
    >>> column_of(["prompt", "worker", "policy"], "annotator")
    'worker'
    """
    wanted = _PEOPLE if role == "annotator" else _MODELS
    return next((name for name in wanted if name in columns), None)


def ratings_in(records: pa.Table, name: str) -> NDArray[np.float64]:
    """Return a column of ratings as numbers; of several ratings of one response the mean.

    Examples
    --------
    >>> ratings_in(pa.table({"x": [[4, 3], None, [2]]}), "x").tolist()
    [3.5, nan, 2.0]
    """
    column = records.column(name)
    if pa.types.is_boolean(column.type):
        return np.array([np.nan if v is None else float(v) for v in column.to_pylist()])
    plain = numbers(records, name)
    text = is_text(column.type)
    if not pa.types.is_nested(column.type) and not (text and np.isnan(plain).all()):
        return plain
    return np.array([_mean(value) for value in values(records, name)])


def groups_of(
    records: pa.Table,
    layout: LongTable,
    prompt: pd.Series,
    annotator: pd.Series | None,
    model: pd.Series | None,
    response: pd.Series,
) -> tuple[_Codes, str]:
    """Return which rows were rated together, and in words how that was found.

    Rows of one group have the group's key, the prompt and the annotator in common. Where
    one comes again, the same response of the same model, it belongs to another round.

    Parameters
    ----------
    records : pyarrow.Table
    layout : LongTable
    prompt, response : Series of str
    annotator, model : Series of str, optional
    """
    keys = {"prompt": prompt}
    known = prompt.notna()
    if layout.in_twos and _two_by_two(prompt):
        keys["two"] = pd.Series(np.arange(len(prompt)) // 2)
        how = "rows 2k-1 and 2k"
    elif layout.rule.group:
        own = {name: names(records, name) for name in layout.rule.group}
        keys |= own
        known = pd.concat(own, axis=1).notna().all(axis=1)
        how = "rows of one " + ", ".join(own)
    else:
        keys["neighbours"] = (prompt != prompt.shift()).cumsum()
        how = "neighbouring rows with one prompt"
    if annotator is not None:
        keys["annotator"] = annotator
    # a row whose key is missing belongs to no other
    keys["apart"] = pd.Series(np.where(known, -1, np.arange(len(prompt))))
    codes = codes_of(keys)
    if "two" in keys and model is None:
        return codes, how
    writer = pd.Series("", prompt.index) if model is None else model.fillna("")
    sitting = rounds(codes, writer, response)
    if sitting.any():
        codes = codes_of({"code": pd.Series(codes), "round": sitting})
        how += f"; {NEXT_SITTING}"
    return codes, how


def rounds(codes: _Codes, model: pd.Series, response: pd.Series) -> pd.Series:
    """Return which round of its group a row belongs to: a repeat begins a new one.

    Parameters
    ----------
    codes : ndarray of int, shape (n,)
        The groups.
    model, response : Series of str, shape (n,)

    Examples
    --------
    >>> models, texts = pd.Series(["m", "n", "m", "k"]), pd.Series(["x", "y", "x", "z"])
    >>> rounds(np.array([0, 0, 0, 0]), models, texts).tolist()
    [0, 0, 1, 1]
    """
    seen: dict[int, set[tuple[str, str]]] = {}
    number_of: dict[int, int] = {}
    found = []
    for code, *item in zip(codes.tolist(), model, response, strict=True):
        key = (str(item[0]), str(item[1]))
        if key in seen.setdefault(code, set()):
            seen[code] = set()
            number_of[code] = number_of.get(code, 0) + 1
        seen[code].add(key)
        found.append(number_of.get(code, 0))
    return pd.Series(found, dtype="int64")


def _two_by_two(prompt: pd.Series) -> bool:
    """Tell whether rows 2k-1 and 2k have a prompt in common, which may come again.

    HelpSteer's first release has up to four responses to a prompt, one after the other.
    """
    first, second = prompt.iloc[::2], prompt.iloc[1::2]
    if len(prompt) % 2 or not (first.to_numpy() == second.to_numpy()).all():
        return False
    runs = (prompt != prompt.shift()).cumsum().value_counts()
    return bool((runs == 2).mean() > 0.5)


def codes_of(keys: Mapping[str, pd.Series]) -> _Codes:
    """Return a number for each row that rows with the same keys have in common.

    Examples
    --------
    >>> codes_of({"x": pd.Series(["a", None, "a"]), "y": pd.Series([1, 2, 1])}).tolist()
    [0, 1, 0]
    """
    frame = pd.DataFrame({name: key.to_numpy() for name, key in keys.items()})
    codes = frame.groupby(list(frame), dropna=False, sort=False).ngroup()
    return np.asarray(codes, dtype="int64")


def _mean(value: Any) -> float:
    known = [n for n in map(number, items(value)) if n == n]
    return sum(known) / len(known) if known else number(value)
