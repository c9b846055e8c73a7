"""How much of the labels can be predicted, and which part of it the factors reach: the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.ceiling.stacked import CEILING, FACTORS
from workbench.finding import Finding, Rule, finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

REACHED = "share-of-ceiling"

RULES = {
    REACHED: Rule(
        "held-out score of the factors beyond chance, as a share of that of the best weighting of "
        "factors and black boxes on the same labels",
        "the ceiling is surely above chance, and the interval does not hold both 0 and 1 (at twice "
        "the variance of a mean over clusters)",
        "Look for what is missing where the share is surely below 1: pairs that the fit gets most "
        "wrong, interactions, factors that nobody has named. Near 1, more factors will tell no "
        "more than these black boxes found.",
    ),
}
"""What a ceiling may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class Ceiling(Result):
    """Held-out scores of the factors beside black boxes.

    Attributes
    ----------
    estimates : DataFrame
        One row a measure; see :meth:`to_frame`.
    held_out : DataFrame
        One row a predictor, with the columns of
        :attr:`workbench.decompose.decomposition.Decomposition.held_out`: ``factors``, each black
        box, ``ceiling`` (their best weighting by inner folds) and, where pairs were judged by
        several, ``other labels of the pair``.
    differences : DataFrame
        One row a black box and measure: its score minus that of the factors, paired; of the
        log-loss how much lower it is.
    weights : DataFrame
        What each predictor counts in the ceiling: mean, ``least`` and ``most`` over the folds.
    exclusions : DataFrame
        Labels left out: ``reason, n``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Ceiling"
    about: ClassVar[str] = (
        "How well labels can be predicted at all, by black boxes that may use anything, and which "
        "share of that the factors reach. All predictions are of prompts that were in no training. "
        "The ceiling is the best that was found here, no bound of what could be."
    )

    estimates: pd.DataFrame
    held_out: pd.DataFrame
    differences: pd.DataFrame
    weights: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a measure: the share of the ceiling that the factors reach.

        The tidy columns are of the share; p is of the factors scoring as the ceiling does,
        paired, with q over the rows. ``factors`` and ``of`` are the two scores themselves,
        ``against`` what it is a share of: ``ceiling``, or ``other labels of the pair``.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return shares, scores, differences, weights in the ceiling, and labels left out."""
        found = {
            "shares": self.estimates, "held_out": self.held_out, "differences": self.differences,
            "weights_in_the_ceiling": self.weights, "exclusions": self.exclusions,
        }  # fmt: skip
        return {name: table for name, table in found.items() if name == "shares" or len(table)}

    @property
    def headline(self) -> dict[str, Any]:
        """The row that is told first: the share by AUC, or by the first measure that is defined."""
        own = self.estimates[self.estimates["against"].eq(CEILING)]
        told = own[own["estimate"].notna()]
        return dict((told if len(told) else own).iloc[0].to_dict())

    def sentence(self) -> str:
        """Return in a sentence which share is reached, or why it cannot be told.

        Examples
        --------
        >>> import workbench as wb
        >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
        >>> few = data.filter(pair_ids=data.pairs["pair_id"][:20])
        >>> wb.ceiling(few, annotator="human").sentence().partition(":")[0]
        'Which share of what can be predicted of people the factors reach cannot be told'
        """
        row, who = self.headline, self.settings["group_is"]
        if not np.isfinite(row["estimate"]):
            return (
                f"Which share of what can be predicted of {who} the factors reach cannot be told: "
                f"{row['reason']}"
            )
        known = np.isfinite(row["conf_low"])
        ends = f"[{row['conf_low']:.0%}, {row['conf_high']:.0%}]" if known else "(no interval)"
        said = (
            f"The factors reach {row['estimate']:.0%} {ends} of what can be predicted of {who} "
            f"({row['term']} {row['factors']:.3f} of {row['of']:.3f})"
        )
        if not known:
            return f"{said}: {row['reason']}"
        if row["conf_low"] <= 0 and row["conf_high"] >= 1:
            return f"{said}: anything from nothing to all, so few labels do not tell"
        return said + (
            "; the black boxes found nothing more for sure" if row["conf_high"] >= 1 else ""
        )

    def summary(self) -> str:
        """Return shares and scores as text."""
        used = self.settings
        lines = [
            f"Ceiling: {used['n']:,} labels of {used['group_is']}, {used['n_clusters']:,} "
            f"clusters, {used['folds']} folds of whole prompts, {used['level']:.0%} intervals",
            self.sentence(),
        ]
        for row in self.estimates.to_dict("records"):
            value = (
                f"{row['estimate']:.3f} "
                f"{ends_text(row['conf_low'], row['conf_high'], row['reason'], '')}, n = "
                f"{row['n']:,.0f}"
                if np.isfinite(row["estimate"])
                else f"undefined: {row['reason']}"
            )
            lines.append(f"  share by {row['term']}: {value}")
        lines.append("held out, on the same labels")
        lines += [_score(row) for row in self.held_out.to_dict("records")]
        if len(self.weights):
            parts = [f"{row['predictor']} {row['weight']:.2f}"
                     for row in self.weights.to_dict("records")]  # fmt: skip
            lines.append(f"weights in the ceiling: {', '.join(parts)}")
        lines += [f"  {row['n']:,} labels left out: {row['reason']}"
                  for row in self.exclusions.to_dict("records")]  # fmt: skip
        return "\n".join([*lines, f"method: {self.estimates['method'].iloc[0]}"])

    def findings(self) -> list[Finding]:
        """Return which share is reached, where it can be told."""
        row = self.headline
        if not np.isfinite(row["conf_low"]) or (row["conf_low"] <= 0 and row["conf_high"] >= 1):
            return []
        numbers = (row["estimate"], row["conf_low"], row["conf_high"])
        return [finding(RULES, REACHED, "note", self.sentence(), int(row["n"]), numbers)]

    def plot(self) -> go.Figure:
        """Return the scores of every predictor: AUC, or accuracy where it is not defined."""
        from workbench.plots.held_out import held_out_dots

        measure = "auc" if self.held_out["auc"].notna().any() else "accuracy"
        return held_out_dots(self.held_out, measure)

    def figures(self) -> dict[str, go.Figure]:
        """Return the scores, and the shares of the ceiling."""
        from workbench.plots.forest import forest

        shares = forest(self.estimates, x_title="share of the ceiling (line: all)", reference=1.0)
        return {"Held-out scores beside black boxes": self.plot(), "Shares of the ceiling": shares}


def _score(row: dict[str, Any]) -> str:
    if not np.isfinite(row["log_loss"]):
        return f"  {row['predictor']}: undefined: {row['reason']}"
    parts = [
        f"{name} {row[key]:.3f} [{row[f'{key}_low']:.3f}, {row[f'{key}_high']:.3f}]"
        for key, name in (("accuracy", "accuracy"), ("auc", "AUC"), ("log_loss", "log-loss"))
        if np.isfinite(row[key])
    ]
    note = f"; {row['reason']}" if isinstance(row["reason"], str) else ""
    return f"  {row['predictor']}: {', '.join(parts)}, n = {row['n']:,.0f}{note}"


def beside(held_out: pd.DataFrame, ceilings: Sequence[Ceiling]) -> pd.DataFrame:
    """Return held-out scores of fits with those of black boxes of the same groups among them.

    Parameters
    ----------
    held_out : DataFrame
        Of decompositions.
    ceilings : sequence of Ceiling

    Examples
    --------
    >>> beside(pd.DataFrame({"group": ["a"]}), []).shape
    (1, 1)
    """
    parts = []
    for group, own in held_out.groupby("group", sort=False):
        more = [one.held_out[one.held_out["predictor"].ne(FACTORS)] for one in ceilings
                if one.settings["group"] == group]  # fmt: skip
        parts += [own, *more]
    return pd.concat(parts, ignore_index=True) if ceilings and parts else held_out
