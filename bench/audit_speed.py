"""An audit of 500,000 existing verdicts: order, length, lists, weights of style.

Wanted: under 20 s and 4 GiB, beyond the data in memory, on two cores.
"""

from __future__ import annotations

import resource
import time

import numpy as np
import pandas as pd

from workbench.audit.judges.verdicts.observed import observe
from workbench.data.dataset import PreferenceData

PAIRS, JUDGES = 60_000, 4
WORDS = "the of and to in is that for it as was with be by on not he his but at are this".split()


def made() -> PreferenceData:
    """Return simulated verdicts: four judges in both orders, and one person a pair."""
    rng = np.random.default_rng(0)
    blocks = [" ".join(rng.choice(WORDS, int(rng.integers(20, 160)))) for _ in range(3000)]
    blocks += ["- " + "\n- ".join(block.split(" of ")) for block in blocks[:600]]
    pick = rng.integers(0, len(blocks), (2, PAIRS))
    pairs = pd.DataFrame(
        {
            "prompt": [f"question {k // 3}" for k in range(PAIRS)],
            "response_a": [f"{k} {blocks[one]}" for k, one in enumerate(pick[0])],
            "response_b": [f"b{k} {blocks[one]}" for k, one in enumerate(pick[1])],
        }
    )
    size = [pairs[f"response_{side}"].str.len().to_numpy(float) for side in "ab"]
    lean = (size[0] - size[1]) / (size[0] + size[1])
    parts = []
    for judge in range(JUDGES):
        for sign, order in ((0.3, "ab"), (-0.3, "ba")):
            p = 1 / (1 + np.exp(-(judge * lean + sign)))
            parts.append(_labels(f"judge {judge}", "llm", order, rng.random(PAIRS) < p))
    p = 1 / (1 + np.exp(-lean))
    parts.append(_labels("person", "human", None, rng.random(PAIRS) < p))
    return PreferenceData.from_tables(pairs, pd.concat(parts, ignore_index=True))


def _labels(name: str, kind: str, order: str | None, won: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {"pair": range(PAIRS), "annotator": name, "kind": kind, "order_shown": order,
         "replicate": int(order == "ba"), "preference": won.astype(float)}
    )  # fmt: skip


def main() -> None:
    data = made()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    start = time.perf_counter()
    found = observe(data)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{len(data.labels):,} verdicts on {PAIRS:,} pairs, {len(found.to_frame())} measures: "
        f"{seconds:.1f} s (wanted 20); peak {peak:.2f} GiB, {before:.2f} GiB of it the data "
        "(wanted 4)"
    )


if __name__ == "__main__":
    main()
