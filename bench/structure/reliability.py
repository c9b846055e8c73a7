"""Dawid and Skene's model beside crowd-kit: the same posteriors, in how many seconds.

Posteriors after the same rounds at the same smoothing (crowd-kit's floor of 1e-10, and 0.01
through its own table of initial errors, added in every round); seconds of the processor, each
until its own rule ends it. ``--peer PYTHON`` names an interpreter that has crowd-kit.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from workbench.structure.reliability.dawid_skene import dawid_skene
from workbench.threads import one_thread

DEFAULT = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
SETS, ROUNDS = ("duck", "dog", "face"), 60
PEER = """
import sys, time
import pandas as pd
from crowdkit.aggregation import DawidSkene
source, out, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
said = pd.read_csv(source).rename(columns={"question": "task", "answer": "label"})
start = time.process_time()
DawidSkene().fit(said)
print(time.process_time() - start)
labels = sorted(said["label"].unique())
index = pd.MultiIndex.from_product([said["worker"].unique(), labels], names=["worker", "label"])
added = pd.DataFrame(0.01, index=index, columns=labels)
class Smoothed(DawidSkene):
    @staticmethod
    def _m_step(data, probas, initial_error=None, initial_error_strategy=None):
        return DawidSkene._m_step(data, probas, added, "addition")
for name, kind in (("floor", DawidSkene), ("added", Smoothed)):
    found = kind(n_iter=rounds, tol=-1.0).fit(said)
    found.probas_.sort_index().sort_index(axis=1).to_csv(f"{out}.{name}.csv")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--peer", default=sys.executable)
    options = parser.parse_args()
    folder = options.data / "crowd_truth"
    with tempfile.TemporaryDirectory() as place, one_thread():
        for name in SETS if folder.is_dir() else ():
            beside(folder / f"{name}.answer.csv", Path(place) / name, options.peer)
        million()


def beside(source: Path, out: Path, peer: str) -> None:
    said = pd.read_csv(source)
    task, _ = pd.factorize(said["question"], sort=True)
    worker, _ = pd.factorize(said["worker"], sort=True)
    answer, classes = pd.factorize(said["answer"], sort=True)
    K = len(classes)
    start = time.process_time()
    found = dawid_skene(task, worker, answer, K)
    ours = time.process_time() - start
    line = f"{source.name:<18} {len(said):>6,} answers: ours {ours:.3f} s, {found.rounds} rounds"
    command = [peer, "-c", PEER, str(source), str(out), str(ROUNDS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"{line}; crowd-kit is not installed (--peer PYTHON)")
        return
    theirs = float(done.stdout)
    print(f"{line}; crowd-kit {theirs:.2f} s, ratio {theirs / ours:.0f}")
    for name, smoothing in (("floor", 1e-10), ("added", 0.01)):
        same = dawid_skene(task, worker, answer, K, smoothing=smoothing, rounds=ROUNDS,
                           tolerance=-1.0)  # fmt: skip
        table = pd.read_csv(f"{out}.{name}.csv", index_col=0).to_numpy()
        apart = float(np.abs(table - same.posterior).max())
        print(
            f"  smoothing {smoothing:g} ({name}), {ROUNDS} rounds: posteriors differ by {apart:.1e}"
        )


def million() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(3, size=200_000)
    task, worker = np.repeat(np.arange(len(truth)), 5), rng.integers(2000, size=1_000_000)
    right = rng.random(len(task)) < rng.uniform(0.4, 0.95, 2000)[worker]
    answer = np.where(right, truth[task], rng.integers(3, size=len(task)))
    start = time.process_time()
    found = dawid_skene(task, worker, answer, 3)
    seconds = time.process_time() - start
    print(f"1,000,000 answers, 3 classes: {seconds:.1f} s, {found.rounds} rounds (wanted: below 5)")


if __name__ == "__main__":
    main()
