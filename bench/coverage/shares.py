"""How often intervals of shares, kappas, corrected rates, shifts and calibration hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from scipy.special import expit

from workbench.agreement import agreement_and_kappa
from workbench.audit.judges.statistics import shift
from workbench.audit.judges.verdicts.corrected import corrected
from workbench.audit.models.calibration import POOR, SURE
from workbench.audit.models.calibration_bins import Bins
from workbench.clustered import share
from workbench.intervals import mid_p

COVERS = "93 to 97"
MISCALIBRATED = "at most 2.5"
EQUIVALENT = "at most 5.5"

Row = dict[str, Any]
Rng = np.random.Generator


def rows(quick: bool) -> list[Row]:
    """Return a row a setting: what was measured, its Monte-Carlo interval, and the bound.

    Parameters
    ----------
    quick : bool
        A tenth of the runs.
    """
    runs = 300 if quick else 3000
    return [
        *_shares(runs),
        *_agreements(runs),
        *_corrections(runs),
        *_shifts(runs // 3),
        *_calibrations(runs // 3),
    ]


def _row(
    what: str, text: str, one: Callable[..., bool], setting: tuple[Any, ...], runs: int,
    measure: str = "coverage", bound: str = COVERS,
) -> Row:  # fmt: skip
    """Return how many of the runs of a setting hit; ``text`` tells the setting."""
    hits = sum(bool(one(np.random.default_rng(run), *setting)) for run in range(runs))
    low, high = mid_p(hits / runs, runs)
    return {
        "what": what, "setting": text.format(*setting), "measure": measure,
        "value": 100 * hits / runs, "low": 100 * low, "high": 100 * high, "bound": bound,
        "runs": runs,
    }  # fmt: skip


def _holds(found: Row, truth: float) -> bool:
    return bool(found["conf_low"] <= truth <= found["conf_high"])


def _shares(runs: int) -> Iterable[Row]:
    settings = ((100, 1, 0.5, 0.0), (100, 1, 0.95, 0.0), (20, 5, 0.7, 0.3), (10, 10, 0.7, 0.3),
                (40, 5, 0.9, 0.3), (100, 5, 0.7, 0.3))  # fmt: skip
    for setting in settings:
        text = "{} clusters of {}, {:g}, correlation {:g}"
        yield _row("share", text, _share, setting, runs)


def _share(rng: Rng, clusters: int, size: int, truth: float, alike: float) -> bool:
    chance = np.full(clusters, truth)
    if alike:
        both = 1 / alike - 1
        chance = rng.beta(truth * both, (1 - truth) * both, clusters)
    values = rng.random((clusters, size)) < chance[:, None]
    return _holds(share(values.ravel().astype(float), np.repeat(np.arange(clusters), size)), truth)


def _agreements(runs: int) -> Iterable[Row]:
    for n, truth in ((30, 0.9), (50, 0.95), (100, 0.95), (300, 0.8)):
        for which, what in enumerate(("agreement", "kappa")):
            yield _row(what, "n = {}, agreement {:g}", _agreement, (n, truth, which), runs)


def _agreement(rng: Rng, n: int, truth: float, which: int) -> bool:
    a = rng.random(n) < 0.5
    b = np.where(rng.random(n) < truth, a, ~a)
    found = agreement_and_kappa(a, b, np.arange(n))[which]
    return _holds(found, (truth, 2 * truth - 1)[which])


def _corrections(runs: int) -> Iterable[Row]:
    settings = ((20, 500, 0.8, 0.5), (200, 1000, 0.8, 0.5), (20, 500, 0.8, 0.9),
                (50, 500, 0.9, 0.9), (20, 100, 0.9, 0.95), (100, 500, 0.9, 0.97),
                (50, 1000, 0.95, 0.98))  # fmt: skip
    for setting in settings:
        text = "{} labels of {} pairs, judge {:g}, rate {:g}"
        yield _row("corrected rate", text, _correction, setting, runs)


def _correction(rng: Rng, labels: int, pairs: int, accuracy: float, truth: float) -> bool:
    y = (rng.random(pairs) < truth).astype(float)
    f = np.where(rng.random(pairs) < accuracy, y, 1 - y)
    y[labels:] = np.nan
    return _holds(corrected(f, y, np.arange(pairs)), truth)


def _shifts(runs: int) -> Iterable[Row]:
    settings = ((50, 1.0, 0.05, 0.0), (100, 1.0, 0.05, 0.0), (200, 1.0, 0.05, 0.0),
                (400, 1.0, 0.05, 0.0), (200, 0.5, 0.1, 0.0), (400, 1.0, 0.15, 0.1))  # fmt: skip
    for setting in settings:
        text = "n = {}, flips of {:g}: {:g} up, {:g} down"
        how = "called equivalent", EQUIVALENT
        yield _row("shift of the margin", text, _shift, setting, runs, *how)


def _shift(rng: Rng, n: int, step: float, up: float, down: float) -> bool:
    value = rng.choice([step, -step, 0.0], n, p=[up, down, 1 - up - down])
    found = shift(value, np.arange(n))
    return bool(found["high_90"] < 0.05 and found["low_90"] > -0.05)


def _calibrations(runs: int) -> Iterable[Row]:
    for n, spread, size in ((50, 1, 1), (100, 1, 1), (100, 3, 1), (100, 1, 5)):
        text = f"n = {n}, margins of sd {spread}, {n // size} clusters"
        how = "called miscalibrated", MISCALIBRATED
        yield _row("calibrated model", text, _calibration, (n, spread, size), runs, *how)


def _calibration(rng: Rng, n: int, spread: float, size: int) -> bool:
    margin, code = rng.normal(size=n) * spread, np.arange(n) // size
    # pairs of one cluster share half of their luck
    luck = np.where(rng.random(n) < 0.7 * (size > 1), rng.random(n)[code], rng.random(n))
    y = (luck < expit(np.abs(margin))) == (margin >= 0)
    found = Bins(expit(margin), y.astype(float), code, 10).rows(0.95, 200, 0)[0]
    return bool(found["conf_low"] > POOR and found["p_value"] < SURE)


if __name__ == "__main__":
    import sys

    for row in rows("--quick" in sys.argv):
        print(
            f"{row['what']}; {row['setting']}: {row['measure']} {row['value']:.1f} "
            f"[{row['low']:.1f}, {row['high']:.1f}] %, {row['bound']}, {row['runs']:,} runs"
        )
