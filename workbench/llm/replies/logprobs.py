"""Log-probabilities of a reply's tokens, as a chat completion gives them."""

from __future__ import annotations

import functools
import math
from typing import Any

_NUMBER = (int, float)


def token_logprobs(given: Any) -> tuple[dict[str, Any], ...] | None:
    r"""Return ``token, logprob, top`` for each token; None where the server gave none.

    ``top`` holds the alternatives by their text. Two of equal text (different tokens can
    stand for the same letters) add up their probabilities,
    :math:`\log(e^{l_1} + e^{l_2})`; one that is merely said twice counts once. Where a
    token's text is an escape and its bytes are given, the bytes are its text.

    Examples
    --------
    >>> half = [{"token": "A", "logprob": math.log(0.25)}, {"token": "A", "logprob": math.log(0.5)}]
    >>> found = token_logprobs({"content": [{**half[1], "top_logprobs": half}]})
    >>> round(math.exp(found[0]["top"]["A"]), 6)
    0.75
    """
    content = given.get("content") if isinstance(given, dict) else None
    if not isinstance(content, list):
        return None
    tokens = []
    for one in content:
        # what is no finite number is unknown: no file of numbers holds it either
        if not isinstance(one, dict) or not _known(one.get("logprob")):
            return None
        top = _alternatives(one.get("top_logprobs") or ())
        tokens.append({"token": _text(one), "logprob": float(one["logprob"]), "top": top})
    return tuple(tokens)


def _known(logprob: Any) -> bool:
    return isinstance(logprob, _NUMBER) and math.isfinite(logprob)


def added(one: float, other: float) -> float:
    """Return the logarithm of the sum of two probabilities that are given as logarithms.

    Examples
    --------
    >>> round(math.exp(added(math.log(0.1), math.log(0.2))), 6), added(-math.inf, -math.inf)
    (0.3, -inf)
    """
    more, less = max(one, other), min(one, other)
    return more if less == -math.inf else more + math.log1p(math.exp(less - more))


def _alternatives(listed: Any) -> dict[str, float]:
    top: dict[str, float] = {}
    again: dict[str, set[float]] = {}
    for other in listed:
        if not isinstance(other, dict) or not _known(other.get("logprob")):
            continue
        text, logprob = _text(other), float(other["logprob"])
        if text in top:
            again.setdefault(text, {top[text]}).add(logprob)
        else:
            top[text] = logprob
    for text, several in again.items():
        top[text] = functools.reduce(added, sorted(several))
    return top


def _text(token: dict[str, Any]) -> str:
    """Return the text of a token; from its bytes where it is an escape, such as ``<0x41>``."""
    text = str(token.get("token"))
    # most tokens are asked one thing only: there are many of them
    if "x" not in text or not token.get("bytes") or not ("0x" in text or "\\x" in text):
        return text
    try:
        return bytes(token["bytes"]).decode()
    except (TypeError, ValueError):
        return text
