"""Weights per scenario under partial pooling, and where scenarios differ."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.compare.scenario_fits import APART, METHOD, ScenarioFits
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import (
    check_options,
    decompose,
)
from workbench.decompose.design import Ties, select_annotators
from workbench.errors import DesignError
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class ScenarioPool(Result):
    """Weights of each annotator in each scenario, pooled, unpooled and complete.

    Attributes
    ----------
    estimates : DataFrame
        One row an annotator, scenario and term; see :meth:`to_frame`.
    tau : DataFrame
        Per annotator and term: ``mu`` with its interval, ``tau``, and Cochran's Q test that
        all scenarios weigh the term alike, with ``df``, ``p_value``, ``q_value``.
    differences, pairwise : DataFrame
        Unpooled weight of a scenario minus the mean of the others, or minus another one.
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
    pairwise: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

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
            "pairwise": self.pairwise,
            "exclusions": self.exclusions,
        }

    def summary(self) -> str:
        """Return mu and tau of each term, and the differences with q < 0.05, as text."""
        lines = [f"Scenarios ({100 * self.settings['level']:g}% interval)"]
        for name, table in self.tau.groupby("annotator", sort=False):
            own = self.estimates[self.estimates["annotator"] == name]
            n = own.drop_duplicates("scenario")["n"].sum()
            lines.append(f"\n{name}: n = {n:,} in {own['scenario'].nunique()} scenarios")
            for r in table.itertuples():
                lines.append(
                    f"  {r.term:<24} mu {r.estimate:+.3f} [{r.conf_low:+.3f}, {r.conf_high:+.3f}]"
                    f"  tau {r.tau:.3f}  heterogeneity q = {r.q_value:.3g}"
                    + (f"  ({r.reason})" if isinstance(r.reason, str) else "")
                )
        found = self.differences[self.differences["q_value"] < 0.05]
        lines.append(f"\n{len(found)} differences from the other scenarios with q < 0.05")
        lines += [
            f"  {r.annotator}, {r.scenario}, {r.term}: {r.estimate:+.3f} "
            f"[{r.conf_low:+.3f}, {r.conf_high:+.3f}]  q = {r.q_value:.3g}, n = {r.n:,}"
            for r in found.itertuples()
        ]
        lines += [f"note: {text}" for text in self.settings["notes"]]
        lines.append(f"method: {METHOD}; differences: {APART}; q: Benjamini-Hochberg")
        return "\n".join(lines)

    def plot(self) -> go.Figure:
        """Return pooled and unpooled weights per scenario, a row each term and scenario."""
        from workbench.plots.forest import forest

        table = self.estimates
        row = table["annotator"] + ", " + table["term"] + ": " + table["scenario"]
        pooled = table.assign(term=row, group="pooled")
        columns = {f"unpooled_{c}": c for c in ("estimate", "conf_low", "conf_high")}
        raw = pooled.drop(columns=[*columns.values(), "q_value", "method"]).rename(columns=columns)
        return forest(pd.concat([pooled, raw.assign(group="unpooled")], ignore_index=True))


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
        Recorded; nothing here is random.

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
    Differences and heterogeneity are tested on the unpooled, cluster-robust fits, with a
    joint covariance where a cluster lies in several scenarios.

    References
    ----------
    Morris (1983), *Parametric empirical Bayes inference*; Cochran (1954) for Q; Weesie (1999)
    for the joint covariance.

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
    options: dict[str, Any] = {"factors": factors, "ties": ties, "folds": 0, "level": level}
    apart = decompose(data, by=[*by, scenario], **options)
    whole = decompose(data, by=by, **options)
    owner = apart.design.keys[by[0]].to_numpy()
    parts = [
        ScenarioFits(str(name), apart, whole, np.flatnonzero(owner == name), scenario)
        for name in whole.groups
        if (owner == name).sum() >= 2
    ]
    if not parts:
        raise DesignError(
            "No annotator has labels in two scenarios.",
            found=", ".join(apart.groups),
            expected=f"at least two values of {scenario!r}",
            fix="Name another column in scenario=.",
        )
    lone = [name for name in whole.groups if (owner == name).sum() < 2]
    notes = [f"{name}: only one scenario, left out" for name in lone]
    notes += [part.overlap for part in parts if part.overlap]
    notes += [f"{p.name}: tau did not converge" for p in parts if not p.pooled.converged]
    settings = {
        "by": by,
        "scenario": scenario,
        "factors": apart.terms[:-1],
        "ties": ties,
        "level": level,
        "likelihood_power": {part.name: round(part.power, 6) for part in parts},
        "notes": notes,
    }

    def join(name: str) -> pd.DataFrame:
        return pd.concat([getattr(part, name)(level) for part in parts], ignore_index=True)

    return ScenarioPool(
        estimates=join("estimates"),
        tau=join("tau"),
        differences=join("differences"),
        pairwise=join("pairwise"),
        exclusions=apart.exclusions,
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )
