"""OpenAI's batch API, which vLLM's ``run-batch`` reads and writes too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.llm.asking.bends import path_of
from workbench.llm.asking.call import error_in
from workbench.llm.batches.batch_format import Answer, BatchFormat, unanswered
from workbench.llm.request import Request

_ERROR_IN_200 = 502
_CHAT = "chat/completions"
"""As what such an error counts: a gateway that got no answer."""


def _line(key: str, request: Request, body: Mapping[str, Any]) -> dict[str, Any]:
    return {"custom_id": key, "method": "POST", "url": f"/v1/{request.route}", "body": dict(body)}


def _path(request: Request, body: Mapping[str, Any]) -> str:
    return path_of(body)


def _is_reply(line: Mapping[str, Any]) -> bool:
    return "custom_id" in line


def _is_request(line: Mapping[str, Any]) -> bool:
    return line.get("method") == "POST" and "response" not in line


def _answer(line: Mapping[str, Any]) -> Answer:
    response = line.get("response")
    response = response if isinstance(response, dict) else {}
    told, body = response.get("status_code"), response.get("body", line.get("body"))
    # some services write it as text, or not at all
    status = int(told) if isinstance(told, str) and told.isdecimal() else told
    status = 200 if status is None else status
    if status not in range(200, 300):
        return unanswered(line.get("error") or body, status, f"status {status}")
    if line.get("error") or not isinstance(body, dict):
        return unanswered(line.get("error"))
    error = error_in(body, "embeddings" if isinstance(body.get("data"), list) else _CHAT)
    return unanswered(error, _ERROR_IN_200) if error else Answer(body)


OPENAI = BatchFormat(
    "openai", 50_000, 200_000_000, _line, _path, "custom_id", _is_reply, _is_request, _answer
)
"""Lines of ``custom_id, method, url, body``; replies of ``custom_id, response, error``, or of
``custom_id, body``. Documentation: OpenAI, Batch API, "Preparing your batch file"."""
