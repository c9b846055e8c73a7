"""How long choosing and routing take, on simulated data.

``python -m bench.calibration.choosing``: 500 of 100,000 pairs by 16 factors, by the determinant
and for two targets; and one judge of 33 on 100,000 pairs routed, the data's digest apart.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

import workbench as wb

PAIRS, FACTORS, JUDGES, PEOPLE = 100_000, 16, 33, 5_000


def simulated(factors: int, judges: int, people: int) -> wb.PreferenceData:
    """Return pairs with labels of people on some and of judges on all."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(PAIRS, factors))
    truth = (rng.random(PAIRS) < 1 / (1 + np.exp(-X.sum(axis=1)))).astype(float)
    pairs = pd.DataFrame({"pair_id": [f"{k:06d}" for k in range(PAIRS)]})
    pairs["cluster"] = [f"prompt {k // 5}" for k in range(PAIRS)]
    some = rng.permutation(PAIRS)[:people]
    parts = [pd.DataFrame({"pair": some, "annotator": "ann", "preference": truth[some]})]
    for k in range(judges):
        says = np.where(rng.random(PAIRS) < 0.2, 1 - truth, truth)
        parts.append(
            pd.DataFrame({"pair": np.arange(PAIRS), "annotator": f"judge {k}", "preference": says})
        )
    labels = pd.concat(parts, ignore_index=True)
    labels["kind"] = np.where(labels["annotator"].eq("ann"), "human", "llm")
    data = wb.PreferenceData.from_tables(pairs, labels)
    frame = pd.DataFrame(X, columns=[f"f{k}" for k in range(factors)])
    return data.with_factors(frame, pd.DataFrame(index=frame.index), {})


def main() -> None:
    """Print the seconds of each."""
    few = simulated(FACTORS, 0, 200)
    panel = simulated(2, JUDGES, PEOPLE)
    # the digest and the list of annotators are made once for all verbs
    shared = [(data.digest, len(data.annotators)) for data in (few, panel)]
    print(f"{len(shared)} sets of data, simulated", flush=True)
    works = {
        "500 of 100,000 pairs, 16 factors": lambda: wb.choose_pairs(few, 500),
        "the same, for two targets": lambda: wb.choose_pairs(few, 500, target=["f0", "f1"]),
        "route one of 33 judges, 100,000 pairs": lambda: wb.route(panel, "judge 0"),
    }
    for name, work in works.items():
        start = time.perf_counter()
        work()
        print(f"{name}: {time.perf_counter() - start:.1f} s", flush=True)


if __name__ == "__main__":
    main()
