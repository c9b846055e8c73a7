"""Verbs on much of something (pairs, factors, scenarios), each in a process of its own.

``first`` is the first call, on data that nothing is known of yet, imports among it; ``again`` the
second, which finds the digest and the columns' numbers kept on the data. Both are seconds of the
processor. ``whole`` is the process from its start to its end: Python, imports, making the data,
the calls. The decomposition stands beside the bare fit of its design
(:func:`workbench.decompose.logit.fit_logit`), with and without errors over clusters. BLAS has one
thread throughout. ``before`` is the same row on the code before the verb was made for such
sizes, measured on the same machine in the same hour.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData

ROOT = Path(__file__).resolve().parents[1]
JUDGES = 33

Made = Callable[[int], PreferenceData]
Verb = Callable[[PreferenceData], Any]


def of_votes(x: pd.DataFrame, votes: np.ndarray, pairs: pd.DataFrame) -> PreferenceData:
    """Return data in which each annotator (a column of votes) labels every pair, in some order."""
    n, people = votes.shape
    rng = np.random.default_rng(1)
    names = pd.Series([f"a{k:02}" for k in range(people)], dtype="str")
    order = pd.Series(np.where(rng.random(n * people) < 0.5, "ab", "ba"), dtype="str")
    labels = pd.DataFrame(
        {
            "pair": np.tile(np.arange(n), people),
            "annotator": names.repeat(n).reset_index(drop=True),
            "preference": votes.T.ravel(),
            "order_shown": order,
        }
    )
    data = PreferenceData.from_tables(pairs, labels)
    return data.with_factors(x, pd.DataFrame(index=x.index), {})


def dense(n: int, k: int) -> PreferenceData:
    """Return one annotator's votes on prompts of about three pairs, with ``k`` coded factors."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, k))
    votes = drawn(rng, x @ (rng.normal(size=k) * 0.2 * np.sqrt(30 / k)))[:, None]
    votes[rng.random(n) < 0.1] = 0.5
    return of_votes(pd.DataFrame(x).add_prefix("f"), votes, on_prompts(rng, n))


def drawn(rng: np.random.Generator, eta: np.ndarray) -> np.ndarray:
    return (rng.random(eta.shape) < 1 / (1 + np.exp(-eta))) * 1.0


def on_prompts(rng: np.random.Generator, n: int) -> pd.DataFrame:
    prompts = [f"{p:032x}" for p in np.sort(rng.integers(0, max(n // 3, 1), n))]
    return pd.DataFrame({"prompt_id": pd.Series(prompts, dtype="str"), "item": np.arange(n)})


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
    names = ["people", *(f"judge {j}" for j in range(1, JUDGES))]
    annotator = pd.Series(pd.Categorical.from_codes(who, names)).astype("str")
    kind = pd.Series(pd.Categorical.from_codes((who > 0).astype(int), ["human", "llm"]))
    labels = pd.DataFrame(
        {"pair": at, "annotator": annotator, "kind": kind.astype("str"),
         "preference": drawn(rng, truth[at]), "replicate": 0}
    )  # fmt: skip
    return PreferenceData.from_tables(on_prompts(rng, n), labels)


def scenarios(n: int) -> PreferenceData:
    """Return 64 scenarios judged by 16 annotators, with 26 factors, 6 of them rare."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 26))
    x[:, 20:] = (rng.random((n, 6)) < 0.01) * rng.choice([-1.0, 1.0], size=(n, 6))
    scenario = np.arange(n) % 64
    weights = rng.normal(size=(16, 1, 26)) * 0.3 + rng.normal(size=(16, 64, 26)) * 0.3
    votes = drawn(rng, np.einsum("nk,ank->na", x, weights[:, scenario]))
    pairs = pd.DataFrame({"item": np.arange(n), "scenario": [f"s{k:02}" for k in scenario]})
    return of_votes(pd.DataFrame(x).add_prefix("f"), votes, pairs)


def sparse(n: int) -> PreferenceData:
    """Return 2,000 factors of which 1 % of the values are not 0."""
    from scipy import sparse

    rng = np.random.default_rng(0)
    x = sparse.random_array((n, 2000), density=0.01, rng=rng, format="csc")
    x.data = rng.choice([-1.0, 1.0, 2.0], size=x.nnz)
    weights = np.zeros(2000)
    weights[:40] = rng.normal(size=40) * 0.5
    words = rng.normal(size=n)
    names = [f"g{k}" for k in range(2000)]
    table = pd.DataFrame.sparse.from_spmatrix(x, columns=names).assign(words=words)
    return of_votes(table, drawn(rng, x @ weights + 0.4 * words)[:, None], on_prompts(rng, n))


def named(verb: str, **options: Any) -> Verb:
    """Return a verb of the library, imported as it is called."""

    def call(data: PreferenceData) -> Any:
        import workbench as wb

        return getattr(wb, verb)(data, **options)

    return call


def attributed(data: PreferenceData) -> Any:
    import workbench as wb

    return wb.attribute(wb.decompose(data, folds=0))


def fitted(data: PreferenceData) -> Any:
    """Fit the design of data, clustered errors among it."""
    from workbench.decompose.design import build_design
    from workbench.decompose.estimate import fit_groups
    from workbench.threads import on_one_thread

    design = build_design(data, by=["annotator"])
    return on_one_thread(lambda: fit_groups(design, "cluster"))()


@dataclass(frozen=True)
class Row:
    """A verb, on how much, and what it took once."""

    n: int
    made: Made
    verb: Verb
    what: str
    before: str = ""


ROWS = {
    "decompose": Row(1_000_000, lambda n: dense(n, 27), named("decompose", folds=0), "27 factors"),
    "rate": Row(1_000_000, battles, named("rate"), "100 models"),
    "concordance": Row(
        1_000_000, lambda n: dense(n, 27), named("concordance"), "27 factors", "32 s, 2.2 GiB"
    ),
    "judge_board": Row(1_000_000, board, named("judge_board"), "33 annotators"),
    "pool_scenarios": Row(
        20_480, scenarios, named("pool_scenarios"), "64 scenarios x 16 annotators x 26 factors",
        "111 s, 0.73 GiB",
    ),
    "pool_few": Row(
        4_000, scenarios, named("pool_scenarios"), "64 scenarios x 16 annotators x 26 factors",
        "33 s, 0.46 GiB",
    ),
    "screen": Row(50_000, sparse, named("screen"), "2,000 sparse factors", "29 s, 3.2 GiB"),
    "attribute": Row(
        100_000, lambda n: dense(n, 30), attributed, "30 factors, their fit among it",
        "10.1 s, 0.5 GiB",
    ),
    "fit_30": Row(1_000_000, lambda n: dense(n, 30), fitted, "30 factors", "1.4 s"),
    "fit_100": Row(1_000_000, lambda n: dense(n, 100), fitted, "100 factors", "7.3 s"),
}  # fmt: skip


def worker(name: str, n: int) -> None:
    row = ROWS[name]
    data = row.made(n)
    before = peak()
    found = {"first": cpu(lambda: row.verb(data)), "again": cpu(lambda: row.verb(data))}
    found |= {"peak": peak(), "extra": peak() - before}
    if name == "decompose":
        found |= bare(row.verb(data).design)
    print(json.dumps(found))


def bare(design: Any) -> dict[str, float]:
    """Return the seconds of the fit of a design that is there, by its errors."""
    from workbench.decompose.logit import fit_logit

    cells, active = design.dense([0]), np.ones((1, len(design.terms)), dtype=bool)
    return {
        f"bare {kind}": cpu(
            lambda kind=kind: fit_logit(
                design.X, cells, active=active, n_labels=design.n_labels, covariance=kind,
                clusters=design.cluster,
            )
        )
        for kind in ("classical", "cluster")
    }  # fmt: skip


def cpu(work: Callable[[], Any]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measured(name: str, n: int) -> dict[str, float] | None:
    """Return what a row takes, its whole process among it; None where it fails."""
    command = [sys.executable, "-m", "bench.verb_speed", "--worker", name, str(n)]
    pinned = {f"{one}_NUM_THREADS": "1" for one in ("OPENBLAS", "OMP", "MKL")}
    spent, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **pinned}
    )
    if done.returncode:
        print(f"{name}: not measured: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
        return None
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    whole = now.ru_utime + now.ru_stime - spent.ru_utime - spent.ru_stime
    return {**found, "whole": whole, "wall": time.perf_counter() - begun}


def compare(names: Sequence[str], quick: bool) -> None:
    took = {}
    for name in names:
        row = ROWS[name]
        n = max(row.n // 10, 2_000) if quick else row.n
        found = measured(name, n)
        if found is None:
            continue
        took[name] = found["again"]
        told = ", ".join(
            f"{key} {value:.2f} s"
            for key, value in found.items()
            if key not in ("peak", "extra", "wall")
        )
        note = f"  (before: {row.before})" if row.before and not quick else ""
        print(
            f"{name:<14} {n:,} pairs, {row.what}: {told} (wall {found['wall']:.1f} s); "
            f"peak {found['peak']:.2f} GiB (+{found['extra']:.2f} beyond the data){note}",
            flush=True,
        )
    if {"fit_30", "fit_100"} <= set(took):
        power = np.log(took["fit_100"] / took["fit_30"]) / np.log(100 / 30)
        print(f"a fit grows with the number of factors to the power of {power:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"{', '.join(ROWS)}; all when none")
    parser.add_argument("--worker", nargs=2, metavar=("ROW", "N"))
    parser.add_argument("--quick", action="store_true", help="a tenth of the pairs")
    options = parser.parse_args()
    if options.worker:
        worker(options.worker[0], int(options.worker[1]))
        return
    unknown = sorted(set(options.rows) - set(ROWS))
    if unknown:
        parser.error(f"no row {unknown[0]!r}; there are: {', '.join(ROWS)}")
    compare(options.rows or list(ROWS), options.quick)


if __name__ == "__main__":
    main()
