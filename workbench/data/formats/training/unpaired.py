"""Single completions that were liked or not: TRL unpaired, KTO of LLaMA-Factory and Axolotl.

Nobody compared the completions. A liked and a disliked one of one prompt become a pair, or of
one ``pair_id`` where the file has it; two liked ones say nothing, and a completion without a
counterpart gives no pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.records import flag, metadata, names, numbers
from workbench.data.formats.training.columns import COMPLETIONS, OPINIONS, Columns, columns_of
from workbench.data.formats.training.sides import read_sides
from workbench.data.formats.training.trl import UNSAID, label_columns, settings_of, shuffled
from workbench.errors import DataError

_LIKED = ("true", "1", "1.0", "yes", "desirable", "liked", "like", "good", "chosen")
_DISLIKED = ("false", "0", "0.0", "no", "undesirable", "disliked", "dislike", "bad", "rejected")
_PAIR = "pair_id"
_SHARED = (_PAIR, "prompt", "prompt_messages", "media", "tools", "annotator", "kind", "scenario",
           "cluster", "criterion")  # fmt: skip
_NUMBERS = {"strength": "margin", "weight": "weight"}
_MODELS = ("model", "generator", "policy")
# no file has columns of such names
_IS_LIKED, _ASKED, _OTHER_ROW = " is liked", " asked", " row of the disliked"
_MOST = 10_000_000
_ALONE = (
    "{n:,} of {all:,} completions have no counterpart of the other opinion at their prompt, so "
    "they give no pair (such as row {row})"
)

PAIRING = "each liked completion of a prompt against each disliked one; nobody compared them"
"""Recorded for files of single completions."""


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    seed = int(options.get("seed") or 0)
    frame, left_out = _completions(records, first_row, options)
    good = frame["problem"].isna()
    usable = frame[good & frame["prompt"].notna()].drop(columns=["problem", "found"])
    pairs = _paired(usable)
    if pairs.empty and good.all():
        raise _nothing_to_pair(frame)
    used = set(pairs["row"]) | set(pairs[_OTHER_ROW])
    alone = sorted(set(frame.loc[good, "row"]) - used)
    placed = shuffled(pairs.drop(columns=[_OTHER_ROW, _PAIR], errors="ignore"), seed)
    result = pd.concat([placed, frame.loc[~good, ["row", "problem", "found"]]], ignore_index=True)
    result.attrs["settings"] = {**settings_of(seed, left_out), "pairing": PAIRING}
    result.attrs["notes"] = (
        [_ALONE.format(n=len(alone), all=len(frame), row=alone[0])] if alone else []
    )
    return result


def _completions(
    records: pa.Table, first_row: int, options: Mapping[str, Any]
) -> tuple[pd.DataFrame, list[str]]:
    """Return a row for each completion: what was asked, ``chosen`` (itself) and ``liked``."""
    columns, opinion = _columns(records, options)
    labels, used = label_columns(records, options, UNSAID)
    extra, left_out = metadata(records, {*columns.used, *used, opinion, _PAIR})
    sides = read_sides(records, columns)
    sides = sides.drop(columns=[name for name in sides if name.startswith("rejected")])
    # a completion has no sides, and pairing makes these names of its own columns
    sided = [name for side in ("chosen", "rejected") for own in extra
             if (name := f"{side}_{own}") in extra]  # fmt: skip
    taken, left_out = {*sides.columns, *labels.columns, *sided}, [*left_out, *sided]
    extra = extra.drop(columns=[name for name in extra if name in taken])
    frame = pd.concat([extra, sides, labels], axis=1)
    if _PAIR in records.column_names:
        # the file says which completions were compared
        frame[_PAIR] = names(records, _PAIR)
    for name, given in _NUMBERS.items():
        if given in records.column_names:
            frame[name] = numbers(records, given)
    said = names(records, opinion).str.strip().str.lower()
    frame[_IS_LIKED] = said.isin(_LIKED)
    unknown = said.notna() & ~said.isin([*_LIKED, *_DISLIKED])
    flag(frame, unknown.to_numpy(), "unknown label", f"{opinion}: " + said.fillna(""))
    flag(frame, said.isna().to_numpy(), "no judgement", [f"{opinion}: nothing"] * len(frame))
    frame["row"] = np.arange(first_row, first_row + len(frame), dtype="int64")
    return frame, left_out


def _paired(frame: pd.DataFrame) -> pd.DataFrame:
    """Return each liked completion of a prompt beside each disliked one."""
    shared = [name for name in _SHARED if name in frame]
    key = frame.groupby(shared, sort=False, dropna=False).ngroup()
    counts = frame[_IS_LIKED].groupby(key).agg(["sum", "count"])
    wanted = int((counts["sum"] * (counts["count"] - counts["sum"])).sum())
    if wanted > _MOST:
        raise _too_many(wanted)
    frame = frame.assign(**{_ASKED: key})
    own = [name for name in frame if name not in {*shared, _ASKED, _IS_LIKED, "row"}]
    liked = frame[frame[_IS_LIKED]].drop(columns=_IS_LIKED)
    disliked = frame.loc[~frame[_IS_LIKED], [_ASKED, "row", *own]]
    disliked = disliked.rename(columns={"row": _OTHER_ROW, **{n: _other(n) for n in own}})
    pairs = liked.merge(disliked, on=_ASKED).drop(columns=_ASKED)
    for name in own:
        if name.startswith("chosen"):
            continue
        if name not in _MODELS and pairs[name].equals(pairs[_other(name)].rename(name)):
            pairs = pairs.drop(columns=_other(name))
        else:
            pairs = pairs.rename(columns={name: f"chosen_{name}"})
    return pairs


def _other(name: str) -> str:
    """Return the name of a disliked completion's column beside that of the liked one."""
    return name.replace("chosen", "rejected") if "chosen" in name else f"rejected_{name}"


def _columns(records: pa.Table, options: Mapping[str, Any]) -> tuple[Columns, str]:
    have = records.column_names
    mapping = options.get("mapping") or {}
    side, opinion = _names(have)
    side, opinion = mapping.get("completion", side), mapping.get("label", opinion)
    if side is None or opinion is None:
        raise DataError(
            "The file has no completions that were liked or not.",
            found="columns " + ", ".join(have),
            expected="prompt, completion and label; or a column kto_tag",
            fix='Name them: mapping={"completion": "<column>", "label": "<column>"}.',
        )
    columns = columns_of(have, mapping, sides=side)
    return columns or Columns(side, side), opinion


def _names(have: list[str]) -> tuple[str | None, str | None]:
    opinion = next((name for name in OPINIONS if name in have), None)
    sides = COMPLETIONS if opinion == "kto_tag" else COMPLETIONS[:1]
    return next((name for name in sides if name in have), None), opinion


def _nothing_to_pair(frame: pd.DataFrame) -> DataError:
    liked = int(frame[_IS_LIKED].sum())
    return DataError(
        "No prompt has both a liked and a disliked completion, so nothing is compared.",
        found=f"unpaired: {liked:,} liked and {len(frame) - liked:,} disliked completions",
        expected="completions of both opinions at one prompt",
        fix="Answer the same prompts again, or use data of two responses to each prompt.",
    )


def _too_many(wanted: int) -> DataError:
    return DataError(
        "The completions make too many pairs: many share one prompt.",
        found=f"{wanted:,} pairs of a liked and a disliked completion",
        expected=f"at most {_MOST:,}",
        fix="Name what was asked apart in a column prompt_id, or leave out the empty prompts.",
    )


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    side, opinion = _names(columns)
    if side is None or opinion is None or (columns_of(columns) and opinion == "label"):
        return False
    said = {str(one[opinion]).strip().lower() for one in records if one.get(opinion) is not None}
    return opinion == "kto_tag" or (bool(said) and said <= {*_LIKED, *_DISLIKED})


FORMAT = Format(
    "trl-unpaired",
    "Completions liked or not: TRL unpaired, KTO",
    _recognise,
    _translate,
    whole=True,
)
