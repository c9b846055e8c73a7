"""Models behind a LiteLLM proxy with mock responses: what of the full request each refuses.

The proxy checks parameters as it does for the real models, and answers by itself. It is not
among the dependencies: ``pip install 'litellm[proxy]'``, and name its command.

    python -m bench.litellm_bends .venv-litellm/bin/litellm

Seen with LiteLLM 1.108.7, log-probabilities asked for:

===================  =======================================================
claude-sonnet-4-5    omit seed, omit logprobs
claude-opus-4-7      omit seed, omit logprobs, omit temperature, omit top_p
mistral-large        omit logprobs
o3-mini, gpt-5       omit top_p, omit logprobs, omit temperature
gemini-2.5-pro       omit top_logprobs
===================  =======================================================
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from workbench.llm.client import connected
from workbench.llm.endpoint import Endpoint
from workbench.llm.request import Request, Sampling

MODELS = (
    "anthropic/claude-sonnet-4-5", "anthropic/claude-opus-4-7", "mistral/mistral-large-latest",
    "openai/o3-mini", "openai/gpt-5", "gemini/gemini-2.5-pro",
)  # fmt: skip
SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"enum": ["A", "B"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}
SAID = '{"verdict": "A"}'
ENVIRONMENT = {
    "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
}


def config() -> str:
    """Return the proxy's configuration, as JSON, which YAML holds."""
    models = [
        {
            "model_name": name,
            "litellm_params": {
                "model": name,
                "api_key": "none",
                "mock_response": '{"verdict":"A"}',
            },
        }
        for name in MODELS
    ]
    return json.dumps({"model_list": models, "litellm_settings": {"drop_params": False}})


def await_server(url: str) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(f"{url}/models", timeout=5).close()  # noqa: S310
            return
        except OSError:
            time.sleep(1)
    raise RuntimeError("the proxy did not start")


async def ask_all(url: str) -> None:
    messages = ({"role": "system", "content": "Reply in JSON."}, {"role": "user", "content": "Hi"})
    async with connected(Endpoint(url)) as client:
        for name in MODELS:
            reply = await client.ask(Request(name, messages, Sampling(top_logprobs=20), SCHEMA))
            form = ", ".join(reply.form) or "in full"
            print(f"{name}: {reply.reason or reply.value}; {form}; {reply.attempts} calls")


def main() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(config())
        command = [sys.argv[1], "--config", path, "--host", "127.0.0.1", "--port", str(port)]
        with (Path(folder) / "log").open("w") as log:
            proxy = subprocess.Popen(
                command, env={**os.environ, **ENVIRONMENT}, stdout=log, stderr=log
            )
            try:
                await_server(f"http://127.0.0.1:{port}/v1")
                asyncio.run(ask_all(f"http://127.0.0.1:{port}/v1"))
            finally:
                proxy.terminate()
                proxy.wait()


if __name__ == "__main__":
    main()
