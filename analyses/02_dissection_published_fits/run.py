"""Read the published fits of preference dissection, and ask what they can and cannot say.

Run ``python analyses/02_dissection_published_fits/run.py --fits FOLDER``, FOLDER holding the 16
files of weights (see README.md).
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.compare.similarity import Similarity, similarity
from workbench.decompose.fit_files import SCENARIOS
from workbench.decompose.published import PublishedFits, model_size, read_fits

HERE = Path(__file__).resolve().parent
DEFAULT = HERE.parents[1] / ".." / "shared" / "reference" / "dissection_fits"
CHOSEN = {"human": "human", "gpt-4-1106-preview": "GPT-4", "gpt-3.5-turbo-1106": "GPT-3.5"}
WITHIN = {
    "support stances": "w_stances",
    "correct mistakes": "w_mistakes",
    "clarify intent": "intent_unclear",
    "satisfy constraints": "w_constraints",
    "show empathetic": "express_feeling",
}
PRIOR_SCALE = 0.1
"""Of the Laplace prior of every published fit."""

PRIOR_END = PRIOR_SCALE * math.log(1 / 0.05)
"""End of the prior's own 95 % interval: P(|w| > x) = exp(-x / scale)."""

CLUSTERS = 4


def sizes(names: list[str]) -> dict[str, list[str]]:
    """Return the open models of at most 14 and of more than 30 billion parameters, by name."""
    size = {name: model_size(name) for name in names}
    return {
        "at most 14B": [name for name in names if size[name] <= 14],
        "above 30B": [name for name in names if size[name] > 30],
    }


def main_table(fits: PublishedFits) -> pd.DataFrame:
    """Return percentages of each property, mean over scenarios, and within its special case."""
    mean = 100 * fits.mean_probabilities()[list(CHOSEN)].rename(columns=CHOSEN)
    for term, case in WITHIN.items():
        own = 100 * fits.probabilities(case).loc[term, list(CHOSEN)]
        mean.loc[f"{term} | {case}"] = own.rename(CHOSEN)
    return mean


def prior_dominated(fits: PublishedFits) -> pd.DataFrame:
    """Return how many of an annotator's weights lie where the prior alone would put them."""
    weights = fits.weights()
    inside = weights.keys["scenario"].isin(SCENARIOS).to_numpy()
    weights = weights.take(np.flatnonzero(inside))
    table = pd.DataFrame(
        {
            "annotator": weights.keys["annotator"],
            "below 0.1": (np.abs(weights.values) < PRIOR_SCALE).mean(axis=1),
            "within the prior's 95 %": (np.abs(weights.values) < PRIOR_END).mean(axis=1),
        }
    )
    return table.groupby("annotator").mean()


def beyond_prior(fits: PublishedFits, annotator: str) -> dict[str, int]:
    """Return in how many scenarios each property's weight lies beyond the prior's interval."""
    own = fits.weights().select(annotator=annotator)
    inside = own.keys["scenario"].isin(SCENARIOS).to_numpy()
    count = (np.abs(own.values[inside]) > PRIOR_END).sum(axis=0)
    return {term: int(k) for term, k in zip(fits.terms, count, strict=True) if k}


def without_largest(fits: PublishedFits, count: int = 4) -> tuple[list[str], Similarity]:
    """Return the properties of the largest weights, and the similarity without them."""
    weights = fits.weights()
    inside = weights.keys["scenario"].isin(SCENARIOS).to_numpy()
    size = pd.Series(np.abs(weights.values[inside]).mean(axis=0), fits.terms)
    order = size.sort_values(ascending=False).index.tolist()
    return order[:count], similarity(fits, terms=order[count:])


def record(fits: PublishedFits) -> dict[str, Any]:
    """Return the numbers that the README quotes, rounded for comparison between machines."""
    alike = similarity(fits)
    near = alike.neighbours("human").set_index("other")["estimate"]
    by_size = alike.between(sizes(fits.annotators)).set_index(["group", "other"])["estimate"]
    matrix = alike.matrix()
    scenarios = {
        name: similarity(fits, scenario=name).matrix().loc["human", "gpt-4-1106-preview"]
        for name in SCENARIOS
    }
    largest, rest = without_largest(fits)
    prior = prior_dominated(fits)
    found = {
        "annotators": len(fits.annotators),
        "left_out": len(fits.exclusions),
        "percent": main_table(fits).T.to_dict(),
        "similarity": {
            "human, GPT-4": matrix.loc["human", "gpt-4-1106-preview"],
            "human, GPT-3.5": matrix.loc["human", "gpt-3.5-turbo-1106"],
            "GPT-4, GPT-3.5": matrix.loc["gpt-4-1106-preview", "gpt-3.5-turbo-1106"],
            "human, others: mean": near.mean(),
        },
        "nearest_human": near.index[0],
        "farthest_human": near.index[-1],
        "similarity_by_size": {" ~ ".join(key): value for key, value in by_size.items()},
        "human_gpt_4_by_scenario": scenarios,
        "clusters": {name: int(k) for name, k in alike.clusters(CLUSTERS).items()},
        "largest_properties": largest,
        "human_gpt_4_without_them": rest.matrix().loc["human", "gpt-4-1106-preview"],
        "share_of_weights": prior.loc[list(CHOSEN)].T.to_dict() | {"all": prior.mean().to_dict()},
        "beyond_prior": {CHOSEN[name]: beyond_prior(fits, name) for name in CHOSEN},
    }
    return dict(_rounded(found))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return round(float(value), 4) if isinstance(value, float) else value


def show(fits: PublishedFits) -> None:
    """Print every number."""
    alike = similarity(fits)
    print(f"{fits.summary()}\n\nPercent, A better on this property only:")
    print(main_table(fits).round(2).to_string())
    print(f"\n{alike.summary()}\n\nBy size:")
    print(alike.between(sizes(fits.annotators)).drop(columns="method").round(3).to_string())
    print(f"\nClusters (average linkage, {CLUSTERS}):")
    clusters = alike.clusters(CLUSTERS)
    for k, members in clusters.groupby(clusters).groups.items():
        print(f"  {k}: {', '.join(members)}")
    edge = 100 / (1 + math.exp(-PRIOR_END))
    print(
        f"\nThe prior alone: 95 % within {100 - edge:.1f} to {edge:.1f} %. Share of weights there:"
    )
    print(prior_dominated(fits).round(2).to_string())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fits", type=Path, default=DEFAULT)
    parser.add_argument("--out", type=Path, help="also write the heatmap to this HTML file")
    parser.add_argument("--write-expected", action="store_true")
    options = parser.parse_args()
    fits = read_fits(options.fits)
    show(fits)
    found = record(fits)
    if options.out:
        similarity(fits).plot().write_html(options.out)
    expected = HERE / "expected.json"
    if options.write_expected:
        expected.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", "utf-8")
    same = found == json.loads(expected.read_text("utf-8"))
    print("equal to expected.json" if same else "DIFFERENT from expected.json")


if __name__ == "__main__":
    main()
