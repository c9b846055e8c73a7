"""Preference data that models are trained on: chosen and rejected, with or without a prompt.

TRL, LLaMA-Factory, Axolotl, OpenRLHF, ms-swift and OpenAI differ in names alone. Such a file
does not say who preferred the chosen response; layouts that do are in ``known_sets``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.columns import KINDS
from workbench.data.formats import Format
from workbench.data.formats.orientation import SHUFFLE_RULE, orient, placed
from workbench.data.formats.records import judgements, metadata, names, numbers
from workbench.data.formats.training.columns import (
    PAIRS,
    Columns,
    columns_of,
    models_of,
    scores_of,
)
from workbench.data.formats.training.sides import read_sides as read_sides
from workbench.errors import DataError

_MARGINS = ("margin", "strength")
_KINDS = ("annotator_kind", "kind")
_ANNOTATORS = ("annotator", "judge", "annotator_id", "rater", "worker_id", "worker")
_JUDGE_MODELS = ("labelling_model", "judge_model")
_CLUSTERS = ("cluster", "prompt_id", "conversation_id", "session_id")
_WEIGHT = "weight"
_VERDICTS = ("status", "label")
_CRITERIA = ("criterion", "dimension")

EQUAL_SCORES = "pairs with equal scores are kept with strength 0: which side is chosen was drawn"
"""Noted of files whose chosen response scored no higher than the rejected one."""


@dataclass(frozen=True)
class Source:
    """What a layout says of its labels beyond the columns.

    Attributes
    ----------
    annotator, kind : str
        Who preferred, where no column names it.
    named_by : str, optional
        A column that names it.
    scenario : str, optional
        The column of the scenario.
    """

    annotator: str = "preference"
    kind: str = "unknown"
    named_by: str | None = None
    scenario: str | None = None


UNSAID = Source()
_TIED = {"preference": 0.5, "strength": np.nan}


def shuffled(sides: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return sides A and B with ``preference``, decided by content and seed.

    Parameters
    ----------
    sides : DataFrame
        ``prompt``, ``chosen``, ``rejected`` and other columns of either side.
    seed : int
    """
    first = orient(sides["prompt"], sides["chosen"], sides["rejected"], seed)
    return placed(sides, first).assign(preference=first.astype("float64"))


def settings_of(seed: int, left_out: list[str]) -> dict[str, Any]:
    """Return what the load report tells of a chosen-first file."""
    return {
        "shuffle_rule": SHUFFLE_RULE,
        "shuffle_seed": str(seed),
        "columns_left_out": ", ".join(left_out),
    }


def translate(
    records: pa.Table, first_row: int, options: Mapping[str, Any], source: Source = UNSAID
) -> pd.DataFrame:
    """Return the judgements of a chosen-first table.

    Parameters
    ----------
    records : pyarrow.Table
    first_row : int
    options : mapping
        ``mapping`` (see :data:`workbench.data.formats.training.columns.ROLES`), ``seed``,
        ``annotator`` and ``kind``.
    source : Source
        What the layout says of the labels.
    """
    columns = columns_of(records.column_names, options.get("mapping"))
    if columns is None:
        raise no_sides(records.column_names)
    return with_ties(judged(records, columns, first_row, options, source), says_tie(records))


def no_sides(names: list[str]) -> DataError:
    """Return the error for a table without two columns of responses."""
    missing = next((name for name in ("chosen", "rejected") if name not in names), "chosen")
    return DataError(
        f"The file has no column {missing!r}, which this layout needs.",
        found="columns " + (", ".join(names) or "none"),
        expected="two columns of responses: " + "; ".join(map(" and ".join, PAIRS)),
        fix='Name them: mapping={"chosen": "<column>", "rejected": "<column>"} '
        "(--map chosen=<column> --map rejected=<column>).",
    )


def judged(
    records: pa.Table,
    columns: Columns,
    first_row: int,
    options: Mapping[str, Any],
    source: Source,
    skip: frozenset[str] = frozenset(),
) -> pd.DataFrame:
    """Return the judgements of a table whose columns are known.

    Parameters
    ----------
    records : pyarrow.Table
    columns : Columns
    first_row : int
    options : mapping
    source : Source
    skip : frozenset of str
        Columns that the caller reads itself.
    """
    seed = int(options.get("seed") or 0)
    labels, used = label_columns(records, options, source)
    margins = ((options.get("mapping") or {}).get("margin"), *_MARGINS)
    own = {*columns.used, *used, *skip, *filter(None, margins), _WEIGHT}
    extra, left_out = metadata(records, own)
    models = models_of(extra.columns)
    if models is not None:
        extra = extra.rename(
            columns=dict(zip(models, ("chosen_model", "rejected_model"), strict=True))
        )
    sides = read_sides(records, columns)
    extra = extra.drop(columns=[name for name in sides if name in extra])
    frame = shuffled(pd.concat([extra, sides], axis=1), seed)
    frame = frame.drop(columns=[name for name in labels if name in frame]).join(labels)
    frame["strength"] = _strength(records, margins)
    if _WEIGHT in records.column_names:
        frame["weight"] = numbers(records, _WEIGHT)
    settings = settings_of(seed, left_out)
    if source.kind != UNSAID.kind and frame["annotator"].eq(source.annotator).all():
        settings["judged_by"] = f"{source.annotator} ({source.kind}), known from the layout"
    frame = judgements(frame, first_row, settings)
    drawn = scores_of(records.column_names) is not None and (frame["strength"] == 0).any()
    frame.attrs["notes"] = [EQUAL_SCORES] if drawn else []
    return frame


def says_tie(records: pa.Table) -> pd.Series:
    """Tell which rows a status or label calls a tie, or ``is_tie`` says are one.

    Parameters
    ----------
    records : pyarrow.Table

    Examples
    --------
    >>> says_tie(pa.table({"status": ["tie", "unchanged"], "is_tie": [False, True]})).tolist()
    [True, True]
    """
    said = pd.Series(False, range(len(records)))
    words = dict.fromkeys(_VERDICTS, "tie") | {"is_tie": "true"}
    for name in (name for name in words if name in records.column_names):
        given = names(records, name).str.strip().str.lower()
        said |= given.eq(words[name]).fillna(False).astype(bool)
    return said


def with_ties(frame: pd.DataFrame, tie: pd.Series) -> pd.DataFrame:
    """Return judgements of which some are ties, although both sides are filled.

    Parameters
    ----------
    frame : DataFrame
    tie : Series of bool, shape (n,)
    """
    if not tie.any():
        return frame
    reason = pd.Series([None] * len(frame), dtype="str").mask(tie, "tie")
    preference, strength = (frame[name].mask(tie, to) for name, to in _TIED.items())
    made = frame.assign(preference=preference, strength=strength, reason=reason)
    made.attrs = frame.attrs
    return made


def label_columns(
    records: pa.Table, options: Mapping[str, Any], source: Source
) -> tuple[pd.DataFrame, set[str]]:
    """Return who judged what by which criterion, and the columns that say so.

    Parameters
    ----------
    records : pyarrow.Table
    options : mapping
    source : Source
    """
    mapping = options.get("mapping") or {}
    have = records.column_names
    models = ((source.named_by,) if source.named_by else ()) + _JUDGE_MODELS
    found = {
        "annotator": mapping.get("annotator") or _first((*models, *_ANNOTATORS), have),
        "kind": mapping.get("kind") or _first(_KINDS, have),
        "scenario": mapping.get("scenario") or _first(("scenario", source.scenario), have),
        "cluster": mapping.get("cluster") or _first(_CLUSTERS, have),
        "criterion": mapping.get("criterion") or _first(_CRITERIA, have),
    }
    read = {role: names(records, name) for role, name in found.items() if name is not None}
    frame = pd.DataFrame(read, index=range(len(records)))
    unnamed = options.get("annotator") or source.annotator
    frame["annotator"] = frame["annotator"].fillna(unnamed) if "annotator" in frame else unnamed
    # a column of labelling models says of what kind they are
    known = "llm" if found["annotator"] in models else None
    kind = known or options.get("kind") or source.kind
    said = frame["kind"].where(frame["kind"].isin(KINDS)) if "kind" in frame else pd.Series()
    frame["kind"] = said.fillna(kind) if said.notna().any() else kind
    if said.isna().all():
        found["kind"] = None
    return frame, {n for n in found.values() if n is not None and n != source.scenario}


def _strength(records: pa.Table, margins: tuple[str | None, ...]) -> NDArray[np.float64]:
    """Return the margin that the file states: of the scores, else its own column."""
    scores = scores_of(records.column_names)
    margin = np.full(len(records), np.nan)
    for name in margins:
        margin = np.where(np.isnan(margin), numbers(records, name or ""), margin)
    if scores is None:
        return margin
    difference = numbers(records, scores[0]) - numbers(records, scores[1])
    return np.where(np.isnan(difference), margin, difference)


def _first(wanted: tuple[str | None, ...], have: list[str]) -> str | None:
    return next((name for name in wanted if name in have), None)


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    found = columns_of(columns)
    if found is None:
        return False
    lists = [one[found.chosen] for one in records if isinstance(one.get(found.chosen), list)]
    # a list of plain texts is best-of-n data (RewardBench 2), not one response
    return not any(side and all(isinstance(item, str) for item in side) for side in lists)


FORMAT = Format(
    "trl",
    "Chosen and rejected response: TRL, LLaMA-Factory, Axolotl, OpenRLHF, OpenAI",
    _recognise,
    translate,
)
