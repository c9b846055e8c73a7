"""Names of directions: a model reads pairs that have most of each, and says what it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.embedding.base import Matrix
from workbench.errors import DesignError
from workbench.llm.asker import Asks
from workbench.llm.question import object_schema, question, shown
from workbench.llm.reply import Reply
from workbench.llm.request import Request, Sampling

STAGE = "name"
_WORDS = 15
_LONGEST = 120
"""Characters of a property."""

_CUT = 1500
"""Characters of a text that a question shows."""

_TASK = (
    "Each pair below has two responses to one prompt. In every pair, the response called MORE has "
    "more of one and the same property than the response called LESS. State that property: "
    "something concrete of content, style, tone or format that one response alone can have, and "
    "that fits as many of the pairs as possible. Do not compare, and do not judge which response "
    'is better. Complete the sentence "The response ..." in at most {words} words, such as "lists '
    'steps in order" or "declines to answer".'
)
_FORM = 'Reply with one JSON object and nothing else: {"property": "..."}.'
_MARKUP = re.compile(r"<[^>]+>|```|\|\||[{}\\]|\n")
_OPENING = re.compile(r"^(?:the response|it)\s+", re.IGNORECASE)
_EDGES = " \t-*•."
_QUOTES = ('"', "'", "`", "“", "”")

REASONS = {
    "few": "too few pairs of the naming part have it",
    "failed reply": "the reply could not be read",
    "empty": "a name without words",
    "too long": f"a name of more than {_LONGEST} characters",
    "markup": "a name that holds markup or code",
}
"""Why a direction has no name."""


@dataclass(frozen=True, eq=False)
class Names:
    """What directions are called.

    Attributes
    ----------
    names : tuple of str or None
        A property each, that completes "The response ...".
    reasons : tuple of str or None
        Why there is no name (:data:`REASONS`).
    shown : DataFrame
        One row a direction and pair that was shown: ``direction, pair_id, more`` (the side that
        has more of it: a or b) and ``activation`` (A minus B).
    """

    names: tuple[str | None, ...]
    reasons: tuple[str | None, ...]
    shown: pd.DataFrame


def top_pairs(pairs: pd.DataFrame, activations: Matrix, most: int) -> list[NDArray[np.int64]]:
    """Return the rows that have most of each direction, on either side, one a prompt.

    Parameters
    ----------
    pairs : DataFrame
        With ``pair_id`` and ``cluster``.
    activations : ndarray, shape (n pairs, m)
    most : int

    Notes
    -----
    Which side has more is shown with each pair, so that the size alone counts: exchanging A and B
    changes no choice.

    Examples
    --------
    >>> table = pd.DataFrame({"pair_id": ["p", "q", "r"], "cluster": ["1", "2", "2"]})
    >>> top_pairs(table, np.array([[1.0], [-3.0], [2.0]]), 2)[0].tolist()
    [1, 0]
    """
    ids = pairs["pair_id"].to_numpy(dtype=object).astype(str)
    cluster = pairs["cluster"].to_numpy(dtype=object)
    found = []
    for column in activations.T:
        # equal sizes are in the order of the pairs' names
        order = np.lexsort((ids, -np.abs(column)))
        order = order[column[order] != 0]
        found.append(order[~pd.Series(cluster[order]).duplicated().to_numpy()][:most])
    return found


def name_directions(
    pairs: pd.DataFrame,
    activations: Matrix,
    asks: Asks,
    *,
    model: str,
    shown_pairs: int = 8,
    sampling: Sampling | None = None,
) -> Names:
    """Let a model name directions.

    Parameters
    ----------
    pairs : DataFrame
        Of the naming part, with text.
    activations : ndarray of float32, shape (n pairs, m)
    asks : Asks
        Who answers.
    model : str
    shown_pairs : int
        Pairs in a question, at most; with fewer than two a direction has no name.
    sampling : Sampling, optional

    Returns
    -------
    Names

    Raises
    ------
    DesignError
        Some were not asked for yet: nothing was to be asked, or the budget ended before.

    Examples
    --------
    >>> import tempfile
    >>> import workbench as wb
    >>> pairs = wb.load("sample").pairs
    >>> length = pairs["response_a"].str.len() - pairs["response_b"].str.len()
    >>> column = length.to_numpy(dtype="float32")[:, None]
    >>> with tempfile.TemporaryDirectory() as folder, wb.Journal(folder + "/j") as journal:
    ...     with wb.Asker(wb.OfflineModel(), journal) as asker:
    ...         name_directions(pairs, column, asker, model="offline:plain").names[0]
    'is longer and more detailed'
    """
    rows = top_pairs(pairs, activations, shown_pairs)
    asked = [k for k, own in enumerate(rows) if len(own) > 1]
    sampling = sampling or Sampling()
    requests = (
        _request(pairs.iloc[rows[k]], activations[rows[k], k], k, model, sampling) for k in asked
    )
    replies = dict(zip(asked, asks.each(requests, STAGE, len(asked)), strict=True))
    late = sum(reply is None for reply in replies.values())
    if late:
        raise DesignError(
            "The directions have no names yet.",
            found=f"{late:,} of {len(asked):,} that were not asked for: the budget ended before",
            expected="a name of each",
            fix="Take the run up again with a larger budget.",
        )
    told = [_name(replies.get(k)) for k in range(len(rows))]
    table = [
        {
            "direction": k,
            "pair_id": pairs["pair_id"].iloc[row],
            "more": "a" if activations[row, k] > 0 else "b",
            "activation": float(activations[row, k]),
        }
        for k, own in enumerate(rows)
        for row in own
    ]
    columns = ["direction", "pair_id", "more", "activation"]
    return Names(
        _apart([one for one, _ in told]),
        tuple(why for _, why in told),
        pd.DataFrame(table, columns=columns),
    )


def _request(
    pairs: pd.DataFrame, activation: Matrix, direction: int, model: str, sampling: Sampling
) -> Request:
    texts: dict[str, str] = {}
    records: Sequence[Mapping[Any, Any]] = pairs.to_dict("records")
    for number, (pair, value) in enumerate(zip(records, activation, strict=True), start=1):
        more, less = ("a", "b") if value > 0 else ("b", "a")
        texts |= {
            f"prompt {number}": _cut(shown(pair["prompt"])),
            f"MORE {number}": _cut(str(pair[f"response_{more}"])),
            f"LESS {number}": _cut(str(pair[f"response_{less}"])),
        }
    schema = object_schema({"property": {"type": "string"}})
    messages = question(_TASK.format(words=_WORDS), texts, _FORM)
    about = {"task": STAGE, "direction": direction}
    return Request(model, messages, sampling, schema, about=about)


def _cut(text: str) -> str:
    return text if len(text) <= _CUT else text[:_CUT] + " [...]"


def _name(reply: Reply | None) -> tuple[str | None, str | None]:
    """Return the property of a reply, or why there is none."""
    if reply is None:
        return None, REASONS["few"]
    if reply.failed:
        return None, REASONS["failed reply"]
    said = str(reply.value.get("property", "")).strip(_EDGES)
    if said[:1] in _QUOTES and said[-1:] in _QUOTES and len(said) > 1:
        said = said[1:-1]
    text = _OPENING.sub("", said.strip(_EDGES)).strip(_EDGES)
    if not any(sign.isalnum() for sign in text):
        return None, REASONS["empty"]
    if _MARKUP.search(text):
        return None, REASONS["markup"]
    if len(text) > _LONGEST:
        return None, REASONS["too long"]
    return " ".join(text.split()), None


def _apart(names: Sequence[str | None]) -> tuple[str | None, ...]:
    """Return names of which none stands twice."""
    met: dict[str, int] = {}
    found: list[str | None] = []
    for name in names:
        if name is None:
            found.append(None)
            continue
        met[name] = met.get(name, 0) + 1
        found.append(name if met[name] == 1 else f"{name} ({met[name]})")
    return tuple(found)
