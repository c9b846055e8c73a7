"""Coverage of held-out scores, bootstrap weights and length-controlled win rates.

Each row counts how often a 95 % interval holds a planted truth, or a claim is made that is not
true, over simulated groups of labels; its own interval is the simulation's (Wilson, 95 %).
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import expit
from scipy.stats import binomtest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import workbench as wb  # noqa: E402
from tests.fold_scores import coverage, simulated  # noqa: E402
from workbench.ratings.length_control_fit import (  # noqa: E402
    Rows,
    length_controlled_fits,
    rate_influence,
    rate_interval,
)

BOUND = "93 to 97"
NULL, SIGNAL = [0.0, 0.0, 0.0], [0.8, 0.4, 0.0]


def rows(quick: bool) -> list[dict[str, Any]]:
    """Return one row a setting and measure, in percent."""
    return [*_held_out(quick), *_bootstrap(quick), *_length_control(quick)]


def _row(what: str, setting: str, measure: str, hits: np.ndarray, bound: str) -> dict[str, Any]:
    found = binomtest(int(hits.sum()), len(hits))
    ends = found.proportion_ci(method="wilson")
    return {
        "what": what,
        "setting": setting,
        "measure": measure,
        "value": 100 * found.statistic,
        "low": 100 * ends.low,
        "high": 100 * ends.high,
        "bound": bound,
        "runs": len(hits),
    }


def _held_out(quick: bool) -> list[dict[str, Any]]:
    table = []
    for n in (40, 100, 300):
        for kind, weights in (("no signal", NULL), ("weights .8, .4, 0", SIGNAL)):
            found = coverage(n, weights, sets=4 if quick else 40)
            setting = f"{n} labels, 3 factors, {kind}, 5 folds"
            for name in ("accuracy", "gain"):
                table.append(_row("held-out", setting, f"{name}: coverage", found[name], BOUND))
            for name in ("auc", "log_loss", "brier"):
                table.append(_row("held-out", setting, f"{name}: coverage", found[name], ">= 93"))
            whole = found["whole"]
            measure = "accuracy of the fit to all labels: coverage"
            table.append(_row("held-out", setting, measure, whole, BOUND))
            measure = "accuracy, binomial interval: coverage"
            table.append(_row("held-out", setting, measure, found["naive"], "for comparison"))
            if weights is NULL:
                measure = "gain over the majority surely above 0"
                table.append(_row("held-out", setting, measure, found["claims"], "2.5 +- 1"))
    return table


def _bootstrap(quick: bool) -> list[dict[str, Any]]:
    weights = [0.6, 0.3, 0.0, 0.0]
    table = []
    for n in (60, 100):
        inside, claims = [], []
        for seed in range(3 if quick else 30):
            data = simulated(n, weights, 20, seed)
            found = wb.bootstrap(wb.decompose(data, folds=0), replicates=400, seed=seed).to_frame()
            found = found[found["term"] != "position"]
            truth = np.tile(weights, found["group"].nunique())
            inside.append((found["conf_low"] <= truth) & (truth <= found["conf_high"]))
            claims.append(found.loc[truth == 0, "p_value"] < 0.05)
        setting = f"{n} labels, weights .6, .3, 0, 0, 400 refits"
        hits = np.concatenate(inside)
        table.append(_row("bootstrap", setting, "weights: coverage", hits, BOUND))
        hits = np.concatenate(claims)
        table.append(_row("bootstrap", setting, "p < .05 for a weight of 0", hits, "5 +- 2"))
    return table


def _length_control(quick: bool) -> list[dict[str, Any]]:
    table = []
    for n, level in ((60, 0.0), (60, 2.0), (100, 0.0), (100, 2.0)):
        truth, inside = 100 * expit(level), []
        for seed in range(200 if quick else 2000):
            low, high = _win_rate(n, level, seed)
            inside.append(low <= truth <= high)
        setting = f"{n} instructions, length weight -1, true rate {truth:.0f} %"
        table.append(_row("length control", setting, "coverage", np.array(inside), BOUND))
    return table


def _win_rate(n: int, level: float, seed: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    gap = 100.0 - rng.integers(40, 260, n)
    win = rng.random(n) < expit(level - np.tanh(gap / gap.std(ddof=1)))
    own = Rows(gap, np.zeros(n), win.astype(float), np.arange(n))
    use = np.array([True, False, True])
    weights, rates = length_controlled_fits(own, [], np.ones((1, n)), use=use)
    influence = rate_influence(own, [], weights[0], n, use=use)
    return rate_interval(float(rates[0]), *influence, 0.95)


if __name__ == "__main__":
    for line in rows(quick="--quick" in sys.argv):
        print(
            f"{line['what']:<15} {line['setting']:<48} {line['measure']:<46} {line['value']:5.1f} "
            f"[{line['low']:.1f}, {line['high']:.1f}]  bound {line['bound']}, {line['runs']} runs"
        )
