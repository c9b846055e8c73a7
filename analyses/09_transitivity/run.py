"""Cycles in real preferences, beside what noise and people with rankings of their own make.

Run ``python analyses/09_transitivity/run.py --data FOLDER``, FOLDER holding the folders
``mt_bench_human``, ``normalised`` (with ``vicuna80``) and ``paired_people`` (see README.md).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import workbench as wb

HERE = Path(__file__).resolve().parent
DEFAULT = HERE.parents[1] / ".." / "shared" / "data"
UNIVERSITIES = ("London", "Paris", "Milano", "St. Gallen", "Barcelona", "Stockholm")
ASKED = [(i, j) for j in range(6) for i in range(j)]
"""The order of the 15 questions in the file: 12, 13, 23, 14, ..."""


def students(folder: Path) -> wb.PreferenceData:
    """303 students, each asked about every two of six universities."""
    import pyreadr

    [table] = pyreadr.read_r(str(folder / "paired_people" / "prefmod_cemspc.RData")).values()
    answers = table.iloc[:, : len(ASKED)].to_numpy("float64")
    pairs = pd.DataFrame(
        {"model_a": [UNIVERSITIES[i] for i, _ in ASKED],
         "model_b": [UNIVERSITIES[j] for _, j in ASKED], "item": range(len(ASKED))}
    )  # fmt: skip
    who, what = np.nonzero(np.isfinite(answers))
    labels = pd.DataFrame(
        {"pair": what, "annotator": [f"student {k:03d}" for k in who], "kind": "human",
         "preference": 1 - answers[who, what] / 2}
    )  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, labels)


def vicuna80(folder: Path) -> wb.PreferenceData:
    """80 questions answered by nine models: three slots of people, and GPT-4 in both orders."""
    wanted = [("dataset", "==", "vicuna80")]
    pairs = pd.read_parquet(folder / "normalised" / "pairs.parquet", filters=wanted)
    labels = pd.read_parquet(folder / "normalised" / "labels.parquet", filters=wanted)
    columns = ["prompt", "response_a", "response_b", "model_a", "model_b"]
    place = pd.Series(range(len(pairs)), index=pairs["pair_id"])
    labels = labels.assign(
        pair=place.loc[labels["pair_id"]].to_numpy(), kind=labels["annotator_kind"],
        preference=labels["label"].map({"a": 1.0, "b": 0.0, "tie": 0.5}),
    )  # fmt: skip
    labels["replicate"] = labels.groupby(
        ["pair", "annotator", "order_shown"], dropna=False
    ).cumcount()
    kept = ["pair", "annotator", "kind", "preference", "order_shown", "replicate"]
    return wb.PreferenceData.from_tables(pairs[columns].assign(item=pairs["pair_id"]), labels[kept])


def planted(n: int, seed: int = 0) -> wb.PreferenceData:
    """Six items of equal strength, each 2 logits better than those up to half-way round."""
    i, j = np.triu_indices(6, 1)
    rng = np.random.default_rng(seed)
    edge = np.arange(n) % len(i)
    eta = 2.0 * np.where(j[edge] - i[edge] <= 3, 1, -1)
    pairs = pd.DataFrame(
        {"model_a": [f"item {k}" for k in i[edge]], "model_b": [f"item {k}" for k in j[edge]],
         "item": range(n)}
    )  # fmt: skip
    labels = pd.DataFrame(
        {"pair": range(n), "annotator": "crowd", "kind": "human",
         "preference": (rng.logistic(size=n) < eta).astype(float)}
    )  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, labels)


def analyse(folder: Path, simulations: int = 999) -> dict[str, wb.Transitivity]:
    """Return the test of each set of labels."""
    bench = folder / "mt_bench_human"
    blog = vicuna80(folder)
    claude = (blog.pairs[["model_a", "model_b"]] == "claude").any(axis=1)
    rest = blog.filter(pair_ids=blog.pairs["pair_id"][~claude])
    one: dict[str, Any] = {"simulations": simulations}
    slot = {"annotator": ["human_1"], **one}
    return {
        "MT-bench, people": wb.transitivity(wb.load(bench / "human.jsonl"), **one),
        "MT-bench, GPT-4": wb.transitivity(wb.load(bench / "gpt4_pair.jsonl"), **one),
        "vicuna80, human_1": wb.transitivity(blog, **slot),
        "vicuna80, human_1 without claude": wb.transitivity(rest, **slot),
        "vicuna80, GPT-4": wb.transitivity(blog, annotator=["gpt-4"], **one),
        "students": wb.transitivity(students(folder), context=None, **one),
        "planted, n = 300": wb.transitivity(planted(300), **one),
        "planted, n = 3,000": wb.transitivity(planted(3000), **one),
    }


def record(found: dict[str, wb.Transitivity]) -> dict[str, Any]:
    """Return what is recorded of each."""
    return {name: recorded(one) for name, one in found.items()}


def recorded(found: wb.Transitivity) -> dict[str, Any]:
    """Return the numbers of one test."""
    rows = found.to_frame().set_index("term")
    triads = found.triads.set_index("null")
    held = found.groups[0].held_out
    energy, beyond = rows.loc["cyclic energy"], rows.loc["cyclic energy beyond noise"]
    told = {
        "n": int(energy["n"]), "energy": energy["estimate"], "null": energy["null"],
        "null 95 %": energy["null_limit"], "p": energy["p_value"], "beyond": beyond["estimate"],
        "beyond low": beyond["conf_low"], "beyond high": beyond["conf_high"],
        "Bradley-Terry log-loss": held.plain, "with a cycle": held.cyclic,
        "triads": int(triads["n"].iloc[0]), "cyclic": triads["estimate"].iloc[0],
        **{f"cyclic under {name}": triads.loc[name, "expected"] for name in triads.index},
        "p under own strengths": triads["p_value"].get("own strengths", np.nan),
        "findings": sorted({one.rule_id for one in found.findings()}),
    }  # fmt: skip
    return {
        name: value if isinstance(value, int | list)
        else round(float(value), 5) if np.isfinite(value) else None
        for name, value in told.items()
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--write-expected", action="store_true")
    options = parser.parse_args()
    found = analyse(options.data)
    for name, one in found.items():
        print(f"== {name}\n{one.summary()}", end="\n\n")
    numbers = record(found)
    expected = HERE / "expected.json"
    if options.write_expected:
        expected.write_text(json.dumps(numbers, indent=1, sort_keys=True) + "\n", "utf-8")
    same = numbers == json.loads(expected.read_text("utf-8"))
    print("equal to expected.json" if same else "DIFFERENT from expected.json")


if __name__ == "__main__":
    main()
