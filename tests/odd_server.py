"""A server on loopback that answers each call as a function says, well or badly."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar


@dataclass(frozen=True)
class Answer:
    """What is sent: the body as it is, or JSON; and how."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None
    pause_s: float = 0.0
    reset: bool = False

    @property
    def raw(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def done(content: Any = '{"verdict": "A"}', **usage: Any) -> Answer:
    """A chat completion."""
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": content}}
    return Answer(
        {"choices": [choice], "usage": {"prompt_tokens": 50, "completion_tokens": 10, **usage}}
    )


def bad(status: int, message: str, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    """An error in OpenAI's form."""
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return Answer({"error": {**error, **more}}, status, headers or {})


Behave = Callable[[Any, int], Answer]
AnyServer = TypeVar("AnyServer", bound="OddServer")


class OddServer(ThreadingHTTPServer):
    """Counts calls, and keeps what was sent."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, behave: Behave, by_path: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behave, self.by_path, self.lock = behave, by_path, threading.Lock()
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    @property
    def calls(self) -> int:
        return len(self.bodies)

    def answer(self, path: str, body: Any, number: int) -> Answer:
        """Return what is sent for a call."""
        return self.behave(path if self.by_path else body, number)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing where a client went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: OddServer

    def log_message(self, format: str, *arguments: Any) -> None:
        """Keep quiet."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            self.server.bodies.append(body)
            self.server.headers.append({k.lower(): v for k, v in self.headers.items()})
            number = self.server.calls
        answer = self.server.answer(self.path, body, number)
        with contextlib.suppress(OSError):
            self._send(answer)

    def _send(self, answer: Answer) -> None:
        raw = answer.raw
        self.send_response(answer.status)
        for name, text in {"content-type": "application/json", **answer.headers}.items():
            self.send_header(name, text)
        self.send_header("content-length", str(answer.length or len(raw)))
        self.end_headers()
        if answer.reset:
            self.wfile.write(raw[: len(raw) // 2])
            self.wfile.flush()
            # no last words: the connection is reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.connection.close()
        elif answer.pause_s:
            for k in range(len(raw)):
                self.wfile.write(raw[k : k + 1])
                self.wfile.flush()
                time.sleep(answer.pause_s)
        else:
            self.wfile.write(raw)
        if answer.length or answer.reset:
            self.close_connection = True


def behaving_at(behave: Behave) -> contextlib.AbstractContextManager[OddServer]:
    """Run a server that answers by the path that is asked."""
    return behaving(behave, by_path=True)


@contextlib.contextmanager
def behaving(behave: Behave, by_path: bool = False) -> Iterator[OddServer]:
    """Run such a server in a thread."""
    with running(OddServer(behave, by_path)) as server:
        yield server


@contextlib.contextmanager
def running(server: AnyServer) -> Iterator[AnyServer]:
    """Run a server in a thread."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
