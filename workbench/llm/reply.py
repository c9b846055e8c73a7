"""What came back of a request: an answer, or a failure with all that was heard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Usage:
    """Tokens of one call, or of many.

    Examples
    --------
    >>> Usage(10, 2) + Usage(1, 1)
    Usage(prompt_tokens=11, completion_tokens=3, calls=2)
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    calls: int = 1

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.calls + other.calls,
        )


@dataclass(frozen=True)
class Reply:
    """An answer that could be read, or a failure.

    Attributes
    ----------
    text : str
        What the model answered, as it wrote it; all that came where that is no answer.
    value : object
        What the schema made of it; the text where there is no schema; None for a failure.
    path : str
        How the structure was asked for: ``json_schema``, ``json_object``, ``text``.
    finish_reason : str
    logprobs : tuple of mappings, or None
        Per token ``token, logprob, top`` (alternatives by token); None where the server gave
        none: missing is not certainty.
    usage : Usage
        Of every attempt that the server charged.
    attempts : int
        Calls that it took.
    reason : str or None
        Why it is a failure.
    thinking : str
        What the model thought before it answered, as far as it was told: never read.
    permanent : bool
        Asking the same again would fail again.
    guessed : tuple of int
        Tokens of prompts and of replies that calls counted as whose bill nobody knows.
    cut_short : bool
        It was to be asked for once more, and the run ended before: it is asked anew.
    form : tuple of str
        What was changed in the request because the server wants it
        (:mod:`workbench.llm.asking.bends`); empty where it was sent in full.
    """

    text: str
    value: Any
    path: str = "text"
    finish_reason: str = ""
    logprobs: tuple[Mapping[str, Any], ...] | None = None
    usage: Usage = field(default_factory=Usage)
    attempts: int = 1
    reason: str | None = None
    thinking: str = ""
    permanent: bool = False
    form: tuple[str, ...] = ()
    guessed: tuple[int, int] = (0, 0)
    cut_short: bool = False

    @property
    def failed(self) -> bool:
        """Whether there is no answer."""
        return self.reason is not None

    def to_dict(self) -> dict[str, Any]:
        """Return the reply as plain JSON values."""
        usage = self.usage
        record = {
            "text": self.text,
            "value": self.value,
            "path": self.path,
            "finish_reason": self.finish_reason,
            "logprobs": None if self.logprobs is None else [dict(one) for one in self.logprobs],
            "usage": [usage.prompt_tokens, usage.completion_tokens, usage.calls],
            "attempts": self.attempts,
            "reason": self.reason,
            # most replies have none, and a journal holds many
            **({"thinking": self.thinking} if self.thinking else {}),
        }
        # only where there is something to say: most records stay as they always were
        if self.permanent:
            record["permanent"] = True
        if self.cut_short:
            record["cut_short"] = True
        if self.form:
            record["form"] = list(self.form)
        if any(self.guessed):
            record["guessed"] = list(self.guessed)
        return record

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Reply:
        """Rebuild a reply from :meth:`to_dict`.

        Examples
        --------
        >>> one = Reply("A", "A", logprobs=({"token": "A", "logprob": -0.1, "top": {}},))
        >>> Reply.from_dict(one.to_dict()) == one
        True
        """
        logprobs = record["logprobs"]
        return cls(
            record["text"],
            record["value"],
            record["path"],
            record["finish_reason"],
            None if logprobs is None else tuple(logprobs),
            Usage(*record["usage"]),
            record["attempts"],
            record["reason"],
            record.get("thinking", ""),
            record.get("permanent", False),
            tuple(record.get("form", ())),
            tuple(record.get("guessed", (0, 0))),
            record.get("cut_short", False),
        )
