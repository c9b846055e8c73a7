"""What people reward, from their own and from other people's ratings of 16 properties.

Run ``python analyses/03_human_rated_properties/run.py --data FOLDER``, FOLDER holding
``granular_full.parquet`` and ``unbiased_full.parquet`` (see README.md).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import workbench as wb
from workbench.compare.concordance import Concordance, concordance

HERE = Path(__file__).resolve().parent
DEFAULT = HERE.parents[1] / ".." / "shared" / "data" / "hf_not_gold"
SCALES = ("confidence", "style", "detail", "clarity", "creativity", "useful")
ERRORS = (
    "contradiction", "inconsistent", "factuality", "relevance", "formatting", "refusal",
    "repetition", "scope", "fluency", "harmful",
)  # fmt: skip
PROPERTIES = SCALES + ERRORS
PAIR = ["dataset", "sample_ix", "model_a", "model_b"]
MODELS = ["model_a", "model_b"]


@dataclass(frozen=True, eq=False)
class Findings:
    """The three readings: own ratings, averaged ratings, other people's ratings."""

    own: wb.Decomposition
    shared: wb.Decomposition
    own_taus: Concordance
    shared_taus: Concordance
    sittings: pd.DataFrame


def sittings(folder: Path) -> pd.DataFrame:
    """Return one row a sitting: differences A minus B, A the model first in the alphabet."""
    table = pd.read_parquet(folder / "granular_full.parquet")
    models = np.sort(table[["model", "other_model"]].to_numpy(dtype="str"), axis=1)
    table["model_a"], table["model_b"] = models[:, 0], models[:, 1]
    keys = [*PAIR, "time_str"]
    # a sitting is both responses of a pair, rated in the same recorded time
    table = table[table.groupby(keys)["model"].transform("size") == 2]
    table = table[table.groupby(keys)["model"].transform("nunique") == 2]
    is_a = table["model"] == table["model_a"]
    numbers = ["overall", *PROPERTIES]
    a = table[is_a].set_index(keys).sort_index()
    b = table[~is_a].set_index(keys).sort_index()
    return (a[numbers] - b[numbers]).assign(prompt=a["prompt"]).reset_index()


def own_data(table: pd.DataFrame) -> wb.PreferenceData:
    """Each sitting's preference beside the ratings of the same person."""
    return _data(table, [("own", table["overall"])])


def shared_data(folder: Path, table: pd.DataFrame) -> wb.PreferenceData:
    """Ratings averaged over the raters of a pair; the preference of the same and of others."""
    means = table.groupby([*PAIR, "prompt"])[["overall", *PROPERTIES]].mean().reset_index()
    others = pd.read_parquet(folder / "unbiased_full.parquet")
    score = others.groupby(["dataset", "sample_ix", "model"])["score"].mean()
    sides = [
        score.reindex(pd.MultiIndex.from_frame(means[["dataset", "sample_ix", side]])).to_numpy()
        for side in MODELS
    ]
    gap = pd.Series(sides[0] - sides[1])
    return _data(means, [("same raters", means["overall"]), ("other people", gap)])


def _data(table: pd.DataFrame, verdicts: list[tuple[str, pd.Series]]) -> wb.PreferenceData:
    pairs = table[[*MODELS, "prompt"]].assign(scenario=table["dataset"], row=np.arange(len(table)))
    pairs["pair_id"] = [f"{k:06}" for k in range(len(pairs))]
    labels = pd.concat(
        pd.DataFrame(
            {"pair": np.arange(len(gap)), "annotator": name, "preference": 0.5 + np.sign(gap) / 2}
        )
        for name, gap in verdicts
    )
    difference = table[list(PROPERTIES)].reset_index(drop=True)
    data = wb.PreferenceData.from_tables(pairs.drop(columns="row"), labels)
    return data.with_factors(
        difference / difference.std(), pd.DataFrame(index=difference.index), {}
    )


def analyse(folder: Path) -> Findings:
    table = sittings(folder)
    own, shared = own_data(table), shared_data(folder, table)
    fits = [wb.decompose(data, ties="half") for data in (own, shared)]
    taus = [concordance(d, fit=f) for d, f in zip((own, shared), fits, strict=True)]
    return Findings(fits[0], fits[1], taus[0], taus[1], table)


def record(found: Findings) -> dict[str, Any]:
    """Return the numbers that the README quotes, rounded for comparison between machines."""
    fits = pd.concat([found.own.to_frame(), found.shared.to_frame()])
    fits = fits[fits["term"] != "position"].set_index(["group", "term"])
    held = pd.concat([found.own.held_out, found.shared.held_out])
    held = held[held["predictor"] == "factors"].set_index("group")
    taus = pd.concat([found.own_taus.to_frame(), found.shared_taus.to_frame()])
    groups = list(dict.fromkeys(taus["group"]))
    taus = taus.set_index(["group", "term"])
    return {
        group: {
            "n": int(fits.loc[group, "n"].iloc[0]),
            "clusters": int(fits.loc[group, "n_clusters"].iloc[0]),
            "weights": fits.loc[group, "estimate"].round(3).to_dict(),
            "low": fits.loc[group, "conf_low"].round(3).to_dict(),
            "high": fits.loc[group, "conf_high"].round(3).to_dict(),
            "significant": sorted(fits.loc[group].query("q_value < 0.05").index),
            "tau": taus.loc[group, "estimate"].round(3).to_dict(),
            "confounded": sorted(taus.loc[group].query("confounded").index),
            "held_out_accuracy": round(float(held.loc[group, "accuracy"]), 3),
            "held_out_low": round(float(held.loc[group, "accuracy_low"]), 3),
            "held_out_high": round(float(held.loc[group, "accuracy_high"]), 3),
        }
        for group in groups
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--write-expected", action="store_true")
    options = parser.parse_args()
    found = analyse(options.data)
    for part in (found.own, found.shared, found.own_taus, found.shared_taus):
        print(part.summary(), end="\n\n")
    numbers = record(found)
    expected = HERE / "expected.json"
    if options.write_expected:
        expected.write_text(json.dumps(numbers, indent=1, sort_keys=True) + "\n", "utf-8")
    same = numbers == json.loads(expected.read_text("utf-8"))
    print("equal to expected.json" if same else "DIFFERENT from expected.json")


if __name__ == "__main__":
    main()
