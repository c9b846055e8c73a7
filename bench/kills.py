"""Commands killed at random times: what they write in the end is the same, byte for byte.

``python -m bench.kills`` kills each command 20 times; ``python -m bench.kills 5 report`` one of
them, 5 times. ``audit-model`` needs two tiny models, made here with transformers.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAIRS = ("--pairs", "20")
COMMANDS: dict[str, tuple[str, ...]] = {
    "load": ("load", "sample", "--out", "{out}"),
    "report": ("report", "sample", "--factors", "words", "--folds", "0", "--out", "{out}/r.html"),
    "judge": ("judge", "sample", "--model", "offline:plain", *PAIRS, "--out", "{out}"),
    "principles": (
        "principles", "extract", "sample", "--model", "offline:plain", *PAIRS, "--out", "{out}"
    ),
    "audit-judge": (
        "audit-judge", "sample", "--judge", "offline:plain", "--suite", "smoke", *PAIRS,
        "--out", "{out}",
    ),
    "audit-model": (
        "audit-model", "{data}", "--model", "{last}", "--reference", "{first}", "--out", "{out}"
    ),
}  # fmt: skip
_CHANGING = ("progress.json", "journal.sqlite", "manifest.json", "run.lock", "run.log")
"""What tells of the time or of the process, and the journal, whose rows stand as they came."""


def digests(folder: Path) -> dict[str, str]:
    """Return the content of each file that a command leaves, drafts too."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(_CHANGING)
    }


def start(name: str, out: Path, places: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a command that writes into a folder."""
    words = [word.format(out=out, **places) for word in COMMANDS[name]]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    # the time of day stands in what some commands write
    environment["SOURCE_DATE_EPOCH"] = "0"
    return subprocess.Popen(
        [sys.executable, "-m", "workbench.cli", *words, "--quiet"],
        env=environment, cwd=out.parent, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def finished(name: str, out: Path, places: dict[str, str]) -> dict[str, str]:
    """Let a command come to its end, and return what it left."""
    process = start(name, out, places)
    said = process.communicate()[1].decode()
    if process.returncode:
        raise RuntimeError(f"{name} ended with {process.returncode}: {said}")
    return digests(out)


def survives(name: str, kills: int, seed: int, place: Path, places: dict[str, str]) -> int:
    """Kill a command at random times, let it end, and return how many kills met it at work.

    Raises
    ------
    RuntimeError
        It left other bytes than a command that was let alone, or a draft.
    """
    rng, met = random.Random(seed), 0
    began = time.monotonic()
    (place / "alone").mkdir(parents=True)
    (place / "killed").mkdir()
    expected = finished(name, place / "alone" / "x", places)
    seconds = time.monotonic() - began
    out = place / "killed" / "x"
    for _ in range(kills):
        process = start(name, out, places)
        # most of the time is spent on imports: nearly all is written in the last half
        time.sleep(seconds * rng.uniform(0.4, 1.0))
        met += process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
    found = finished(name, out, places)
    if found != expected:
        differ = sorted(k for k in {*found, *expected} if found.get(k) != expected.get(k))
        raise RuntimeError(f"{name} left other bytes after {kills} kills: {', '.join(differ)}")
    return met


def models(place: Path) -> dict[str, str]:
    """Make two tiny models and data for them, and return their places."""
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    import workbench as wb

    data = wb.load("sample")
    wb.save(data.filter(pair_ids=data.pairs["pair_id"].iloc[:20]), place / "data")
    alphabet = {token: k for k, token in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    made = Tokenizer(models.BPE(vocab=alphabet | {"</s>": len(alphabet)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=made, eos_token="</s>")  # noqa: S106
    for seed, name in enumerate(("first", "last")):
        torch.manual_seed(seed)
        config = transformers.GPT2Config(
            n_embd=32, n_layer=1, n_head=4, vocab_size=300, n_positions=4096
        )
        transformers.GPT2LMHeadModel(config).save_pretrained(place / name)
        tokenizer.save_pretrained(place / name)
    return {name: str(place / name) for name in ("data", "first", "last")}


def main(kills: int, wanted: list[str]) -> None:
    for name in wanted or COMMANDS:
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            places = models(place) if name == "audit-model" else {}
            met = survives(name, kills, 1, place / "runs", places)
        print(f"{name}: the same bytes after {kills} kills, {met} of them at work", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 20, sys.argv[2:])
