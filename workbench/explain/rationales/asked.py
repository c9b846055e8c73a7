"""What reasons say of factors, read by a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.explain.rationales.reading import Reading
from workbench.factors.words.said import Said, said_of
from workbench.llm.asker import Asks
from workbench.llm.question import object_schema, question
from workbench.llm.request import Request, Sampling

STAGE = "rationales"

_SAYS = ("no", "first", "second", "named")
"""What a reply may say of a property, ``no`` where the reason does not speak of it."""

_CLAIM = {"first": 1, "second": -1}
_A_CALL = 12
"""Properties in one question."""

_TASK = (
    "Somebody compared two responses and wrote why one is preferred. Say of each property below "
    "whether that text speaks of it. Judge the text alone: you do not see the responses, and a "
    "property that only may be meant is not named. In the text, the response that was shown first "
    "may be called A, 1 or the first, the other one B, 2 or the second."
)
_FORM = (
    "fN is \"no\" where the text does not speak of property N, \"first\" where it says that the "
    "response shown first has more of it (or the other one less), \"second\" where it says that "
    "the other one has more, and \"named\" where it speaks of it in another way. Reply with one "
    "JSON object and nothing else, with the fields "
)  # fmt: skip


def read_by_model(
    texts: Sequence[str | None],
    factors: Sequence[str],
    asks: Asks,
    *,
    model: str,
    meanings: Mapping[str, str] | None = None,
    lexicon: Mapping[str, Said] | None = None,
    sampling: Sampling | None = None,
) -> Reading:
    """Let a model say which factors each reason names.

    Parameters
    ----------
    texts : sequence of str or None, n
    factors : sequence of str, K
    asks : Asks
        Who answers; equal reasons are asked once.
    model : str
    meanings : mapping, optional
        What a factor is, in words.
    lexicon : mapping, optional
        Phrases of factors: examples in the question.
    sampling : Sampling, optional

    Returns
    -------
    Reading
        A reason of which a reply is missing, or cannot be read, counts as unread.
    """
    told = {
        name: _told(name, (meanings or {}).get(name), (lexicon or {}).get(name) or said_of(name))
        for name in factors
    }
    chunks = [list(factors[k : k + _A_CALL]) for k in range(0, len(factors), _A_CALL)]
    at = [i for i, text in enumerate(texts) if text]
    own = {name: list((lexicon or {}).get(name, said_of(name)).phrases) for name in factors}

    def requests() -> Iterator[Request]:
        for chunk in chunks:
            for i in at:
                yield _request(str(texts[i]), chunk, told, own, model, sampling or Sampling())

    shape = (len(texts), len(factors))
    named, claim = np.zeros(shape, bool), np.zeros(shape, np.int8)
    unread = np.zeros(len(texts), bool)
    replies = asks.each(requests(), STAGE, len(chunks) * len(at))
    questions = ((chunk, i) for chunk in chunks for i in at)
    for (chunk, i), reply in zip(questions, replies, strict=True):
        if reply is None or reply.failed:
            unread[i] = True
            continue
        for j, name in enumerate(chunk, start=1):
            says = reply.value[f"f{j}"]
            k = factors.index(name)
            named[i, k], claim[i, k] = says != "no", _CLAIM.get(says, 0)
    named[unread], claim[unread] = False, 0
    hits = pd.DataFrame(columns=["factor", "phrase", "says", "hits"])
    leaning = np.zeros(shape, np.int8)
    return Reading(list(factors), named, claim, leaning, unread, hits, model)


def _told(name: str, meaning: str | None, said: Said) -> str:
    some = ", ".join(said.phrases[:4])
    what = f"{name}. {meaning}" if meaning else name
    return f"{what} People say: {some}." if some else what


def _request(
    text: str, chunk: Sequence[str], told: Mapping[str, str], words: Mapping[str, list[str]],
    model: str, sampling: Sampling,
) -> Request:  # fmt: skip
    fields = [f"f{j}" for j in range(1, len(chunk) + 1)]
    lines = [f"{f}: {told[name]}" for f, name in zip(fields, chunk, strict=True)]
    properties: dict[str, Any] = {f: {"type": "string", "enum": list(_SAYS)} for f in fields}
    task = "\n\n".join([_TASK, "Properties:\n" + "\n".join(lines)])
    about = {
        "task": "spot",
        "words": {f: {"named": words[name]} for f, name in zip(fields, chunk, strict=True)},
    }
    messages = question(task, {"reason": text}, f"{_FORM}{', '.join(fields)}.")
    return Request(model, messages, sampling, object_schema(properties), about=about)
