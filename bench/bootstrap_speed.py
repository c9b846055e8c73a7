"""Time of 1,000 exact cluster-bootstrap replicates, beside one statsmodels fit in one run."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
K = 30
WANTED = 12.0


def simulate(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a design, labels of one annotator and sorted clusters of about 3 pairs."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, K))
    y = (rng.random(n) < 1 / (1 + np.exp(-X @ (rng.normal(size=K) * 0.2)))).astype(float)
    return X, y, np.unique(np.sort(rng.integers(0, n // 3, n)), return_inverse=True)[1]


def statsmodels(n: int, replicates: int) -> dict[str, float]:
    from statsmodels.discrete.discrete_model import Logit

    X, y, _ = simulate(n)
    warnings.simplefilter("ignore")
    Logit(y[:2000], X[:2000]).fit(disp=0, cov_type="HC1")
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        Logit(y, X).fit(disp=0, cov_type="HC1")
        seconds.append(time.perf_counter() - started)
    return {"seconds": min(seconds)}


def ours(n: int, replicates: int) -> dict[str, float]:
    from workbench.decompose.kernel import Cells
    from workbench.decompose.logit import fit_logit
    from workbench.decompose.resample.by_name import signs_of
    from workbench.decompose.resample.refits import (
        Problem,
        draw_counts,
        exact_draws,
        linear_steps,
        multiplier_steps,
    )

    X, y, cluster = simulate(n)
    cells = Cells(np.ones((n, 1)), y[:, None])
    active, n_labels = np.ones((1, K), dtype=bool), np.array([n])
    fit = fit_logit(
        X, cells, active=active, n_labels=n_labels, covariance="cluster", clusters=cluster
    )
    n_clusters = int(cluster[-1]) + 1
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    problem = Problem.at(X, np.ones(n), y, fit.coef[0], cluster)
    exact, failure = exact_draws(
        problem, draw_counts(n_clusters, replicates, np.random.default_rng(0))
    )
    seconds = time.perf_counter() - started
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20
    started = time.perf_counter()
    signs = signs_of(np.arange(n_clusters, dtype=np.uint64), 0, replicates, 0)
    quick = problem.weights(multiplier_steps(problem, signs))
    multiplier = time.perf_counter() - started
    # one step from the same draws as the exact refits: what first order leaves out
    counts = np.concatenate(draw_counts(n_clusters, replicates, np.random.default_rng(0)), axis=1)
    error = np.sqrt(np.diag(fit.covariance[0]))
    one_step = problem.weights(linear_steps(problem, counts))
    tails = np.quantile(exact, [0.025, 0.975], axis=0), np.quantile(quick, [0.025, 0.975], axis=0)
    return {
        "seconds": seconds,
        "peak": peak,
        "failed": float((failure != 0).sum()),
        "multiplier": multiplier,
        "sd_to_robust": float(np.mean(exact.std(axis=0) / error)),
        "sd_apart": float(np.abs(quick.std(axis=0) / exact.std(axis=0) - 1).mean()),
        "one_step_apart": float(np.abs((one_step - exact) / error).max()),
        "tails_apart": float(np.abs((tails[0] - tails[1]) / error).mean()),
    }


def measure(what: str, n: int, replicates: int) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.bootstrap_speed", "--worker", what, str(n)]
    done = subprocess.run(
        [*command, str(replicates)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    result: dict[str, float] = json.loads(done.stdout)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", nargs=3, metavar=("WHAT", "N", "REPLICATES"))
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    options = parser.parse_args()
    if options.worker:
        what, n, replicates = options.worker
        function = statsmodels if what == "statsmodels" else ours
        print(json.dumps(function(int(n), int(replicates))))
        return
    n, replicates = (10_000 if options.quick else 100_000), 1000
    one, all_of = measure("statsmodels", n, replicates), measure("ours", n, replicates)
    print(f"{n:,} pairs x {K} factors, {replicates:,} cluster-bootstrap replicates")
    print(f"  one statsmodels fit (HC1)   {one['seconds']:6.2f} s")
    print(
        f"  exact replicates            {all_of['seconds']:6.2f} s, "
        f"{all_of['seconds'] / one['seconds']:.1f} statsmodels fits (wanted: at most {WANTED:g}), "
        f"{all_of['failed']:.0f} failed, peak {all_of['peak']:.2f} GiB above the data"
    )
    print(f"  multiplier replicates       {all_of['multiplier']:6.2f} s")
    print(f"  exact sd / cluster-robust error, mean      {all_of['sd_to_robust']:.3f}")
    print(f"  multiplier sd from exact sd, mean          {100 * all_of['sd_apart']:.1f} %")
    print(f"  95% tails apart, standard errors, mean     {all_of['tails_apart']:.3f}")
    print(f"  one step from its exact refit, largest     {all_of['one_step_apart']:.2f} errors")


if __name__ == "__main__":
    main()
