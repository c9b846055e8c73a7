"""Refit the length-controlled win rates of 31 AlpacaEval models, with intervals.

Run ``python analyses/04_alpacaeval_length_control/run.py --data FOLDER``, FOLDER holding
the files that README.md names.
"""

from __future__ import annotations

import argparse
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import kendalltau

from workbench.data.dataset import PreferenceData
from workbench.ratings.length_control import LengthControlled, length_control
from workbench.ratings.length_control_fit import predict_from_weights

HERE = Path(__file__).resolve().parent
DEFAULT = HERE.parents[1] / ".." / "shared" / "data" / "alpaca_eval"
JUDGE = "weighted_alpaca_eval_gpt4_turbo"
BASE = "gpt4_1106_preview"
RUNS = (f"{BASE}_verbose", f"{BASE}_concise")


def read_json(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        found: list[dict[str, Any]] = json.load(file)
    return found


def tables(rows: list[dict[str, Any]]) -> PreferenceData:
    """Build data of rows with one verdict each; the same texts may stand under two names."""
    frame = pd.DataFrame(rows)
    frame["pair_id"] = frame["model_b"] + "/" + frame.groupby("model_b").cumcount().astype("str")
    labels = pd.DataFrame({"pair": range(len(frame)), "annotator": JUDGE, "kind": "llm"})
    labels["preference"] = frame.pop("preference")
    return PreferenceData.from_tables(frame, labels)


def read(folder: Path) -> PreferenceData:
    """Read the annotations: A is the baseline, the preference P(A preferred)."""
    rows = []
    for path in sorted((folder / JUDGE).glob("*.json.gz")):
        for item in read_json(path):
            preference = item["preference"]
            # AlpacaEval reads 0 as a draw
            preference = np.nan if preference is None else 2.0 - (preference or 1.5)
            rows.append(
                {
                    "prompt": item["instruction"],
                    "response_a": item["output_1"],
                    "response_b": item["output_2"],
                    "model_a": "baseline",
                    "model_b": path.name.removesuffix(".json.gz"),
                    "preference": preference,
                }
            )
    return tables(rows)


def read_difficulty(folder: Path) -> dict[str, float]:
    """Return the difficulty by instruction text; its file numbers the baseline's outputs."""
    texts = [
        item["instruction"] for item in read_json(folder / "model_outputs" / f"{BASE}.json.gz")
    ]
    table = pd.read_csv(folder / "instruction_difficulty_reestimated.csv")
    names = pd.Series(texts)[table["instruction_index"]].to_numpy()
    return pd.Series(table["difficulty_reestimated"].to_numpy()).groupby(names).mean().to_dict()


def read_weights(folder: Path) -> pd.DataFrame:
    table = pd.read_csv(folder / "length_controlled_v1_weights.csv", index_col=0)
    return table.set_axis(["w_l", "w_x", "w_m"], axis=1)


def read_gamed(folder: Path, difficulty: dict[str, float]) -> PreferenceData:
    """Return the baseline's verbose and concise runs with verdicts that weights predict.

    The judge's own verdicts on them are not public: each is P(win) under the published
    weights of the run.
    """
    outputs = {
        name: {
            i["instruction"]: i["output"]
            for i in read_json(folder / "model_outputs" / f"{name}.json.gz")
        }
        for name in (BASE, *RUNS)
    }
    weights = read_weights(folder)
    rows = []
    for run in RUNS:
        shared = [text for text in outputs[BASE] if text in outputs[run]]
        gap = np.array([len(outputs[BASE][t]) - len(outputs[run][t]) for t in shared], dtype=float)
        hard = np.array([difficulty[t] for t in shared])
        w = weights.loc[run]
        p = expit(w["w_l"] * np.tanh(gap / gap.std(ddof=1)) + w["w_x"] * hard + w["w_m"])
        rows += [
            {
                "prompt": text,
                "response_a": outputs[BASE][text],
                "response_b": outputs[run][text],
                "model_a": "baseline",
                "model_b": run,
                "preference": 1.0 - share,
            }
            for text, share in zip(shared, p, strict=True)
        ]
    return tables(rows)


def published(folder: Path) -> pd.DataFrame:
    """Return published raw and controlled win rates, and those its weights predict."""
    board = pd.read_csv(folder / "leaderboard.csv", index_col=0)
    weights, difficulty = read_weights(folder), np.array(list(read_difficulty(folder).values()))
    board["predicted"] = pd.Series(
        {m: 100 * predict_from_weights(w, difficulty).mean() for m, w in weights.iterrows()}
    )
    return board.rename(columns={"length_controlled_winrate": "published"})


def analyse(
    folder: Path, replicates: int = 200, *, joint: bool = False
) -> tuple[LengthControlled, pd.DataFrame]:
    """Refit the models, with the difficulty of the file or with that of a joint fit of them."""
    difficulty = read_difficulty(folder)
    result = length_control(
        read(folder),
        baseline="baseline",
        difficulty="joint" if joint else difficulty,
        gamed=read_gamed(folder, difficulty),
        replicates=replicates,
    )
    own = result.to_frame().set_index("term")
    board = published(folder).reindex(own.index)
    own["published"], own["published_raw"] = board["published"], board["win_rate"]
    own["published_error"], own["predicted"] = board["lc_standard_error"], board["predicted"]
    return result, own.sort_values("estimate", ascending=False)


def neighbours(result: LengthControlled, order: list[str]) -> tuple[int, int]:
    """Count neighbours in the order whose difference has an interval without 0."""
    gaps = result.draws[order[:-1]].to_numpy() - result.draws[order[1:]].to_numpy()
    return int((np.quantile(gaps, 0.025, axis=0) > 0).sum()), len(order) - 1


def agreement(table: pd.DataFrame) -> dict[str, Any]:
    """Return how far refits are from the published values."""
    both = table[table["published"].notna() & table["estimate"].notna()]
    gap = (both["estimate"] - both["published"]).abs()
    return {
        "refit_mean_difference": round(float(gap.mean()), 2),
        "refit_largest_difference": round(float(gap.max()), 2),
        "refit_largest_model": str(gap.idxmax()),
        "kendall": round(float(kendalltau(both["estimate"], both["published"]).statistic), 3),
    }


def kendall_limits(result: LengthControlled, table: pd.DataFrame) -> list[float]:
    """Return percentiles of Kendall's tau between draws and published values."""
    both = table[table["published"].notna() & table["estimate"].notna()]
    draws = result.draws[both.index]
    taus = [kendalltau(draw, both["published"]).statistic for draw in draws.to_numpy()]
    return [round(float(limit), 2) for limit in np.quantile(taus, [0.025, 0.975])]


def record(result: LengthControlled, table: pd.DataFrame, joint: pd.DataFrame) -> dict[str, Any]:
    """Return the numbers that the README quotes, rounded for comparison between machines."""
    both = table[table["published"].notna() & table["estimate"].notna()]
    predicted = both[both["predicted"].notna()]
    decided, pairs = neighbours(result, both.index.tolist())
    return {
        "models": len(table),
        "raw_largest_difference": round(
            float((both["win_rate"] - both["published_raw"]).abs().max()), 6
        ),
        "predicted_mean_difference": round(
            float((predicted["predicted"] - predicted["published"]).abs().mean()), 3
        ),
        "predicted_models": len(predicted),
        **agreement(table),
        "kendall_limits": kendall_limits(result, table),
        "joint": agreement(joint),
        "median_bootstrap_error": round(float(both["std_error"].median()), 2),
        "median_published_error": round(float(both["published_error"].median()), 2),
        "neighbours_decided": decided,
        "neighbours": pairs,
        "published_inside_interval": int(
            both["published"].between(both["conf_low"], both["conf_high"]).sum()
        ),
        "length_controlled": both["estimate"].round(1).to_dict(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DEFAULT)
    parser.add_argument("--write-expected", action="store_true")
    options = parser.parse_args()
    result, table = analyse(options.data)
    _, joint = analyse(options.data, joint=True)
    print(result.summary())
    shown = [
        "win_rate",
        "estimate",
        "conf_low",
        "conf_high",
        "published",
        "std_error",
        "published_error",
    ]
    print(table[shown].round(2).to_string())
    found = record(result, table, joint)
    print(json.dumps(found, indent=1))
    expected = HERE / "expected.json"
    if options.write_expected:
        expected.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")
    same = found == json.loads(expected.read_text("utf-8"))
    print("equal to expected.json" if same else "DIFFERENT from expected.json")


if __name__ == "__main__":
    main()
