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
class Picture:
    """An image that stands below the texts of a question.

    Attributes
    ----------
    label : str
        What it is of; told before it.
    url : str
        A data URL, or an address that the server is to fetch.

    Examples
    --------
    >>> Picture("Image 1, of the prompt:", "data:image/png;base64,QUJD").name
    'blake2b:a3be08191095f9eb'
    """

    label: str
    url: str

    @property
    def name(self) -> str:
        """The digest of a data URL, or the address."""
        if not self.url.startswith("data:"):
            return self.url
        return "blake2b:" + hashlib.blake2b(self.url.encode(), digest_size=8).hexdigest()

    def parts(self, whole: bool = True) -> list[dict[str, Any]]:
        """Return the label and the image as parts of a message; by its name if not whole."""
        image = {"url": self.url if whole else self.name}
        return [{"type": "text", "text": self.label}, {"type": "image_url", "image_url": image}]


def plain_text(content: Any) -> str:
    r"""Return what a content shows as text: its own, or that of its parts, images by their names.

    Examples
    --------
    >>> plain_text([{"type": "text", "text": "See:"}, {"type": "image_url",
    ...             "image_url": {"url": "blake2b:00"}}])
    'See:\n[blake2b:00]'
    """
    if not isinstance(content, list):
        return str(content)
    return "\n".join(
        str(part["text"]) if "text" in part else f"[{part.get('image_url', {}).get('url')}]"
        for part in content
        if isinstance(part, dict)
    )


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
    pictures : tuple of Picture
        Images below the last message.

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
    pictures: tuple[Picture, ...] = ()

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
        if self.pictures:
            content["pictures"] = [[one.label, one.name] for one in self.pictures]
        text = json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.blake2b(text.encode("ascii"), digest_size=16).hexdigest()

    def repeat(self, replicate: int) -> Request:
        """Return the same question, asked another time."""
        return replace(self, replicate=replicate)

    def body(self, whole: bool = True) -> dict[str, Any]:
        """Return the chat completion that asks the question, without a response format.

        Parameters
        ----------
        whole : bool
            With the bytes of images; by their names if not, as a journal keeps it.
        """
        if self.inputs is not None:
            return {"model": self.model, "input": list(self.inputs)}
        messages: list[dict[str, Any]] = [dict(message) for message in self.messages]
        if self.pictures:
            shown = [part for one in self.pictures for part in one.parts(whole)]
            messages[-1]["content"] = [{"type": "text", "text": messages[-1]["content"]}, *shown]
        return {"model": self.model, "messages": messages, **self.sampling.body()}
