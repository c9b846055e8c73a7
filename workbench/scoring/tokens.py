"""From texts to tokens: where a prompt ends and a response begins, exactly or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from workbench.errors import ScoringError
from workbench.scoring.layout import Group

Mode = Literal["raw", "chat"]


@dataclass(frozen=True)
class TokenPolicy:
    """How texts become tokens; part of every score.

    Attributes
    ----------
    mode : {"raw", "chat"}
        The text ``prompt + separator + response``, or the tokenizer's chat template.
    separator : str
        Between prompt and response in raw mode.
    eos : bool
        Raw: whether the end-of-sequence token closes a response and is scored. Chat: the
        first end-of-turn token of the template is scored, what follows it is not.
    back_off : bool
        Where the tokens of a prompt are no prefix of those of prompt and response: begin
        both responses after what they share, instead of failing.
    """

    mode: Mode = "raw"
    separator: str = " "
    eos: bool = False
    back_off: bool = False


@dataclass(frozen=True)
class TokenPair:
    """Tokens of a pair: the shared prompt and both responses."""

    prompt: tuple[int, ...]
    chosen: tuple[int, ...]
    rejected: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.group)

    @property
    def group(self) -> Group:
        """The prompt and both responses, the chosen one first."""
        return Group(self.prompt, (self.chosen, self.rejected))


def encode(
    tokenizer: Any, prompt: str, chosen: str, rejected: str, policy: TokenPolicy
) -> TokenPair:
    """Return the tokens of a pair; see :func:`encode_all`.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    prompt, chosen, rejected : str
    policy : TokenPolicy

    Raises
    ------
    ScoringError
        As :func:`encode_all`.
    """
    start, parts = encode_all(tokenizer, prompt, (chosen, rejected), policy)
    return TokenPair(start, parts[0], parts[1])


def encode_all(
    tokenizer: Any, prompt: str, responses: Sequence[str], policy: TokenPolicy
) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """Return the tokens of a prompt, and those of each response to it.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    prompt : str
    responses : sequence of str
    policy : TokenPolicy

    Raises
    ------
    ScoringError
        The prompt's tokens are no prefix, a response has no token, or there is no chat
        template.

    Notes
    -----
    A text is never cut and tokenised in parts: prompt and response are tokenised together,
    and the prompt's own tokens have to be their beginning.
    """
    render = _chat if policy.mode == "chat" else _raw
    start = render(tokenizer, prompt, None, policy)
    whole = [render(tokenizer, prompt, text, policy) for text in responses]
    return split_at(tokenizer, start, whole, policy.back_off)


def whole_text(tokenizer: Any, prompt: str, response: str, policy: TokenPolicy) -> list[int]:
    """Return the tokens of a prompt with its response as a reward trainer makes them.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    prompt, response : str
    policy : TokenPolicy

    Notes
    -----
    Of TRL's RewardTrainer: the whole text of the chat template, with what follows the last
    end of turn; raw text is closed by the end-of-sequence token, once, and tokenised with
    what the tokenizer adds itself.
    """
    if policy.mode == "chat":
        return _plain(tokenizer, rendered(tokenizer, prompt, response))
    text, end = joined(prompt, response, policy), tokenizer.eos_token or ""
    return list(tokenizer(text if text.endswith(end) else text + end)["input_ids"])


def joined(prompt: str, response: str, policy: TokenPolicy) -> str:
    """Return prompt and response as one raw text."""
    return f"{prompt}{policy.separator}{response}" if response else prompt


def rendered(tokenizer: Any, prompt: str, response: str | None) -> str:
    """Return the text that a chat template makes of a prompt, and of a response to it.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    prompt : str
    response : str or None
        The answer is only opened when None.

    Raises
    ------
    ScoringError
        There is no chat template.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise ScoringError(
            "The tokenizer has no chat template.",
            found=str(getattr(tokenizer, "name_or_path", "")),
            expected="a tokenizer with a chat template",
            fix='Score raw text: mode="raw".',
        )
    turns = [{"role": "user", "content": prompt}]
    if response is not None:
        turns.append({"role": "assistant", "content": response})
    opens = response is None
    return str(tokenizer.apply_chat_template(turns, add_generation_prompt=opens, tokenize=False))


def split_at(
    tokenizer: Any, start: Sequence[int], whole: Sequence[Sequence[int]], back_off: bool
) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """Return the tokens of a beginning, and what follows it in each sequence.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    start : sequence of int
    whole : sequence of sequence of int
        Each of which has to begin with it.
    back_off : bool
        Else begin after what they share.

    Raises
    ------
    ScoringError
        It is no prefix, it is empty, or nothing follows it.
    """
    shared = min(_common(start, one) for one in whole)
    if shared < len(start) and not back_off:
        raise ScoringError(
            "The tokens of the prompt are not the beginning of those of prompt and response.",
            found=f"{shared} of {len(start)} prompt tokens are shared; then "
            f"{tokenizer.decode(list(start[shared : shared + 3]))!r}",
            expected="an exact prefix",
            fix="Take another separator, or back_off=True, which scores from there on.",
        )
    if shared == 0:
        raise ScoringError(
            "There is no token to predict the response from.",
            found="an empty prompt, and no token that begins a sequence",
            expected="at least one token before the response",
            fix="Give a prompt, or a tokenizer that adds a beginning-of-sequence token.",
        )
    parts = tuple(tuple(one[shared:]) for one in whole)
    if not all(parts):
        raise ScoringError(
            "A response has no token.",
            found="an empty response",
            expected="at least one token",
            fix="Leave the pair out.",
        )
    return tuple(start[:shared]), parts


def _raw(tokenizer: Any, prompt: str, response: str | None, policy: TokenPolicy) -> list[int]:
    end = tokenizer.eos_token_id
    ids = list(tokenizer(joined(prompt, response or "", policy))["input_ids"])
    if not response:
        # a tokenizer that closes every text closes the prompt too, which goes on
        closes = end is not None and list(tokenizer("")["input_ids"])[-1:] == [end]
        return ids[:-1] if closes else ids
    if end is not None and ids and ids[-1] == end:
        ids = ids[:-1]
    return [*ids, end] if policy.eos and end is not None else ids


def _chat(tokenizer: Any, prompt: str, response: str | None, policy: TokenPolicy) -> list[int]:
    opened = _plain(tokenizer, rendered(tokenizer, prompt, None))
    if response is None:
        return opened
    ids, start = _plain(tokenizer, rendered(tokenizer, prompt, response)), len(opened)
    ends = {tokenizer.eos_token_id, *(tokenizer.convert_tokens_to_ids(t) for t in _ENDS)}
    ends -= {None, tokenizer.unk_token_id}
    stop = next((k for k, one in enumerate(ids[start:], start) if one in ends), len(ids) - 1)
    return ids[: stop + 1]


_ENDS = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>")


def _plain(tokenizer: Any, text: str) -> list[int]:
    # the template holds the special tokens already: adding them again would double the first
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _common(one: Sequence[int], other: Sequence[int]) -> int:
    count = 0
    for x, y in zip(one, other, strict=False):
        if x != y:
            break
        count += 1
    return count
