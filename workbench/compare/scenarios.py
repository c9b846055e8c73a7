"""Weights per scenario under partial pooling, and where scenarios differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.compare.heterogeneity import FLIPS
from workbench.compare.scenario_fits import APART, LABELS_A_TERM, METHOD, TEST, ScenarioFits
from workbench.compare.turned import Draws
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import check_options, decompose
from workbench.decompose.design import build_design
from workbench.decompose.labelled import Ties
from workbench.decompose.parted.selection import select_annotators
from workbench.errors import DesignError
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go


_PANELS = 4
"""Terms that are drawn in any case, where scenarios differ in few."""


@dataclass(frozen=True, eq=False)
class ScenarioPool(Result):
    """Weights of each annotator in each scenario, pooled, unpooled and complete.

    Attributes
    ----------
    estimates : DataFrame
        One row an annotator, scenario and term; see :meth:`to_frame`.
    tau : DataFrame
        Per annotator and term: ``mu`` with its interval; ``tau`` with ``tau_low`` and
        ``tau_high`` (0 where scenarios differ no more than chance would have it) and
        ``tau_pooled``, which the pooled weights use; the score test that all scenarios weigh
        the term alike, ``p_value`` and ``q_value``; over how many scenarios, clusters and labels;
        Cochran's Q beside it where every scenario is large enough.
    differences : DataFrame
        Unpooled weight of a scenario minus the mean of the others.
    exclusions : DataFrame
        Labels left out: ``group, reason, n``.
    settings : dict
    provenance : Provenance
    """

    heading = "Scenarios"
    about = (
        "Weights per scenario, where small scenarios borrow strength from the others, and "
        "tests of where scenarios differ."
    )

    estimates: pd.DataFrame
    tau: pd.DataFrame
    differences: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance
    fits: tuple[ScenarioFits, ...] = field(default=(), repr=False)

    @cached_property
    def pairwise(self) -> pd.DataFrame:
        """Unpooled weight of each scenario minus each other one; made when it is asked for."""
        return _joined([part.contrasts(pairs=True) for part in self.fits])

    def to_frame(self) -> pd.DataFrame:
        """Return one row an annotator, scenario and term.

        The tidy columns hold the pooled weight; ``unpooled_estimate`` and ``complete_estimate``
        (one fit for all scenarios) follow, each with ``_low`` and ``_high``; ``shrinkage``
        (0: left alone, 1: all the mean), ``n_clusters``, ``method`` and ``reason`` (why there
        is no unpooled weight, or no weight at all).
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return estimates, tau, differences and exclusions."""
        return {
            "estimates": self.estimates,
            "tau": self.tau,
            "differences": self.differences,
            "exclusions": self.exclusions,
        }

    def summary(self) -> str:
        """Return mu and tau of each term, and the differences with q < 0.05, as text."""
        lines = [f"Scenarios ({100 * self.settings['level']:g}% interval)"]
        for name, table in self.tau.groupby("annotator", sort=False):
            own = self.estimates[self.estimates["annotator"] == name]
            n = own.drop_duplicates("scenario")["n"].sum()
            lines.append(f"\n{name}: n = {n:,} in {own['scenario'].nunique()} scenarios")
            lines += [_text_row(row) for row in table.itertuples()]
        found = self.differences[self.differences["q_value"] < 0.05]
        lines.append(f"\n{len(found)} differences from the other scenarios with q < 0.05")
        lines += [
            f"  {r.annotator}, {r.scenario}, {r.term}: {r.estimate:+.3f} "
            f"[{r.conf_low:+.3f}, {r.conf_high:+.3f}]  q = {r.q_value:.3g}, n = {r.n:,}"
            for r in found.itertuples()
        ]
        lines += [f"note: {text}" for text in self.settings["notes"]]
        lines.append(f"method: {METHOD}; {TEST}; differences: {APART}; q: Benjamini-Hochberg")
        return "\n".join(lines)

    def plot(self) -> go.Figure:
        """Return the pooled weights per scenario, a panel each term.

        The terms whose weights vary most between scenarios come first.
        """
        from workbench.plots.panels import panels
        from workbench.plots.ranking import clear_first

        order = clear_first(self._spread())
        return panels(
            self._pooled(),
            [*order.clear, *order.rest][: max(len(order.clear), _PANELS)],
            row="scenario",
            x_title="pooled weight (log-odds per unit)",
        )

    def figures(self) -> dict[str, go.Figure]:
        """Return the weights per scenario, and how far they vary between scenarios."""
        from workbench.plots.forest import forest
        from workbench.plots.ranking import clear_first

        spread = self._spread()
        return {
            "Weights per scenario, those that vary most first": self.plot(),
            "How far weights vary between scenarios": forest(
                spread, x_title="tau (SD of the weight over scenarios)", ranking=clear_first(spread)
            ),
        }

    def in_scenario(self, scenario: str) -> go.Figure:
        """Return a forest plot of the pooled weights in one scenario.

        Parameters
        ----------
        scenario : str
        """
        from workbench.plots.forest import forest
        from workbench.plots.ranking import clear_first

        pooled = self._pooled()
        own = pooled[pooled["scenario"] == scenario]
        return forest(own, x_title="pooled weight (log-odds per unit)", ranking=clear_first(own))

    def _pooled(self) -> pd.DataFrame:
        return self.estimates.rename(columns={"annotator": "group"})

    def _spread(self) -> pd.DataFrame:
        """Return the standard deviation of each weight over scenarios as a table to draw."""
        ends = {"estimate": "tau", "conf_low": "tau_low", "conf_high": "tau_high"}
        table = self.tau.rename(columns={"annotator": "group"})
        return table.assign(**{column: table[name] for column, name in ends.items()})


@on_one_thread
def pool_scenarios(
    data: PreferenceData,
    *,
    annotator: str | Iterable[str] | None = None,
    scenario: str = "scenario",
    factors: Sequence[str] | None = None,
    ties: Ties = "half",
    level: float = 0.95,
    seed: int = 0,
) -> ScenarioPool:
    r"""Fit each scenario's weights, each borrowing strength from the others.

    .. math:: b_s \sim N(\mu, \mathrm{diag}(\tau^2))

    with :math:`\mu` and :math:`\tau` estimated from the data, on the logistic likelihood.

    Parameters
    ----------
    data : PreferenceData
        With factors.
    annotator : str or iterable of str, optional
        Each of these annotators by itself; all when None. A kind (``"human"``) pools them.
    scenario : str
        Column of pairs (or labels) that names the subset.
    factors : sequence of str, optional
    ties : {"half", "drop"}
    level : float
    seed : int
        Of the signs that the test turns at random.

    Returns
    -------
    ScenarioPool

    Raises
    ------
    DesignError
        Nothing to fit, or no annotator with labels in two scenarios.

    Notes
    -----
    Labels of one cluster repeat each other: the likelihood is raised to the power
    :math:`K / \mathrm{tr}(H V)` (1 at the most), with the cluster-robust covariance V and
    Hessian H of the complete-pooling fit (the adjustment of Rotnitzky and Jewell 1990).
    Intervals of pooled weights take ``tau`` as known, so with few scenarios they are narrow.
    Whether scenarios differ is told by a score test at the fit of all scenarios, which needs no
    fit of any of them (:func:`workbench.compare.heterogeneity.heterogeneity`), so that it holds
    with a few labels each; inverted, it gives the interval of ``tau``. With about 40 labels each,
    a ``tau`` of 0.8 and more comes out up to a tenth too small.
    Unpooled weights and their differences are of scenarios with at least 10 labels a term, by
    cluster-robust fits, with a joint covariance where a cluster lies in several scenarios;
    Cochran's Q is given where each of them has 40 clusters too.

    References
    ----------
    Morris (1983), *Parametric empirical Bayes inference*; Lin (1997), *Variance component
    testing in generalised linear models*; Kline and Santos (2012) for the random signs; Cochran
    (1954) for Q; Weesie (1999) for the joint covariance.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> found = pool_scenarios(data, annotator="human", factors=["words"])
    >>> found.tau["term"].tolist()
    ['words', 'position']
    """
    check_options("cluster", 0, level)
    data, by = select_annotators(data, annotator, ["annotator"])
    design = build_design(data, by=[*by, scenario], factors=factors, ties=ties)
    owner = design.keys[by[0]].to_numpy()
    options: dict[str, Any] = {"factors": factors, "ties": ties, "folds": 0, "level": level}
    whole = decompose(data, by=by, **options)
    names = [name for name in whole.groups if (owner == name).sum() >= 2]
    if not names:
        raise DesignError(
            "No annotator has labels in two scenarios.",
            found=", ".join(design.groups),
            expected=f"at least two values of {scenario!r}",
            fix="Name another column in scenario=.",
        )
    terms = int((design.X != 0).any(axis=0).sum())
    large = design.n_labels >= LABELS_A_TERM * terms
    draws = Draws(seed, FLIPS)
    parts = tuple(
        ScenarioFits(
            str(name), design, np.flatnonzero(owner == name), whole.fits[name], large, scenario,
            level, draws,
        )
        for name in names
    )  # fmt: skip
    lone = [name for name in whole.groups if name not in names]
    notes = [f"{name}: only one scenario, left out" for name in lone]
    notes += [note for part in parts for note in part.notes()]
    settings = {
        "by": by,
        "scenario": scenario,
        "factors": design.terms[:-1],
        "ties": ties,
        "level": level,
        "likelihood_power": {part.name: round(part.power, 6) for part in parts},
        "notes": notes,
    }
    return ScenarioPool(
        estimates=_joined([part.estimates() for part in parts]),
        tau=_joined([part.tau() for part in parts]),
        differences=_joined([part.contrasts(pairs=False) for part in parts]),
        exclusions=design.exclusions,
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
        fits=parts,
    )


def _joined(tables: list[pd.DataFrame]) -> pd.DataFrame:
    full = [table for table in tables if len(table)] or tables[:1]
    return pd.concat(full, ignore_index=True)


def _text_row(row: Any) -> str:
    name = f"  {row.term:<24}"
    if not np.isfinite(row.estimate):
        return f"{name} undefined: {row.reason}"
    text = f"{name} mu {row.estimate:+.3f} {ends_text(row.conf_low, row.conf_high, row.reason)}"
    if not np.isfinite(row.conf_low):
        return text
    if not np.isfinite(row.tau):
        return f"{text}  tau undefined: {row.reason}"
    high = f"{row.tau_high:.3f}" if np.isfinite(row.tau_high) else "no upper end"
    text += f"  tau {row.tau:.3f} [{row.tau_low:.3f}, {high}]  heterogeneity q = {row.q_value:.3g}"
    return f"{text}  ({row.reason})" if isinstance(row.reason, str) else text
