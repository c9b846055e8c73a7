"""Seconds of a dictionary beside HypotheSAEs' own training, to the same held-out reconstruction.

The peer needs torch, and the file ``sae.py`` of the package hypothesaes (``--peer PATH``). Its
units are not signed: it gets twice as many, for both ends of each direction. One process, one
thread; seconds are of the processor, which other work on the machine does not stretch.
"""

from __future__ import annotations

import argparse
import importlib.util
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np

from workbench.discover.training import learn_dictionary

_BLOCK = 8192


def differences(n: int, d: int, seed: int = 0) -> np.ndarray:
    """Return differences of responses that have some of 256 properties, most of them seldom."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=(256, d)).astype(np.float32)
    true /= np.linalg.norm(true, axis=1, keepdims=True)
    rate = 1.0 / np.arange(1, 257) ** 0.7
    rate = np.minimum(6.0 * rate / rate.sum(), 0.5)
    turned = (rng.normal(size=(d, d)) / np.sqrt(d)).astype(np.float32)
    spread = 1.0 / np.sqrt(1.0 + np.arange(d) / 20.0)
    spread *= 0.6 / np.sqrt((spread**2).sum())
    x = np.empty((n, d), dtype=np.float32)
    for at in range(0, n, _BLOCK):
        m = min(_BLOCK, n - at)
        sides = [(rng.random((m, 256)) < rate) * rng.gamma(4.0, 0.25, (m, 256)) for _ in "ab"]
        noise = (rng.normal(size=(m, d)) * spread).astype(np.float32) @ turned
        x[at : at + m] = (sides[0] - sides[1]).astype(np.float32) @ true + noise
    return x


def ours(x: np.ndarray, new: np.ndarray, m: int, active: int) -> None:
    began = time.process_time()
    found = learn_dictionary(x, m, active)
    took = time.process_time() - began
    left, whole = found.unexplained(new, found.activations(new))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"workbench, {m} signed: {took:.1f} s, left {left / whole:.4f}, peak {peak:.2f} GiB",
        flush=True,
    )


def theirs(path: Path, x: np.ndarray, new: np.ndarray, m: int, active: int) -> None:
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    spec: Any = importlib.util.spec_from_file_location("peer", path)
    peer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(peer)
    learn, held = torch.from_numpy(x), torch.from_numpy(new)
    began = time.process_time()
    model = peer.SparseAutoencoder(x.shape[1], m, active, device="cpu")
    # its defaults of train_sae
    model.fit(learn, held, n_epochs=100, patience=3, show_progress=False)
    took = time.process_time() - began
    model.eval()
    with torch.no_grad():
        left = float(((model(held)[0] - held) ** 2).sum() / (held**2).sum())
    print(f"hypothesaes, {m} units: {took:.1f} s, left {left:.4f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--numbers", type=int, default=1024)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--active", type=int, default=4)
    parser.add_argument("--peer", type=Path)
    options = parser.parse_args()
    every = differences(options.pairs + options.pairs // 10, options.numbers)
    x, new = every[: options.pairs], every[options.pairs :]
    ours(x, new, options.k, options.active)
    if options.peer is not None:
        theirs(options.peer, x, new, 2 * options.k, options.active)


if __name__ == "__main__":
    main()
