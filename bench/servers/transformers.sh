#!/usr/bin/env bash
# What `transformers serve` says to everything that the workbench may send, with a tiny random model.
# SERVER_PYTHON names an interpreter that has transformers[serving]; one is made if it is not given.
set -euo pipefail
cd "$(dirname "$0")/../.."
PYTHON=${PYTHON:-python3}
PORT=${PORT:-8471}
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
  "$SERVER_PYTHON" -m pip install -q "transformers[serving]" torch
fi
"$SERVER_PYTHON" -c 'import torch, transformers; print("transformers", transformers.__version__, "torch", torch.__version__)'
"$SERVER_PYTHON" bench/servers/tiny_model.py "$place/tiny"
export HF_HUB_OFFLINE=1
"$SERVER_PYTHON" -m transformers.cli.transformers serve "$place/tiny" \
  --host 127.0.0.1 --port "$PORT" --device cpu >"$place/log" 2>&1 &
server=$!
for _ in $(seq 120); do
  curl -s -o /dev/null "http://127.0.0.1:$PORT/health" && break
  kill -0 "$server" || { cat "$place/log"; exit 1; }
  sleep 1
done
"$PYTHON" bench/servers/ask.py "http://127.0.0.1:$PORT/v1" "$place/tiny" || true
tail -n 20 "$place/log"
