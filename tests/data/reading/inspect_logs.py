"""Logs as Inspect AI writes them: JSON, or a zip of files packed by Zstandard."""

from __future__ import annotations

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import pyarrow as pa

_ZSTANDARD = 93


def sample(number, epoch=1, *, reply="A", target="A", metadata=None, error=None, **scores):
    answered = {"role": "assistant", "content": reply, "model": "judge"}
    return {
        "id": number,
        "epoch": epoch,
        "input": f"Task {number}",
        "choices": None,
        "target": target,
        "metadata": {} if metadata is None else metadata,
        "messages": [{"role": "user", "content": f"Task {number}"}, answered],
        "output": {"model": "judge", "choices": [{"message": answered, "stop_reason": "stop"}]},
        "scores": scores,
        "events": [{"event": "model", "text": "x" * 500}],
        "attachments": {},
        **({"error": {"message": error, "traceback": "..."}} if error else {}),
    }


def log(*samples, model="judge", name="e1", **about):
    return {
        "version": 2,
        "status": "success",
        "eval": {
            "task": "t", "model": model, "eval_id": name, "created": "x",
            "dataset": {"name": "d"}, "config": {}, **about,
        },
        "plan": {"steps": [{"solver": "generate", "params": {}}]},
        "results": {"total_samples": len(samples), "scores": []},
        "samples": list(samples),
    }  # fmt: skip


def members(document: dict[str, Any]) -> dict[str, Any]:
    """Return the files of a log: its header, and one file a sample."""
    head = {key: value for key, value in document.items() if key != "samples"}
    start = {key: head[key] for key in ("version", "eval", "plan")}
    files = {f"samples/{s['id']}_epoch_{s['epoch']}.json": s for s in document["samples"]}
    return {"_journal/start.json": start, **files, "summaries.json": [], "header.json": head}


def write_eval(path: Path, files: dict[str, Any], said: int | None = None) -> Path:
    """Write a zip whose files are packed by Zstandard; ``said`` is a false size of them all."""
    local, central = b"", b""
    for name, content in files.items():
        plain = content if isinstance(content, bytes) else json.dumps(content).encode()
        packed = pa.compress(plain, codec="zstd", asbytes=True)
        sizes = (zlib.crc32(plain), len(packed), said or len(plain), len(name), 0)
        shared = struct.pack("<HHHHHIIIHH", 63, 0, _ZSTANDARD, 0, 0x21, *sizes)
        central += b"PK\x01\x02" + struct.pack("<H", 63) + shared
        central += struct.pack("<HHHII", 0, 0, 0, 0, len(local)) + name.encode()
        local += b"PK\x03\x04" + shared + name.encode() + packed
    counts = (0, 0, len(files), len(files), len(central), len(local), 0)
    path.write_bytes(local + central + b"PK\x05\x06" + struct.pack("<HHHHIIH", *counts))
    return path
