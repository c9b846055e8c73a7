"""What a model is given of a pair, in words: which tokens, and what is not among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from workbench.data.formats.messages import text_of
from workbench.scoring.layout import text_config
from workbench.scoring.policy import TokenPolicy
from workbench.scoring.sequences import joined, whole_text
from workbench.scoring.template import (
    Prompt,
    RefusedError,
    Response,
    asked_turns,
    rendered,
    said_turns,
)

SAME = "both responses have the same tokens"
"""Why a pair is left out: nothing could tell its responses apart."""

_CUT = "the chat template leaves out a part of"


def left_out_by_template(
    tokenizer: Any, prompt: Prompt, response: Response, policy: TokenPolicy
) -> bool:
    """Return whether a chat template drops a part of a response, such as its reasoning.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    prompt : str or Asked
    response : str or sequence of dict
    policy : TokenPolicy

    Notes
    -----
    White space does not count: templates strip it and put their own.
    """
    if policy.mode != "chat" or not getattr(tokenizer, "chat_template", None):
        return False
    try:
        text, at = _bare(rendered(tokenizer, prompt, response)), 0
    except RefusedError:
        return False
    # a response may stand in its prompt as well
    for turn in asked_turns(prompt):
        ask = _bare(text_of(turn))
        at = text.find(ask, at) + len(ask) if ask in text[at:] else at
    said = [turn for turn in said_turns(response) if isinstance(turn.get("content"), str)]
    return any(_bare(turn["content"]) not in text[at:] for turn in said)


def cut_by_template(
    tokenizer: Any, texts: Sequence[tuple[Prompt, Response]], policy: TokenPolicy
) -> int:
    """Return how many responses a chat template cuts.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    texts : sequence of (prompt, response)
    policy : TokenPolicy
    """
    return sum(left_out_by_template(tokenizer, *one, policy) for one in texts)


def cut_line(count: int, of: int) -> str:
    """Return a line that says how many responses a chat template cuts.

    Examples
    --------
    >>> cut_line(2, 10)
    'the chat template leaves out a part of 2 of 10 responses'
    """
    return f"{_CUT} {count:,} of {of:,} responses"


def same_tokens(
    tokenizer: Any, prompt: Prompt, chosen: Response, rejected: Response, policy: TokenPolicy
) -> str:
    """Return why a pair whose tokens are the same is left out, and whose doing it is.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    prompt : str or Asked
    chosen, rejected : str or sequence of dict
    policy : TokenPolicy
    """
    cut = any(left_out_by_template(tokenizer, prompt, one, policy) for one in (chosen, rejected))
    return f"{SAME}: {_CUT} them" if cut else SAME


def reads_one_token(model: Any) -> bool:
    """Return whether a head is read at the last token, as decoders' are; encoders pool.

    Parameters
    ----------
    model : transformers model for sequence classification
    """
    return hasattr(model, "score")


def head_tokens(
    model: Any, tokenizer: Any, prompt: Prompt, response: Response, policy: TokenPolicy
) -> list[int]:
    """Return the tokens that a reward head is given: a decoder's as its trainer makes them.

    Parameters
    ----------
    model : transformers model for sequence classification
    tokenizer : transformers tokenizer
    prompt : str or Asked
    response : str or sequence of dict
    policy : TokenPolicy

    Notes
    -----
    An encoder gets a raw text as its own tokenizer closes it, and no second end.
    """
    if policy.mode == "chat" or reads_one_token(model):
        return whole_text(tokenizer, prompt, response, policy)
    return list(tokenizer(joined(prompt, response, policy))["input_ids"])


def place_read(model: Any, ids: Sequence[int]) -> int:
    """Return the place that a decoder's head is read at: the last that is not padding.

    Parameters
    ----------
    model : transformers model for sequence classification
    ids : sequence of int

    Notes
    -----
    transformers looks for the last token with another number than padding. Where padding is
    the end-of-sequence token, as TRL sets it for want of another, that is one before the
    end; so it is in training.
    """
    pad = text_config(model).pad_token_id
    if pad is None:
        return len(ids) - 1
    return max((k for k, one in enumerate(ids) if one != pad), default=0)


def where_read(model: Any, tokenizer: Any, some: Sequence[Sequence[int]]) -> str:
    """Return in words at which tokens a head is read.

    Parameters
    ----------
    model : transformers model for sequence classification
    tokenizer : transformers tokenizer
    some : sequence of sequence of int
    """
    if not reads_one_token(model):
        return f"pooled by the model; the last token is {_most(tokenizer, [k[-1] for k in some])}"
    places = [place_read(model, ids) for ids in some]
    before = Counter(len(ids) - 1 - place for ids, place in zip(some, places, strict=True))
    at = _most(tokenizer, [ids[place] for ids, place in zip(some, places, strict=True)])
    if set(before) == {0}:
        return f"the last token, {at}"
    pad = tokenizer.decode([text_config(model).pad_token_id])
    steps = ", ".join(f"{k} before the end in {n:,} texts" for k, n in sorted(before.items()))
    return f"the last token that is not padding ({pad!r}), {at}: {steps}"


def _most(tokenizer: Any, ids: Sequence[int]) -> str:
    (first, count), *others = Counter(ids).most_common()
    share = f" in {count:,} of {len(ids):,}" if others else ""
    return f"{tokenizer.decode([first])!r}{share}"


def _bare(text: str) -> str:
    return "".join(text.split())
