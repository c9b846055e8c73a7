"""The Gemini API's batch mode."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from workbench.llm.batches.batch_format import Answer, BatchFormat, refused, unanswered
from workbench.llm.request import Request

_SYSTEM = ("system", "developer")
_ROLES = {"assistant": "model"}
_FINISH = {"STOP": "stop", "MAX_TOKENS": "length"}
_HTTP = {3: 400}
"""Codes of RPC that may be those of one request for good: an argument that is not valid."""

_FILTERED = ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII")


_SAMPLING = {"temperature": "temperature", "topP": "top_p", "seed": "seed"}


def _line(key: str, request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    if request.inputs is not None:
        raise refused("Gemini", "texts to embed", "Ask another endpoint for embeddings.")
    if request.pictures:
        raise refused("Gemini", "images are shown", "Ask without a batch, or plan for OpenAI's.")
    said, sampling = request.messages, request.sampling
    config: dict[str, Any] = {
        name: body[field] for name, field in _SAMPLING.items() if field in body
    }
    config |= {"maxOutputTokens": sampling.max_tokens, "candidateCount": 1}
    if sampling.top_logprobs:
        config |= {"responseLogprobs": True, "logprobs": sampling.top_logprobs}
    if request.schema is not None:
        schema = dict(request.schema)
        config |= {"responseMimeType": "application/json", "responseJsonSchema": schema}
    made: dict[str, Any] = {
        "contents": [
            {"role": _ROLES.get(one["role"], "user"), "parts": [{"text": one["content"]}]}
            for one in said
            if one["role"] not in _SYSTEM
        ]
    }
    system = [{"text": one["content"]} for one in said if one["role"] in _SYSTEM]
    if system:
        made["systemInstruction"] = {"parts": system}
    return {"key": key, "request": {**made, "generationConfig": config}}


def _path(request: Request, body: Mapping[str, Any]) -> str:
    return "text" if request.schema is None else "json_schema"


def _is_reply(line: Mapping[str, Any]) -> bool:
    return "key" in line and "custom_id" not in line


def _is_request(line: Mapping[str, Any]) -> bool:
    return "request" in line and not {"response", "error", "status"} & set(line)


def _answer(line: Mapping[str, Any]) -> Answer:
    response = line.get("response")
    error = line.get("error") or (response.get("error") if isinstance(response, dict) else None)
    if error or not isinstance(response, dict):
        error = error or line.get("status")
        code = error.get("code") if isinstance(error, dict) else None
        return unanswered(error, _HTTP.get(code, code) if isinstance(code, int) else None)
    candidate = next(_objects(response.get("candidates")), {})
    blocked = next(_objects([response.get("promptFeedback")]), {}).get("blockReason")
    # a prompt that is blocked has no candidate, and would be blocked again
    stop = "SAFETY" if blocked else str(candidate.get("finishReason") or "")
    finish = "content_filter" if stop in _FILTERED else _FINISH.get(stop, stop)
    choice = {
        "message": {"content": [_part(one) for one in _parts(candidate)]},
        "finish_reason": finish,
        "logprobs": _logprobs(candidate.get("logprobsResult")),
    }
    used = next(_objects([response.get("usageMetadata")]), {})
    made = [used.get(name) for name in ("candidatesTokenCount", "thoughtsTokenCount")]
    usage = {
        "prompt_tokens": used.get("promptTokenCount"),
        "completion_tokens": sum(n for n in made if isinstance(n, int)),
    }
    return Answer({"choices": [choice], "usage": usage})


def _objects(listed: Any) -> Iterator[dict[str, Any]]:
    return (one for one in (listed if isinstance(listed, list) else ()) if isinstance(one, dict))


def _parts(candidate: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    content = candidate.get("content")
    return _objects(content.get("parts") if isinstance(content, dict) else None)


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    kind = "thinking" if part.get("thought") else "text"
    return {"type": kind, "text": part.get("text")}


def _logprobs(result: Any) -> dict[str, Any] | None:
    """Return log-probabilities as a chat completion has them."""
    if not isinstance(result, dict):
        return None
    chosen = list(_objects(result.get("chosenCandidates")))
    others = list(_objects(result.get("topCandidates")))[: len(chosen)]
    # a token without alternatives has none
    others += [{}] * (len(chosen) - len(others))
    return {
        "content": [
            {**_named(one), "top_logprobs": [_named(k) for k in _objects(top.get("candidates"))]}
            for one, top in zip(chosen, others, strict=True)
        ]
    }


def _named(candidate: Mapping[str, Any]) -> dict[str, Any]:
    # a probability of one is left out, as every zero is
    return {"token": candidate.get("token"), "logprob": candidate.get("logProbability", 0.0)}


GEMINI = BatchFormat(
    "gemini", sys.maxsize, 2_000_000_000, _line, _path, "key", _is_reply, _is_request, _answer
)
"""Lines of ``key, request``, where the request is a ``GenerateContentRequest``; replies of
``key, response`` or ``key, error``. The model is named when the batch is made, not in the file.
Structure is asked for by ``responseJsonSchema``. Documentation: Gemini API, "Batch API", "Input
file"; API reference, ``GenerationConfig``, ``LogprobsResult``."""
