"""Judges as instruments: speed with 33 judges, and components beside statsmodels' MixedLM.

Wanted: a few seconds of CPU for each verb with 33 judges and 100,000 pairs; components of a
balanced design that restricted maximum likelihood gives too, where none is at 0.

    python -m bench.calibration.instrument [--pairs 100000] [--peer]
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

import workbench as wb
from tests.calibration.graded import crossed, rated
from tests.calibration.measured import simulated

JUDGES = 33


def timed(name: str, work: Callable[[], object]) -> None:
    start = time.process_time()
    work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{name}: {time.process_time() - start:.1f} s of CPU, peak {peak:.2f} GiB")


def beside_statsmodels(seed: int = 0) -> None:
    """Print components by both, of 40 items, 8 judges and 2 seeds."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    y = crossed(np.random.default_rng(seed), 40, 8, 2)
    found = wb.variance_split(rated(y), facets=("judge", "item"), score="rating")
    ours = found.to_frame().set_index("term")["estimate"]
    i, j, s = np.nonzero(np.isfinite(y))
    table = pd.DataFrame({"y": y[i, j, s], "item": i, "judge": j, "one": 1})
    parts = {"item": "0 + C(item)", "judge": "0 + C(judge)", "both": "0 + C(item):C(judge)"}
    start = time.process_time()
    fit = MixedLM.from_formula("y ~ 1", groups="one", vc_formula=parts, data=table).fit()
    print(f"statsmodels: {time.process_time() - start:.1f} s;",
          dict(zip(fit.model.exog_vc.names, fit.vcomp.round(4), strict=True)),
          f"rest {fit.scale:.4f}")  # fmt: skip
    print("ours:", ours.round(4).to_dict())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=100_000)
    parser.add_argument("--peer", action="store_true")
    given = parser.parse_args()
    if given.peer:
        beside_statsmodels()
        return
    judges = {f"j{k:02d}": (0.3 + 0.1 * k, 0.2, 0.1) for k in range(JUDGES)}
    data = simulated(given.pairs, judges=judges, groups={"code": 1.0, "mail": 1.0})
    timed("digest, once a set", lambda: data.digest)
    timed("instrument", lambda: wb.instrument(data))
    timed("instrument by group", lambda: wb.instrument(data, by="scenario"))
    timed("variance_split", lambda: wb.variance_split(data))


if __name__ == "__main__":
    main()
