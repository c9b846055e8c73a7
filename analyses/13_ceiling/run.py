"""Which share of what can be predicted counts of the text reach, on five public sets.

Run ``python analyses/13_ceiling/run.py --data FOLDER``, FOLDER holding ``normalised/pairs.parquet``
and ``normalised/labels.parquet`` (see README.md).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import workbench as wb

HERE = Path(__file__).resolve().parent
DEFAULT = HERE.parents[1] / ".." / "shared" / "data"
VERDICTS = {"a": 1.0, "b": 0.0, "tie": 0.5}


class Set(NamedTuple):
    """One public set: whose labels are predicted, and which judge stands beside."""

    dataset: str
    people: str
    judge: str | None = None
    dimension: str | None = None
    subset: str | None = None


SETS = {
    "HH-RLHF, four test files": Set("hh_rlhf_test", "human"),
    "HH-RLHF, helpful-base": Set("hh_rlhf_test", "human", subset="helpful-base"),
    "HH-RLHF, harmless-base": Set("hh_rlhf_test", "human", subset="harmless-base"),
    "MT-bench": Set("mt_bench_human", "human", "gpt4_pair"),
    "Human feedback is not gold": Set("hf_not_gold", "human", dimension="overall"),
    "LLMBar": Set("llmbar", "gold", "GPT-4|Vanilla"),
    "JudgeBench, GPT-4o's pairs": Set(
        "judgebench", "gold", "Skywork_Skywork-Reward-Gemma-2-27B|reward_model"
    ),
}


def read(folder: Path, one: Set) -> wb.PreferenceData:
    """Return the pairs and labels of a set with the core factors."""
    normalised = folder / "normalised"
    pairs = pd.read_parquet(normalised / "pairs.parquet")
    pairs = pairs[pairs["dataset"].eq(one.dataset) & pairs["text_status"].eq("full")]
    if one.subset is not None:
        pairs = pairs[pairs["subset"].eq(one.subset)]
    labels = pd.read_parquet(normalised / "labels.parquet")
    labels = labels[labels["dataset"].eq(one.dataset) & labels["label"].notna()]
    if one.dimension is not None:
        labels = labels[labels["dimension"].eq(one.dimension)]
    labels = labels[labels["annotator_kind"].eq(one.people) | labels["annotator"].eq(one.judge)]
    labels = labels[labels["pair_id"].isin(pairs["pair_id"])]
    pairs = pairs.reset_index(drop=True)
    place = pd.Series(np.arange(len(pairs)), index=pairs["pair_id"])
    kinds = {"gold": "objective"}
    said = pd.DataFrame({
        "pair": place[labels["pair_id"]].to_numpy(), "annotator": labels["annotator"].to_numpy(),
        "kind": labels["annotator_kind"].replace(kinds).to_numpy(),
        "preference": labels["label"].map(VERDICTS).to_numpy("float64"),
        "order_shown": labels["order_shown"].to_numpy(),
    })  # fmt: skip
    shown = pairs[["prompt", "response_a", "response_b"]].copy()
    return wb.score_factors(wb.PreferenceData.from_tables(shown, said))


def measured(data: wb.PreferenceData, one: Set, **options: Any) -> wb.Ceiling:
    """Return the ceiling of one set."""
    return wb.ceiling(
        data,
        annotator={"gold": "objective"}.get(one.people, one.people),
        judge=one.judge,
        **options,
    )


def recorded(found: wb.Ceiling) -> dict[str, Any]:
    """Return the numbers of one set as plain values."""

    def rounded(*values: float) -> list[float | None]:
        return [None if np.isnan(v) else round(float(v), 3) for v in values]

    shares = {
        row["term"]: rounded(row["estimate"], row["conf_low"], row["conf_high"])
        for row in found.estimates.to_dict("records")
    }
    scores = {
        row["predictor"]: {
            m: rounded(row[m], row[f"{m}_low"], row[f"{m}_high"]) for m in ("accuracy", "auc")
        }
        for row in found.held_out.to_dict("records")
    }
    return {"labels": found.settings["n"], "prompts": found.settings["n_clusters"],
            "shares": shares, "scores": scores}  # fmt: skip


def main() -> None:
    """Print every number, and write them where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--only", nargs="*", help="Names of sets; all if none is named.")
    parser.add_argument("--write", type=Path, help="A JSON file for the numbers.")
    chosen = parser.parse_args()
    numbers: dict[str, Any] = {}
    for name, one in SETS.items():
        if chosen.only and name not in chosen.only:
            continue
        found = measured(read(chosen.data, one), one)
        numbers[name] = recorded(found)
        print(f"{name}\n{found.summary()}\n", flush=True)
        if chosen.write is not None:
            chosen.write.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
