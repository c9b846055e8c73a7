#!/usr/bin/env bash
# What the LiteLLM proxy says to everything that the workbench may send: models of services with mock
# replies, whose fields it checks all the same, and one behind a port that is closed.
# SERVER_PYTHON names an interpreter that has litellm[proxy]; one is made if it is not given.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHON=${PYTHON:-python3}
PORT=${PORT:-8472}
place=$(mktemp -d)
server=
finish() {
  if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$place"
}
trap finish EXIT

if [ -z "${SERVER_PYTHON:-}" ]; then
  "$PYTHON" -m venv "$place/venv"
  SERVER_PYTHON=$place/venv/bin/python
  "$SERVER_PYTHON" -m pip install -q "litellm[proxy]"
fi
"$SERVER_PYTHON" -c 'from importlib.metadata import version; print("litellm", version("litellm"))'
{
  echo "model_list:"
  for model in openai/gpt-4o openai/o3-mini openai/gpt-5 anthropic/claude-sonnet-4-5 mistral/mistral-small-latest; do
    echo "  - {model_name: ${model#*/}, litellm_params: {model: $model, api_key: none, mock_response: '{\"verdict\": \"A\"}'}}"
  done
  echo "  - {model_name: nobody, litellm_params: {model: openai/gpt-4o, api_key: none, api_base: 'http://127.0.0.1:9'}}"
  printf 'litellm_settings: {num_retries: 0, request_timeout: 5}\nrouter_settings: {num_retries: 0}\n'
} >"$place/config.yaml"
# it does not start without a key: one that ends with it
SERVER_KEY=sk-$("$PYTHON" -c 'import secrets; print(secrets.token_hex(16))')
export SERVER_KEY LITELLM_MASTER_KEY=$SERVER_KEY
export LITELLM_LOCAL_MODEL_COST_MAP=True LITELLM_LOG=ERROR
"$SERVER_PYTHON" -c 'import sys; from litellm import run_server; sys.argv[0] = "litellm"; run_server()' \
  --config "$place/config.yaml" --host 127.0.0.1 --port "$PORT" --telemetry False >"$place/log" 2>&1 &
server=$!
for _ in $(seq 180); do
  curl -s -o /dev/null "http://127.0.0.1:$PORT/health/liveliness" && break
  kill -0 "$server" || { cat "$place/log"; exit 1; }
  sleep 1
done
names=$(sed -n 's/.*model_name: \([^,]*\),.*/\1/p' "$place/config.yaml")
# shellcheck disable=SC2086 - a name each
"$PYTHON" bench/servers/ask.py "http://127.0.0.1:$PORT/v1" $names || true
tail -n 5 "$place/log"
