"""How often anything is expressed in labels that follow nothing.

Directions are found without labels: one dictionary a set serves many shuffles of its labels.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

import workbench as wb
from tests.discover.planted import planted
from workbench.decompose.errors.tidy import q_values
from workbench.discover.columns import with_directions
from workbench.embedding import embed_pairs


def tested(pairs: int, seed: int) -> tuple[wb.PreferenceData, list[str]]:
    """Return the screening part of a set with every direction that is tested on labels."""
    found = wb.discover(planted(pairs, seed=seed), "human", k=12, fidelity_pairs=2, seed=seed)
    own = found.directions
    own = own[own["measurable"] & own["joined_into"].isna()]
    vectors = embed_pairs(found.data, found.embedding or "offline")
    activations = found.dictionary.activations(vectors.differences())
    data = with_directions(found.data, vectors.pair_ids, activations, own, "m", "0" * 8)
    return data, own["term"].tolist()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=5)
    parser.add_argument("--shuffles", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=1000)
    options = parser.parse_args()
    hits = []
    for seed in range(options.sets):
        data, terms = tested(options.pairs, seed)
        rng = np.random.default_rng(seed)
        for _ in range(options.shuffles):
            won = rng.permutation(data.labels["preference"].to_numpy())
            some = replace(data, labels=data.labels.assign(preference=won))
            fit = wb.decompose(some, annotator="human", by=(), factors=terms, folds=0).to_frame()
            p = fit.set_index("term").loc[terms, "p_value"].to_numpy(dtype=float)
            hits.append(bool((q_values(p) <= 0.05).any()))
    share = np.mean(hits)
    error = np.sqrt(share * (1 - share) / len(hits))
    print(f"any direction expressed in {sum(hits)} of {len(hits)} shuffles ({share:.3f}, "
          f"error {error:.3f})")  # fmt: skip


if __name__ == "__main__":
    main()
