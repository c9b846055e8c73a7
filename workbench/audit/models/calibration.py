"""Calibration of preference probabilities: whether 80 % means four out of five."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from workbench.audit.models.calibration_bins import Bins
from workbench.clustered import Array
from workbench.data.split import folds as fold_numbers
from workbench.errors import DataError, refuse_out_of_range
from workbench.finding import Finding, Rule, finding
from workbench.intervals import MID_P
from workbench.provenance import Provenance
from workbench.results import TIDY, Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

_METHOD = (
    "uniform bins, both orderings of each pair; binned errors: basic cluster bootstrap, p-value "
    f"against outcomes drawn from the probabilities themselves; Brier: {MID_P}; log-loss: t, on "
    "the log scale"
)
_SEARCH = (-6.0, 8.0)
"""Of the logarithm of the temperature."""

_AT_END = 0.01
COLUMNS = (*TIDY, "expected", "n_clusters", "method", "reason")


RULES = {
    "miscalibrated": Rule(
        "expected calibration error of the raw probabilities",
        "interval above 0.05, p < .01 against outcomes drawn from the probabilities",
        "Divide margins by the fitted temperature before they are read as probabilities.",
    )
}
"""What calibration may show, by ``rule_id``."""

SURE = 0.01
"""Tail of the calibrated model's errors that is worth one."""

POOR = 0.05
"""Expected calibration error that is worth a warning."""


@dataclass(frozen=True, eq=False)
class Calibration(Result):
    """Calibration errors, the reliability curve, and recalibration on held-out prompts.

    Attributes
    ----------
    estimates : DataFrame
        One row a measure, raw and recalibrated; see :meth:`to_frame`.
    curve : DataFrame
        One row a bin: ``bin, predicted, estimate`` (share preferred), its interval, ``n``.
    groups : DataFrame
        ECE and Brier score of every group, raw; empty without groups.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Calibration"
    about: ClassVar[str] = (
        "How far predicted probabilities are from the shares that came true. Every pair counts in "
        "both orderings: with the chosen response first and the label always 1, a binned error "
        "would say nothing."
    )

    estimates: pd.DataFrame
    curve: pd.DataFrame
    groups: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return ``term`` (ECE, ACE, MCE, Brier, log-loss; of raw, temperature, isotonic).

        ``expected`` is the mean of a binned error when the probabilities are right, from
        outcomes drawn from them, and ``p_value`` how often it is as large as was found.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the measures, the reliability curve and the groups."""
        return {"calibration": self.estimates, "reliability": self.curve, "groups": self.groups}

    def summary(self) -> str:
        """Return the measures as text."""
        heat = temperature_text(self.settings["temperature"])
        lines = [f"Calibration, {self.settings['bins']} bins, {self.settings['level']:.0%} "
                 f"intervals; temperature {heat}"]  # fmt: skip
        lines += [
            f"  {row['term']}: {row['estimate']:.4f}{_ends(row)}{_beside(row)}, n = {row['n']:,.0f}"
            for row in self.estimates.to_dict("records")
        ]
        lines += [
            f"  {row['group']}: {row['term']} {row['estimate']:.4f}{_ends(row)}, "
            f"n = {row['n']:,.0f}"
            for row in self.groups.to_dict("records")
        ]
        return "\n".join([*lines, f"method: {_METHOD}"])

    def with_groups(self, more: pd.DataFrame) -> Calibration:
        """Return the same with further groups."""
        return replace(self, groups=pd.concat([self.groups, more], ignore_index=True))

    def findings(self) -> list[Finding]:
        """Return probabilities that are far from what comes true."""
        row = self.estimates.set_index("term").loc["ECE, raw"]
        if not (row["conf_low"] > POOR and row["p_value"] < SURE):
            return []
        text = f"Probabilities are off by {row['estimate']:.3f} on average"
        text += f"; a temperature of {temperature_text(self.settings['temperature'])} fits best"
        numbers = (float(row["estimate"]), float(row["conf_low"]), float(row["conf_high"]))
        return [finding(RULES, "miscalibrated", "warning", text, int(row["n"]), numbers)]

    def plot(self) -> go.Figure:
        """Return the reliability curve."""
        from workbench.plots.curve import curve

        figure = curve(
            self.curve, x="predicted", x_title="predicted P(preferred)", y_title="share preferred"
        )
        return figure.add_shape(type="line", x0=0, y0=0, x1=1, y1=1, line={"dash": "dot"})


@on_one_thread
def calibration(
    margin: Array,
    preferred: Array,
    cluster: Array,
    group: Array | None = None,
    *,
    bins: int = 10,
    folds: int = 5,
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
) -> Calibration:
    r"""Measure how far :math:`\sigma(\text{margin})` is from what people prefer.

    Parameters
    ----------
    margin : ndarray, shape (n,)
        Reward of A minus that of B, or the scaled margin of an implicit reward.
    preferred : ndarray, shape (n,)
        1 where A is preferred, 0 where B, shares where several voted.
    cluster : ndarray of str, shape (n,)
    group : ndarray of str, shape (n,), optional
        Scenario, or group of annotators, whose calibration is told apart.
    bins : int
    folds : int
        Folds by cluster in which temperature and isotonic regression are fitted.
    level : float
    replicates : int
    seed : int

    Returns
    -------
    Calibration

    Raises
    ------
    DataError
        Shapes that differ, or values that are not finite.

    Notes
    -----
    ECE: mean over bins, weighted by their pairs, of ``|mean p - mean y|``; ACE: its unweighted
    mean over bins that hold a pair; MCE: its largest. Temperature divides the margin; it and
    the isotonic regression are fitted on other prompts than they are measured on. Errors of
    binned estimates are biased upwards: what the same pairs show by chance when the
    probabilities are right stands beside them (``expected``), and the interval reaches 0
    unless the error is larger than that. The basic bootstrap mirrors the bias.

    Examples
    --------
    >>> found = calibration(np.zeros(40), np.tile([1.0, 0.0], 20), np.arange(40).astype(str))
    >>> found.to_frame().set_index("term").loc["ECE, raw", "estimate"]
    np.float64(0.0)
    """
    margin, preferred = np.asarray(margin, float), np.asarray(preferred, float)
    refuse_out_of_range(
        {
            "bins": (bins >= 1, bins, "1 or more"),
            "folds": (folds >= 2, folds, "2 or more"),
            "replicates": (replicates >= 20, replicates, "at least 20"),
            "level": (0 < level < 1, level, "between 0 and 1"),
        }
    )
    fine = np.isfinite(margin).all() and ((preferred >= 0) & (preferred <= 1)).all()
    if len({len(margin), len(preferred), len(cluster)}) > 1 or not fine or not len(margin):
        raise DataError(
            "The probabilities cannot be held against preferences.",
            found=f"{len(margin):,} margins, {len(preferred):,} preferences",
            expected="as many finite margins as preferences in [0, 1]",
            fix="Leave pairs without a margin or a label out.",
        )
    code = pd.factorize(np.asarray(cluster))[0]
    fold = fold_numbers(np.asarray(cluster).astype(str), folds, seed)
    ways = {
        "raw": margin,
        "temperature": _held_out(margin, preferred, fold, _by_temperature),
        "isotonic": _held_out(margin, preferred, fold, _by_isotonic),
    }
    rows = []
    for name, values in ways.items():
        for row in Bins(expit(values), preferred, code, bins).rows(level, replicates, seed):
            rows.append({**row, "term": f"{row['term']}, {name}"})
    groups = calibration_by(
        margin, preferred, np.asarray(cluster), np.asarray([] if group is None else group),
        bins=bins, level=level, replicates=replicates, seed=seed,
    )  # fmt: skip
    settings = {"bins": bins, "folds": folds, "level": level, "replicates": replicates,
                "seed": seed, "temperature": temperature(margin, preferred)}  # fmt: skip
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS)).assign(method=_METHOD)
    curve = Bins(expit(margin), preferred, code, bins).curve(level)
    return Calibration(table, curve, groups, settings, Provenance.capture(seed=seed))


@on_one_thread
def calibration_by(
    margin: Array,
    preferred: Array,
    cluster: Array,
    group: Array,
    *,
    bins: int = 10,
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """Return the calibration error and the Brier score of every group, raw.

    Parameters
    ----------
    margin, preferred : ndarray, shape (n,)
        See :func:`calibration`; one row a label where groups are of annotators.
    cluster, group : ndarray of str, shape (n,)
    bins : int
    level : float
    replicates : int
    seed : int

    Examples
    --------
    >>> kinds = np.repeat(["human", "llm"], 20)
    >>> found = calibration_by(np.zeros(40), np.tile([1.0, 0], 20), np.arange(40), kinds)
    >>> found["group"].tolist()
    ['human', 'human', 'llm', 'llm']
    """
    names = np.asarray(group, dtype=object)
    rows = []
    for name in sorted(pd.Series(names).dropna().unique()):
        mine = names == name
        code = pd.factorize(np.asarray(cluster)[mine])[0]
        own = Bins(expit(margin[mine]), preferred[mine], code, bins)
        rows += [{"group": str(name), **row} for row in own.rows(level, replicates, seed)
                 if row["term"] in ("ECE", "Brier")]  # fmt: skip
    return pd.DataFrame(rows).reindex(columns=["group", *COLUMNS]).assign(method=_METHOD)


def temperature(margin: Array, preferred: Array) -> float:
    """Return the temperature that the margin is to be divided by, by likelihood.

    Parameters
    ----------
    margin : ndarray, shape (n,)
    preferred : ndarray, shape (n,)

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> m = rng.normal(size=4000) * 3
    >>> y = (rng.random(4000) < 1 / (1 + np.exp(-m / 2))).astype(float)
    >>> bool(1.7 < temperature(m, y) < 2.3)
    True
    """

    def loss(log_t: float) -> float:
        scaled = margin * np.exp(-log_t)
        return float(np.mean(np.logaddexp(0, scaled) - preferred * scaled))

    return float(np.exp(minimize_scalar(loss, bounds=_SEARCH, method="bounded").x))


def temperature_text(value: float) -> str:
    """Return a temperature as text, which says where it is only the end of the search.

    Parameters
    ----------
    value : float

    Examples
    --------
    >>> temperature_text(1.5)
    '1.5'
    >>> temperature_text(temperature(np.ones(2), np.array([1.0, 0.0])))
    '2.98e+03 (the end of the search: the margins tell nothing of the labels)'
    """
    low, high = (abs(np.log(value) - end) < _AT_END for end in _SEARCH)
    if not (low or high):
        return f"{value:.3g}"
    why = "the margins tell nothing of the labels" if high else "no margin has the wrong sign"
    return f"{value:.3g} (the end of the search: {why})"


def _by_temperature(margin: Array, preferred: Array) -> Callable[[Array], Array]:
    scale = temperature(margin, preferred)
    return lambda new: new / scale


def _by_isotonic(margin: Array, preferred: Array) -> Callable[[Array], Array]:
    from sklearn.isotonic import IsotonicRegression

    # both orderings: P(A) and P(B) have to add up to one
    both = np.concatenate([margin, -margin]), np.concatenate([preferred, 1 - preferred])
    fit = IsotonicRegression(out_of_bounds="clip").fit(*both)

    def apply(new: Array) -> Array:
        p = (fit.predict(new) + 1 - fit.predict(-new)) / 2
        return np.asarray(logit(np.clip(p, 1e-6, 1 - 1e-6)))

    return apply


def _held_out(
    margin: Array, preferred: Array, fold: Any, fit: Callable[..., Callable[[Array], Array]]
) -> Array:
    found = np.empty(len(margin))
    for f in np.unique(fold):
        inside = fold == f
        found[inside] = fit(margin[~inside], preferred[~inside])(margin[inside])
    return found


def _ends(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["conf_low"]):
        return f" ({row['reason']})"
    return f" [{row['conf_low']:.4f}, {row['conf_high']:.4f}]"


def _beside(row: Mapping[Any, Any]) -> str:
    if pd.isna(row["p_value"]):
        return ""
    return f", calibrated {row['expected']:.4f}, p = {row['p_value']:.3g}"
