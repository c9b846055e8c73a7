"""How texts become tokens: the choices that trainers make, in one place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.scoring.cutting import Keep

Mode = Literal["raw", "chat"]
Bos = Literal["once", "tokenizer", "none"]


@dataclass(frozen=True)
class TokenPolicy:
    """How texts become tokens; part of every score.

    Attributes
    ----------
    mode : {"raw", "chat"}
        The text ``prompt + separator + response``, or the tokenizer's chat template.
    separator : str
        Between prompt and response in raw mode. Trainers put nothing there.
    eos : bool
        Raw: whether the end-of-sequence token closes a response and is scored, once.
    back_off : bool
        Where the tokens of a prompt are no prefix of those of prompt and response: begin
        both responses after what they share, instead of failing.
    bos : {"once", "tokenizer", "none"}
        Raw: the tokens that the tokenizer itself puts around a text, but not where the text
        has them; whatever the text has; or none of them.
    end : {"turn", "template", "eos"}
        Chat: a response goes to the first end-of-turn token; to the end of what the template
        writes; or there without white space, closed by the end-of-sequence token.
    split : {"turn", "difference"}
        Where a file holds no prompt apart from its texts, a prompt goes to the last answer that
        differs, or to the first character that does.
    apart : bool
        Prompt and response are tokenised each for itself.
    max_length : int, optional
        Tokens of prompt and response, at most.
    keep : {"start", "end", "shares"}
        What is kept of a longer one; shares cuts both by their lengths.
    like : str
        Whose choices these are (:func:`workbench.scoring.presets.policy_like`).
    """

    mode: Mode = "raw"
    separator: str = ""
    eos: bool = True
    back_off: bool = True
    bos: Bos = "once"
    end: Literal["turn", "template", "eos"] = "turn"
    split: Literal["turn", "difference"] = "turn"
    apart: bool = False
    max_length: int | None = None
    keep: Keep = "start"
    like: str = ""
