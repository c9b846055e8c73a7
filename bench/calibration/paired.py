"""All pairs of 33 judges on 100,000 pairs: speed, level, power, beside statsmodels and truescore.

Wanted: under 6 s, the p-values of statsmodels, tests that keep their level, and the power that is
said before.

    python -m bench.calibration.paired [--quick]
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np
import pandas as pd
from scipy.stats import binom

import workbench as wb
from workbench.calibration.paired.differences import Case, compared

JUDGES, PAIRS = 33, 100_000


def verdicts(judges: int, n: int, seed: int = 0) -> wb.PreferenceData:
    """Return simulated verdicts of judges of different skill, two pairs a prompt."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 2, n)
    pairs = pd.DataFrame({"item": np.arange(n), "cluster": [f"p{k // 2}" for k in range(n)]})
    tables = [pd.DataFrame({"pair": np.arange(n), "annotator": "human", "kind": "human",
                            "preference": truth.astype(float)})]  # fmt: skip
    for j in range(judges):
        asked = np.flatnonzero(rng.random(n) < 0.97)
        right = rng.random(len(asked)) < 0.6 + 0.3 * j / judges
        said = np.where(right, truth[asked], 1 - truth[asked]).astype(float)
        said[rng.random(len(asked)) < 0.05] = 0.5
        tables.append(pd.DataFrame({"pair": asked, "annotator": f"judge-{j:02d}", "kind": "llm",
                                    "preference": said}))  # fmt: skip
    return wb.PreferenceData.from_tables(pairs, pd.concat(tables, ignore_index=True))


def speed(n: int) -> None:
    data = verdicts(JUDGES, n)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    found = wb.compare_annotators(data)
    seconds = time.perf_counter() - started
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    print(f"{len(found.to_frame())} pairs of {JUDGES} judges x {n:,} pairs: {seconds:.1f} s "
          f"(wanted: 6), +{peak:.2f} GiB")  # fmt: skip


def level_and_power(runs: int) -> None:
    """Say how often tests of planted differences reject."""
    print(f"{runs} runs of 200 pairs, two a prompt (wanted: .05, .05, .80)")
    rng = np.random.default_rng(1)
    cluster, counts = np.repeat(np.arange(100), 2), np.ones(200, dtype=bool)

    def drawn(up: float, down: float) -> pd.DataFrame:
        at = rng.random((runs, 200))
        d = np.where(at < up, 1.0, np.where(at > 1 - down, -1.0, 0.0))
        return compared([Case(one, counts) for one in d], cluster, 1.0, 0.08, 0.95)

    none = drawn(0.15, 0.15)
    least = float(none["detectable"].median())
    same, found = drawn(0.19, 0.11), drawn(0.15 + least / 2, 0.15 - least / 2)
    shares = {
        "no difference: rejected": none["p_value"],
        "difference at the margin: called equivalent": same["equivalence_p"],
        f"at the detectable difference {least:.3f}: found": found["p_value"],
    }
    for name, p in shares.items():
        print(f"  {name} {(p < 0.05).mean():.3f}")


def peers() -> None:
    """Print p-values of small tables beside packages, and what they say where nothing differs."""
    for b, c in ((14, 5), (5, 5), (0, 0)):
        d = np.repeat([1.0, -1.0, 0.0], [b, c, 100 - b - c])
        ours = compared([Case(d, d < 2)], np.arange(100), 1.0, 0.1, 0.95).iloc[0]
        exact = min(2 * binom.cdf(min(b, c), b + c, 0.5), 1.0)
        print(
            f"discordant {b} and {c} of 100: ours (mid-P) p {ours['p_value']:.4f}, "
            f"[{ours['conf_low']:+.3f}, {ours['conf_high']:+.3f}]; binomial exact {exact:.4f}"
        )
        for name, beside in (("statsmodels", _statsmodels), ("truescore", _truescore)):
            try:
                print(f"  {name}: {beside(b, c)}")
            except ImportError as error:
                print(f"  {name} not measured: {error}")


def _statsmodels(b: int, c: int) -> str:
    from statsmodels.stats.contingency_tables import mcnemar

    return f"exact p {mcnemar([[40, b], [c, 60 - b - c]], exact=True).pvalue:.4f}"


def _truescore(b: int, c: int) -> str:
    """Its mid-P cuts 2 P(X <= x) at 1 before it takes half of the point away."""
    from truescore import mcnemar, min_detectable_effect

    x, y = (np.repeat(one, [b, c, 100 - b - c]) for one in ([1, 0, 1], [0, 1, 1]))
    found = mcnemar(x, y)
    least = min_detectable_effect(100, discordance_rate=(b + c) / 100) if b + c else float("nan")
    return (
        f"mid-P p {found.p_value:.4f}, Wald [{found.low:+.3f}, {found.high:+.3f}], "
        f"detectable {least:.3f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the pairs and runs")
    share = 10 if parser.parse_args().quick else 1
    peers()
    level_and_power(2000 // share)
    speed(PAIRS // share)


if __name__ == "__main__":
    main()
