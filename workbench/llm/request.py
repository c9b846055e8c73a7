"""What is asked of a model, and the name of that question in caches and files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Message = Mapping[str, str]

OFFLINE = "offline:"
"""How the names of built-in models begin, wherever their numbers show."""


@dataclass(frozen=True)
class Sampling:
    """Every value that steers the sampling; all of them are sent and recorded.

    Attributes
    ----------
    temperature, top_p : float
    max_tokens : int
        Longest reply, in tokens.
    seed : int or None
        Sent where given; not every server heeds it.
    top_logprobs : int
        Alternatives a token whose log-probability is asked for; 0 asks for none.

    Examples
    --------
    >>> Sampling(temperature=0.7).body()["temperature"]
    0.7
    """

    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 1024
    seed: int | None = 0
    top_logprobs: int = 0

    def body(self) -> dict[str, Any]:
        """Return the values as fields of a chat completion."""
        body: dict[str, Any] = {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "n": 1,
        }
        if self.seed is not None:
            body["seed"] = self.seed
        if self.top_logprobs:
            body |= {"logprobs": True, "top_logprobs": self.top_logprobs}
        return body


@dataclass(frozen=True)
class Request:
    """One question to a model.

    Attributes
    ----------
    model : str
    messages : tuple of mappings
        Of ``role`` and ``content``.
    sampling : Sampling
    schema : mapping or None
        JSON schema of the reply; None for free text.
    replicate : int
        Number of this repeat: repeats are asked anew, not read from the cache.
    about : mapping
        What the question is about (pair, factor, order, stage); not part of its name.
    inputs : tuple of str or None
        Texts whose embeddings are asked for, in the place of messages.
    partial : bool
        A reply that lacks fields of the schema is an answer with what it has.

    Examples
    --------
    >>> one = Request("m", ({"role": "user", "content": "Hi"},))
    >>> one.key("http://127.0.0.1:1/v1") == one.repeat(1).key("http://127.0.0.1:1/v1")
    False
    """

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling = field(default_factory=Sampling)
    schema: Mapping[str, Any] | None = None
    replicate: int = 0
    about: Mapping[str, Any] = field(default_factory=dict)
    partial: bool = False
    inputs: tuple[str, ...] | None = None

    @property
    def route(self) -> str:
        """Where the endpoint takes it."""
        return "chat/completions" if self.inputs is None else "embeddings"

    def key(self, base_url: str) -> str:
        """Return the 128-bit digest of the endpoint and all that is sent, and the repeat."""
        content: dict[str, Any] = {
            "base_url": base_url.rstrip("/"),
            "model": self.model,
            "messages": [dict(message) for message in self.messages],
            "sampling": self.sampling.body(),
            "schema": None if self.schema is None else dict(self.schema),
            "replicate": self.replicate,
        }
        if self.inputs is not None:
            content["inputs"] = list(self.inputs)
        text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode("ascii"), digest_size=16).hexdigest()

    def repeat(self, replicate: int) -> Request:
        """Return the same question, asked another time."""
        return replace(self, replicate=replicate)

    def body(self) -> dict[str, Any]:
        """Return the chat completion that asks the question, without a response format."""
        if self.inputs is not None:
            return {"model": self.model, "input": list(self.inputs)}
        messages = [dict(message) for message in self.messages]
        return {"model": self.model, "messages": messages, **self.sampling.body()}
