"""What the names of arenas' judges say of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

_LLM = r"^(?:gpt|chatgpt|claude|gemini|gemma|llama|qwen|mistral|mixtral|deepseek|grok|o[134]-)"
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


def _matches(judge: pd.Series, pattern: str) -> NDArray[np.bool_]:
    return np.asarray(judge.str.contains(pattern, case=False).fillna(False), dtype=bool)
