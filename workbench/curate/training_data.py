"""The curated pairs as data of their own: one label a pair, and what stands beside it."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from workbench.clustered import Array
from workbench.curate.filters import Bools, Chosen
from workbench.data.columns import PAIR_COLUMNS, complete_labels
from workbench.data.dataset import PreferenceData
from workbench.data.identity import OTHER_PROMPT
from workbench.data.rows import kept_rows

KEPT = ("prompt_messages", "response_a_messages", "response_b_messages", "media", "tools")
ADDED = ("p", "stage", "split")
PARTS = ("train", "test")
"""The values of ``split``."""
_SIDED = re.compile(r".+_[ab]")


def majority_data(chosen: Chosen) -> PreferenceData:
    """Return every pair that has a majority, with it as its only label."""
    rows = chosen.found.votes.side != 0
    return _made(chosen, rows, (chosen.found.votes.side + 1) / 2, np.ones(len(rows)))


def training_data(chosen: Chosen, columns: dict[str, Array]) -> tuple[PreferenceData, list[str]]:
    """Return the pairs that stay, and the names of the columns that were left behind.

    Parameters
    ----------
    chosen : Chosen
    columns : dict of str to ndarray, shape (pairs,)
        ``margin`` goes to the label's strength; the others stand beside the pair.
    """
    data = _made(chosen, chosen.stays, (chosen.side + 1) / 2, chosen.weight, columns)
    extra = [name for name in data.pairs if name not in (*PAIR_COLUMNS, *KEPT, *ADDED)]
    # a score of each side would be read as the margin, and what is of one side has no place
    dropped = [name for name in extra if _SIDED.fullmatch(str(name)) or _taken(str(name))]
    # without it a response would be trained as the answer to the other side's prompt
    dropped = [name for name in dropped if name != OTHER_PROMPT]
    if "split" in data.pairs and not data.pairs["split"].isin(PARTS).all():
        dropped.append("split")
    return replace(data, pairs=data.pairs.drop(columns=dropped)), dropped


def target_of(chosen: Chosen) -> Array:
    """Return P(A) that a soft rule trains on, else 1 where A is chosen."""
    hard = (chosen.side + 1) / 2
    if not chosen.rule.soft or chosen.p is None:
        return hard
    soft = np.where(chosen.side > 0, chosen.towards, 1 - chosen.towards)
    return np.where(np.isfinite(soft), soft, hard)


def soft_data(chosen: Chosen) -> PreferenceData:
    """Return the pairs that stay with the preference that training follows: shares if soft."""
    return _made(chosen, chosen.stays, target_of(chosen), chosen.weight)


def _made(
    chosen: Chosen, rows: Bools, preference: Array, weight: Array,
    columns: dict[str, Array] | None = None,
) -> PreferenceData:  # fmt: skip
    data = chosen.data
    at = np.flatnonzero(rows)
    pairs = kept_rows(data.pairs, rows)
    who, kind = _annotator(data, chosen)
    labels = pd.DataFrame(
        {
            "pair_id": pairs["pair_id"],
            "annotator": pd.Series([who], dtype="str").repeat(len(at)).array,
            "criterion": pd.Series([data.criteria[0]], dtype="str").repeat(len(at)).array,
            "replicate": np.zeros(len(at), dtype="int32"),
            "preference": preference[at],
            "kind": pd.Series([kind], dtype="str").repeat(len(at)).array,
            "weight": weight[at],
        }
    )
    for name, values in (columns or {}).items():
        if name == "margin":
            labels["strength"] = values[at]
        else:
            pairs[name] = values[at]
    return replace(
        data, pairs=pairs, labels=complete_labels(labels), load_report=None,
        factors=data.factors.iloc[at].reset_index(drop=True),
        factor_values=data.factor_values.iloc[at].reset_index(drop=True),
    )  # fmt: skip


def _annotator(data: PreferenceData, chosen: Chosen) -> tuple[str, str]:
    """Return whose labels the curated ones are: one name if it is one annotator's."""
    used = data.labels[chosen.found.votes.rows]
    names, kinds = used["annotator"].unique(), used["kind"].unique()
    return (
        str(names[0]) if len(names) == 1 else "majority",
        str(kinds[0]) if len(kinds) == 1 else "unknown",
    )


def _taken(name: str) -> bool:
    """Tell whether a reader of training data takes a column of this name for another thing."""
    return name in _READ


_READ = frozenset(
    {"margin", "strength", "weight", "annotator", "kind", "judge", "label", "status", "dimension",
     "criterion", "messages", "conversations", "instruction", "input", "question", "query",
     "context", "system", "history", "images", "videos", "audios", "chosen", "rejected",
     "completion", "is_tie", "pair", "source_row", "row", "row_id", "file", "preference", "reason",
     "problem", "found", "replicate", "annotator_kind", "labelling_model", "judge_model", "image",
     "image_path", "video", "audio"}
)  # fmt: skip
