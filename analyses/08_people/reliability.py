"""Workers and truth: accuracy beside the majority's on public answers, and the check of taste.

``computed`` gives the numbers of ``expected_reliability.json``. Seconds on one CPU core.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import workbench as wb
from workbench.structure.reliability.dawid_skene import dawid_skene
from workbench.structure.reliability.gate import taste_gate

DEFAULT = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
SETS = ("duck", "dog", "face")
FAMILIES = ("length", "structure")
RIGHT = (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.5, 0.2)
PAIRS, EACH, SEEDS = 160, 100, 50


def accuracy(folder: Path, name: str) -> dict[str, Any]:
    """Return the accuracy of the majority (a split counts its part) and of the model."""
    said = pd.read_csv(folder / "crowd_truth" / f"{name}.answer.csv")
    truth = pd.read_csv(folder / "crowd_truth" / f"{name}.truth.csv")
    task, tasks = pd.factorize(said["question"])
    worker, workers = pd.factorize(said["worker"])
    answer, classes = pd.factorize(said["answer"], sort=True)
    code = {one: k for k, one in enumerate(classes)}
    right = truth.set_index("question")["truth"].reindex(tasks).map(code).to_numpy()
    found = dawid_skene(task, worker, answer, len(classes))
    votes = np.zeros(found.posterior.shape)
    np.add.at(votes, (task, answer), 1.0)
    most = votes == votes.max(axis=1, keepdims=True)
    majority = most[np.arange(len(right)), right] / most.sum(axis=1)
    return {
        "answers": len(said), "tasks": len(tasks), "workers": len(workers),
        "majority": round(float(majority.mean()), 4),
        "splits": int((most.sum(axis=1) > 1).sum()),
        "dawid_skene": round(float((found.posterior.argmax(axis=1) == right).mean()), 4),
        "rounds": found.rounds, "converged": found.converged,
    }  # fmt: skip


def people(folder: Path) -> wb.PreferenceData:
    """Return MT-bench's pairs with texts and what people said of them, with factors."""
    place, name = folder / "normalised", "mt_bench_human"
    pairs = pd.read_parquet(place / "pairs.parquet")
    pairs = pairs[pairs["dataset"].eq(name) & pairs["text_status"].eq("full")]
    labels = pd.read_parquet(place / "labels.parquet")
    own = labels["dataset"].eq(name) & labels["annotator_kind"].eq("human")
    labels = labels[own & labels["pair_id"].isin(pairs["pair_id"])]
    labels = labels.drop_duplicates(["pair_id", "annotator"])
    row = pd.Series(np.arange(len(pairs)), index=pairs["pair_id"])
    said = pd.DataFrame({
        "pair": row[labels["pair_id"]].to_numpy(), "annotator": labels["annotator"].to_numpy(),
        "kind": "human",
        "preference": labels["label"].map({"a": 1.0, "b": 0.0, "tie": 0.5}).to_numpy(),
    })  # fmt: skip
    texts = pairs[["prompt", "response_a", "response_b", "model_a", "model_b"]]
    data = wb.PreferenceData.from_tables(texts.reset_index(drop=True), said)
    return wb.score_factors(data, [one for name in FAMILIES for one in wb.factors.FAMILIES[name]])


def checked(folder: Path) -> dict[str, Any]:
    """Return what the check of taste says of MT-bench's people."""
    gate = taste_gate(people(folder), None, "annotator", 0)
    return {"labels": gate.n, "prompts": gate.n_prompts, "gain": round(gate.gain, 5),
            "std_error": round(gate.std_error, 5), "refused": gate.taste}  # fmt: skip


def facts(seed: int) -> wb.PreferenceData:
    """Return workers who know the truth of pairs with some chance."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(2, size=PAIRS)
    at = np.concatenate([rng.choice(PAIRS, EACH, replace=False) for _ in RIGHT])
    who = np.repeat(np.arange(len(RIGHT)), EACH)
    knows = rng.random(len(at)) < np.array(RIGHT)[who]
    said = np.where(knows, truth[at], 1 - truth[at])
    pairs = pd.DataFrame({"item": [f"item {k}" for k in range(PAIRS)],
                          "cluster": [f"prompt {k}" for k in range(PAIRS)]})  # fmt: skip
    labels = pd.DataFrame({"pair": at, "annotator": [f"worker {w}" for w in who],
                           "kind": "human", "preference": said.astype(float)})  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, labels)


def planted() -> dict[str, Any]:
    """Return how often intervals of 95 % hold the accuracy that was planted."""
    held, apart, below = [], [], []
    for seed in range(SEEDS):
        rows = wb.reliability(facts(seed), truth="exists").to_frame()
        held.append((rows["conf_low"] <= RIGHT) & (rows["conf_high"] >= RIGHT))
        apart.append(rows["estimate"] - RIGHT)
        below.append(rows["q_value"] < 0.05)
    return {
        "right": list(RIGHT), "labels of each": EACH, "pairs": PAIRS,
        "held": int(np.sum(held)), "of": int(np.size(held)),
        "mean error": [round(float(v), 3) for v in np.mean(apart, axis=0)],
        "called worse than chance": [int(v) for v in np.sum(below, axis=0)],
    }  # fmt: skip


def computed(folder: Path = DEFAULT) -> dict[str, Any]:
    """Return all numbers.

    Parameters
    ----------
    folder : Path
        Holds ``crowd_truth`` and ``normalised``.
    """
    return {"accuracy": {name: accuracy(folder, name) for name in SETS},
            "MT-bench people": checked(folder), "planted": planted()}  # fmt: skip
