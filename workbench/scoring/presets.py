"""How trainers make tokens of pairs: the choices of each by its name, and in words."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from workbench.scoring.policy import Mode, TokenPolicy

LIKE = {
    "trl": {
        "separator": "", "eos": True, "back_off": True, "bos": "tokenizer", "end": "template",
        "split": "difference", "max_length": 1024, "keep": "start",
    },
    "axolotl": {
        "separator": "", "eos": True, "back_off": True, "bos": "once", "end": "eos",
        "split": "difference",
    },
    "llama-factory": {
        "separator": "", "eos": True, "back_off": True, "bos": "none", "end": "template",
        "apart": True, "max_length": 2048, "keep": "shares",
    },
}  # fmt: skip
"""Choices of the preference trainers of TRL 1.16, Axolotl and LLaMA-Factory with their defaults.

Those of TRL are tested against the package. The other two are read from their sources
(``prompt_strategies/dpo/chat_template.py`` and ``core/trainers/dpo/trainer.py`` of Axolotl,
``data/processor/pairwise.py`` and ``processor_utils.py`` of LLaMA-Factory), not tested.
LLaMA-Factory has templates of its own, which may be others than the tokenizer's, and takes raw
texts through one too: by default the content and the end of the sequence. What Axolotl cuts is set
in each run (``sequence_len``): name it.
"""

TESTED = ("trl",)


def policy_like(name: str | None, mode: Mode = "raw", **own: Any) -> TokenPolicy:
    """Return how a trainer makes tokens of pairs.

    Parameters
    ----------
    name : str or None
        A key of :data:`LIKE`; our own choices when None.
    mode : {"raw", "chat"}
    **own : object
        Choices that are others, by the names that :class:`TokenPolicy` has.

    Examples
    --------
    >>> policy_like("trl", "chat", max_length=512).end
    'template'
    """
    given: dict[str, Any] = {} if name is None else {**LIKE[name], "like": name}
    return replace(TokenPolicy(mode), **{**given, **own})


def assumed(policy: TokenPolicy, tokenizer: Any) -> str:
    """Return the choices of a policy in words.

    Parameters
    ----------
    policy : TokenPolicy
    tokenizer : transformers tokenizer
    """
    words = _chat(policy, tokenizer) if policy.mode == "chat" else _raw(policy, tokenizer)
    if policy.apart:
        words.append("prompt and response tokenised apart")
    elif not policy.back_off:
        words.append("pairs whose prompt is not the beginning of the whole left out")
    words.append(
        "nothing cut" if policy.max_length is None
        else f"at most {policy.max_length:,} tokens, {_KEPT[policy.keep]}"
    )  # fmt: skip
    tested = "" if policy.like in ("", *TESTED) else ", as its sources say"
    like = f" (like {policy.like}{tested})" if policy.like else ""
    return f"tokens assumed{like}: {'; '.join(words)}"


_KEPT = {"start": "the start is kept", "end": "the end is kept",
         "shares": "prompt and response cut by their lengths"}  # fmt: skip


def _raw(policy: TokenPolicy, tokenizer: Any) -> list[str]:
    between = f" + {policy.separator!r}" if policy.separator else ""
    end = f" + {tokenizer.eos_token!r}" if policy.eos and tokenizer.eos_token else ""
    added = {
        "once": "the beginning as the tokenizer adds it, once",
        "tokenizer": "with all that the tokenizer adds",
        "none": "nothing added by the tokenizer",
    }[policy.bos]
    return [f"prompt{between} + response{end}", added]


def _chat(policy: TokenPolicy, tokenizer: Any) -> list[str]:
    end = {
        "turn": "to the first token that ends the turn",
        "template": "to the end of what the template writes",
        "eos": f"without white space at the end, closed by {tokenizer.eos_token!r}",
    }[policy.end]
    return ["messages through the chat template", f"a response goes {end}"]
