"""Soft preferences: what the log-probabilities of a verdict's token say."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from workbench.llm.replies.logprobs import added
from workbench.llm.replies.marks import plain_token, plain_tokens
from workbench.llm.reply import Reply

NO_LOGPROBS = "no log-probabilities"
"""Reason of a label without a preference: the server did not say how sure the model was."""
OTHER_TOKENS = "log-probabilities of tokens that are not the verdict's"
"""Reason of a label without a preference: the tokens cannot be told; one is named."""

_VERDICT = re.compile(r'"verdict"\s*:\s*"', re.IGNORECASE)
_NEGLIGIBLE = 0.02


def first_preferred(reply: Reply, labels: tuple[str, str] = ("A", "B")) -> float:
    r"""Return :math:`P(\text{first preferred})` from the token where the verdict stands.

    With the probabilities of all tokens there that are the label A or B, or begin "tie",
    :math:`(P_A + P_{tie}/2) / (P_A + P_B + P_{tie})`: those three are scaled to add up to 1,
    whatever the other tokens have. Marks of the vocabulary (``Ġ``, ``▁``, ``<0x41>``) are
    understood, and tokens of equal text or equal meaning add up. A verdict that is not among the
    alternatives has at most the probability of the least of them: half of that is taken
    where the bound is below .02. Only tokens of the answer count, none of the thinking, and
    only where the one that was written there means the verdict that was read.

    Returns
    -------
    float
        NaN where the server gave no log-probabilities, too few to tell, or those of tokens
        that are not the verdict's: see :func:`why_unknown`.

    Examples
    --------
    >>> top = {"A": math.log(0.6), "B": math.log(0.3), "x": math.log(0.01)}
    >>> tokens = [{"token": '{"verdict": "', "logprob": 0.0, "top": {}},
    ...           {"token": "A", "logprob": top["A"], "top": top}]
    >>> round(first_preferred(Reply('{"verdict": "A"}', {"verdict": "A"}, logprobs=(*tokens,))), 6)
    0.666667
    """
    top = _alternatives(reply, labels)
    if not top:
        return math.nan
    first, second = labels
    mass = {first: 0.0, second: 0.0, "tie": 0.0}
    for text, logprob in top.items():
        verdict = _meant(text, labels)
        if verdict is not None:
            mass[verdict] += math.exp(logprob)
    least = min(math.exp(logprob) for logprob in top.values())
    for verdict in labels:
        if mass[verdict] == 0.0:
            if least > _NEGLIGIBLE:
                return math.nan
            mass[verdict] = least / 2
    return (mass[first] + mass["tie"] / 2) / sum(mass.values())


def why_unknown(reply: Reply, labels: tuple[str, str] = ("A", "B")) -> str:
    """Return why a reply tells no preference: no log-probabilities, or those of odd tokens.

    Examples
    --------
    >>> odd = ({"token": "token_id:32", "logprob": 0.0, "top": {}},)
    >>> why_unknown(Reply('{"verdict": "A"}', {"verdict": "A"}, logprobs=odd))
    "log-probabilities of tokens that are not the verdict's, such as 'token_id:32'"
    """
    if not reply.logprobs or _alternatives(reply, labels):
        return NO_LOGPROBS
    return f"{OTHER_TOKENS}, such as {str(reply.logprobs[0]['token'])[:40]!r}"


def _alternatives(reply: Reply, labels: tuple[str, str]) -> dict[str, float]:
    """Return what could have stood in the place of the verdict, by text; nothing if unknown."""
    token = _verdict_token(reply)
    read = reply.value.get("verdict") if isinstance(reply.value, dict) else reply.value
    if token is None or _meant(plain_token(token["token"]), labels) != read:
        return {}
    top: dict[str, float] = {}
    for text, logprob in {token["token"]: token["logprob"], **token["top"]}.items():
        plain = plain_token(text)
        top[plain] = logprob if plain not in top else added(top[plain], logprob)
    return top


def _verdict_token(reply: Reply) -> Mapping[str, Any] | None:
    """Return the token that holds the first letter of the verdict."""
    if not reply.logprobs:
        return None
    texts = plain_tokens([token["token"] for token in reply.logprobs], reply.text)
    text = "".join(texts)
    # what stands before the answer was only thought
    begin = max(text.rfind(reply.text.strip()), 0)
    places = list(_VERDICT.finditer(text, begin))
    # without its field the reply is the bare verdict
    at = places[-1].end() if places else len(text) - len(text[begin:].lstrip(' "\n'))
    for token, part in zip(reply.logprobs, texts, strict=True):
        if at < len(part):
            return token
        at -= len(part)
    return None


def _meant(token: str, labels: tuple[str, str]) -> str | None:
    """Return the verdict that a token begins; None where it begins none."""
    # a token can hold what stands before the verdict, such as  "A
    word = token.rpartition(":")[2].strip(' "\n\t{},').casefold()
    for label in labels:
        if word == label.casefold():
            return label
    return "tie" if word and "tie".startswith(word) else None
