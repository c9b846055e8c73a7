"""Panels beside crowd-kit, and how often their intervals hold the truth (simulated).

``speed``: seconds of the processor of the whole verb (panels, gains, effective numbers, cascades)
on 33 judges, and beside it crowd-kit's majority, Wawa and Dawid-Skene on the same answers, with
how often the verdicts are the same; an even split is a tie here and one of the two names there.
``coverage``: intervals of the gain over the best member with and without the error that choosing
adds, and of the effective number. ``--peer PYTHON`` names an interpreter that has crowd-kit.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

import workbench as wb
from workbench.audit.judges.verdicts.elsewhere import beyond_best, chosen_elsewhere
from workbench.calibration.panel.combine import by_truth, led, majority
from workbench.calibration.panel.joint import KISH, effective_rows_of, joint_errors
from workbench.calibration.panel.votes import votes_of
from workbench.flips import paired_difference
from workbench.threads import one_thread

PEER = """
import sys, time, warnings
warnings.filterwarnings("ignore")
import pandas as pd
from crowdkit.aggregation import DawidSkene, MajorityVote, Wawa
said = pd.read_csv(sys.argv[1])
for name, kind in (("majority", MajorityVote()), ("wawa", Wawa()), ("dawid-skene", DawidSkene())):
    start = time.process_time()
    # ties tell nothing of two sides, and are no third truth
    own = said[said["label"] != "tie"] if name == "dawid-skene" else said
    found = kind.fit_predict(own)
    print(name, time.process_time() - start)
    found.rename("label").to_csv(sys.argv[2] + name + ".csv")
"""


def errors(
    rng: np.random.Generator, cluster: np.ndarray, k: int, shared: float, rate: np.ndarray | float
) -> np.ndarray:
    """Return simulated errors, shape (n, k): half of what members share is of the prompt."""
    g, n = int(cluster.max()) + 1, len(cluster)
    one = rng.standard_normal((g, 1))[cluster] + rng.standard_normal((n, 1))
    latent = np.sqrt(shared / 2) * one + np.sqrt(1 - shared) * rng.standard_normal((n, k))
    return np.asarray(latent < norm.ppf(rate))


def simulated(n: int, k: int, seed: int = 0) -> wb.PreferenceData:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n).astype(float)
    wrong = errors(rng, np.arange(n) // 2, k, 0.3, np.linspace(0.2, 0.4, k))
    said = np.where(wrong, 1 - truth[:, None], truth[:, None])
    said[rng.random((n, k)) < 0.05] = 0.5
    ids = np.array([f"{i:032x}" for i in range(n)])
    pairs = pd.DataFrame({"pair_id": ids, "prompt_id": ids,
                          "cluster": [f"c{i // 2}" for i in range(n)]})  # fmt: skip
    who = [f"judge{j:02d}" for j in range(k)]
    labels = pd.DataFrame({
        "pair_id": np.tile(ids, k + 1), "annotator": np.repeat([*who, "ann"], n),
        "kind": np.repeat(["llm"] * k + ["human"], n),
        "preference": np.concatenate([said.T.ravel(), truth]), "replicate": 0,
        "criterion": "overall",
    })  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, labels)


def speed(n: int, k: int) -> None:
    data = simulated(n, k)
    # the digest names the data in every result: it is of the data, not of this verb
    len(data.digest), len(data.annotators)
    for truth in (None, "exists"):
        start = time.process_time()
        wb.panel(data, truth=truth)
        spent = time.process_time() - start
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{k} judges x {n:,} pairs, truth={truth}: {spent:.2f} s, {most:.2f} GiB at most")


def beside(n: int, k: int, peer: str) -> None:
    data = simulated(n, k)
    llm = data.labels[data.labels["kind"].eq("llm")]
    word = llm["preference"].map({1.0: "A", 0.5: "tie", 0.0: "B"})
    votes = votes_of(data, None, "human")
    ours, took = {}, {}
    for name, kind in (("majority", majority), ("dawid-skene", by_truth)):
        start = time.process_time()
        ours[name] = kind(votes).side
        took[name] = time.process_time() - start
    with tempfile.TemporaryDirectory() as place:
        source = Path(place) / "said.csv"
        pd.DataFrame({"task": llm["pair_id"], "worker": llm["annotator"], "label": word}).to_csv(
            source, index=False)  # fmt: skip
        command = [peer, "-c", PEER, str(source), f"{place}/"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"crowd-kit did not run (--peer PYTHON): {done.stderr[-300:]}")
            return
        for line in done.stdout.splitlines():
            name, seconds = line.split()
            said = pd.read_csv(f"{place}/{name}.csv", index_col=0)["label"]
            if name not in ours:
                print(f"{k} x {n:,}, {name}: crowd-kit {float(seconds):.2f} s")
                continue
            mine = pd.Series(ours[name]).map({1.0: "A", 0.0: "tie", -1.0: "B"})
            same = mine.to_numpy() == said.reindex(data.pairs["pair_id"]).to_numpy()
            ratio = float(seconds) / took[name]
            told = f"crowd-kit {float(seconds):.2f} s, ratio {ratio:.0f}"
            print(f"{k} x {n:,}, {name}: ours {took[name]:.3f} s, {told}; "
                  f"the same on {same.mean():.2%}")  # fmt: skip


def coverage(runs: int) -> None:
    rng = np.random.default_rng(0)
    print("gain: n, members, agreement of the best and the next, pairs a prompt: with, without")
    for n, rates, per in ((100, [0.3] * 3, 1), (200, [0.3] * 5, 2), (200, [0.25, 0.3, 0.3], 1),
                          (400, [0.3] * 10, 4), (200, [0.2, 0.4, 0.4], 1),
                          (300, [0.25, 0.27, 0.29, 0.31, 0.33], 3)):  # fmt: skip
        rate, cluster = np.array(rates), np.arange(n) // per
        far = np.arange(1_000_000) // per
        big = _whole(1.0 - errors(np.random.default_rng(1), far, len(rate), 0.3, rate)).mean()
        hit = np.zeros(2)
        for _ in range(runs):
            right = 1.0 - errors(rng, cluster, len(rate), 0.3, rate)
            values, fold = np.column_stack([right, _whole(right)]), cluster % 5
            found = chosen_elsewhere(values, beyond_best, cluster, fold)
            truth = float((found.weights @ np.append(1 - rate, big)).mean())
            bare = paired_difference(found.values, cluster)
            hit += [row["conf_low"] <= truth <= row["conf_high"] for row in (found.row, bare)]
        print(n, len(rates), 1 - min(rates), 1 - sorted(rates)[1], per, *(hit / runs).round(3))
    print("effective number: n, members, shared, pairs a prompt: coverage, truth")
    for n, k, shared, per in (
        (60, 4, 0.4, 1),
        (120, 5, 0.5, 2),
        (300, 10, 0.3, 3),
        (2000, 5, 0, 1),
    ):
        big = errors(np.random.default_rng(1), np.arange(400_000), 2, shared, 0.25)
        truth = k / (1 + (k - 1) * float(np.corrcoef(big.T)[0, 1]))
        held = 0
        for _ in range(runs):
            cluster = np.arange(n) // per
            agree = 1.0 - errors(rng, cluster, k, shared, 0.25)
            rows = effective_rows_of(joint_errors(agree, cluster), 0.95)
            row = next(row for row in rows if row["term"] == KISH)
            held += row["conf_low"] <= truth <= row["conf_high"]
        print(n, k, shared, per, round(held / runs, 3), round(truth, 2))


def _whole(right: np.ndarray) -> np.ndarray:
    """Return agreement of the majority, half where it is split."""
    return (led(2.0 * right - 1.0, np.ones(right.shape[1]))[0] + 1.0) / 2.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["speed", "beside", "coverage"])
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--judges", type=int, default=33)
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--peer", default=sys.executable)
    options = parser.parse_args()
    with one_thread():
        if "speed" in options.what:
            speed(options.pairs, options.judges)
        if "beside" in options.what:
            beside(options.pairs // 20, options.judges, options.peer)
        if "coverage" in options.what:
            coverage(options.runs)


if __name__ == "__main__":
    main()
