"""Which prompts share a cluster with near-equal ones, in words."""

from __future__ import annotations

import itertools

import pandas as pd

_EXAMPLES = 3
_WIDTH = 60
"""Characters of a prompt that an example shows, around where two begin to differ."""


def merged_prompts(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return the prompts that share a cluster with near-equal ones: ``prompt, cluster``.

    Clusters that a file or a user names are no clusters of prompts.

    Parameters
    ----------
    pairs : DataFrame
        A pairs table.

    Examples
    --------
    >>> from workbench.data.columns import complete_pairs
    >>> pairs = pd.DataFrame({"prompt": ["Why me?", "why me", "Why not?"]})
    >>> merged_prompts(complete_pairs(pairs))["prompt"].tolist()
    ['Why me?', 'why me']
    """
    moved = pairs["cluster"] != pairs["prompt_id"]
    if not moved.any():
        return pairs.loc[moved, ["prompt", "cluster"]]
    # a cluster of prompts bears the id of one of them
    clusters = set(pairs.loc[moved, "cluster"])
    own = clusters & set(pairs["prompt_id"])
    rows = pairs[pairs["cluster"].isin(own)].drop_duplicates(["prompt_id", "cluster"])
    shown = rows.sort_values(["cluster", "prompt_id"])[["prompt", "cluster"]]
    return shown.reset_index(drop=True)


def note_of(merged: pd.DataFrame) -> str | None:
    """Return a sentence that counts them, or None where there are none.

    Examples
    --------
    >>> note_of(pd.DataFrame({"prompt": ["Why?", "why"], "cluster": ["c", "c"]}))
    'near-equal prompts share a cluster: 2 prompts in 1 cluster'
    """
    if merged.empty:
        return None
    n = merged["cluster"].nunique()
    clusters = "1 cluster" if n == 1 else f"{n:,} clusters"
    return f"near-equal prompts share a cluster: {len(merged):,} prompts in {clusters}"


def examples_of(merged: pd.DataFrame) -> tuple[tuple[str, str], ...]:
    """Return excerpts of two prompts of each of the first clusters, where they begin to differ.

    Examples
    --------
    >>> examples_of(pd.DataFrame({"prompt": ["Why?", "why"], "cluster": ["c", "c"]}))
    (('Why?', 'why'),)
    """
    groups = itertools.islice(merged.groupby("cluster", sort=True)["prompt"], _EXAMPLES)
    return tuple(_where_they_differ(*group.iloc[:2]) for _, group in groups)


def _where_they_differ(one: str, other: str) -> tuple[str, str]:
    differ = (i for i, (x, y) in enumerate(zip(one, other, strict=False)) if x != y)
    first = next(differ, min(len(one), len(other)))
    start = max(first - _WIDTH // 2, 0)

    def shown(text: str) -> str:
        part = " ".join(text[start : start + _WIDTH].split())
        return ("..." if start else "") + part + ("..." if len(text) > start + _WIDTH else "")

    return shown(one), shown(other)
