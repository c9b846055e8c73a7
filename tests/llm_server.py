"""An OpenAI-compatible server on loopback: planted judge weights, and faults at set rates.

Faults of the transport are decided by the request and how often it was asked, so that
asking again mends them. Faults of the content are decided by the request with its seed:
the same request always gets the same reply.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests import planted_rules
from workbench.llm.fence import unfenced

TRANSPORT = ("429", "500", "drop", "half", "slow", "error200", "page", "gzip")
CONTENT = ("truncated", "prose", "fenced", "refusal", "empty", "wrong", "cut", "blank", "broken")
FAULTS = (*TRANSPORT, *CONTENT)

WEIGHTS = {"questions": -0.9, "longer": 1.2}
POSITION = 0.5
"""Planted weights: of having more question marks, of being longer, of standing first."""


def logit(first: str, second: str) -> float:
    """Return the planted logit of preferring what stands first."""
    return (
        WEIGHTS["questions"] * _sign(first.count("?") - second.count("?"))
        + WEIGHTS["longer"] * _sign(len(first) - len(second))
        + POSITION
    )


def _sign(value: float) -> float:
    return (value > 0) - (value < 0)


class Server(ThreadingHTTPServer):
    """The server, what it was told to do, and what it did."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(
        self,
        port: int = 0,
        *,
        faults: Mapping[str, float] | None = None,
        latency_s: float = 0.0,
        key: str | None = None,
        formats: tuple[str, ...] = ("json_schema", "json_object"),
        logprobs: bool = True,
        most_at_once: int | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.faults, self.latency_s, self.key = dict(faults or {}), latency_s, key
        self.formats, self.logprobs, self.most_at_once = formats, logprobs, most_at_once
        self.lock = threading.Lock()
        self.seen: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.done: Counter[str] = Counter()
        self.at_once = self.peak = 0

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing where a client went away."""


@contextlib.contextmanager
def serving(**options: Any) -> Iterator[Server]:
    """Run a server in a thread."""
    server = Server(**options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, format: str, *arguments: Any) -> None:
        """Keep quiet."""

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        server = self.server
        if server.key is not None and self.headers.get("authorization") != f"Bearer {server.key}":
            said = f"Incorrect API key provided: {self.headers.get('authorization')}"
            self._send(401, {"error": {"message": said}})
            return
        if self.path.endswith("/embeddings"):
            self._embed(json.loads(raw))
            return
        if self.path.endswith("/completions") and not self.path.endswith("/chat/completions"):
            self._echo(json.loads(raw))
            return
        if not self.path.endswith("/chat/completions"):
            self._send(404, {"error": {"message": "no such path"}})
            return
        body = json.loads(raw)
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        with server.lock:
            server.seen[digest] += 1
            attempt = server.seen[digest]
            server.at_once += 1
            server.peak = max(server.peak, server.at_once)
        try:
            self._reply(body, digest, attempt)
        finally:
            with server.lock:
                server.at_once -= 1

    def _embed(self, body: dict[str, Any]) -> None:
        if body["model"] == "unknown":
            self._send(404, {"error": {"message": "The model `unknown` does not exist"}})
            return
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        with self.server.lock:
            self.server.seen[digest] += 1
            attempt = self.server.seen[digest]
        fault = self._fault(digest, TRANSPORT[:2], f"transport {attempt}")
        if fault is not None:
            self._break(fault)
            return
        # as some servers do: the rows in any order, each with its index
        rows = [{"index": k, "embedding": [float(text.count(x)) for x in "abcdefgh"]}
                for k, text in enumerate(body["input"])]  # fmt: skip
        with self.server.lock:
            self.server.answered[digest] += 1
        if body["model"] == "broken":
            rows = rows[1:]
        self._send(200, {"data": rows[::-1], "usage": {"prompt_tokens": len(rows)}})

    def _echo(self, body: dict[str, Any]) -> None:
        """Repeat a prompt with its log-probabilities: words of n characters have -n / 10."""
        text, tokens = body["prompt"], []
        for one in re.finditer(r"\s*\S+", text):
            tokens.append((one.start(), one.group(), -len(one.group()) / 10))
        marks = None
        if body.get("echo") and body.get("logprobs") and body["model"] != "silent":
            marks = {
                "text_offset": [*(at for at, _, _ in tokens), len(text)],
                "token_logprobs": [None, *(value for _, _, value in tokens[1:]), -9.0],
                "tokens": [*(token for _, token, _ in tokens), " x"],
                "top_logprobs": None,
            }
        choice = {"index": 0, "text": text + " x", "finish_reason": "length", "logprobs": marks}
        self._send(200, {"id": "c", "object": "text_completion", "created": 0, "model": "m",
                         "choices": [choice]})  # fmt: skip

    def _reply(self, body: dict[str, Any], digest: str, attempt: int) -> None:
        server = self.server
        if body["model"] == "unknown":
            self._send(404, {"error": {"message": "The model `unknown` does not exist"}})
            return
        wanted = body.get("response_format", {}).get("type", "text")
        if wanted != "text" and wanted not in server.formats:
            self._send(400, {"error": {"message": f"response_format {wanted} is not supported"}})
            return
        if server.most_at_once is not None and server.at_once > server.most_at_once:
            self._refuse(429, "0.05")
            return
        fault = self._fault(digest, TRANSPORT, f"transport {attempt}")
        if fault == "slow":
            time.sleep(0.05)
        elif fault is not None:
            self._break(fault)
            return
        time.sleep(server.latency_s)
        completion = _completion(body, digest, server.logprobs)
        _spoil(completion, self._fault(digest, CONTENT, "content"))
        with server.lock:
            server.answered[digest] += 1
        self._send(200, completion)
        with server.lock:
            server.done[digest] += 1

    def _fault(self, digest: str, kinds: tuple[str, ...], salt: str) -> str | None:
        luck = _uniform(f"{digest} {salt}")
        for kind in kinds:
            luck -= self.server.faults.get(kind, 0.0)
            if luck < 0:
                return kind
        return None

    def _break(self, fault: str) -> None:
        if fault == "429":
            self._refuse(429, "0.02")
        elif fault == "500":
            self._refuse(500, None)
        elif fault == "error200":
            self._send(200, {"error": {"message": "Provider returned error", "code": 502}})
        elif fault == "page":
            self._send(200, "<html><title>Bad gateway</title></html>")
        elif fault == "gzip":
            self._send(200, "no gzip", encoding="gzip")
        else:
            if fault == "half":
                self.send_response(200)
                self.send_header("content-length", "1000")
                self.end_headers()
                self.wfile.write(b'{"choices": [{"mess')
            self.close_connection = True
            self.connection.close()

    def _refuse(self, status: int, retry_after: str | None) -> None:
        self._send(status, {"error": {"message": "try again"}}, retry_after)

    def _send(
        self, status: int, value: Any, retry_after: str | None = None, encoding: str = "identity"
    ) -> None:
        content = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        if isinstance(value, dict) and "broken" in value:
            content = b"{this is no JSON"
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-encoding", encoding)
        self.send_header("content-length", str(len(content)))
        if retry_after is not None:
            self.send_header("retry-after", retry_after)
        self.end_headers()
        self.wfile.write(content)


def _uniform(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2.0**64


def _completion(body: dict[str, Any], digest: str, logprobs: bool) -> dict[str, Any]:
    texts = unfenced(body["messages"][-1]["content"])
    schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
    properties = (schema or _guessed(body)).get("properties", {})
    tokens = None
    system = body["messages"][0]["content"]
    value: Any = planted_rules.answers(system, texts, properties)
    if value is not None:
        pass
    elif "verdict" in properties:
        names = [name.split()[1] for name in texts if name.startswith("response ")] or ["A", "B"]
        a, b = (texts.get(f"response {name}", "") for name in names)
        p = 1.0 / (1.0 + math.exp(-logit(a, b)))
        verdict = names[0] if _uniform(digest) < p else names[1]
        value = {"verdict": verdict}
        if body.get("logprobs") and logprobs:
            tokens = _tokens(verdict, p)
    else:
        value = {name: _score(name, form, texts) for name, form in properties.items()}
    text = json.dumps(value)
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
        "logprobs": tokens,
    }
    usage = {"prompt_tokens": len(json.dumps(body)) // 4, "completion_tokens": len(text) // 4 + 1}
    return {"object": "chat.completion", "choices": [choice], "usage": usage}


def _guessed(body: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that the instruction names, where no schema was sent."""
    system = body["messages"][0]["content"]
    return {"properties": {"verdict": {}}} if '"verdict"' in system else {"properties": {}}


def _score(name: str, form: Mapping[str, Any], texts: Mapping[str, str]) -> Any:
    if form.get("type") == "array":
        return []
    if form.get("type") == "boolean":
        return True
    side = texts.get("response B" if name.endswith("_b") else "response A", texts.get("response"))
    low, high = form.get("minimum", 0), form.get("maximum", 3)
    return low + len((side or "").split()) % (high - low + 1)


def _tokens(verdict: str, p: float) -> dict[str, Any]:
    top = [{"token": name, "logprob": math.log(x)} for name, x in (("A", p), ("B", 1 - p))]
    parts = ('{"', "verdict", '": "', verdict, '"}')
    content = [{"token": part, "logprob": 0.0, "top_logprobs": []} for part in parts]
    content[3] = {**next(one for one in top if one["token"] == verdict), "top_logprobs": top}
    return {"content": content}


def _spoil(completion: dict[str, Any], fault: str | None) -> None:
    message = completion["choices"][0]["message"]
    text = message["content"]
    if fault == "truncated":
        message["content"] = text[: len(text) // 2]
    elif fault == "prose":
        message["content"] = f"Of course! Here it is: {text} I hope that this helps."
    elif fault == "fenced":
        message["content"] = f"```json\n{text[:-1]},}}\n```"
    elif fault == "refusal":
        message |= {"content": None, "refusal": "I'm sorry, I can't judge that."}
    elif fault == "empty":
        completion["choices"] = []
    elif fault == "wrong":
        message["content"] = '{"opinion": "both are lovely"}'
    elif fault == "cut":
        completion["choices"][0] |= {"finish_reason": "length"}
    elif fault == "blank":
        message["content"] = "  \n"
    elif fault == "broken":
        completion["broken"] = True
