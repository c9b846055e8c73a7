"""The verb that audits annotators from verdicts that are there: no call is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.audit.judges.statistics import Q_LEVEL
from workbench.audit.judges.verdicts.observed_rows import ORDERED, form_rows, forms, order_rows
from workbench.audit.judges.verdicts.preferences import (
    annotator_preference,
    mean_preferences,
    reference_mask,
)  # fmt: skip
from workbench.audit.measures import COLUMNS, share_row
from workbench.compare.contrast import Contrast, contrast
from workbench.data.columns import complete_labels, members
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import decompose
from workbench.decompose.errors.tidy import q_values
from workbench.errors import DesignError
from workbench.factors.catalog import STYLE
from workbench.factors.score import score_factors
from workbench.finding import Finding, Rule, finding
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

STYLES = ("characters", "bullets", "bold", "headers")
"""Text factors that stand for length and style."""

_POINTS = 0.025

RULES = {
    "slot-bias": Rule(
        "position fairness, or where one order only was asked the slot effect",
        f"q < {Q_LEVEL:g} (Benjamini-Hochberg) and more than {100 * _POINTS:g} points from 0",
        "Ask this judge in both orders and average.",
    ),
    "form-bias": Rule(
        "share of pairs in which this form is preferred, minus the reference's on the same pairs",
        f"q < {Q_LEVEL:g} (Benjamini-Hochberg) and more than {100 * _POINTS:g} points from 0",
        "Control for this form before ranking by this judge.",
    ),
}
"""What existing verdicts may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class Observed(Result):
    """What the verdicts of annotators tell of them.

    Attributes
    ----------
    estimates : DataFrame
        One row an annotator and measure; see :meth:`to_frame`.
    style : Contrast or None
        Weights of length and style, held against the reference's; None without text or
        without a reference.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Existing verdicts"
    about: ClassVar[str] = (
        "What verdicts that are there say of those who gave them: the pull of a place, of length "
        "and of lists, beside that of the reference on the same pairs. An association is no cause: "
        "the probes change one thing at a time."
    )

    estimates: pd.DataFrame
    style: Contrast | None
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return ``group``, the tidy columns, ``n_clusters, method, reason``."""
        return self.estimates

    def parts(self) -> list[Result]:
        """Return the weights of style beside it."""
        return [] if self.style is None else [self.style]

    def summary(self) -> str:
        """Return the measures of every annotator as text."""
        lines = [f"Existing verdicts, {self.settings['level']:.0%} intervals; reference: "
                 f"{self.settings['reference'] or 'none'}"]  # fmt: skip
        for annotator, table in self.estimates.groupby("group", sort=False):
            lines.append(f"\n{annotator}")
            lines += [_text(row) for row in table.to_dict("records")]
        # what stands behind the kind of interval: soft verdicts, means, majorities
        told = [part for text in self.estimates["method"].dropna() for part in text.split("; ")[1:]]
        method = "; ".join(["method: clustered by prompt", *dict.fromkeys(told)])
        return "\n".join([*lines, "", f"{method}; q: Benjamini-Hochberg"])

    def findings(self) -> list[Finding]:
        """Return places and forms that annotators are drawn to."""
        found = []
        for row in self.estimates.to_dict("records"):
            if not (row["q_value"] < Q_LEVEL and abs(row["estimate"]) > _POINTS):
                continue
            numbers = (row["estimate"], row["conf_low"], row["conf_high"])
            if row["term"] in ("position fairness", "slot effect"):
                text = f"{row['group']}: {row['term']} {row['estimate']:+.3f}"
                rule = "slot-bias"
            else:
                more = "more" if row["estimate"] > 0 else "less"
                text = f"{row['group']} prefers the {row['term'].split()[0]} one {more} often"
                rule = "form-bias"
            found.append(finding(RULES, rule, "warning", text, int(row["n"]), numbers))
        return found

    def plot(self) -> go.Figure:
        """Return the measures with their intervals, a mark an annotator."""
        from workbench.plots.forest import forest

        return forest(self.estimates, x_title="share, or difference of shares")


@on_one_thread
def observe(
    data: PreferenceData,
    annotators: Sequence[str] | None = None,
    reference: str = "human",
    *,
    style: bool = True,
    level: float = 0.95,
) -> Observed:
    """Audit annotators from the verdicts that they gave.

    Parameters
    ----------
    data : PreferenceData
    annotators : sequence of str, optional
        Everybody who is not the reference when None.
    reference : str
        An annotator or a kind: whose own preference for length and lists stands beside.
        Where the data have no such labels, nothing is held against it.
    style : bool
        Also fit weights of length and style.
    level : float

    Returns
    -------
    Observed

    Raises
    ------
    DesignError
        Nobody to audit.
    DataError
        An annotator that the data do not have.

    Examples
    --------
    >>> import workbench as wb
    >>> found = observe(wb.load("sample"), ["sim-judge-length"], style=False)
    >>> sorted(found.to_frame()["term"])[:2]
    ['first share', 'list preferred']
    """
    data = data.decided()
    names = data.annotators
    theirs = reference_mask(data, reference)
    inside = data.coded("labels", "annotator").take(theirs).names
    wanted = list(annotators or names.loc[~names["annotator"].isin(inside), "annotator"])
    if not wanted:
        raise DesignError(
            "There is nobody to audit.",
            found=f"annotators {', '.join(names['annotator'][:12])}; reference {reference}",
            expected="an annotator beside the reference",
            fix="Name another reference, or the annotators.",
        )
    members(names["annotator"], wanted, "annotator")
    cluster = pd.factorize(data.coded("pairs", "cluster").codes)[0]
    people = mean_preferences(data, theirs)
    # one label says nothing of how close a vote was
    margin = np.where(people["n"] > 1, np.abs(2 * people["preference"] - 1), np.nan)
    form, shown = forms(data), data.coded("labels", "order_shown").among(["ab", "ba"])
    rows, mean = [], people["preference"].to_numpy()
    for name in wanted:
        found = _of(data, name, shown, mean, margin, form, cluster, level)
        rows += [{"group": name, **row} for row in found]
    table = pd.DataFrame(rows).reindex(columns=["group", *COLUMNS])
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    return Observed(
        estimates=table,
        style=_style(data, wanted, theirs, level) if style and form else None,
        settings={
            "annotators": wanted,
            "reference": reference if theirs.any() else None,
            "level": level,
        },
        provenance=Provenance.capture(dataset=data.digest),
    )


def _of(
    data: PreferenceData, annotator: str, known: np.ndarray, people: np.ndarray,
    margin: np.ndarray, form: dict[str, np.ndarray], cluster: np.ndarray, level: float,
) -> list[dict[str, Any]]:  # fmt: skip
    own = data.rows_of(annotator)
    pair = data.pair_rows[own]
    preference = data.labels["preference"].to_numpy("float64")[own]
    shown = known[own]
    rows: list[dict[str, Any]] = []
    if np.isfinite(preference[shown]).any():
        told = data.labels[list(ORDERED)].iloc[own[shown]]
        rows += order_rows(pair[shown], told, cluster, margin, level)
    else:
        rows.append({"term": "first share", "estimate": np.nan, "n": 0.0,
                     "reason": "the order shown is not known"})  # fmt: skip
    mean = annotator_preference(data, annotator).to_numpy()
    rows += form_rows(mean, preference, people, form, cluster, level)
    lost = np.isnan(preference)
    if lost.any():
        rows.append(share_row("no verdict", lost.astype(float), cluster[pair], level))
    return rows


def _style(
    data: PreferenceData, wanted: list[str], theirs: np.ndarray, level: float
) -> Contrast | None:
    """Return weights of length and style minus the reference's."""
    if not theirs.any():
        return None
    scored = score_factors(data, [spec for spec in STYLE if spec.name in STYLES])
    names = data.labels["annotator"].mask(theirs, "reference")
    labels = complete_labels(data.labels.assign(annotator=names).drop(columns="replicate"))
    kept = labels[labels["annotator"].isin([*wanted, "reference"])].reset_index(drop=True)
    fit = decompose(
        replace(scored, labels=kept), by="annotator", factors=list(STYLES), folds=0, level=level
    )
    return contrast(fit, "reference")


def _text(row: dict[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"  {row['term']}: undefined: {row['reason']}"
    ends = "" if pd.isna(row["conf_low"]) else f" [{row['conf_low']:.3f}, {row['conf_high']:.3f}]"
    q = f", q = {row['q_value']:.3g}" if pd.notna(row["q_value"]) else ""
    return f"  {row['term']}: {row['estimate']:.3f}{ends}{q}, n = {row['n']:,.0f}"
