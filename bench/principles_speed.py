"""Voting on principles beside the ideal rate, and the measures of many votes.

Wanted: voting within 15 % of calls * latency / concurrency at 64; strength, relevance and
accuracy of 10,000 pairs x 40 principles with 1,000 bootstrap resamples in 2 s.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from bench.llm_speed import server
from workbench.data.dataset import PreferenceData
from workbench.llm.asker import Asker
from workbench.llm.endpoint import Endpoint
from workbench.llm.journal import Journal
from workbench.principles.measure.measure import measure
from workbench.principles.principle import Principle
from workbench.principles.vote.vote import vote
from workbench.principles.vote.votes import Vote, Votes

K = 40
RULES = [Principle(f"Select the response that has property {k} of those listed") for k in range(K)]
TEXT = "A response of usual length, which says this and that about the matter asked. " * 8


def pairs(n: int) -> PreferenceData:
    """Return labelled pairs of different texts, two to a prompt."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "prompt": [f"Question {k // 2}?" for k in range(n)],
            "response_a": [f"{TEXT} {k}" for k in range(n)],
            "response_b": [f"{TEXT} {k} b" for k in range(n)],
        }
    )
    labels = pd.DataFrame(
        {"pair": range(n), "annotator": "ann", "preference": rng.integers(0, 2, n)}
    )
    return PreferenceData.from_tables(frame, labels.astype({"preference": float}))


def voting(n: int = 2000, latency_s: float = 0.5, at_once: int = 64, repeats: int = 2) -> None:
    said = json.dumps({str(k): "A" for k in range(1, K + 1)})
    data = pairs(n)
    with (
        server(latency_s, said) as url,
        tempfile.TemporaryDirectory() as folder,
        Journal(Path(folder) / "j.sqlite") as journal,
        Asker(Endpoint(url, concurrency=at_once), journal) as asker,
    ):
        start = time.perf_counter()
        votes = vote(data, RULES, asker, model="m", repeats=repeats)
        seconds = time.perf_counter() - start
    if not np.isin(votes.codes, (Vote.A, Vote.B)).all():
        raise RuntimeError("a vote failed: the figures would mean nothing")
    calls = n * repeats
    ideal = calls * latency_s / at_once
    print(
        f"{n:,} pairs x {K} principles x {repeats} repeats, {at_once} at once, {latency_s:g} s: "
        f"{calls:,} calls in {seconds:.1f} s, ideal {ideal:.1f} s = {seconds / ideal:.2f}x "
        "(wanted 1.15)"
    )


def measures(n: int = 10_000) -> None:
    data = pairs(n)
    rng = np.random.default_rng(1)
    codes = rng.choice([1, -1, 2, 3, 4], (n, K, 1)).astype(np.int8)
    votes = Votes(data.pairs["pair_id"].to_numpy(), tuple(RULES), codes)
    start = time.perf_counter()
    measure(data, votes, "ann", replicates=1000)
    seconds = time.perf_counter() - start
    print(f"{n:,} pairs x {K} principles, 1,000 resamples: {seconds:.2f} s (wanted 2)")


def main() -> None:
    measures()
    voting()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main()
