"""Time of calibrated verdicts: many judges, and scikit-learn's two calibrations of one.

scikit-learn fits the logistic and the isotonic way on the same folds and says nothing of errors,
factors or intervals; the workbench's time is that of the whole verb. judgecal 0.1 has neither.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import expit, logit

import workbench as wb

FACTORS, FOLDS = 8, 5


def simulate(n: int, judges: int) -> wb.PreferenceData:
    """Return judges twice too sure who follow one factor, two pairs a prompt."""
    rng = np.random.default_rng(0)
    eta, X = rng.normal(size=n), rng.normal(size=(n, FACTORS))
    pairs = pd.DataFrame({"pair_id": [f"{i:07d}" for i in range(n)],
                          "prompt_id": [f"p{i // 2}" for i in range(n)]})  # fmt: skip
    people = (rng.random(n) < expit(eta)).astype(float)
    tables = [pd.DataFrame({"pair": np.arange(n), "annotator": "human", "kind": "human",
                            "preference": people})]  # fmt: skip
    for j in range(judges):
        p = expit(2 * eta + 0.5 * X[:, 0] + rng.normal(size=n))
        tables.append(pd.DataFrame({"pair": np.arange(n), "annotator": f"judge-{j:02d}",
                                    "kind": "llm", "preference": p}))  # fmt: skip
    data = wb.PreferenceData.from_tables(pairs, pd.concat(tables, ignore_index=True))
    frame = pd.DataFrame(X, columns=[f"f{k}" for k in range(FACTORS)])
    specs = {name: {"coding": {"transform": "difference"}} for name in frame}
    return data.with_factors(frame, pd.DataFrame(index=frame.index), specs)


def by_scikit(p: np.ndarray, y: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Return out-of-fold isotonic probabilities of one judge, after the logistic ones."""
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression

    told = np.empty(len(p))
    m = logit(np.clip(p, 0.001, 0.999))
    for f in range(FOLDS):
        train, test = fold != f, fold == f
        both, labels = np.r_[m[train], -m[train]], np.r_[y[train], 1 - y[train]]
        LogisticRegression(fit_intercept=False).fit(m[train, None], y[train])
        told[test] = IsotonicRegression(out_of_bounds="clip").fit(both, labels).predict(m[test])
    return told


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.process_time()
    found = work()
    return time.process_time() - start, found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--judges", type=int, default=33)
    asked = parser.parse_args()
    data = simulate(asked.pairs, asked.judges)
    names, digest = data.pair_rows, data.digest
    spent, found = timed(lambda: wb.calibrate_verdicts(data))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    size = f"{asked.judges} judges x {asked.pairs:,} pairs, {len(names):,} labels"
    print(f"workbench: {size} ({digest[:8]}): {spent:.1f} s of CPU, {peak:.2f} GiB at most")
    one = found.verdicts[found.verdicts["annotator"].eq("judge-00")]
    people = data.labels[data.labels["annotator"].eq("human")].set_index("pair_id")["preference"]
    y = people.reindex(one["pair_id"]).to_numpy()
    fold = np.arange(len(y)) // 2 % FOLDS
    plain = data.with_factors(pd.DataFrame(index=data.factors.index),
                              pd.DataFrame(index=data.factors.index), {})  # fmt: skip
    ours, _ = timed(lambda: wb.calibrate_verdicts(plain, "judge-00", factors=[]))
    theirs, _ = timed(lambda: by_scikit(one["as_given"].to_numpy(), y, fold))
    print(f"one judge, no factors: workbench {ours:.2f} s with intervals and reliability;")
    print(f"scikit-learn, fits alone {theirs:.2f} s ({theirs / ours:.2f} times)")


if __name__ == "__main__":
    main()
