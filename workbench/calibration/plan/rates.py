"""How errors of shares fall with labels: win rates, with a judge's help, and agreement."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm

from workbench.audit.judges.verdicts.agreement import same_side
from workbench.audit.judges.verdicts.preferences import (
    annotator_preference,
    mean_preferences,
    reference_mask,
)  # fmt: skip
from workbench.calibration.plan.law import Law, few_clusters
from workbench.clustered import Array, Codes, cluster_error, share
from workbench.data.dataset import PreferenceData
from workbench.intervals import correlation_ends

UNIT = "share"
_SHARE = (
    "p (1 - p) x design effect of the clusters, as many labels a pair as there are; range: p at "
    "the ends of its interval, degrees of freedom of the clusters"
)
_HELPED = (
    "the same x (1 - rho^2) of people with the judge (PPI++), plus the error of the judge's mean; "
    "as with people alone past the pairs that the judge decided; range: ends of p and rho"
)


def rate_laws(
    data: PreferenceData, judge: str | None, reference: str, width: float, level: float
) -> list[Law]:
    """Return the law of each model's win rate: by people alone, and helped by a judge."""
    data = data.decided()
    people = mean_preferences(data, reference_mask(data, reference))
    y, each = people["preference"].to_numpy(), people["n"].to_numpy("float64")
    f = annotator_preference(data, judge).to_numpy() if judge else np.full(len(y), np.nan)
    pairs = data.pairs
    cluster = np.asarray(pd.factorize(pairs["cluster"])[0], dtype=np.int64)
    laws = []
    for model in sorted({*pairs["model_a"].dropna(), *pairs["model_b"].dropna()}):
        a = pairs["model_a"].eq(model).to_numpy(dtype=bool)
        b = pairs["model_b"].eq(model).to_numpy(dtype=bool)
        mine = (a ^ b) & (np.isfinite(y) | np.isfinite(f))
        said, judged = np.where(a, y, 1 - y)[mine], np.where(a, f, 1 - f)[mine]
        known = np.isfinite(said)
        if not known.any():
            continue
        alone = share_law("win rate", str(model), said[known], cluster[mine][known], width, level)
        both = known & np.isfinite(judged)
        laws.append(_in_labels(alone, each[mine][known]))
        if judge:
            law = helped(alone, judge, said, judged, cluster[mine], level)
            laws.append(_in_labels(law, each[mine][both]))
    return laws


def agreement_law(
    data: PreferenceData, judge: str, reference: str, width: float, level: float
) -> list[Law]:
    """Return the law of how often a judge says what people say."""
    data = data.decided()
    f = annotator_preference(data, judge).to_numpy()
    people = mean_preferences(data, reference_mask(data, reference))
    y, each = people["preference"].to_numpy(), people["n"].to_numpy("float64")
    both = np.isfinite(f) & np.isfinite(y)
    if not both.any():
        return []
    cluster = np.asarray(pd.factorize(data.pairs["cluster"])[0], dtype=np.int64)[both]
    same = same_side(f, y)[both]
    law = share_law("agreement", f"agreement with {judge}", same, cluster, width, level)
    return [_in_labels(law, each[both])]


def _in_labels(law: Law, each: Array) -> Law:
    """Return the law of labels in place of that of pairs: as many labels a pair as there are."""
    m = float(each.mean()) if len(each) else 1.0
    return replace(
        law, n=law.n * m, variance=law.variance * m, low=law.low * m, high=law.high * m,
        total=law.total * m, least=law.least * m, alone=law.alone and _in_labels(law.alone, each),
    )  # fmt: skip


def share_law(
    goal: str, term: str, values: Array, cluster: Codes, width: float, level: float
) -> Law:
    r"""Return the law of a mean of values in [0, 1], which a few equal labels do not settle.

    The variance of a label is :math:`d\,\tilde p (1 - \tilde p)` with one label more, half of it
    each way, and the design effect :math:`d` that clusters and ties leave. Fewer labels than make
    the exact interval of as many equal ones so narrow are never promised.

    Examples
    --------
    >>> law = share_law("agreement", "x", np.repeat([1.0, 0.0], 50), np.arange(100), 0.05, 0.95)
    >>> round(law.variance, 2), round(law.high, 2)
    (0.25, 0.25)
    """
    n, found = len(values), share(values, cluster, level)
    mean, error = float(found["estimate"]), float(found["std_error"])
    # of n equal labels Clopper and Pearson's interval is 1 - (alpha / 2)^(1 / n) wide
    equal = float(np.log((1 - level) / 2) / np.log(1 - 2 * width))
    shared: dict[str, Any] = {"goal": goal, "term": term, "unit": UNIT, "wanted": width,
                              "n": float(n), "least": max(equal, 2.0), "tested": False,
                              "method": _SHARE}  # fmt: skip
    if np.isnan(found["conf_low"]) or n < 2:
        return Law(reason=found["reason"] or "fewer than two labels of people", **shared)
    g = found["n_clusters"]
    few = few_clusters(int(g), n)
    if few:
        return Law(reason=few, **shared)
    spread = mean * (1 - mean)
    deff = n * error**2 / spread if spread > 0 and error > 0 else 1.0
    if g < n and spread > 0:
        # clusters that are alike by luck do not make labels worth more than alone
        deff = max(deff, float(values.var(ddof=1)) / spread)
    shrunk = (n * mean + 0.5) / (n + 1)
    low, high = found["conf_low"], found["conf_high"]
    most = 0.25 if low <= 0.5 <= high else max(low * (1 - low), high * (1 - high))
    least = min(low * (1 - low), high * (1 - high))
    at = max(shrunk * (1 - shrunk), least)
    # labels that stand alone vary as p says; how clusters do is known from their number
    unsure = float(norm.ppf(0.5 + level / 2)) * (2 / (g - 1)) ** 0.5 if g < n else 0.0
    return Law(
        variance=deff * at, low=deff * least * float(np.exp(-unsure)),
        high=deff * max(most, at) * float(np.exp(unsure)), deff=deff, **shared,
    )  # fmt: skip


def helped(alone: Law, judge: str, said: Array, judged: Array, cluster: Codes, level: float) -> Law:
    r"""Return the law of a win rate that a judge's verdicts on all pairs help.

    .. math:: \frac{v (1 - \rho^2)}{n} + \frac{v \rho^2}{N}

    with the correlation :math:`\rho` of people and judge and the N pairs that the judge decided;
    :math:`v / n` with more labels than that, which are of other pairs.

    Examples
    --------
    >>> y = np.tile([1.0, 1, 0, 0], 50)
    >>> law = share_law("win rate", "m", y, np.arange(200), 0.05, 0.95)
    >>> better = helped(law, "judge", y, np.roll(y, 1), np.arange(200), 0.95)
    >>> better.group, bool(better.low <= better.variance <= better.high)
    ('judge', True)
    """
    both = np.isfinite(said) & np.isfinite(judged)
    total = int(np.isfinite(judged).sum())
    told: dict[str, Any] = {
        "goal": alone.goal, "term": alone.term, "group": judge, "unit": alone.unit,
        "wanted": alone.wanted, "n": float(both.sum()), "least": alone.least, "tested": False,
        "method": _HELPED,
    }  # fmt: skip
    if alone.reason:
        return Law(reason=alone.reason, **told)
    y, f = said[both], judged[both]
    varies = both.sum() > 2 and np.ptp(f) > 0 and np.ptp(y) > 0
    rho = float(np.corrcoef(y, f)[0, 1]) if varies else 0.0
    if not varies:
        why = "people and judge do not both vary on common pairs: no help"
        return Law(reason=why, **told)
    low, high = _ends(y, f, rho, cluster[both], level)
    nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    farthest = max(abs(low), abs(high))
    v = alone.variance
    return Law(
        variance=v * (1 - rho**2), low=alone.low * (1 - farthest**2),
        high=alone.high * (1 - nearest**2), floor=v * rho**2 / total, total=float(total),
        alone=alone, deff=alone.deff, **told,
    )  # fmt: skip


def _ends(y: Array, f: Array, rho: float, cluster: Codes, level: float) -> tuple[float, float]:
    """Return the ends of a correlation over clusters; (0, 1) where its error is not known."""
    if abs(rho) > 1 - 1e-9:
        return 0.0, rho
    u, v = (y - y.mean()) / y.std(), (f - f.mean()) / f.std()
    pull = (u * v - rho * (u**2 + v**2) / 2) / len(y)
    error = cluster_error(pull, np.unique(cluster, return_inverse=True)[1])
    if not error > 0:
        return (0.0, rho) if rho > 0 else (rho, 0.0)
    low, high, _ = correlation_ends(rho, error, float(len(np.unique(cluster))), level)
    return low, high
