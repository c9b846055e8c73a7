"""What few labels and many verdicts tell together: the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from workbench.calibration.few.inputs import EVERYTHING
from workbench.clustered import Array
from workbench.decompose.errors.tidy import q_values
from workbench.finding import Finding, Rule, finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import TIDY, Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = ("group", "what", "slice", *TIDY, "n_pairs", "people", "people_low", "people_high",
           "judge", "bias", "bias_low", "bias_high", "power", "effective_labels", "n_clusters",
           "method", "reason")  # fmt: skip

_Q = 0.05
_UNLIKE = 0.1
_SHOWN = 8
"""Numbers of one kind that the summary lists for each judge."""

RULES = {
    "labelled-pairs-differ": Rule(
        "mean of the labelled pairs minus that of the others, in standard deviations",
        f"q < {_Q:g} (Benjamini-Hochberg) and more than {_UNLIKE:g}",
        "Draw the pairs to be labelled at random, or weigh labels by one over the chance that "
        "a pair was chosen.",
    ),
    "judge-misses-people": Rule(
        "the judge's win rate of a model minus that from labels and verdicts",
        f"{_Q:g} or more either way, at q < {_Q:g} over all judges and models (Benjamini-Hochberg)",
        "Report the corrected rate; the judge is biased for or against the model.",
    ),
}
"""What few labels may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class FewLabels(Result):
    """Numbers of people from few labels and many verdicts, beside those of the labels alone.

    Attributes
    ----------
    estimates : DataFrame
        See :meth:`to_frame`.
    sample : DataFrame
        How labelled pairs differ from the others: the tidy columns, in standard deviations.
    exclusions : DataFrame
        Pairs that were left out: ``group, reason, n``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Few labels beside judges"
    about: ClassVar[str] = (
        "What the reference would say of all pairs, from a judge's verdicts on all and the "
        "reference's labels on some, drawn at random. Power is how far the judge is used: 0 is the "
        "labels alone. The effective labels are how many labels alone would tell as much."
    )

    estimates: pd.DataFrame
    sample: pd.DataFrame
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a judge, kind of number, slice and term.

        ``group`` (the judge), ``what`` (agreement, win rate, rating, weight, contrast: the
        judge's weight minus the people's), ``slice``, the tidy columns (``n``: labelled pairs;
        ``q_value`` over all weights and contrasts), ``n_pairs``, the labels alone (``people``
        with its ends), the judge alone (``judge``), of win rates the judge's minus the people's
        (``bias`` with its ends, by verdict with a power of its own), ``power``,
        ``effective_labels`` (n times the variance of the labels alone over this),
        ``n_clusters, method, reason``.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the numbers, how labelled pairs differ, and pairs left out."""
        found = {"few_labels": self.estimates, "labelled_pairs": self.sample,
                 "exclusions": self.exclusions}  # fmt: skip
        return {name: table for name, table in found.items() if name == "few_labels" or len(table)}

    def summary(self) -> str:
        """Return the clearest numbers of every judge as text."""
        used = self.settings
        lines = [
            f"{used['n_labelled']:,} labelled of {used['n_pairs']:,} pairs, labels of "
            f"{used['reference_is']}, {used['level']:.0%} intervals; beside them the labels alone",
            "power: how far the judge is used, from 0 to 1; as so many labels: what as many labels "
            "alone would tell",
        ]
        whole = self.estimates[self.estimates["slice"].eq(EVERYTHING)]
        for judge, own in whole.groupby("group", sort=False):
            lines.append(f"\n{judge}")
            for what, table in own.groupby("what", sort=False):
                lines += [f"  {_named(what, row)}{_text(row)}" for row in _clear(table)]
                lines += [f"  {what}: {len(table) - _SHOWN} more in the table"
                          for _ in [0] if len(table) > _SHOWN]  # fmt: skip
        lines += [f"  {row['n']:,} pairs, {row['group']}: {row['reason']}"
                  for row in self.exclusions.to_dict("records")]  # fmt: skip
        lines += self._assumed()
        methods = "; ".join(dict.fromkeys(whole["method"]))
        return "\n".join([*lines, f"method: {methods}; q: Benjamini-Hochberg"])

    def _assumed(self) -> list[str]:
        apart = _apart(self.sample)
        said = "\nAssumed: the labelled pairs were drawn at random from all."
        if not len(self.sample):
            return [f"{said} There are no others to hold them against."]
        if not apart:
            return [f"{said} In {len(self.sample)} columns they do not differ from the others."]
        rows = [f"  {row['term']}: {row['estimate']:+.2f} SD "
                f"{ends_text(row['conf_low'], row['conf_high'], '')}, q = {row['q_value']:.2g}"
                for row in apart[:_SHOWN]]  # fmt: skip
        return [f"{said} But they differ in {len(apart)} of {len(self.sample)} columns:", *rows]

    def findings(self) -> list[Finding]:
        """Return where labelled pairs differ from others, and judges that miss what people say."""
        found = [
            finding(RULES, "labelled-pairs-differ", "warning",
                    f"Labelled pairs are not like the others: {row['term']}", int(row["n"]),
                    (row["estimate"], row["conf_low"], row["conf_high"]))
            for row in _apart(self.sample) if abs(row["estimate"]) > _UNLIKE
        ]  # fmt: skip
        rates = self.estimates[self.estimates["what"].eq("win rate")]
        rates = rates[rates["slice"].eq(EVERYTHING) & rates["bias"].notna()]
        for row, q in zip(rates.to_dict("records"), self._missed(rates), strict=True):
            if q < _Q and abs(row["bias"]) >= _Q:
                found.append(finding(
                    RULES, "judge-misses-people", "warning",
                    f"{row['group']} gives {row['term']} {row['judge']:.2f}, "
                    f"{self.settings['reference_is']} {row['estimate']:.2f}", int(row["n"]),
                    (row["bias"], row["bias_low"], row["bias_high"]), group=str(row["group"]),
                ))  # fmt: skip
        return found

    def _missed(self, rates: pd.DataFrame) -> Array:
        """Return how sure it is that each rate is not the judge's own, over all of them."""
        off = rates["bias"].to_numpy("float64")
        arm = np.where(off > 0, rates["bias"] - rates["bias_low"],
                       rates["bias_high"] - rates["bias"])  # fmt: skip
        # the arms of an interval near its ends differ: that towards no bias counts
        size = np.divide(np.abs(off), arm, out=np.zeros(len(off)), where=arm > 0)
        return q_values(2 * ndtr(-size * ndtri(0.5 + self.settings["level"] / 2)))

    def plot(self) -> go.Figure:
        """Return the win rates with their intervals, those of the labels alone beside them."""
        return self._drawn("win rate")

    def figures(self) -> dict[str, go.Figure]:
        """Return a figure for each kind of number, of all pairs."""
        kinds = ["win rate", *(k for k in self.estimates["what"].unique() if k != "win rate")]
        return {kind.capitalize(): self._drawn(kind) for kind in kinds}

    def _drawn(self, what: str) -> go.Figure:
        from workbench.plots.forest import forest

        table = self.estimates
        table = table[table["what"].eq(what) & table["slice"].eq(EVERYTHING)]
        alone = table.assign(estimate=table["people"], conf_low=table["people_low"],
                             conf_high=table["people_high"],
                             group=f"{self.settings['reference_is']} alone")  # fmt: skip
        shown = alone.drop_duplicates("term") if what not in ("agreement", "contrast") else None
        both = table if shown is None else pd.concat([table, shown], ignore_index=True)
        reference = 0.5 if what in ("win rate", "agreement") else 0.0
        return forest(both, x_title=what, reference=reference)


def _clear(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """Return the rows that a summary shows: the clearest, in their order."""
    if len(table) <= _SHOWN:
        return list(table.to_dict("records"))
    p = table["p_value"].fillna(np.inf).to_numpy()
    keep = np.sort(np.argsort(p, kind="stable")[:_SHOWN])
    return list(table.iloc[keep].to_dict("records"))


def _apart(sample: pd.DataFrame) -> list[dict[Any, Any]]:
    clear = sample[sample["q_value"] < _Q]
    order = clear["q_value"].sort_values(kind="stable").index
    return list(clear.loc[order].to_dict("records"))


def _named(what: str, row: dict[Any, Any]) -> str:
    """Return the kind of number, where the term does not say it."""
    return "" if row["term"] == what else f"{what} "


def _text(row: dict[Any, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"{row['term']}: undefined: {row['reason']}"
    sign = "" if row["what"] in ("win rate", "agreement") else "+"
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], sign)
    alone = "cannot tell"
    if pd.notna(row["people"]):
        own = ends_text(row["people_low"], row["people_high"], "", sign)
        alone = f"{row['people']:{sign}.3f} {own}"
    worth = ""
    if pd.notna(row["effective_labels"]):
        worth = f", as {row['effective_labels']:,.0f} labels"
    of = f"n = {row['n']:,.0f} of {row['n_pairs']:,.0f}, power {row['power']:.2f}{worth}"
    return f"{row['term']}: {row['estimate']:{sign}.3f} {ends}; labels alone {alone}; {of}"
