"""Scoring pairs under a causal language model, beside plain and padded scoring.

A random Llama-like model (4 layers, width 256, vocabulary 32,000) on the CPU; prompts of
512 tokens, responses of 128. Wanted: 2x one sequence at a time with all logits, 4x a
right-padded batch with all logits, by CPU time and on one thread each, at most the peak memory
of one at a time, and scores equal to 1e-3 nats. Of dialogues, each with two pairs at each of
three turns, 1.3x what a row a pair takes.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PAIRS, PROMPT, RESPONSE = 32, 512, 128


def made() -> tuple[object, list[object]]:
    import torch
    import transformers

    from workbench.scoring.tokens import TokenPair

    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        hidden_size=256, num_hidden_layers=4, num_attention_heads=8, num_key_value_heads=4,
        intermediate_size=688, vocab_size=32_000,
    )  # fmt: skip
    rng = np.random.default_rng(0)

    def some(n: int) -> tuple[int, ...]:
        # lengths as in real data: some shorter, some longer
        return tuple(int(x) for x in rng.integers(1, 32_000, int(n * rng.uniform(0.7, 1.3))))

    pairs = [TokenPair(some(PROMPT), some(RESPONSE), some(RESPONSE)) for _ in range(PAIRS)]
    return transformers.LlamaForCausalLM(config).eval(), pairs


def ours(model: object, pairs: list[object]) -> list[float]:
    from workbench.scoring.logprob import _score
    from workbench.scoring.tree import batches

    tokens = dict(enumerate(pairs))
    values: dict[int, dict[str, float]] = {}
    for batch in batches(model, {k: one.group for k, one in tokens.items()}, 4096):
        values |= _score(model, tokens, batch, True, False)
    return [values[k][side] for k in range(len(pairs)) for side in ("chosen", "rejected")]


def dialogues() -> tuple[object, list[object]]:
    """Return the model, and pairs whose prompts go on from one another's."""
    from workbench.scoring.tokens import TokenPair

    model, pairs = made()
    rng, found = np.random.default_rng(1), []
    for pair in pairs[: PAIRS // 4]:
        prompt = pair.prompt
        for _ in range(3):
            said = [tuple(map(int, rng.integers(1, 32_000, RESPONSE // 2))) for _ in range(4)]
            found += [TokenPair(prompt, *said[:2]), TokenPair(prompt, *said[2:])]
            prompt += said[0]
    return model, found


def a_row_each(model: object, pairs: list[object]) -> list[float]:
    """As :func:`ours`, but that no two pairs share anything."""
    from unittest import mock

    from workbench.scoring import layout

    with mock.patch.object(layout, "time_of", lambda tokens, width: float(tokens) ** 9):
        return ours(model, pairs)


def plain(model: object, pairs: list[object]) -> list[float]:
    from tests.plain_scoring import plain_logprob

    return [plain_logprob(model, p.prompt, r) for p in pairs for r in (p.chosen, p.rejected)]


def padded(model: object, pairs: list[object]) -> list[float]:
    """As TRL does it: right padding, all logits, log-softmax of the batch."""
    import torch

    found = []
    for start in range(0, len(pairs), 8):
        rows = [(p.prompt, r) for p in pairs[start : start + 8] for r in (p.chosen, p.rejected)]
        width = max(len(p) + len(r) for p, r in rows)
        ids = torch.zeros((len(rows), width), dtype=torch.long)
        seen = torch.zeros_like(ids)
        for k, (p, r) in enumerate(rows):
            ids[k, : len(p) + len(r)] = torch.tensor([*p, *r])
            seen[k, : len(p) + len(r)] = 1
        logits = model(input_ids=ids, attention_mask=seen).logits[:, :-1]
        steps = torch.log_softmax(logits, dim=-1).gather(2, ids[:, 1:, None])[..., 0]
        for k, (p, r) in enumerate(rows):
            found.append(float(steps[k, len(p) - 1 : len(p) + len(r) - 1].double().sum()))
    return found


def worker(name: str) -> None:
    import torch

    # what is imported is no part of what scoring takes, and threads of one are threads of all
    importlib.import_module("workbench.scoring.logprob")
    torch.set_num_threads(1)
    model, pairs = dialogues() if name in ("together", "apart") else made()
    # making the model took more for a moment: the peak begins anew where the system can
    before = _peak_begins()
    way = {"plain": plain, "padded": padded, "apart": a_row_each}.get(name, ours)
    with torch.inference_mode():
        way(model, pairs[:2])
        start, cpu = time.perf_counter(), time.process_time()
        scores = way(model, pairs)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = _status("VmHWM") - before
    print(json.dumps({"seconds": seconds, "cpu": cpu, "scores": scores, "peak": peak}))


def _peak_begins() -> float:
    """Set the peak of this process to what it has now, and return that, in GiB."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _status(name: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 2**20


def main() -> None:
    found = {}
    for name in ("ours", "plain", "padded", "together", "apart"):
        command = [sys.executable, "-m", "bench.scoring_speed", name]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
        found[name] = json.loads(done.stdout.splitlines()[-1])
    mine = found["ours"]
    for name, wanted in (("plain", 2), ("padded", 4)):
        other = found[name]
        apart = np.abs(np.array(mine["scores"]) - np.array(other["scores"])).max()
        print(
            f"{PAIRS} pairs: {PAIRS / mine['cpu']:.2f} pairs a CPU second, {name} "
            f"{PAIRS / other['cpu']:.2f} = {other['cpu'] / mine['cpu']:.2f}x (wanted "
            f"{wanted}; by the clock {other['seconds'] / mine['seconds']:.2f}x); largest "
            f"difference {apart:.1e} nats (wanted 1e-3); peak beyond the model "
            f"{mine['peak']:.2f} GiB against {other['peak']:.2f} GiB"
        )
    one, other = found["together"], found["apart"]
    apart = np.abs(np.array(one["scores"]) - np.array(other["scores"])).max()
    n = len(one["scores"]) // 2
    print(
        f"{n} pairs of dialogues: {n / one['cpu']:.2f} pairs a CPU second, a row a pair "
        f"{n / other['cpu']:.2f} = {other['cpu'] / one['cpu']:.2f}x (wanted 1.3); "
        f"largest difference {apart:.1e} nats; peak {one['peak']:.2f} and {other['peak']:.2f} GiB"
    )


if __name__ == "__main__":
    worker(sys.argv[1]) if len(sys.argv) > 1 else main()
