"""Anthropic's Message Batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.llm.batches.batch_format import Answer, BatchFormat, refused, said_of, unanswered
from workbench.llm.request import Request

_SYSTEM = ("system", "developer")
# the others keep their name: they fail with it, should there be any
_FINISH = {"end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length",
           "model_context_window_exceeded": "length"}  # fmt: skip
_ENDS = ("succeeded", "errored", "canceled", "expired")
_PROMPT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_STATUSES = {"invalid_request_error": 400, "request_too_large": 413}
"""Of errors that may be those of one request for good."""

_BOUNDS = ("minimum", "maximum")


def _line(key: str, request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    if request.inputs is not None:
        raise refused("Anthropic", "texts to embed", "Ask another endpoint for embeddings.")
    if request.pictures:
        raise refused("Anthropic", "images are shown", "Ask without a batch, or plan for OpenAI's.")
    if request.sampling.top_logprobs:
        raise refused("Anthropic", "log-probabilities are asked for", "Judge without --soft.")
    said = request.messages
    params: dict[str, Any] = {
        "model": request.model,
        "max_tokens": request.sampling.max_tokens,
        "messages": [
            {"role": one["role"], "content": one["content"]}
            for one in said
            if one["role"] not in _SYSTEM
        ],
    }
    system = "\n\n".join(one["content"] for one in said if one["role"] in _SYSTEM)
    if system:
        params["system"] = system
    params |= {name: value for name, value in _sampled(request).items() if name in body}
    if _path(request, body) == "json_schema":
        form = {"type": "json_schema", "schema": _bare(request.schema)}
        params["output_config"] = {"format": form}
    return {"custom_id": key, "params": params}


def _sampled(request: Request) -> dict[str, float]:
    """Return what steers the sampling: newer models take temperature or top_p, not both."""
    sampling = request.sampling
    if sampling.top_p == 1.0:
        return {"temperature": sampling.temperature}
    if sampling.temperature == 1.0:
        return {"top_p": sampling.top_p}
    return {"temperature": sampling.temperature, "top_p": sampling.top_p}


def _path(request: Request, body: Mapping[str, Any]) -> str:
    return "text" if request.schema is None or _is_open(request.schema) else "json_schema"


def _is_open(schema: Any) -> bool:
    """Return whether some object may have fields that are not named: not to be asked for."""
    if isinstance(schema, dict):
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
            return True
        return any(_is_open(part) for part in schema.values())
    return isinstance(schema, list) and any(_is_open(part) for part in schema)


def _bare(schema: Any) -> Any:
    """Return a schema whose bounds of numbers stand in its description, as the SDKs do it."""
    if isinstance(schema, list):
        return [_bare(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _bare(part) for name, part in schema.items()}
    # a property may have the name of a bound: then it is a schema of its own
    bounds = [f"{k} {made.pop(k)}" for k in _BOUNDS if isinstance(made.get(k), int | float)]
    if bounds:
        made["description"] = ". ".join([*filter(None, [made.get("description")]), *bounds])
    return made


def _is_reply(line: Mapping[str, Any]) -> bool:
    result = line.get("result")
    return "custom_id" in line and isinstance(result, dict) and result.get("type") in _ENDS


def _is_request(line: Mapping[str, Any]) -> bool:
    return "custom_id" in line and isinstance(line.get("params"), dict) and "result" not in line


def _answer(line: Mapping[str, Any]) -> Answer:
    result = line["result"]
    message = result.get("message")
    if result["type"] != "succeeded":
        error = result.get("error") or result["type"]
        return unanswered(error, _STATUSES.get(said_of(error)))
    if not isinstance(message, dict):
        return unanswered(None)
    stop, used = message.get("stop_reason"), message.get("usage")
    used = used if isinstance(used, dict) else {}
    refusal = "the model refused" if stop == "refusal" else None
    said = {"role": "assistant", "content": message.get("content"), "refusal": refusal}
    counts = [used[name] for name in _PROMPT if isinstance(used.get(name), int)]
    usage = {"prompt_tokens": sum(counts), "completion_tokens": used.get("output_tokens")}
    choice = {"message": said, "finish_reason": _FINISH.get(str(stop), stop)}
    return Answer({"choices": [choice], "usage": usage})


ANTHROPIC = BatchFormat(
    "anthropic", 100_000, 250_000_000, _line, _path, "custom_id", _is_reply, _is_request, _answer
)
"""Lines of ``custom_id, params``: the elements of the list ``requests`` of a Message Batch,
whose ids are at most 64 letters, digits, ``_`` and ``-``. Replies are lines of ``custom_id,
result``, which succeeded, errored, was canceled or expired.

Structure is asked for by ``output_config.format`` with a JSON schema, which knows no bounds of
numbers and no open objects: bounds go into descriptions, and a schema with open objects is left
to the text of the prompt. There are no seeds and no log-probabilities. Documentation: Claude
Platform, "Batch processing", "Retrieve Message Batch results", "Structured outputs"."""
