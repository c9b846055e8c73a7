"""What the checks of a fit found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.decompose.checks.rules import findings, told_by_group
from workbench.decompose.checks.verdict import FITS, Q_LEVEL
from workbench.finding import Finding
from workbench.provenance import Provenance
from workbench.results import TIDY, Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = ("group", *TIDY, "q_within", "kind", "factor", "other", "weight", "beyond", "df",
           "gain", "n_clusters", "method", "reason")  # fmt: skip
CLEAREST = 20
"""Interactions of a group that stand in tables and texts; the others are in ``interactions``."""


@dataclass(frozen=True, eq=False)
class FitCheck(Result):
    """Whether the fits of a decomposition describe their labels.

    Attributes
    ----------
    tests : DataFrame
        One row a group and term that was added: link, calibration by bins, curvature of each
        factor, and the held-out calibration slope. Beside the tidy columns ``q_within`` (over
        the group; ``q_value`` is over all), ``kind``, ``factor`` with its ``weight`` in the
        fit and, of a bend, ``beyond`` the median difference, ``df``, ``gain`` (log-loss a
        label that the term would save on the labels of the fit), ``method``, ``reason``.
    interactions : DataFrame
        The same for every interaction that was scanned.
    reliability : DataFrame
        Held-out share of labels on the predicted side, by certainty.
    influence : DataFrame
        For each weight the cluster that moves it most, and the weight without it.
    verdicts : DataFrame
        One row a group.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Does this model describe the labels?"
    about: ClassVar[str] = (
        "Terms that the model leaves out are added one at a time: a link that bends, factors "
        "that count otherwise beyond their median difference or by any difference at all, "
        "weights that depend on another factor. Beside them: how certain predictions of "
        "held-out labels are and how often they come true, and what each weight owes to its "
        "most telling cluster. Where the model does not fit, a weight is an average over what "
        "it leaves out."
    )

    tests: pd.DataFrame
    interactions: pd.DataFrame
    reliability: pd.DataFrame
    influence: pd.DataFrame
    verdicts: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return the tests but those of interactions, one row a group and term."""
        return self.tests

    def clearest_interactions(self) -> pd.DataFrame:
        """Return at most 20 interactions a group, those with the smallest p-values."""
        order = self.interactions.sort_values("p_value", kind="stable")
        kept = order[order["p_value"].notna()].groupby("group", sort=False).head(CLEAREST)
        return self.interactions.loc[kept.sort_index().index].reset_index(drop=True)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return tests, the clearest interactions, reliability, influence and verdicts."""
        return {
            "estimates": self.tests,
            "verdicts": self.verdicts,
            "interactions": self.clearest_interactions(),
            "reliability": self.reliability,
            "influence": self.influence,
        }

    def findings(self) -> list[Finding]:
        """Return misfits, predictions that are too certain, and weights of one cluster."""
        return findings(self.tests, self.interactions, self.influence, self.verdicts)

    def summary(self) -> str:
        """Return each group's verdict and what speaks against its model, as text."""
        lines = [self.heading]
        told = list(_told(self))
        for row in self.verdicts.to_dict("records"):
            name = row["group"]
            lines.append(f"\n{name}: n = {row['n']:,.0f}, {verdict_text(row)}")
            own = self.tests[self.tests["group"] == name]
            lines += [_line(one) for one in own[own["factor"].isna()].to_dict("records")]
            lines += [f"  {_scanned(row)}"] if pd.notna(row["scanned"]) else []
            lines += [f"  {one.level}: {one.message}" for group, one in told if group == name]
        level = f"{self.settings['level']:.0%} intervals"
        by = " or ".join(self.settings["cluster"])
        return "\n".join([*lines, "", f"method: one-step tests of added terms, CR2 by {by}, "
                          f"{level}; q: Benjamini-Hochberg by kind of test"])  # fmt: skip

    def plot(self) -> go.Figure:
        """Return the reliability curves of the held-out predictions."""
        from workbench.plots.reliability import reliability

        frame = self.reliability
        if frame.empty:
            columns = {name: np.empty(0) for name in ("predicted", "estimate")}
            return reliability(pd.DataFrame(columns))
        return reliability(frame)

    def figures(self) -> dict[str, go.Figure]:
        """Return the reliability curves, and what factors count beyond a straight line."""
        from workbench.plots.forest import forest
        from workbench.plots.ranking import clear_first

        bends = self.tests[self.tests["kind"] == "bend"]
        shown = {"Reliability of the held-out predictions": self.plot()}
        # a factor that no group's labels tell a bend of would only take room
        told = bends[bends["factor"].isin(bends.loc[bends["estimate"].notna(), "factor"])]
        if len(told):
            told = told.assign(term=told["factor"])
            n, some = bends["factor"].nunique(), told["factor"].nunique()
            which = f"{some} of {n} factors (why no others: the table)" if some < n else "factors"
            title = "change of the weight beyond the median difference (log-odds per unit)"
            shown[f"Curvature of {which}"] = forest(told, x_title=title, ranking=clear_first(told))
        return shown


def fit_warnings(check: FitCheck) -> list[str]:
    """Return what stands beside the weights of a fit that does not describe its labels.

    Parameters
    ----------
    check : FitCheck

    Returns
    -------
    list of str
        Each begins with its group, as those of :attr:`Decomposition.warnings` do.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> fit = wb.decompose(data, annotator="human", factors=["words"], folds=0)
    >>> fit_warnings(wb.check_fit(fit, folds=0))
    []
    """
    return [f"{name}: {one.message}" for name, one in _told(check)]


def _told(check: FitCheck) -> Iterator[tuple[str, Finding]]:
    return told_by_group(check.tests, check.interactions, check.influence, check.verdicts)


def verdict_text(row: dict[Any, Any]) -> str:
    """Return a group's verdict with its test, as text.

    Parameters
    ----------
    row : dict
        Of :attr:`FitCheck.verdicts`.

    Examples
    --------
    >>> verdict_text({"verdict": "no misfit was found", "p_value": 0.4, "q_value": 0.4})
    'no misfit was found at q < 0.05 (q = 0.4, p = 0.4)'
    """
    if not np.isfinite(row["p_value"]):
        return f"{row['verdict']}: {row['reason']}"
    text = f"{row['verdict']} (q = {row['q_value']:.3g}, p = {row['p_value']:.3g})"
    if not row["q_value"] < Q_LEVEL:
        return text.replace(FITS, f"{FITS} at q < {Q_LEVEL:g}", 1)
    added, coin = row["added_gain"], row["coin_gain"]
    if not np.isfinite(added):
        return text
    return (
        f"{text}: {row['kinds']}; the term that adds most would save {added:.4f} of log-loss a "
        f"label, where the fit saves {coin:.4f} over a coin"
    )


def _line(row: dict[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"  {row['term']}: undefined: {row['reason']}"
    ends = f" [{row['conf_low']:+.3f}, {row['conf_high']:+.3f}]"
    text = f"{row['estimate']:.3f}{ends if pd.notna(row['conf_low']) else ''}"
    tested = f", p = {row['p_value']:.3g}, q = {row['q_value']:.3g}"
    return f"  {row['term']}: {text}{tested if pd.notna(row['p_value']) else ''}"


def _scanned(row: dict[Any, Any]) -> str:
    """Return how many interactions were scanned, never silently fewer than all.

    Examples
    --------
    >>> row = {"scanned": 2.0, "factors": 3.0, "interactions": 2, "undefined": 1}
    >>> _scanned(row)
    'interactions: 2 scanned, 1 of them undefined, among the 2 clearest of 3 factors'
    """
    among = f"all {row['factors']:.0f} factors"
    if row["scanned"] < row["factors"]:
        among = f"the {row['scanned']:.0f} clearest of {row['factors']:.0f} factors"
    lost = f", {row['undefined']:.0f} of them undefined" if row["undefined"] else ""
    return f"interactions: {row['interactions']:.0f} scanned{lost}, among {among}"
