"""log p(y|x) from a server that returns the log-probabilities of a prompt's tokens."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.errors import ScoringError
from workbench.llm.asking.headers import check_headers, sent_headers, values_of
from workbench.llm.endpoint import Endpoint
from workbench.llm.replies.marks import begins

if TYPE_CHECKING:
    from openai.types.completion_choice import Logprobs

_UNKNOWN = "\ufffd"
"""What stands for a part of a letter."""


class ServerScorer:
    """An OpenAI-compatible server's completions endpoint, asked to repeat what it is given.

    Parameters
    ----------
    endpoint : Endpoint
    model : str

    Notes
    -----
    ``echo`` with ``logprobs`` returns the log-probability of every token of the prompt: those
    that begin at or after the end of the prompt are the response's. Where each begins is
    found by laying the tokens on the text, marks such as ``Ġ`` and ``▁`` understood and those
    of a text's beginning left out: the ``text_offset`` of some servers counts them. It is
    believed where a token cannot be told (part of a letter) and it fits all the others. A
    token that spans the boundary, or tokens of another text, are a mismatch, not a guess.
    Nothing is generated beyond one token, which is left out.
    """

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        import openai

        self.endpoint, self.model = endpoint, model
        key = os.environ.get(endpoint.key_variable)
        own = values_of(endpoint.headers)[0]
        check_headers(sent_headers(endpoint.base_url, key, own), endpoint.key_variable, own)
        self._client = openai.OpenAI(
            api_key=key or "none",
            base_url=endpoint.base_url,
            timeout=endpoint.timeout_s,
            default_headers=own,
            # the key goes where the user sent it, and nowhere else
            http_client=openai.DefaultHttpxClient(follow_redirects=False),
        )

    def logprob(self, prompt: str, response: str, separator: str = " ") -> tuple[float, int]:
        """Return log p(response | prompt) in nats, and its number of tokens.

        Parameters
        ----------
        prompt, response : str
        separator : str
            Between them; it belongs to the response.

        Raises
        ------
        ScoringError
            The server gives no such log-probabilities, or a token spans the boundary.
        """
        text = f"{prompt}{separator}{response}"
        offsets, values = self._asked(text)
        return _after(prompt, text, offsets, values)

    def many(self, texts: Sequence[tuple[str, str]]) -> list[float]:
        """Return log p of each (prompt, response); NaN where the boundary is none.

        Raises
        ------
        ScoringError
            The server gives no such log-probabilities.
        """
        found = []
        for prompt, response in texts:
            text = f"{prompt} {response}"
            offsets, values = self._asked(text)
            try:
                found.append(_after(prompt, text, offsets, values)[0])
            except ScoringError:
                found.append(float("nan"))
        return found

    def _asked(self, text: str) -> tuple[list[int | None], list[float | None]]:
        import openai

        try:
            reply = self._client.completions.create(
                model=self.model, prompt=text, echo=True, logprobs=1, max_tokens=1, temperature=0.0
            )
        except openai.OpenAIError as error:
            raise ScoringError(
                "The server did not score the text.",
                where=self.endpoint.base_url,
                found=str(error).splitlines()[0][:200],
                expected="a completions endpoint with echo and logprobs",
                fix="vLLM and llama.cpp offer it; many chat services do not.",
            ) from error
        found = reply.choices[0].logprobs
        if found is None or not found.token_logprobs or not found.text_offset:
            raise ScoringError(
                "The server gives no log-probabilities of the prompt.",
                where=self.endpoint.base_url,
                found="a completion without them",
                expected="echo and logprobs to be honoured",
                fix="Score with the model's weights instead.",
            )
        return _placed(text, found), list(found.token_logprobs)


def _placed(text: str, found: Logprobs) -> list[int | None]:
    """Return the character of the text at which each token begins; None outside of it."""
    offsets = list(found.text_offset or ())
    if not found.tokens or len(found.tokens) != len(found.token_logprobs or ()):
        given, values = len(found.tokens or ()), len(found.token_logprobs or ())
        raise ScoringError(
            "The server does not say which tokens it scored.",
            found=f"{given:,} tokens, {values:,} log-probabilities",
            expected="a token for every log-probability: offsets alone cannot be checked",
            fix="Score with the model's weights instead, or update the server.",
        )
    places = begins(found.tokens, text)
    if places is not None:
        return places
    for token, at in zip(found.tokens, offsets, strict=False):
        if _UNKNOWN not in token and not text.startswith(token, at) and at < len(text):
            raise ScoringError(
                "The tokens that the server scored are not those of the text.",
                found=f"the token {token[:40]!r} at character {at:,}",
                expected=f"{text[at : at + len(token)][:40]!r}",
                fix="Score with the model's weights instead, or update the server.",
            )
    return [*offsets]


def _after(
    prompt: str, text: str, offsets: Sequence[int | None], values: Sequence[float | None]
) -> tuple[float, int]:
    """Return the sum over the tokens that begin at or after the end of the prompt."""
    inside = [k for k, at in enumerate(offsets) if at is not None and len(prompt) <= at < len(text)]
    if not inside or offsets[inside[0]] != len(prompt):
        raise ScoringError(
            "The tokens of the prompt are not the beginning of those of prompt and response.",
            found=f"no token begins at character {len(prompt)}",
            expected="an exact boundary",
            fix="Take another separator.",
        )
    given = [values[k] for k in inside]
    if inside[0] == 0 or any(one is None for one in given):
        raise ScoringError(
            "A token of the response has no log-probability.",
            found="an empty prompt" if inside[0] == 0 else "null in token_logprobs",
            expected="a number for every token of the response",
            fix="Give a prompt; look at what the server supports.",
        )
    return float(sum(one for one in given if one is not None)), len(inside)
