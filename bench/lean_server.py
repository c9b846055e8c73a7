"""A chat-completions server that does as little as it can: it must not be the bottleneck."""

from __future__ import annotations

import asyncio
import json
import sys

_COMPLETION = {
    "id": "x",
    "object": "chat.completion",
    "created": 0,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "message": {"role": "assistant", "content": ""},
        }
    ],
    "usage": {"prompt_tokens": 400, "completion_tokens": 8, "total_tokens": 408},
}


class _Answering(asyncio.Protocol):
    """Answers every request after a fixed time."""

    def __init__(self, latency_s: float, response: bytes) -> None:
        self._latency_s, self._response = latency_s, response
        self._waiting = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        head = self._waiting.find(b"\r\n\r\n")
        if head < 0:
            return
        headers = self._waiting[:head].lower()
        at = headers.index(b"content-length:") + 15
        size = int(headers[at:].split(b"\r\n", 1)[0])
        if len(self._waiting) < head + 4 + size:
            return
        self._waiting = self._waiting[head + 4 + size :]
        asyncio.get_running_loop().call_later(self._latency_s, self._answer)

    def _answer(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(self._response)  # type: ignore[attr-defined]


async def main(latency_s: float, seconds: float, said: str) -> None:
    completion = json.loads(json.dumps(_COMPLETION))
    completion["choices"][0]["message"]["content"] = said
    body = json.dumps(completion).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    response = head % len(body) + body
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: _Answering(latency_s, response), "127.0.0.1", 0, backlog=1024
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await asyncio.sleep(seconds)


if __name__ == "__main__":
    verdict = sys.argv[2] if len(sys.argv) > 2 else '{"verdict": "A"}'
    asyncio.run(main(float(sys.argv[1]), 600.0, verdict))
