"""What results with a weight a group and term have in common: their settings, text and figure."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.parts.parted import PartedData
from workbench.decompose.design import Design
from workbench.decompose.kernel import Array
from workbench.intervals import ends_text
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go


class GroupedWeights(Result):
    """Weights of every group, told group by group with the group's held-out scores.

    Attributes
    ----------
    beside : tuple of str
        Attributes that are tables beside the estimates.
    held_out : DataFrame
        Held-out scores, one row or more a group.
    """

    beside: ClassVar[tuple[str, ...]] = ("held_out", "diagnostics", "exclusions")
    held_out: pd.DataFrame

    @property
    @abstractmethod
    def warnings(self) -> list[str]:
        """What a reader should know before trusting a weight."""

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the estimates, held-out scores, diagnostics and exclusions."""
        return {"estimates": self.to_frame(), **{name: getattr(self, name) for name in self.beside}}

    def _told(self, behind: Callable[[Any], str], score: Callable[[Any], str], method: str) -> str:
        """Return a summary: ``behind`` each weight's interval, ``score`` of held-out rows."""
        level = f"{100 * self.settings['level']:g}% interval"
        by = ", ".join(self.settings["by"]) or "nothing"
        lines = [f"{type(self).__name__} by {by} ({level})"]
        for group, own in self.to_frame().groupby("group", sort=False):
            first = own.iloc[0]
            lines.append(f"\n{group}: n = {first['n']:,}, clusters = {self._clusters(first)}")
            for row in own.itertuples():
                text = f"undefined: {row.reason}"
                if np.isfinite(row.estimate):
                    interval = ends_text(row.conf_low, row.conf_high, row.reason)
                    told = f"  {behind(row)}" if np.isfinite(row.conf_low) else ""
                    text = f"{row.estimate:+.3f} {interval}{told}"
                lines.append(f"  {row.term:<24} {text}")
            scores = self.held_out[self.held_out["group"] == group]
            lines += [f"  held out{score(row)}" for row in scores.itertuples()]
        lines += ["", *(f"warning: {text}" for text in self.warnings)]
        return "\n".join([*lines, method])

    def _clusters(self, first: pd.Series) -> str:
        """Return how many clusters there are, by the first row of a group."""
        return f"{first['n_clusters']:,}"

    def plot(self) -> go.Figure:
        """Return a forest plot of the weights per standard deviation of their factors.

        In these units factors of other scales and codings can be compared. The clear ones come
        first, the largest on top.
        """
        from workbench.plots.forest import forest, in_units
        from workbench.plots.ranking import clear_first

        frame = self.to_frame()
        if "per_sd" not in frame:
            return forest(frame, ranking=clear_first(frame))
        frame = in_units(frame, "per_sd")
        x_title = "weight (log-odds per SD of the factor)"
        return forest(frame, x_title=x_title, ranking=clear_first(frame))


def what_was_fitted(
    data: PreferenceData | PartedData, by: list[str], design: Design
) -> dict[str, Any]:
    """Return the settings that every fit to a design has: groups, factors and their codings."""
    names = design.terms[:-1]
    codings = {name: dict(data.factor_specs.get(name, {})).get("coding") for name in names}
    return {"by": list(by), "factors": names, "codings": codings}


def label_sd(design: Design) -> Array:
    """Return the standard deviation of each coded difference among each group's labels.

    Returns
    -------
    ndarray, shape (groups, terms)
        About 0, as :func:`workbench.standardised.difference_sd`; the last term is the shown
        order.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> fit = wb.decompose(data, annotator="human", factors=["words"], folds=0)
    >>> label_sd(fit.design).shape
    (1, 2)
    """
    return np.stack([group_sd(design, group) for group in range(len(design.groups))])


def group_sd(design: Design, group: int) -> Array:
    """Return the same of one group, by its position, shape (terms,)."""
    return design.sd(group)
