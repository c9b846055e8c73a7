"""Verbs on a million pairs, each in a process of its own: seconds of the processor, and memory.

``first`` is the first call, on data that nothing is known of yet; ``again`` the second, which
finds the digest and the columns' numbers kept on the data. ``whole`` is the process from its
start to its end: Python, imports, making the data, both calls. The decomposition stands beside
the bare fit of its design (:func:`workbench.decompose.logit.fit_logit`), with and without errors
over clusters. BLAS has one thread throughout.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData

ROOT = Path(__file__).resolve().parents[1]
K, JUDGES = 27, 33


def pairs_with_factors(n: int) -> PreferenceData:
    """Return labels of one annotator on prompts of about three pairs, with coded factors."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, K))
    y = (rng.random(n) < 1 / (1 + np.exp(-X @ rng.normal(size=K) * 0.2))).astype(float)
    y[rng.random(n) < 0.1] = 0.5
    pairs = pd.DataFrame({"prompt_id": _prompts(rng, n), "item": np.arange(n)})
    order = pd.Series(np.where(rng.random(n) < 0.5, "ab", "ba"), dtype="str")
    labels = pd.DataFrame(
        {"pair": np.arange(n), "annotator": "ann", "preference": y, "order_shown": order}
    )
    table = pd.DataFrame(X, columns=[f"x{k:02d}" for k in range(K)])
    data = PreferenceData.from_tables(pairs, labels)
    return data.with_factors(table, pd.DataFrame(index=table.index), {})


def battles(n: int) -> PreferenceData:
    """Return battles of a hundred models."""
    from bench.rating_speed import prepare, simulate

    arena = simulate(n)
    prepare("ours_verb", arena)
    return arena.given  # type: ignore[no-any-return]


def board(n: int) -> PreferenceData:
    """Return pairs of which each of 33 annotators, one of them people, labelled seven in ten."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=n)
    at, who = np.nonzero(rng.random((n, JUDGES)) > 0.3)
    y = (rng.random(len(at)) < 1 / (1 + np.exp(-truth[at]))).astype(float)
    names = ["people", *(f"judge {j}" for j in range(1, JUDGES))]
    annotator = pd.Series(pd.Categorical.from_codes(who, names)).astype("str")
    kind = pd.Series(pd.Categorical.from_codes((who > 0).astype(int), ["human", "llm"]))
    pairs = pd.DataFrame({"prompt_id": _prompts(rng, n), "item": np.arange(n)})
    labels = pd.DataFrame(
        {"pair": at, "annotator": annotator, "kind": kind.astype("str"), "preference": y,
         "replicate": 0}
    )  # fmt: skip
    return PreferenceData.from_tables(pairs, labels)


def _prompts(rng: np.random.Generator, n: int) -> pd.Series:
    return pd.Series([f"{p:032x}" for p in np.sort(rng.integers(0, n // 3, n))], dtype="str")


def _decompose(data: PreferenceData) -> Any:
    import workbench as wb

    return wb.decompose(data, folds=0)


def _rate(data: PreferenceData) -> Any:
    import workbench as wb

    return wb.rate(data)


def _concordance(data: PreferenceData) -> Any:
    import workbench as wb

    return wb.concordance(data)


def _judge_board(data: PreferenceData) -> Any:
    import workbench as wb

    return wb.judge_board(data)


WORK: dict[str, tuple[Callable[[int], PreferenceData], Callable[[PreferenceData], Any]]] = {
    "decompose": (pairs_with_factors, _decompose),
    "rate": (battles, _rate),
    "concordance": (pairs_with_factors, _concordance),
    "judge_board": (board, _judge_board),
}


def worker(name: str, n: int) -> None:
    made, work = WORK[name]
    data = made(n)
    before = _peak()
    found = {"first": _cpu(lambda: work(data)), "again": _cpu(lambda: work(data))}
    found |= {"peak": _peak(), "extra": _peak() - before}
    if name == "decompose":
        found |= _bare(_decompose(data).design)
    print(json.dumps(found))


def _bare(design: Any) -> dict[str, float]:
    """Return the seconds of the fit of a design that is there, by its errors."""
    from workbench.decompose.logit import fit_logit

    cells, active = design.dense([0]), np.ones((1, len(design.terms)), dtype=bool)
    return {
        f"bare {kind}": _cpu(
            lambda kind=kind: fit_logit(
                design.X, cells, active=active, n_labels=design.n_labels, covariance=kind,
                clusters=design.cluster,
            )
        )
        for kind in ("classical", "cluster")
    }  # fmt: skip


def _cpu(work: Callable[[], Any]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", nargs=2, metavar=("NAME", "N"))
    parser.add_argument("--quick", action="store_true", help="a tenth of the pairs")
    options = parser.parse_args()
    if options.worker:
        worker(options.worker[0], int(options.worker[1]))
        return
    n = 100_000 if options.quick else 1_000_000
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    for name in WORK:
        command = [sys.executable, "-m", "bench.verb_speed", "--worker", name, str(n)]
        spent, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False
        )
        now = resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode:
            print(f"{name}: not measured: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
            continue
        found = json.loads(done.stdout.splitlines()[-1])
        whole = now.ru_utime + now.ru_stime - spent.ru_utime - spent.ru_stime
        told = ", ".join(
            f"{key} {value:.2f} s" for key, value in found.items() if key not in ("peak", "extra")
        )
        print(
            f"{name:<12} {n:,} pairs, processor: {told}, whole {whole:.1f} s "
            f"(wall {time.perf_counter() - begun:.1f} s); peak {found['peak']:.2f} GiB "
            f"(+{found['extra']:.2f} beyond the data)",
            flush=True,
        )


if __name__ == "__main__":
    main()
