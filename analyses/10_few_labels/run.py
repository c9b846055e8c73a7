"""Fifty, a hundred, two hundred labels beside GPT-4 on MT-bench: widths and what they hold.

``python analyses/10_few_labels/run.py`` prints every number and compares it with
``expected.json``. About a minute on one CPU core.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import workbench as wb
from workbench.calibration.few.inputs import Beside, lay
from workbench.calibration.few.rates import Models, rates
from workbench.calibration.few.weights import ratings, weights
from workbench.clustered import Array

HERE = Path(__file__).resolve().parent
DATA = HERE.parents[1] / ".." / "shared" / "data"
LABELS = (50, 100, 200)
DRAWS = 100
FACTORS = ("words", "numbered_items", "type_token_ratio", "prompt_overlap")
Z = 1.959964


def mt_bench(folder: Path) -> wb.PreferenceData:
    """Return the pairs of MT-bench that people and GPT-4 judged, texts whole, with factors.

    Every pair is a cluster of its own: the set is fixed, and pairs are drawn from it.
    """
    pairs = pd.read_parquet(folder / "normalised" / "pairs.parquet")
    pairs = pairs[pairs["dataset"].eq("mt_bench_human") & pairs["text_status"].eq("full")]
    labels = pd.read_parquet(folder / "normalised" / "labels.parquet")
    labels = labels[labels["dataset"].eq("mt_bench_human") & labels["label"].notna()]
    human = labels["annotator_kind"].eq("human")
    shared = set(labels["pair_id"][human]) & set(labels["pair_id"][~human])
    pairs = pairs[pairs["pair_id"].isin(shared)].reset_index(drop=True)
    labels = labels[labels["pair_id"].isin(pairs["pair_id"])]
    place = pd.Series(np.arange(len(pairs)), index=pairs["pair_id"])
    said = pd.DataFrame({
        "pair": place[labels["pair_id"]].to_numpy(), "annotator": labels["annotator"].to_numpy(),
        "kind": labels["annotator_kind"].to_numpy(),
        "preference": labels["label"].map({"a": 1.0, "b": 0.0, "tie": 0.5}).to_numpy("float64"),
    })  # fmt: skip
    shown = pairs[["prompt", "response_a", "response_b", "model_a", "model_b"]].copy()
    shown["cluster"] = [f"{k:05d}" for k in range(len(shown))]
    data = wb.PreferenceData.from_tables(shown, said)
    return wb.score_factors(data, [s for s in wb.factors.CORE if s.name in FACTORS])


class Bench:
    """The pairs laid out once; every draw hides the labels of others."""

    def __init__(self, data: wb.PreferenceData) -> None:
        self.whole = lay(data, ["gpt4_pair"], "human")
        both = np.isfinite(self.whole.scores[:, 0]) & self.whole.known
        self.whole = self.whole.take(both)
        pairs = data.pairs.iloc[self.whole.rows]
        self.models = Models(pairs["model_a"], pairs["model_b"])
        self.X = data.factors[list(FACTORS)].to_numpy("float64")[self.whole.rows]
        self.truth = self.told(self.whole)["people"]

    def told(self, beside: Beside) -> pd.DataFrame:
        """Return win rates, ratings and weights by kind and term."""
        tables = rates(beside, self.models, 0.95)[1:]
        tables += ratings(beside, self.models, 0.95)
        tables += weights(beside, self.X, FACTORS, 0.95)[:1]
        table = pd.concat(tables, ignore_index=True).set_index(["what", "term"])
        return table[["estimate", "conf_low", "conf_high", "people", "people_low", "people_high"]]

    def drawn(self, n: int, seed: int) -> Beside:
        """Return the pairs with the labels of ``n`` of them."""
        rng = np.random.default_rng([n, seed])
        mine = np.zeros(len(self.whole.rows), dtype=bool)
        mine[rng.choice(len(mine), n, replace=False)] = True
        return replace(self.whole, said=np.where(mine, self.whole.said, np.nan),
                       weight=np.where(mine, 1.0, 0.0))  # fmt: skip

    def published(self, beside: Beside) -> dict[str, tuple[float, float]]:
        """Return the ends of PPI++ for the win rate of each model."""
        found = {}
        for m, name in enumerate(self.models.names):
            second = self.models.second == m
            own = (self.models.first == m) ^ second
            f = np.where(second, 1 - beside.scores[:, 0], beside.scores[:, 0])[own]
            y = np.where(second, 1 - beside.said, beside.said)[own]
            found[name] = ppi_plus(f, y)
        return found


def ppi_plus(f: Array, y: Array) -> tuple[float, float]:
    """Return the interval of a mean of Angelopoulos, Duchi and Zrnic (2023), lambda tuned."""
    known = np.isfinite(y)
    n, N = int(known.sum()), int((~known).sum())
    if n < 2:
        return np.nan, np.nan
    spread = float(np.var(f, ddof=1))
    cov = float(np.cov(y[known], f[known])[0, 1])
    power = float(np.clip(cov / (1 + n / N) / spread, 0, 1)) if spread else 0.0
    rest = y[known] - power * f[known]
    mean = power * float(f[~known].mean()) + float(rest.mean())
    error = np.sqrt(power**2 * float(f[~known].var()) / N + float(rest.var()) / n)
    return mean - Z * error, mean + Z * error


def computed(folder: Path = DATA, draws: int = DRAWS) -> dict[str, Any]:
    """Return the median width of the intervals, and how often they hold the full value."""
    bench = Bench(mt_bench(folder))
    out: dict[str, Any] = {"pairs": len(bench.whole.rows), "draws": draws}
    for n in LABELS:
        parts = []
        for seed in range(draws):
            beside = bench.drawn(n, seed)
            table = bench.told(beside)
            ppi = bench.published(beside)
            for key, row in table.iterrows():
                truth = bench.truth[key]
                ends = {"labels and judge": (row["conf_low"], row["conf_high"]),
                        "labels alone": (row["people_low"], row["people_high"])}  # fmt: skip
                if key[0] == "win rate":
                    ends["PPI++ as published"] = ppi[key[1]]
                parts += [
                    (key[0], how, high - low, low <= truth <= high)
                    for how, (low, high) in ends.items()
                    if np.isfinite(high - low)
                ]
        told = pd.DataFrame(parts, columns=["what", "how", "width", "holds"])
        means = told.groupby(["what", "how"]).agg(
            width=("width", "median"), holds=("holds", "mean"), told=("width", "size")
        )
        out[str(n)] = {
            what: {how: {"width": round(float(row["width"]), 4),
                         "holds": round(float(row["holds"]), 4), "told": int(row["told"])}
                   for (_, how), row in own.iterrows()}
            for what, own in means.groupby(level=0)
        }  # fmt: skip
    return out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--write", action="store_true", help="write expected.json")
    given = parser.parse_args()
    found = computed(given.data)
    text = json.dumps(found, indent=1)
    print(text)
    kept = HERE / "expected.json"
    if given.write:
        kept.write_text(text + "\n", encoding="utf-8")
    else:
        print("as recorded" if json.loads(kept.read_text("utf-8")) == found else "DIFFERS")
