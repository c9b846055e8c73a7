"""What a layout cannot hold, so that loading would read something else back."""

from __future__ import annotations

import pandas as pd

from workbench.curate.writers.layouts import Plan
from workbench.data.dataset import PreferenceData
from workbench.data.formats.rated.long_tables import layout_of
from workbench.errors import DataError

_ASKED = ("trl-unpaired", "axolotl")
_OF_ONE = ("model", "generator", "policy", "kto_tag")


def check_layout(data: PreferenceData, plan: Plan, layout: str) -> None:
    """Refuse pairs that do not come back from a layout as they are.

    Parameters
    ----------
    data : PreferenceData
    plan : Plan
    layout : str

    Raises
    ------
    DataError
        Prompts that are empty, or missing where the layout tells nothing apart by them;
        columns that a reader takes for those of one response.
    """
    _check_prompts(data.pairs, plan, layout)
    if layout == "trl-unpaired":
        _check_columns(data.pairs, plan)


def _check_prompts(pairs: pd.DataFrame, plan: Plan, layout: str) -> None:
    alone = pd.Series(True, index=pairs.index)
    if "prompt_messages" in pairs:
        alone = pairs["prompt_messages"].isna()
    empty, missing = alone & pairs["prompt"].eq(""), alone & pairs["prompt"].isna()
    if empty.any():
        raise DataError(
            "An empty prompt reads back as no prompt, and makes another pair.",
            found=_told(pairs, empty, "have an empty prompt"),
            expected="a prompt with text, or a missing one",
            fix="Give these pairs a prompt, or none (a missing value), or leave them out.",
        )
    two = pairs["prompt_b"].notna() if "prompt_b" in pairs else pd.Series(False, index=pairs.index)
    if two.any():
        raise DataError(
            f"The layout {layout} has one prompt for both responses.",
            found=_told(pairs, two, "have a prompt of B's own"),
            expected="pairs whose responses answer one prompt",
            fix="Leave these pairs out: data.filter(pair_ids=...).",
        )
    whole = layout in _ASKED or (layout == "llama-factory" and not plan.prompt)
    messages = plan.prompt and (plan.chats or layout == "trl-conversational")
    if missing.any() and (whole or messages):
        raise DataError(
            f"The layout {layout} cannot hold pairs without a prompt"
            + ("." if whole else " beside pairs with one."),
            found=_told(pairs, missing, "have no prompt"),
            expected="a prompt in every pair",
            fix="Give these pairs a prompt or leave them out"
            + ("; or write them as trl." if not plan.chats else "."),
        )


def _check_columns(pairs: pd.DataFrame, plan: Plan) -> None:
    taken = [name for name in plan.further if _of_one(name, pairs)]
    if taken:
        raise DataError(
            "The layout trl-unpaired has one response a row, and these columns would be read as "
            "of one response.",
            found=", ".join(taken),
            expected="columns of pairs by other names",
            fix="Rename these columns of pairs or leave them out; or write the pairs as trl.",
        )


def _of_one(name: str, pairs: pd.DataFrame) -> bool:
    """Tell whether a reader takes a column for what is of one completion: its model or rating."""
    if name in _OF_ONE or "chosen" in name or "rejected" in name:
        return True
    first = {"prompt": "", "completion": "", "label": True}
    rows = [{**first, name: value} for value in pairs[name].dropna().head(2)]
    return layout_of([*first, name], rows) is not None


def _told(pairs: pd.DataFrame, rows: pd.Series, what: str) -> str:
    return (f"{int(rows.sum()):,} of {len(pairs):,} pairs {what}, such as "
            f"{pairs.loc[rows, 'pair_id'].iloc[0]}")  # fmt: skip
