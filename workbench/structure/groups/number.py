"""How many groups: held out, by simulated likelihood ratios, and by information criteria."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from workbench.decompose.kernel import Array, logistic
from workbench.intervals import NO_VARIATION
from workbench.structure.groups.exchange import LEVEL, Exchange
from workbench.structure.groups.held_out import fold_losses, smallest_near_best
from workbench.structure.groups.mixture import Problems, Runs
from workbench.structure.groups.panel import Panel
from workbench.structure.groups.starts import FEWER, KEEP, fit_classes, fit_pooled, reached
from workbench.structure.labels import PersonLabels

ALPHA = 0.05
"""Level at which likelihood ratios go on to one class more."""

METHOD = (
    "latent classes; log-loss on prompts held out, error over prompts or people, the larger; "
    "p_exchange: held-out gain of two groups, people exchanged within prompts; misfit_p: "
    "likelihood ratio of one more against labels simulated independently"
)
MIXED_METHOD = (
    "prototypes and shares; log-loss on prompts held out, error over prompts or people, the "
    "larger; p_exchange: held-out gain of two classes, people exchanged within prompts"
)
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Fits:
    """Fits of 1, 2, ... classes to all labels.

    Attributes
    ----------
    panel : Panel
    weight, votes : ndarray, shape (N,)
        In the order of the panel.
    best : list of Runs
        One run each.
    starts, reached : list of int
        Starts of each, and how many came within half a nat of the best.
    """

    panel: Panel
    weight: Array
    votes: Array
    best: list[Runs]
    starts: list[int]
    reached: list[int]

    def parameters(self, C: int) -> int:
        """Return weights and shares of C classes."""
        return C * int(self.panel.X.shape[1]) + C - 1


def fits(laid: Panel, labels: PersonLabels, largest: int, seed: int) -> Fits:
    """Fit 1 to ``largest`` classes.

    Examples
    --------
    >>> from workbench.structure.groups.panel import panel
    >>> from workbench.structure.labels import person_labels
    >>> from workbench.structure.planted import planted_people
    >>> labels = person_labels(planted_people(people=20, labels=30, tastes=[(2, 0), (-2, 0)])[0])
    >>> found = fits(panel(labels), labels, 2, 0)
    >>> found.best[1].posterior.shape, found.parameters(2)
    ((1, 20, 2), 5)
    """
    weight, votes = labels.weight[laid.cells], labels.votes[laid.cells]
    problems = Problems(laid, weight[:, None], votes[:, None])
    pooled = fit_pooled(problems)
    best, starts, near = [], [], []
    for C in range(1, largest + 1):
        one, every = fit_classes(problems, C, pooled=pooled, seed=seed)
        best.append(one)
        starts.append(len(every.b))
        near.append(reached(every, one))
    return Fits(laid, weight, votes, best, starts, near)


def number_table(
    found: Fits,
    labels: PersonLabels,
    exchange: Exchange,
    *,
    membership: str,
    folds: int,
    simulations: int,
    level: float,
    seed: int,
) -> tuple[pd.DataFrame, int]:
    """Return one row a number of classes, and the number that predicts other prompts.

    More than one must also be more than people who may be exchanged (``exchange``): the second
    number is what the held-out loss alone would choose.

    Parameters
    ----------
    found : Fits
    labels : PersonLabels
    exchange : Exchange
    membership : {"classes", "mixed"}
    folds, simulations : int
    level : float
    seed : int
    """
    sizes = list(range(1, len(found.best) + 1))
    losses = fold_losses(found.panel, labels, sizes, folds, seed, membership)
    cells = found.panel.cells
    at = labels.prompt[cells], found.panel.person
    mean = losses @ found.weight / found.weight.sum()
    difference, error, place = smallest_near_best(losses, found.weight, *at)
    error = np.where(error > _ROUNDING * mean.max(), error, np.nan)
    own = difference == 0
    shown = place if exchange.p_value <= LEVEL else 0
    two = np.array(sizes) == 2
    z = float(ndtri((1 + level) / 2))
    frame = pd.DataFrame(
        {
            "groups": sizes,
            "held_out_log_loss": mean,
            "behind_best": difference,
            "std_error": np.where(own, np.nan, error),
            "conf_low": np.where(own, np.nan, difference - z * error),
            "conf_high": np.where(own, np.nan, difference + z * error),
            "p_exchange": np.where(two, exchange.p_value, np.nan),
            "n": int(labels.n_labels.sum()),
            "chosen": [k == shown for k in range(len(sizes))],
        }
    )
    if membership == "classes":
        frame = pd.concat([frame, _in_sample(found, simulations, seed)], axis=1)
        frame["method"] = METHOD
    else:
        frame["method"] = MIXED_METHOD
        frame["reason"] = (
            "shares are as many as people: no likelihood ratio and no criterion is known"
        )
    whys = [
        ["the best: what others are compared with"] * bool(best)
        + [NO_VARIATION] * bool(np.isnan(e) and not best)
        + [exchange.reason or ""] * bool(second)
        for best, e, second in zip(own, error, two, strict=True)
    ]
    frame["reason"] = [
        "; ".join(one for one in [*why, given] if one)
        for why, given in zip(whys, frame["reason"], strict=True)
    ]
    return frame, sizes[place]


def _in_sample(found: Fits, simulations: int, seed: int) -> pd.DataFrame:
    n, P = float(found.weight.sum()), found.panel.P
    rows: list[dict[str, Any]] = []
    going = simulations > 0
    for C, best in enumerate(found.best, start=1):
        k, ll = found.parameters(C), float(best.likelihood[0])
        row = {"log_likelihood": ll, "parameters": k, "bic_people": k * np.log(P) - 2 * ll,
               "bic_labels": k * np.log(n) - 2 * ll, "starts": found.starts[C - 1],
               "starts_at_best": found.reached[C - 1]}  # fmt: skip
        rows.append(row | {"misfit_lr": np.nan, "misfit_mean": np.nan, "misfit_p": np.nan})
        if len(found.best) == C:
            rows[-1]["reason"] = "the most groups that were tried"
        elif not going:
            rows[-1]["reason"] = "no simulations" if not simulations else "one step before held"
        else:
            lr = 2.0 * (float(found.best[C].likelihood[0]) - ll)
            null = simulated_ratios(found, C, simulations, seed)
            p = (1 + int((null >= lr).sum())) / (1 + len(null))
            rows[-1] |= {"misfit_lr": lr, "misfit_mean": float(null.mean()), "misfit_p": p,
                         "reason": ""}  # fmt: skip
            going = p <= ALPHA
    return pd.DataFrame(rows)


def simulated_ratios(found: Fits, C: int, simulations: int, seed: int) -> Array:
    """Return likelihood ratios of C + 1 classes against C where C is true.

    Parameters
    ----------
    found : Fits
    C : int
    simulations, seed : int

    Returns
    -------
    ndarray, shape (simulations,)

    Notes
    -----
    People get a class at random by the shares, and labels by its weights; a share of the labels
    as large as that of the ties is a tie, wherever it falls, so that means stay what they are.
    Labels of one prompt are independent here; real ones share more than the factors say. So a
    large ratio says that the smaller model does not fit, and not that people differ.
    """
    best = found.best[C - 1]
    votes = simulated_votes(found, best.b[0], best.log_pi[0], simulations, seed)
    problems = Problems(found.panel, found.weight[:, None], votes)
    pooled = fit_pooled(problems, found.best[0].b[0, 0])
    truth = (best.b[0], best.log_pi[0])
    fewer, _ = fit_classes(
        problems, C, pooled=pooled, seed=seed, starts=KEEP, keep=KEEP, also=truth
    )
    more, _ = fit_classes(problems, C + 1, pooled=pooled, seed=seed, starts=FEWER, keep=KEEP)
    return np.asarray(np.maximum(2.0 * (more.likelihood - fewer.likelihood), 0.0))


def simulated_votes(found: Fits, b: Array, log_pi: Array, simulations: int, seed: int) -> Array:
    """Return votes of each row in each simulation, shape (N, simulations)."""
    laid = found.panel
    rng = np.random.default_rng([seed, len(b), 7])
    edges = np.cumsum(np.exp(log_pi))
    member = np.minimum(
        (rng.random((laid.P, simulations))[..., None] > edges).sum(axis=2), len(b) - 1
    )
    p = logistic(laid.X @ b.T)[np.arange(len(laid.X))[:, None], member[laid.person]]
    single = found.weight == 1.0
    tied = float((found.votes[single] == 0.5).mean()) if single.any() else 0.0
    decided = np.clip((p - tied / 2) / (1 - tied), 0.0, 1.0) if tied < 1 else p
    weight = found.weight[:, None]
    whole = np.allclose(found.weight, np.round(found.weight))
    if whole:
        count = np.round(weight).astype(np.int64) * np.ones((1, simulations), dtype=np.int64)
        ties = rng.binomial(count, tied)
        return np.asarray(rng.binomial(count - ties, decided) + 0.5 * ties)
    drawn = np.where(rng.random(p.shape) < tied, 0.5, rng.random(p.shape) < decided)
    return np.asarray(weight * drawn)
