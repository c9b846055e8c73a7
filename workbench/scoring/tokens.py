"""From texts to tokens: where a prompt ends and a response begins, exactly or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import ScoringError
from workbench.scoring.cutting import cut
from workbench.scoring.layout import Group
from workbench.scoring.policy import TokenPolicy as TokenPolicy
from workbench.scoring.sequences import common, sequences
from workbench.scoring.template import Prompt, Response

BACKED_OFF = "scored from what prompt and whole share, before the end of the prompt"
DOUBLE_BOS = "two tokens of the beginning: the text has one, and the tokenizer adds another"
CONTROL = "control tokens in the text are read as such"


@dataclass(frozen=True)
class TokenPair:
    """Tokens of a pair: the shared prompt and both responses.

    Attributes
    ----------
    prompt, chosen, rejected : tuple of int
    other_prompt : tuple of int, optional
        What is before the rejected response where cutting made it another.
    remarks : tuple of str
        What there is to say of how they were made.
    """

    prompt: tuple[int, ...]
    chosen: tuple[int, ...]
    rejected: tuple[int, ...]
    other_prompt: tuple[int, ...] | None = None
    remarks: tuple[str, ...] = field(default=(), compare=False)

    def __len__(self) -> int:
        return len(self.group)

    @property
    def sides(self) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
        """Prompt and response of each side, the chosen one first."""
        other = self.prompt if self.other_prompt is None else self.other_prompt
        return (self.prompt, self.chosen), (other, self.rejected)

    @property
    def group(self) -> Group:
        """All tokens of the pair, for what plans how many fit."""
        return Group(self.prompt, (self.chosen, (*(self.other_prompt or ()), *self.rejected)))

    @property
    def groups(self) -> list[Group]:
        """What is scored: the prompt and both responses, or one each where prompts differ."""
        if self.other_prompt is None:
            return [self.group]
        return [Group(prompt, (response,)) for prompt, response in self.sides]


def encode(
    tokenizer: Any, prompt: Prompt, chosen: Response, rejected: Response, policy: TokenPolicy
) -> TokenPair:
    """Return the tokens of a pair; see :func:`encode_all`.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    prompt : str or Asked
    chosen, rejected : str or sequence of dict
    policy : TokenPolicy

    Raises
    ------
    ScoringError
        As :func:`encode_all`; or the prompt alone fills the policy's
        length.
    """
    opened, whole = sequences(tokenizer, prompt, (chosen, rejected), policy)
    start, (plus, minus) = split_at(tokenizer, opened, whole, policy.back_off)
    remarks = [BACKED_OFF] if len(start) < len(opened) else []
    bos = tokenizer.bos_token_id
    if policy.mode == "raw" and bos is not None and start[:2] == (bos, bos):
        remarks.append(DOUBLE_BOS)
    sides = cut(((start, plus), (start, minus)), policy.max_length, policy.keep)
    short = sum(len(k) + len(x) < len(start) + len(y)
                for (k, x), y in zip(sides, (plus, minus), strict=True))  # fmt: skip
    if short:
        kept = {"start": "the start kept", "end": "the end kept"}.get(policy.keep, "by lengths")
        remarks.append(
            f"{'both responses' if short > 1 else 'one response'} cut to "
            f"{policy.max_length:,} tokens with the prompt, {kept}"
        )
    (first, plus), (second, minus) = sides
    return TokenPair(first, plus, minus, None if first == second else second, tuple(remarks))


def encode_all(
    tokenizer: Any, prompt: Prompt, responses: Sequence[Response], policy: TokenPolicy
) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """Return the tokens of a prompt, and those of each response to it.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    prompt : str or Asked
    responses : sequence of str or of messages
    policy : TokenPolicy

    Raises
    ------
    ScoringError
        The prompt's tokens are no prefix, a response has no token, there is no chat template
        or it refuses the dialogue, or a control token stands in the words of a chat.

    Notes
    -----
    A text is never cut and tokenised in parts, unless the policy says so: prompt and response
    are tokenised together, and the prompt's own tokens have to be their beginning.
    """
    return split_at(tokenizer, *sequences(tokenizer, prompt, responses, policy), policy.back_off)


def encode_one(
    tokenizer: Any, prompt: Prompt, response: Response, policy: TokenPolicy
) -> tuple[tuple[int, ...], tuple[tuple[int, ...], ...]]:
    """Return the tokens of a prompt and of one response to it, cut as the policy says.

    Parameters
    ----------
    tokenizer : transformers tokenizer
    prompt : str or Asked
    response : str or sequence of dict
    policy : TokenPolicy

    Raises
    ------
    ScoringError
        As :func:`encode`.
    """
    start, (said,) = encode_all(tokenizer, prompt, (response,), policy)
    ((start, said),) = cut(((start, said),), policy.max_length, policy.keep)
    return start, (said,)


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
    shared = min(common(start, one) for one in whole)
    if shared < len(start) and not back_off:
        raise ScoringError(
            "The tokens of the prompt are not the beginning of those of prompt and response.",
            found=f"{shared} of {len(start)} prompt tokens are shared; then "
            f"{tokenizer.decode(list(start[shared : shared + 3]))!r}",
            expected="an exact prefix",
            fix="Take another separator, or back_off=True (--back-off), which scores from there.",
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
