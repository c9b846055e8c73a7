"""How fast pairs are scored: tokens a second, and the share of what the device can compute.

Run ``python analyses/12_scoring_throughput/run.py``. It takes a GPU where there is one, with a
model of about 1.2 billion parameters in bf16, and a small one in fp32 on the CPU otherwise. The
weights are random: their values do not matter to the time. It prints JSON.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import transformers

from workbench.scoring.layout import Group, laid_out
from workbench.scoring.tree import batches, score_groups


@dataclass(frozen=True)
class Shape:
    """A model of the Llama kind, and the pairs that it scores."""

    width: int
    layers: int
    heads: int
    key_heads: int
    inner: int
    vocabulary: int
    pairs: int
    prompt: int
    response: int
    budgets: tuple[int, ...]


SHAPES = {
    # those of Llama 3.2 1B
    "cuda": Shape(2048, 16, 32, 8, 8192, 128_256, 512, 512, 256, (8192, 16_384, 32_768)),
    "cpu": Shape(512, 8, 8, 4, 1376, 32_000, 6, 384, 128, (2048, 4096)),
    "quick": Shape(64, 2, 4, 2, 172, 512, 4, 24, 12, (256,)),
}
_SECONDS = 1.0
_MATRIX = {"cuda": 8192, "cpu": 2048}


def made(shape: Shape, device: str, dtype: torch.dtype) -> Any:
    """Return the model, with random weights."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        hidden_size=shape.width, num_hidden_layers=shape.layers, intermediate_size=shape.inner,
        num_attention_heads=shape.heads, num_key_value_heads=shape.key_heads,
        vocab_size=shape.vocabulary, tie_word_embeddings=True,
    )  # fmt: skip
    with torch.device(device):
        model = transformers.AutoModelForCausalLM.from_config(config, dtype=dtype)
    return model.eval()


def groups_of(shape: Shape) -> dict[int, Group]:
    """Return random pairs, some shorter, some longer."""
    rng = np.random.default_rng(0)

    def some(n: int) -> tuple[int, ...]:
        return tuple(map(int, rng.integers(0, shape.vocabulary, int(n * rng.uniform(0.7, 1.3)))))

    return {
        k: Group(some(shape.prompt), (some(shape.response), some(shape.response)))
        for k in range(shape.pairs)
    }


def work(model: Any, groups: list[Group]) -> tuple[int, float]:
    """Return the tokens of a batch without padding, and the operations that they need.

    Two a weight and token (without the table of embeddings), two times two a dimension,
    layer and token that is seen, and those of the head where a token is predicted.
    """
    config, layout = model.config, laid_out(model, groups)
    tokens = sum(map(len, groups))
    seen = 0
    for group in groups:
        ends = [len(group.prompt), *(len(group.prompt) + len(one) for one in group.responses)]
        seen += sum(n * (n + 1) // 2 for n in ends)
        seen -= len(group.responses) * ends[0] * (ends[0] + 1) // 2
    table = model.get_input_embeddings().weight.numel()
    weights = sum(one.numel() for one in model.parameters()) - table
    attention = 4 * config.num_hidden_layers * config.hidden_size * seen
    predicted = sum(len(places) for _, places in layout.places.values())
    head = 2 * config.hidden_size * config.vocab_size * predicted
    return tokens, float(2 * weights * tokens + attention + head)


def attained(device: str, dtype: torch.dtype) -> float:
    """Return the operations a second of one large product of matrices, the best of five."""
    n = _MATRIX[device]
    one = torch.randn((n, n), device=device).to(dtype)
    best = float("inf")
    for _ in range(5):
        start = now(device)
        torch.mm(one, one)
        best = min(best, now(device) - start)
    return 2.0 * n**3 / best


def now(device: str) -> float:
    """Return the time when all that was begun is done."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def measured(model: Any, shape: Shape, device: str) -> list[dict[str, float]]:
    """Return the rate at each budget of tokens a batch, over at least a second."""
    groups = groups_of(shape)
    found = []
    for budget in shape.budgets:
        planned = [[groups[k] for k in names] for names in batches(model, groups, budget)]
        score_groups(model, planned[0])
        tokens, operations, passes = 0, 0.0, 0
        start = now(device)
        while now(device) - start < _SECONDS:
            for batch in planned:
                score_groups(model, batch)
            passes += 1
        seconds = now(device) - start
        for batch in planned:
            more, needed = work(model, batch)
            tokens, operations = tokens + more, operations + needed
        found.append({
            "budget": budget, "passes": passes, "seconds": seconds,
            "pairs_per_second": passes * shape.pairs / seconds,
            "tokens_per_second": passes * tokens / seconds,
            "operations_per_second": passes * operations / seconds,
        })  # fmt: skip
    return found


def run(kind: str, peak: float | None) -> dict[str, Any]:
    """Return what was measured, beside what the device can do."""
    shape = SHAPES[kind]
    device = "cuda" if kind == "cuda" else "cpu"
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    model = made(shape, device, dtype)
    with torch.inference_mode():
        product = attained(device, dtype)
        rates = measured(model, shape, device)
    for one in rates:
        one["of_one_product"] = one["operations_per_second"] / product
        if peak is not None:
            one["mfu"] = one["operations_per_second"] / peak
    named = torch.cuda.get_device_name() if device == "cuda" else platform.processor()
    return {
        "device": device, "name": named or platform.machine(), "threads": torch.get_num_threads(),
        "dtype": str(dtype), "weights": "random",
        "parameters": sum(one.numel() for one in model.parameters()), "shape": asdict(shape),
        "product_operations_per_second": product, "peak_operations_per_second": peak,
        "rates": rates,
    }  # fmt: skip


def main() -> None:
    """Measure, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tiny model, for a test")
    parser.add_argument("--peak", type=float, help="operations a second that its maker names")
    given = parser.parse_args()
    kind = "quick" if given.quick else "cuda" if torch.cuda.is_available() else "cpu"
    print(json.dumps(run(kind, given.peak), indent=1))


if __name__ == "__main__":
    main()
