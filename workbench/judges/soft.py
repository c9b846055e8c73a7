"""Soft preferences: what the log-probabilities of a verdict's token say."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from workbench.llm.reply import Reply

NO_LOGPROBS = "no log-probabilities"
"""Reason of a label without a preference: the server did not say how sure the model was."""

_VERDICT = re.compile(r'"verdict"\s*:\s*"', re.IGNORECASE)
_NEGLIGIBLE = 0.02


def first_preferred(reply: Reply, labels: tuple[str, str] = ("A", "B")) -> float:
    r"""Return :math:`P(\text{first preferred})` from the token where the verdict stands.

    With the probabilities of all tokens there that are the label A or B, or begin "tie",
    :math:`(P_A + P_{tie}/2) / (P_A + P_B + P_{tie})`. A verdict that is not among the
    alternatives has at most the probability of the least of them: half of that is taken
    where the bound is below .02.

    Returns
    -------
    float
        NaN where the server gave no log-probabilities, or too few to tell.

    Examples
    --------
    >>> top = {"A": math.log(0.6), "B": math.log(0.3), "x": math.log(0.01)}
    >>> tokens = [{"token": '{"verdict": "', "logprob": 0.0, "top": {}},
    ...           {"token": "A", "logprob": top["A"], "top": top}]
    >>> round(first_preferred(Reply('{"verdict": "A"}', {"verdict": "A"}, logprobs=(*tokens,))), 6)
    0.666667
    """
    token = _verdict_token(reply)
    if token is None:
        return math.nan
    top = {**token["top"], token["token"]: token["logprob"]}
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


def _verdict_token(reply: Reply) -> Mapping[str, Any] | None:
    """Return the token that holds the first letter of the verdict."""
    if not reply.logprobs:
        return None
    text = "".join(token["token"] for token in reply.logprobs)
    places = list(_VERDICT.finditer(text))
    # without its field the reply is the bare verdict
    at = places[-1].end() if places else len(text) - len(text.lstrip(' "\n'))
    for token in reply.logprobs:
        if at < len(token["token"]):
            return token
        at -= len(token["token"])
    return None


def _meant(token: str, labels: tuple[str, str]) -> str | None:
    """Return the verdict that a token begins; None where it begins none."""
    # a token can hold what stands before the verdict, such as  "A
    word = token.rpartition(":")[2].strip(' "\n\t{},').casefold()
    for label in labels:
        if word == label.casefold():
            return label
    return "tie" if word and "tie".startswith(word) else None
