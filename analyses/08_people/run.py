"""Whether people of two public data sets differ, and in what.

Run ``python analyses/08_people/run.py --data FOLDER``, FOLDER holding ``normalised`` and
``paired_people`` (see README.md). It prints JSON. A minute or two on one CPU core.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import workbench as wb
from workbench.structure.labels import person_labels
from workbench.structure.people.null import permuted

HERE = Path(__file__).resolve().parent
DEFAULT = HERE.parents[1] / ".." / "shared" / "data"
PAIRS, LABELS = "normalised/pairs.parquet", "normalised/labels.parquet"
CEMS = "paired_people/prefmod_cemspc.RData"
SEED = 0
UNIVERSITIES = ("London", "Paris", "Milano", "St.Gallen", "Barcelona", "Stockholm")
DENSE = (
    "words", "type_token_ratio", "readability", "prompt_overlap", "repeated_trigrams", "echo",
    "numbers", "first_person",
)  # fmt: skip
"""The eight core factors in which most pairs differ."""

PARTS = ("groups", "mixed")
"""Modules beside this one with a function ``computed()``, each with numbers of its own."""


@dataclass(frozen=True)
class Size:
    """How much of everything; ``QUICK`` is for a test."""

    permutations: int = 199
    people: int | None = None
    null_runs: int = 10


QUICK = Size(permutations=19, people=40, null_runs=2)


def mt_bench(folder: Path) -> wb.PreferenceData:
    """Return people's labels of the pairs whose two answers are there, a question a cluster."""
    pairs, labels = pd.read_parquet(folder / PAIRS), pd.read_parquet(folder / LABELS)
    ours = pairs["dataset"].eq("mt_bench_human") & pairs["text_status"].eq("full")
    pairs = pairs[ours].reset_index(drop=True)
    people = labels["dataset"].eq("mt_bench_human") & labels["annotator_kind"].eq("human")
    labels = labels[people & labels["pair_id"].isin(pairs["pair_id"])]
    row = pd.Series(pairs.index, index=pairs["pair_id"])
    question = pairs["pair_id"].str.split("|").str[0]
    told = pairs[["prompt", "response_a", "response_b", "model_a", "model_b"]]
    told = told.assign(item=pairs["pair_id"], cluster="question " + question)
    said = pd.DataFrame(
        {
            "pair": row[labels["pair_id"]].to_numpy(),
            "annotator": labels["annotator"].to_numpy(),
            "kind": "human",
            "preference": labels["label"].map({"a": 1.0, "b": 0.0, "tie": 0.5}).to_numpy(),
        }
    )
    # one row stands twice in the snapshot
    said = said.drop_duplicates(["pair", "annotator"])
    return wb.score_factors(wb.PreferenceData.from_tables(told, said), wb.factors.CORE)


def cems(folder: Path) -> wb.PreferenceData:
    """Return 303 students' comparisons of six universities, undecided ones as ties."""
    import pyreadr

    table = pyreadr.read_r(str(folder / CEMS))["cemspc"]
    order = [(i, j) for j in range(2, 7) for i in range(1, j)]
    pairs = pd.DataFrame(
        [{"model_a": UNIVERSITIES[i - 1], "model_b": UNIVERSITIES[j - 1], "cluster": f"{i}{j}"}
         for i, j in order]
    )  # fmt: skip
    rows = []
    for pair in range(len(order)):
        said = table.iloc[:, pair]
        there = np.flatnonzero(said.notna())
        rows.append(
            pd.DataFrame(
                {"pair": pair, "annotator": [f"student {k:03d}" for k in there], "kind": "human",
                 "preference": 1.0 - said.iloc[there].to_numpy("float64") / 2.0}
            )
        )  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, pd.concat(rows))


def told(data: wb.PreferenceData, size: Size, **options: Any) -> dict[str, Any]:
    """Return the ladder, the terms and new people of some data."""
    if size.people is not None:
        data = data.filter(annotators=list(data.annotators["annotator"])[: size.people])
    found = wb.people(data, permutations=size.permutations, seed=SEED, **options)
    ladder = {
        row["term"]: {
            "log-loss": _round(row["estimate"]),
            "gain": [_round(row["gain"]), _round(row["gain_error"])],
            "p": _round(row["p_value"]),
        }
        for row in found.ladder.to_dict("records")
    }
    terms = {
        row["term"]: {
            "mu": _row(row),
            "tau": [_round(row[name]) for name in ("tau", "tau_low", "tau_high")],
            "opposite": [_round(row[f"share_opposite{end}"]) for end in ("", "_low", "_high")],
            "q": _round(row["q_value"]),
        }
        for row in found.terms.to_dict("records")
    }
    known = {
        row["term"]: [_round(row["estimate"]), _round(row["gain"]), _round(row["gain_error"])]
        for row in found.new_people.to_dict("records")
    }
    own = found.settings
    counts = {name: own[name] for name in ("n_labels", "n_people", "n_prompts")}
    verdicts = {str(k): int(v) for k, v in found.persons["verdict"].value_counts().items()}
    return {**counts, "best": own["best"], "verdict": own["verdict"].split(" (")[0],
            "ladder": ladder, "terms": terms, "new people": known, "persons": verdicts}  # fmt: skip


def permuted_people(data: wb.PreferenceData, size: Size) -> dict[str, Any]:
    """Return how often the score test of a term rejects with people exchanged within prompts."""
    from workbench.structure.people.score import score_test

    labels = person_labels(data, factors=DENSE)
    rng = np.random.default_rng(SEED)
    p = []
    for run in range(size.null_runs):
        other = labels.with_people(permuted(labels, rng))
        p += score_test(other, np.arange(len(DENSE)), 99, run).p_value.tolist()
    return {"tests": len(p), "below .05": int((np.array(p) < 0.05).sum()),
            "least": _round(min(p))}  # fmt: skip


def _row(row: dict[Any, Any]) -> list[float]:
    return [_round(row[name]) for name in ("estimate", "conf_low", "conf_high")]


def _round(value: float) -> float | None:
    return None if pd.isna(value) else round(float(value), 4)


def analyse(folder: Path, size: Size) -> dict[str, Any]:
    """Return every number of the README."""
    people = mt_bench(folder)
    return {
        "MT-bench": told(people, size, factors=list(DENSE)),
        "MT-bench, people permuted": permuted_people(people, size),
        "CEMS": told(cems(folder), size, items="model"),
    }


def beside() -> dict[str, Any]:
    """Return the numbers of each part that is there."""
    sys.path.insert(0, str(HERE))
    found = [name for name in PARTS if (HERE / f"{name}.py").is_file()]
    return {name: importlib.import_module(name).computed() for name in found}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--quick", action="store_true")
    chosen = parser.parse_args()
    numbers = analyse(chosen.data, QUICK if chosen.quick else Size())
    print(json.dumps({**numbers, **({} if chosen.quick else beside())}, indent=1))
