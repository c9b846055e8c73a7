"""Random coefficients: the published fit of the electricity data, and what its draws do to it.

``computed`` gives the numbers of ``expected_mixed.json``. About three minutes on one CPU core.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import workbench as wb
from workbench.compare.pooling import pool
from workbench.structure.labels import person_labels
from workbench.structure.mixed.choices import ChoiceFit, fit_choices
from workbench.structure.planted import planted_people

DEFAULT = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
COLUMNS = ["pf", "cl", "loc", "wk", "tod", "seas"]
OTHER_TOP = ([-0.98, -0.21, 2.15, 1.55, -9.04, -9.35], [0.21, 0.38, 1.5, -1.0, 2.39, -1.12])
"""Signs of two standard deviations turned: another top under the same draws."""

DRAWS = (512, 1024, 2048, 4096)
TAUS = (0.0, 0.3, 0.8)
PEOPLE, LABELS, SEEDS = 60, 40, 8


def electricity(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return values (choices, 4, 6), choices (choices, 4) and codes of people."""
    table = pd.read_csv(folder / "electricity" / "electricity_long.csv")
    X = table[COLUMNS].to_numpy("float64").reshape(-1, 4, len(COLUMNS))
    chosen = table["choice"].to_numpy("float64").reshape(-1, 4)
    return X, chosen, pd.factorize(table["id"].to_numpy()[::4])[0]


def told(found: ChoiceFit) -> dict[str, Any]:
    """Return a fit as numbers."""
    table = found.estimates
    names = ("mu", "hessian_error", "robust_error", "sd", "sd_hessian_error")
    values = {name: dict(zip(COLUMNS, table[name].round(4).tolist(), strict=True))
              for name in names}  # fmt: skip
    return {"log_likelihood": round(found.log_likelihood, 3), "converged": found.converged,
            **values}  # fmt: skip


def published(choices: tuple[np.ndarray, np.ndarray, np.ndarray]) -> dict[str, Any]:
    """Return the fit of mlogit and xlogit, from zero, and another top of the same draws."""
    options: dict[str, Any] = {"names": COLUMNS, "draws": "halton", "n_draws": 100}
    return {"from zero": told(fit_choices(*choices, **options)),
            "another top": told(fit_choices(*choices, **options, start=OTHER_TOP))}  # fmt: skip


def by_draws(choices: tuple[np.ndarray, np.ndarray, np.ndarray]) -> dict[str, Any]:
    """Return our fits with more and more Sobol draws, each from the one before."""
    found: dict[str, Any] = {}
    start = None
    for draws in DRAWS:
        one = fit_choices(*choices, names=COLUMNS, n_draws=draws, start=start)
        start = (one.estimates["mu"].tolist(), one.estimates["sd"].tolist())
        found[str(draws)] = told(one)
    likelihoods = [found[str(draws)]["log_likelihood"] for draws in DRAWS]
    moved = dict(zip(map(str, DRAWS[1:]), np.diff(likelihoods).round(3).tolist(), strict=True))
    return {"fits": found, "moved": moved}


def planted() -> dict[str, Any]:
    """Return how often intervals hold planted spreads, and the mean spread, beside Laplace's."""
    found: dict[str, Any] = {}
    for tau in TAUS:
        held, spreads, drawn, laplace, draws = [], [], [], [], []
        for seed in range(SEEDS):
            data, truth = planted_people(PEOPLE, LABELS, tau=tau, seed=seed)
            fitted = wb.mixed(data)
            rows = fitted.to_frame()
            held += ((rows["tau_low"] <= tau) & (tau <= rows["tau_high"])).tolist()
            spreads += rows["tau"].tolist()
            drawn += truth[rows["term"]].std().tolist()
            laplace += pool(person_labels(data).subsets()).tau.tolist()
            draws.append(fitted.settings["n_draws"])
        found[f"{tau:g}"] = {"held": int(np.sum(held)), "of": len(held),
                             "mean spread": round(float(np.mean(spreads)), 3),
                             "by Laplace's method": round(float(np.mean(laplace)), 3),
                             "of those people": round(float(np.mean(drawn)), 3),
                             "draws": draws}  # fmt: skip
    return found


def computed(folder: Path = DEFAULT) -> dict[str, Any]:
    """Return all numbers.

    Parameters
    ----------
    folder : Path
        Holds ``electricity``.
    """
    choices = electricity(folder)
    return {"electricity, 100 Halton draws": published(choices),
            "electricity, Sobol draws": by_draws(choices), "planted": planted()}  # fmt: skip
