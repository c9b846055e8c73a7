"""Time of the decomposition, beside statsmodels, scikit-learn, glum and pyfixest in one run."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
K = 30


def simulate(n: int, j: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a design, labels of j annotators and sorted clusters of about 3 pairs."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, K))
    beta = rng.normal(size=(K, j)) * 0.2
    Y = np.empty((n, j))
    for k in range(j):
        Y[:, k] = rng.random(n) < 1 / (1 + np.exp(-X @ beta[:, k]))
    return X, Y, np.sort(rng.integers(0, n // 3, n))


def ours(X: np.ndarray, Y: np.ndarray, clusters: np.ndarray, covariance: str) -> np.ndarray:
    from workbench.decompose.kernel import Cells
    from workbench.decompose.logit import fit_logit

    j = Y.shape[1]
    fit = fit_logit(
        X,
        Cells(np.ones_like(Y), Y),
        active=np.ones((j, K), dtype=bool),
        n_labels=np.full(j, len(X)),
        covariance=covariance,
        clusters=clusters,
    )
    return fit.coef[0]


def statsmodels(X: np.ndarray, Y: np.ndarray, clusters: np.ndarray, covariance: str) -> np.ndarray:
    from statsmodels.discrete.discrete_model import Logit

    extra = {"groups": clusters} if covariance == "cluster" else None
    coefs = [
        Logit(Y[:, j], X).fit(disp=0, cov_type=covariance, cov_kwds=extra).params
        for j in range(Y.shape[1])
    ]
    return coefs[0]


def scikit_learn(X: np.ndarray, Y: np.ndarray, clusters: np.ndarray, covariance: str) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=np.inf, fit_intercept=False, solver="newton-cholesky", tol=1e-8)
    return model.fit(X, Y[:, 0]).coef_[0]


def glum(X: np.ndarray, Y: np.ndarray, clusters: np.ndarray, covariance: str) -> np.ndarray:
    from glum import GeneralizedLinearRegressor

    model = GeneralizedLinearRegressor(
        family="binomial", alpha=0, fit_intercept=False, gradient_tol=1e-8
    )
    return model.fit(X, Y[:, 0]).coef_


def pyfixest(X: np.ndarray, Y: np.ndarray, clusters: np.ndarray, covariance: str) -> np.ndarray:
    import pandas as pd
    import pyfixest as pf

    names = [f"x{k}" for k in range(K)]
    table = pd.DataFrame(X, columns=names).assign(y=Y[:, 0], g=clusters)
    vcov = {"CRV1": "g"} if covariance == "cluster" else "HC1"
    fit = pf.feglm("y ~ 0 + " + " + ".join(names), table, family="logit", vcov=vcov)
    return fit.coef().to_numpy()


PACKAGES: dict[str, Callable[..., np.ndarray]] = {
    "workbench": ours,
    "statsmodels": statsmodels,
    "scikit-learn": scikit_learn,
    "glum": glum,
    "pyfixest": pyfixest,
}


def worker(package: str, n: int, j: int, covariance: str) -> None:
    """Fit twice after loading, print the faster time and the process's peak memory."""
    warnings.simplefilter("ignore")
    X, Y, clusters = simulate(n, j)
    function = PACKAGES[package]
    function(X[:2000], Y[:2000, :1], clusters[:2000], covariance)
    seconds = []
    for _ in range(1 if package == "statsmodels" and j > 1 else 2):
        started = time.perf_counter()
        coef = function(X, Y, clusters, covariance)
        seconds.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"seconds": min(seconds), "peak": peak, "coef": coef.tolist()}))


def measure(package: str, n: int, j: int, covariance: str) -> dict[str, float]:
    command = [sys.executable, "-m", "bench.decompose_speed", "--worker", package, str(n), str(j)]
    done = subprocess.run([*command, covariance], capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        print(f"  {package}: not measured: {done.stderr.strip().splitlines()[-1]}")
        return {"seconds": float("nan"), "peak": float("nan"), "coef": None}
    result: dict[str, float] = json.loads(done.stdout)
    return result


def compare(n: int, j: int, covariance: str, packages: list[str], wanted: str) -> None:
    print(f"{n:,} pairs x {K} factors x {j} annotators, {covariance} errors (wanted: {wanted})")
    base = measure("workbench", n, j, covariance)
    print(f"  workbench     {base['seconds']:7.2f} s, peak {base['peak']:.1f} GiB with the data")
    for package in packages:
        result = measure(package, n, j, covariance)
        if result["coef"] is None:
            continue
        apart = np.abs(np.subtract(result["coef"], base["coef"])).max()
        print(
            f"  {package:<13} {result['seconds']:7.2f} s, peak {result['peak']:.1f} GiB, "
            f"ratio {result['seconds'] / base['seconds']:5.1f}x, largest difference {apart:.1e}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker", nargs=4, metavar=("PACKAGE", "N", "J", "COVARIANCE"))
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    options = parser.parse_args()
    if options.worker:
        package, n, j, covariance = options.worker
        worker(package, int(n), int(j), covariance)
        return
    scale = 10 if options.quick else 1
    compare(100_000 // scale, 33, "HC1", ["statsmodels"], "at least 12x")
    compare(100_000 // scale, 33, "cluster", ["statsmodels"], "at least 8x")
    others = [name for name in PACKAGES if name != "workbench"]
    compare(1_000_000 // scale, 1, "HC1", others, "ahead of all; scikit-learn has no errors")


if __name__ == "__main__":
    main()
