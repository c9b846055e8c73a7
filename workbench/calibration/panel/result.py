"""Several judges as one annotator: the result."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.calibration.panel.findings import findings_of
from workbench.data.columns import complete_labels
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.finding import Finding
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

HOW = ("majority", "weighted", "dawid-skene")
EXISTS = "exists"
NO_VERDICT = "no member gave a verdict"


@dataclass(frozen=True, eq=False)
class Panel(Result):
    """A panel of judges beside a reference, its members and its best member.

    Attributes
    ----------
    estimates : DataFrame
        One row a panel (``group`` panel), then one a member: agreement with the reference in the
        tidy columns; how many verdicts, ties, contradictions between orders, abstentions, unread
        and missing ones; ``weight`` (log-odds) and ``cost``.
    gains : DataFrame
        One row a panel: its agreement minus that of the best member, held out; ``best`` names it,
        ``spread`` is the variance that choosing it adds.
    effective : DataFrame
        The effective number of judges, from correlations and from variances, and the mean
        correlation of errors.
    each_two : DataFrame
        One row for each two members: the correlation of their errors, and how many verdicts are
        the same.
    cascade : DataFrame
        One row a threshold: agreement, and ``cost`` a pair with its ends.
    chosen : DataFrame
        The cascade whose threshold is chosen on other prompts: agreement, gain and cost.
    counts : DataFrame
        Pairs by how many members gave a verdict.
    pairs : DataFrame
        One row a pair: the verdict and strength of each panel, and how many members gave a
        verdict, abstained, could not be read or were not asked.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Panel of judges"
    about: ClassVar[str] = (
        "Several judges as one annotator, held against the reference on prompts that had no part "
        "in weights or choices. How many judges the members are worth hangs on whether they err on "
        "the same pairs; a mistake of the reference is one of every member that was right, so that "
        "it makes members look more alike than they are."
    )

    estimates: pd.DataFrame
    gains: pd.DataFrame
    effective: pd.DataFrame
    each_two: pd.DataFrame
    cascade: pd.DataFrame
    chosen: pd.DataFrame
    counts: pd.DataFrame
    pairs: pd.DataFrame = field(repr=False)
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return panels and members, one row each."""
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return every table that has rows."""
        found = {
            "panels_and_members": self.estimates, "gains": self.gains,
            "effective_number": self.effective, "errors_of_each_two": self.each_two,
            "cascade": self.cascade, "cascade_chosen": self.chosen,
            "verdicts_a_pair": self.counts, "pairs": self.pairs,
        }  # fmt: skip
        return {
            name: table for name, table in found.items() if len(table) or table is self.estimates
        }

    def weights(self) -> dict[str, float]:
        """Return the log-odds weight of each member, from all pairs of the reference.

        Raises
        ------
        DesignError
            There is no weighted panel.
        """
        self._check("weighted")
        rows = self.estimates[self.estimates["group"].eq("member")]
        return dict(zip(rows["term"], rows["weight"].astype(float), strict=True))

    def labels(self, how: str | None = None, name: str | None = None) -> pd.DataFrame:
        """Return the verdicts of a panel as labels of one annotator.

        Parameters
        ----------
        how : str, optional
            Which panel; the first when None.
        name : str, optional
            Of the annotator; ``panel-`` and the panel when None.

        Returns
        -------
        DataFrame
            One row a pair; without a verdict where no member gave one. ``strength`` is the share
            of the votes.

        Raises
        ------
        DesignError
            There is no such panel.
        """
        how = how or self.settings["how"][0]
        self._check(how)
        said = self.pairs[how]
        why = np.where(said.isna(), NO_VERDICT, np.where(said.eq(0.5), "tie", ""))
        return complete_labels(pd.DataFrame({
            "pair_id": self.pairs["pair_id"], "annotator": name or f"panel-{how}",
            "criterion": self.settings["criterion"], "kind": self.settings["kind"],
            "preference": said, "strength": self.pairs[f"{how} strength"],
            "reason": pd.Series(why).replace("", None),
        }))  # fmt: skip

    def add_to(
        self, data: PreferenceData, how: str | None = None, name: str | None = None
    ) -> PreferenceData:
        """Return the data with a panel as a further annotator, which is weighed like any other.

        Parameters
        ----------
        data : PreferenceData
            That the panel was made of.
        how, name : str, optional
            As :meth:`labels` takes them.

        Raises
        ------
        DesignError
            No such panel, or an annotator of this name is there.
        """
        labels = self.labels(how, name)
        labels = labels[labels["pair_id"].isin(data.pairs["pair_id"])]
        own = labels["annotator"].iloc[0] if len(labels) else ""
        if own in set(data.annotators["annotator"]):
            raise DesignError(
                "The panel needs another name.",
                found=f"an annotator {own!r} in the data",
                expected="a name that no annotator has",
                fix="Give it one (name=...).",
            )
        more = replace(data, labels=complete_labels(pd.concat([data.labels, labels])))
        more.check()
        return more

    def _check(self, how: str) -> None:
        if how not in self.settings["how"]:
            why = self.settings["left_out"].get(how)
            raise DesignError(
                f"There is no panel {how!r}.",
                found=", ".join(self.settings["how"]) + (f"; {why}" if why else ""),
                expected=f"a panel of {', '.join(HOW)} that was made",
                fix="Ask for it (how=...), with what it needs.",
            )

    def summary(self) -> str:
        """Return panels, members, gains, the effective number and the cascade as text."""
        from workbench.calibration.panel.text import summary_of

        return summary_of(self)

    def findings(self) -> list[Finding]:
        """Return panels that gain nothing, and members that err together or are copies."""
        tables = {"gains": self.gains, "effective": self.effective, "each_two": self.each_two,
                  "counts": self.counts}  # fmt: skip
        return findings_of(tables, len(self.settings["judges"]))

    def plot(self) -> go.Figure:
        """Return agreements with their intervals."""
        from workbench.plots.forest import forest

        return forest(self.estimates, x_title="agreement with the reference", reference=0.5)

    def figures(self) -> dict[str, go.Figure]:
        """Return agreements, the matrix of correlations of errors, and the curve of costs."""
        from workbench.plots.curve import curve
        from workbench.plots.heatmap import heatmap

        drawn = {self.heading: self.plot()}
        if self.each_two["estimate"].notna().any():
            rho, low, high = (self.matrix(name) for name in ("estimate", "conf_low", "conf_high"))
            drawn["Correlation of errors of each two members"] = heatmap(
                rho, low, high, scale_title="correlation"
            )
        if len(self.cascade) > 1:
            drawn["Cascade: agreement against cost a pair"] = curve(
                self.cascade.sort_values("cost", kind="stable"), x="cost",
                x_title=f"{self.settings['counted_in']} a pair",
                y_title="agreement with the reference",
            )  # fmt: skip
        return drawn

    def matrix(self, column: str = "estimate") -> pd.DataFrame:
        """Return a column of :attr:`each_two` as a matrix of members, 1 on the diagonal."""
        names = self.settings["judges"]
        table = pd.DataFrame(np.eye(len(names)), index=names, columns=names)
        for row in self.each_two.to_dict("records"):
            table.loc[row["term"], row["other"]] = table.loc[row["other"], row["term"]] = row[
                column
            ]
        return table
