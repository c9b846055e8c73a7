"""Level and power of the checks of a fit, by simulation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import logit
from scipy.stats import binomtest, norm
from scipy.stats import t as student

from workbench.decompose.checks.calibration import calibration_slope
from workbench.decompose.checks.fitted import Fitted, at_predictor, first_rows
from workbench.decompose.checks.joint import joint_test
from workbench.decompose.checks.score import FEWEST, added_terms
from workbench.decompose.checks.terms import bins, curved, interactions, link
from workbench.decompose.kernel import Array, Cells, logistic
from workbench.decompose.logit import fit_logit

WEIGHTS = np.array([0.7, -0.5, 0.0, 0.0])
LEVEL = "5 +- 1.5"
Codes = np.ndarray[Any, np.dtype[np.int64]]


def clusters(kind: str, count: int, n: int, rng: np.random.Generator) -> Codes:
    """Return sorted clusters of n labels: equal, or with sizes that fall as 1 / rank."""
    share = 1.0 / np.arange(1, count + 1) if kind == "Zipf" else np.ones(count)
    drawn = np.sort(rng.choice(count, n, p=share / share.sum()))
    return np.unique(drawn, return_inverse=True)[1]


def differences(code: Codes, rng: np.random.Generator) -> Array:
    """Return differences of which clusters share half of the variance."""
    shape = (int(code.max()) + 1, len(WEIGHTS))
    own = rng.normal(size=(len(code), len(WEIGHTS)))
    return np.asarray((own + rng.normal(size=shape)[code]) / np.sqrt(2))


def dependent(p: Array, code: Codes, rng: np.random.Generator, share: float) -> Array:
    """Return labels of these chances that depend within clusters (a Gaussian copula)."""
    common = rng.normal(size=int(code.max()) + 1)[code]
    own = rng.normal(size=len(code))
    return (norm.cdf(np.sqrt(share) * common + np.sqrt(1 - share) * own) < p).astype(np.float64)


def fitted_to(X: Array, y: Array, code: Codes) -> Fitted:
    """Return a fit with what its checks need."""
    cells = Cells(np.ones((len(y), 1)), y[:, None])
    active = np.ones((1, X.shape[1]), dtype=bool)
    coef = fit_logit(X, cells, active=active, n_labels=np.array([len(y)])).coef[0]
    return at_predictor(
        X @ coef, np.ones(len(y)), y, first_rows(code), X=X, n=len(y),
        terms=[f"f{k}" for k in range(X.shape[1])], row=np.arange(len(y)),
    )  # fmt: skip


def p_values(base: Fitted) -> dict[str, float]:
    """Return one test of each kind; NaN where it is undefined."""
    Z = np.column_stack([link(base)[1], curved(base)[1][:, :2],
                         next(interactions(base, [0, 1]))[1]])  # fmt: skip
    found = added_terms(base, Z)
    told = found.told & (found.df >= FEWEST)
    df = np.where(told, found.df, 1.0)
    p = np.where(told, 2 * student.sf(np.abs(found.estimate / found.error), df), np.nan)
    names = ("link", "beyond the median difference", "any difference", "interaction")
    return {**dict(zip(names, p, strict=True)), "bins": joint_test(base, bins(base)).p_value}


def rejections(
    setting: str, draw: Callable[[np.random.Generator], tuple[Array, Array, Codes]], runs: int,
    wanted: dict[str, str], measure: str,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return how often each test is below 5 %, among the runs in which it is defined."""
    rng = np.random.default_rng(0)
    found = [p_values(fitted_to(*draw(rng))) for _ in range(runs)]
    rows = []
    for name, bound in wanted.items():
        p = np.array([one[name] for one in found])
        rows.append(row(f"check of the fit: {name}", setting, measure, p[np.isfinite(p)] < 0.05,
                        bound))  # fmt: skip
    return rows


def row(what: str, setting: str, measure: str, hits: Any, bound: str) -> dict[str, Any]:
    """Return a share of runs, in percent, with its Monte-Carlo interval."""
    n = len(hits)
    ends = binomtest(int(np.sum(hits)), n).proportion_ci() if n else (np.nan, np.nan)
    value = float(np.mean(hits)) if n else np.nan
    return {"what": what, "setting": setting, "measure": measure, "value": 100 * value,
            "low": 100 * ends[0], "high": 100 * ends[1], "bound": bound, "runs": n}  # fmt: skip


def drawn(
    kind: str, count: int, n: int, eta: Callable[[Array], Array], share: float = 0.0
) -> Callable[[np.random.Generator], tuple[Array, Array, Codes]]:
    """Return a drawing of data whose labels follow a predictor of the differences."""

    def draw(rng: np.random.Generator) -> tuple[Array, Array, Codes]:
        code = clusters(kind, count, n, rng)
        X = differences(code, rng)
        return X, dependent(logistic(eta(X).copy()), code, rng, share), code

    return draw


def true_model(X: Array) -> Array:
    """Return the predictor of the model that is fitted."""
    return np.asarray(X @ WEIGHTS)


def curved_model(X: Array) -> Array:
    """Return a predictor to which the first factor counts only beyond half a unit."""
    return np.asarray(np.sign(X[:, 0]) * np.maximum(np.abs(X[:, 0]) - 0.7, 0) * 2 - 0.5 * X[:, 1])


def interacting_model(X: Array) -> Array:
    """Return a predictor in which the weight of the first factor falls with the second."""
    return np.asarray(X[:, 0] * (1.0 - 0.5 * np.abs(X[:, 1])) - 0.5 * X[:, 1])


def careless_model(X: Array) -> Array:
    """Return a predictor of answers of which three in ten are careless."""
    return np.asarray(logit(0.7 * logistic(3 * X @ WEIGHTS) + 0.15))


def slope_coverage(runs: int, factors: int) -> dict[str, Any]:
    """Return how often the slope's interval holds the slope of the same fit on new labels."""
    rng = np.random.default_rng(1)
    covered = []
    weights = np.r_[WEIGHTS, np.zeros(factors - len(WEIGHTS))]
    new = rng.normal(size=(8_000, factors))
    true = logistic(new @ weights)
    for _ in range(runs):
        X = rng.normal(size=(300, factors))
        y = (rng.random(300) < logistic(X @ weights)).astype(np.float64)
        fold = np.arange(300) % 5
        eta = np.empty(300)
        for k in range(5):
            train = fold != k
            coef = fitted_coef(X[train], y[train])
            eta[~train] = X[~train] @ coef
        told = calibration_slope(eta, np.ones(300), y, np.arange(300), 5, 0.95)
        # many folds: the fit is tried as it is
        again = calibration_slope(
            new @ fitted_coef(X, y), np.ones(len(new)), true, np.arange(len(new)), 10**9, 0.95
        )
        covered.append(told["conf_low"] < again["estimate"] < told["conf_high"])
    setting = f"300 labels, {factors} factors, 5 folds"
    return row("held-out calibration slope", setting, "coverage", covered, "93-97")


def fitted_coef(X: Array, y: Array) -> Array:
    """Return the weights of a fit."""
    cells = Cells(np.ones((len(y), 1)), y[:, None])
    active = np.ones((1, X.shape[1]), dtype=bool)
    return fit_logit(X, cells, active=active, n_labels=np.array([len(y)])).coef[0]


def rows(quick: bool) -> list[dict[str, Any]]:
    """Return the rows of the coverage table that are about checks of a fit."""
    runs = 200 if quick else 2000
    kinds = ("link", "beyond the median difference", "any difference", "interaction", "bins")
    level = dict.fromkeys(kinds, LEVEL)
    table = []
    for kind, count, n, share in (
        ("single", 300, 300, 0.0), ("equal", 20, 300, 0.0), ("equal", 40, 600, 0.5),
        ("Zipf", 100, 1000, 0.0), ("Zipf", 100, 1000, 0.5),
    ):  # fmt: skip
        again = ", labels dependent within" if share else ""
        setting = f"true model, {n} labels, {count} {kind} clusters{again}"
        # the joint test of unequal clusters errs on the safe side
        wanted = {**level, "bins": "at most 6.5"} if kind == "Zipf" else level
        draw = drawn(kind, count, n, true_model, share)
        table += rejections(setting, draw, runs, wanted, "level")
    for name, eta, told in (
        ("curved factor", curved_model, "beyond the median difference"),
        ("interaction", interacting_model, "interaction"),
        ("three in ten careless", careless_model, "link"),
        ("three in ten careless", careless_model, "bins"),
    ):
        setting = f"{name}, 2000 labels, 500 equal clusters"
        draw = drawn("equal", 500, 2000, eta)
        table += rejections(setting, draw, runs // 10, {told: "at least 90"}, "power")
    return [*table, slope_coverage(runs // 2, 4), slope_coverage(runs // 2, 15)]


if __name__ == "__main__":
    import sys

    for one in rows("--quick" in sys.argv):
        print("{what}; {setting}; {measure}: {value:.1f} [{low:.1f}, {high:.1f}] of {runs} runs "
              "(wanted: {bound})".format(**one))  # fmt: skip
