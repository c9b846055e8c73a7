"""The tokens of whole texts: a prompt, opened, and the prompt with each response to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.data.formats.messages import Message
from workbench.errors import ScoringError
from workbench.scoring.policy import TokenPolicy
from workbench.scoring.template import (
    Asked,
    Prompt,
    Response,
    asked_turns,
    control_token,
    rendered,
    said_turns,
)

_ENDS = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>")
"""Tokens that end a turn, where a tokenizer has them; its end of sequence is one too."""


def sequences(
    tokenizer: Any, prompt: Prompt, responses: Sequence[Response], policy: TokenPolicy
) -> tuple[list[int], list[list[int]]]:
    """Return the tokens of a prompt, and those of it with each response, as a policy has them.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    prompt : str or Asked
    responses : sequence of str or of messages
    policy : TokenPolicy

    Raises
    ------
    ScoringError
        As :func:`encode_all`.
    """
    render = _chat if policy.mode == "chat" else _raw
    start = render(tokenizer, prompt, None, policy)
    if policy.apart:
        return start, [[*start, *_apart(tokenizer, prompt, one, policy)] for one in responses]
    return start, [render(tokenizer, prompt, one, policy) for one in responses]


def whole_text(
    tokenizer: Any, prompt: Prompt, response: Response, policy: TokenPolicy
) -> list[int]:
    """Return the tokens of a prompt with its response as a reward trainer makes them.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    prompt : str or Asked
    response : str or sequence of dict
    policy : TokenPolicy

    Notes
    -----
    Of TRL's RewardTrainer: the whole text of the chat template, with what follows the last
    end of turn; raw text is closed by the end-of-sequence token, once, and tokenised with
    what the tokenizer adds itself.
    """
    if policy.mode == "chat":
        return _plain(tokenizer, rendered(tokenizer, prompt, response))
    return list(tokenizer(closed(tokenizer, joined(prompt, response, policy)))["input_ids"])


def joined(prompt: Prompt, response: Response | None, policy: TokenPolicy) -> str:
    """Return prompt and response as one raw text."""
    if not isinstance(prompt, str) or not (response is None or isinstance(response, str)):
        raise ScoringError(
            "Messages are no raw text.",
            found="messages",
            expected="texts",
            fix='Score them through the chat template: mode="chat".',
        )
    return f"{prompt}{policy.separator}{response}" if response else prompt


def closed(tokenizer: Any, text: str) -> str:
    """Return a text that ends in the end-of-sequence token, once."""
    end = tokenizer.eos_token or ""
    return text if text.endswith(end) else text + end


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many tokens at the start are the same.

    Examples
    --------
    >>> common([1, 2, 3], [1, 2, 4])
    2
    """
    count = 0
    for x, y in zip(one, other, strict=False):
        if x != y:
            break
        count += 1
    return count


def _raw(
    tokenizer: Any, prompt: Prompt, response: Response | None, policy: TokenPolicy
) -> list[int]:
    text, answered = joined(prompt, response, policy), bool(response)
    if answered and policy.eos:
        text = closed(tokenizer, text)
    return _ids(tokenizer, text, policy, policy.eos or not answered)


def _ids(tokenizer: Any, text: str, policy: TokenPolicy, ended: bool) -> list[int]:
    """Return a raw text's tokens; ``ended`` where an end-of-sequence token at its end stays."""
    ids = list(tokenizer(text, add_special_tokens=policy.bos != "none")["input_ids"])
    if policy.bos == "tokenizer":
        return ids
    if policy.bos == "once":
        before, after = _around(tokenizer)
        ids = ids[: len(ids) - after]
        if before and ids[:1] == [tokenizer.bos_token_id] == ids[1:2]:
            ids = ids[1:]
    # a response that ends in the token has it scored only where the policy says so
    return ids[:-1] if not ended and ids[-1:] == [tokenizer.eos_token_id] else ids


def _around(tokenizer: Any) -> tuple[int, int]:
    """Return how many tokens a tokenizer puts before a text, and how many after it."""
    bare = list(tokenizer("a", add_special_tokens=False)["input_ids"])
    whole = list(tokenizer("a")["input_ids"])
    at = next((k for k in range(len(whole)) if whole[k : k + len(bare)] == bare), 0)
    return at, len(whole) - at - len(bare)


def _chat(
    tokenizer: Any, prompt: Prompt, response: Response | None, policy: TokenPolicy
) -> list[int]:
    said = said_turns(response)
    mark = control_token(tokenizer, [*asked_turns(prompt), *said])
    if mark is not None:
        raise ScoringError(
            f"The control token {mark!r} stands in a text.",
            found="words that the tokenizer reads as a control token",
            expected="control tokens from the chat template alone",
            fix="Leave the pair out, or take the token out of the text.",
        )
    text = rendered(tokenizer, prompt, response)
    if policy.end == "eos":
        if response is None:
            return _ids(tokenizer, text, policy, True)
        return _ids(tokenizer, closed(tokenizer, text.rstrip()), policy, True)
    ids = _plain(tokenizer, text)
    if response is None or policy.end == "template":
        return ids
    return ids[: _end_of_turn(tokenizer, prompt, said, ids)]


def _end_of_turn(
    tokenizer: Any, prompt: Prompt, said: Sequence[Message], ids: Sequence[int]
) -> int:
    """Return where the first token that ends the last turn of a response has ended."""
    tools = prompt.tools if isinstance(prompt, Asked) else None
    before = Asked([*asked_turns(prompt), *said[:-1]], tools)
    start = common(_plain(tokenizer, rendered(tokenizer, before, None)), ids)
    ends = {tokenizer.eos_token_id, *(tokenizer.convert_tokens_to_ids(t) for t in _ENDS)}
    ends -= {None, tokenizer.unk_token_id}
    return next((k for k, one in enumerate(ids[start:], start) if one in ends), len(ids) - 1) + 1


def _apart(tokenizer: Any, prompt: Prompt, response: Response, policy: TokenPolicy) -> list[int]:
    """Return the tokens of a response that is tokenised for itself."""
    if policy.mode == "raw":
        text = joined("", response, policy)
        return _plain(tokenizer, closed(tokenizer, text) if policy.eos else text)
    before, whole = rendered(tokenizer, prompt, None), rendered(tokenizer, prompt, response)
    at = next((k for k, (x, y) in enumerate(zip(before, whole, strict=False)) if x != y),
              min(len(before), len(whole)))  # fmt: skip
    return _plain(tokenizer, whole[at:])


def _plain(tokenizer: Any, text: str) -> list[int]:
    # the template holds the special tokens already: adding them again would double the first
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])
