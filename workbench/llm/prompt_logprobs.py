"""log p(y|x) from a server that returns the log-probabilities of a prompt's tokens."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from workbench.errors import ScoringError
from workbench.llm.client import Endpoint


class ServerScorer:
    """An OpenAI-compatible server's completions endpoint, asked to repeat what it is given.

    Parameters
    ----------
    endpoint : Endpoint
    model : str

    Notes
    -----
    ``echo`` with ``logprobs`` returns the log-probability of every token of the prompt, and
    ``text_offset`` where each begins: those that begin at or after the end of the prompt are
    the response's. Offsets are characters. A token that spans the boundary is a mismatch,
    not a guess. Nothing is generated beyond one token, which is left out.
    """

    def __init__(self, endpoint: Endpoint, model: str) -> None:
        self.endpoint, self.model = endpoint, model

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
        found = self._asked(text)
        offsets, values = found["text_offset"], found["token_logprobs"]
        inside = [k for k, at in enumerate(offsets) if len(prompt) <= at < len(text)]
        if not inside or offsets[inside[0]] != len(prompt):
            raise ScoringError(
                "The tokens of the prompt are not the beginning of those of prompt and response.",
                found=f"no token begins at character {len(prompt)}",
                expected="an exact boundary",
                fix="Take another separator.",
            )
        if inside[0] == 0 or any(values[k] is None for k in inside):
            raise ScoringError(
                "A token of the response has no log-probability.",
                found="an empty prompt" if inside[0] == 0 else "null in token_logprobs",
                expected="a number for every token of the response",
                fix="Give a prompt; look at what the server supports.",
            )
        return float(sum(values[k] for k in inside)), len(inside)

    def many(self, texts: Sequence[tuple[str, str]]) -> list[float]:
        """Return log p of each (prompt, response): the reward of a judge."""
        return [self.logprob(prompt, response)[0] for prompt, response in texts]

    def _asked(self, text: str) -> dict[str, Any]:
        import openai

        client = openai.OpenAI(
            api_key=os.environ.get(self.endpoint.key_variable) or "none",
            base_url=self.endpoint.base_url,
            timeout=self.endpoint.timeout_s,
        )
        try:
            reply = client.completions.create(
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
        return {"text_offset": found.text_offset, "token_logprobs": found.token_logprobs}
