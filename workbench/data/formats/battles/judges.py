"""What the names of arenas' judges say of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.columns import KINDS
from workbench.data.formats.records import names, numbers

_LLM = (
    r"(?:gpt|claude|gemini|gemma|llama|qwen|mistral|mixtral|deepseek|grok|prometheus|skywork"
    r"|command-r|^o[134]\b)"
)
SAID = ("criterion", "dimension", "scenario", "cluster", "kind", "order_shown",
        "weight", "strength", "replicate")  # fmt: skip
"""Columns by which a table says more of a judgement; see :func:`say`."""
_PERSON = r"^(?:expert|author|arena_user)_"
_VISITOR = r"^(?:arena_user_.+|[0-9a-f]{16,})$"


def kinds_of(judge: pd.Series, default: str) -> NDArray[np.str_]:
    """Return the kind of each judge by name, and a default where a name tells nothing.

    Examples
    --------
    >>> judge = pd.Series(["gpt4_pair", "expert_3", "7", None])
    >>> kinds_of(judge, "unknown").tolist()
    ['llm', 'human', 'unknown', 'unknown']
    """
    codes, distinct = pd.factorize(judge)
    known = pd.Series(distinct, dtype="str")
    kinds = np.where(_matches(known, _LLM), "llm", default)
    kinds = np.append(np.where(_matches(known, _PERSON), "human", kinds), default)
    return np.asarray(kinds[codes])


def visitors(judge: pd.Series) -> pd.Series:
    """Return the names of an arena's visitors, missing where a judge is none.

    Visitors are ``arena_user_<n>`` or a hash. They ask what they like, so that their votes
    belong together; a panel's experts vote on the same questions and do not.

    Examples
    --------
    >>> visitors(pd.Series(["arena_user_7", "expert_3"])).tolist()
    ['arena_user_7', nan]
    """
    return judge.where(_matches(judge, _VISITOR))


def say(frame: pd.DataFrame, records: pa.Table) -> None:
    """Set what columns of :data:`SAID` say, where the frame has nothing yet.

    Examples
    --------
    >>> frame = pd.DataFrame({"kind": ["human", "human"]})
    >>> say(frame, pa.table({"kind": ["llm", "?"], "order_shown": ["BA", None]}))
    >>> frame["kind"].tolist(), frame["order_shown"].tolist()
    (['llm', 'human'], ['ba', nan])
    """
    kind, order = names(records, "kind").str.lower(), names(records, "order_shown").str.lower()
    said = {
        "kind": kind.where(kind.isin(KINDS)),
        "order_shown": order.where(order.isin(["ab", "ba"])),
        "criterion": names(records, "criterion").fillna(names(records, "dimension")),
        "scenario": names(records, "scenario"),
        "cluster": names(records, "cluster"),
    }
    for name, column in said.items():
        frame[name] = column.fillna(frame[name]) if name in frame else column
    for name in ("weight", "strength", "replicate"):
        if name in records.column_names:
            frame[name] = numbers(records, name)


def vote_ids(ids: pd.Series) -> pd.Series:
    """Return ids that can name votes: a running number begins anew in every file.

    Examples
    --------
    >>> vote_ids(pd.Series(["3", "a9f", None])).tolist()
    [nan, 'a9f', nan]
    """
    return ids.mask(_matches(ids, r"^[+-]?\d+(?:\.0*)?$"))


def _matches(judge: pd.Series, pattern: str) -> NDArray[np.bool_]:
    return np.asarray(judge.str.contains(pattern, case=False).fillna(False), dtype=bool)
