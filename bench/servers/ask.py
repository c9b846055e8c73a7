"""Ask a server everything that the workbench may send, and print what it says to each.

``python bench/servers/ask.py http://127.0.0.1:8000/v1 NAME`` sends the full chat completion, then
the plain one with each field alone, then completions that score their prompt; last it lets the
model judge some pairs. The key, if there is one, is in ``SERVER_KEY``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VERDICT = {
    "type": "object",
    "properties": {"verdict": {"type": "string", "enum": ["A", "B", "tie"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}
SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "reply", "strict": True, "schema": VERDICT},
}
USER = [{"role": "user", "content": "Which is better, A or B? Reply with JSON."}]
SYSTEM = [{"role": "system", "content": "You are a judge."}, *USER]
FIELDS: dict[str, dict[str, Any]] = {
    "temperature": {"temperature": 0.0},
    "top_p": {"top_p": 1.0},
    "n": {"n": 1},
    "seed": {"seed": 0},
    "max_tokens": {"max_tokens": 16},
    "max_completion_tokens": {"max_completion_tokens": 16},
    "logprobs": {"logprobs": True, "top_logprobs": 5},
    "top_logprobs 20": {"logprobs": True, "top_logprobs": 20},
    "json_schema": {"response_format": SCHEMA},
    "json_object": {"response_format": {"type": "json_object"}},
    "system role": {"messages": SYSTEM},
}
SHORT = {"max_tokens": 16}
KEY = os.environ.get("SERVER_KEY", "none")


def post(url: str, body: dict[str, Any]) -> tuple[int, str]:
    """Return status and text of a reply."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=120) as reply:  # noqa: S310
            return reply.status, reply.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")
    except OSError as error:
        return 0, repr(error)


def told(status: int, text: str) -> str:
    """Return what is of interest in a reply: the server's words, or what the answer has."""
    try:
        answer = json.loads(text)
        choice = answer["choices"][0]
    except (ValueError, LookupError, TypeError):
        return f"{status}  {' '.join(text.split())[:600]}"
    marks = (choice.get("logprobs") or {}).get("content") or []
    tops = {len(one.get("top_logprobs") or []) for one in marks}
    said = choice.get("message", choice).get("content", choice.get("text"))
    held = f"{len(marks)} tokens with {sorted(tops)} alternatives" if marks else "none"
    return (
        f"{status}  content {str(said)[:60]!r}, finish {choice.get('finish_reason')!r}, "
        f"log-probabilities {held}, usage {answer.get('usage')}"
    )


def chat(base: str, model: str) -> None:
    url = f"{base}/chat/completions"
    full = {"model": model}
    for name, extra in FIELDS.items():
        full |= {} if name in ("max_completion_tokens", "json_object") else extra
    print("full request:", told(*post(url, full)))
    plain = {"model": model, "messages": USER, **SHORT}
    print("plain request:", told(*post(url, plain)))
    for name, extra in FIELDS.items():
        body = {**plain, **extra}
        if name == "max_completion_tokens":
            body.pop("max_tokens")
        print(f"{name}:", told(*post(url, body)))


def completions(base: str, model: str) -> None:
    url = f"{base}/completions"
    body = {"model": model, "prompt": "2+2? 4", "max_tokens": 1, "temperature": 0.0}
    print("completion:", told(*post(url, body)))
    status, text = post(url, {**body, "echo": True, "logprobs": 1})
    print("completion, echo and logprobs:", told(status, text))
    if status == 200:
        print("   its logprobs:", json.dumps(json.loads(text)["choices"][0].get("logprobs"))[:600])


def judged(base: str, model: str) -> None:
    """Let the workbench ask for verdicts on some pairs."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "workbench.cli", "judge", "sample", "--model", model]
        options = ["--base-url", base, "--pairs", "4", "--reply-tokens", "32", "--attempts", "2"]
        out = ["--timeout-s", "60", "--out", str(Path(folder, "run"))]
        out += ["--key-variable", "SERVER_KEY"] if "SERVER_KEY" in os.environ else []
        done = subprocess.run(
            [*command, *options, *out], capture_output=True, text=True, check=False, cwd=ROOT
        )
    print(f"workbench judge: exit {done.returncode}")
    print(done.stdout[-2500:], done.stderr[-1500:], sep="\n")


def main() -> None:
    base, *models = sys.argv[1:]
    for model in models:
        print(f"== {model}")
        chat(base, model)
        completions(base, model)
        judged(base, model)


if __name__ == "__main__":
    main()
