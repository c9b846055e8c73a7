"""Calibrated verdicts of judges: the result."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from workbench.calibration.soft.fits import RAW
from workbench.data.columns import complete_labels
from workbench.errors import DataError, DesignError
from workbench.finding import Finding, Rule, finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from workbench.data.dataset import PreferenceData

_WRONG = 0.05
_SUFFIX = " calibrated"
_DRAWN = 6
"""Judges whose reliability is drawn; that of others is in the table."""

RULES = {
    "verdicts-miscalibrated": Rule(
        "debiased calibration error of the judge's own probabilities",
        f"interval above {_WRONG:g}",
        "Read its probabilities only once they are calibrated on labels of the reference.",
    ),
    "verdicts-depend-on-factors": Rule(
        "held-out gain in log loss of the calibration that is kept, which depends on factor "
        "differences, over the simpler one",
        "kept: interval above 0 at each step (Bonferroni)",
        "The same verdict means another thing where these factors differ: look at their weights.",
    ),
}
"""What the calibration of verdicts may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class CalibratedVerdicts(Result):
    """What each way to calibrate gains on prompts held out, and the verdicts that are kept.

    Attributes
    ----------
    estimates : DataFrame
        One row a judge and way: the tidy columns are of the gain in log loss over the verdicts
        as given (above 0: better), ``n`` pairs with labels of both; ``judge, calibrator``;
        ``brier_gain`` with its ends; ``log_loss, brier``; ``step_gain`` with ``step_low`` and
        ``step_high`` ``over`` the simpler way kept before; ``kept``; ``n_clusters``, ``method``,
        ``reason``.
    judges : DataFrame
        One row a judge: ``says`` (probability, strength or verdict), what is ``kept``, ``n``
        labels, ``n_judged`` pairs; ``error_before, error_after`` (debiased calibration error),
        ``rho_before, rho_after`` and ``worth_before, worth_after`` (what a label is worth beside
        the verdicts, where many more are judged), each with ``_low`` and ``_high``;
        ``labels_before, labels_after``: what the labels come to here; ``worth_gain`` with its
        ends; ``slope`` of the logistic way; ``reason``.
    reliability : DataFrame
        ``judge, verdicts`` (``as given``, or what is kept), ``bin, predicted``, and the share of
        people on that side with its interval.
    weights : DataFrame
        Of the way with factors, by all labels: ``judge``, the tidy columns in logits per unit.
    slices : DataFrame
        ``judge, verdicts, slice``: by how much surer than people bear out. Empty without ``by``.
    exclusions : DataFrame
        ``annotator, reason, n``.
    verdicts : DataFrame
        ``pair_id, annotator, kind, as_given, calibrated``: out of fold, one row a judged pair.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Calibration of verdicts"
    about: ClassVar[str] = (
        "Whether a judge that says 80 % is right four times in five, and what calibration on "
        "labels of the reference gains on prompts that it has not seen. It is kept only where the "
        "gain is above 0; everything is the same where A and B are exchanged."
    )

    estimates: pd.DataFrame
    judges: pd.DataFrame
    reliability: pd.DataFrame
    weights: pd.DataFrame
    slices: pd.DataFrame
    exclusions: pd.DataFrame
    verdicts: pd.DataFrame = field(repr=False)
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return the gain of each judge and way, one row each."""
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return gains, judges, reliability, weights, slices and labels left out."""
        found = {
            "gains": self.estimates, "judges": self.judges, "reliability": self.reliability,
            "weights": self.weights, "slices": self.slices, "exclusions": self.exclusions,
        }  # fmt: skip
        return {name: table for name, table in found.items() if name == "gains" or len(table)}

    def add_to(self, data: PreferenceData) -> PreferenceData:
        """Return the data with the calibrated verdicts as annotators ``<judge> calibrated``.

        Parameters
        ----------
        data : PreferenceData
            Which was calibrated, or some of its pairs.

        Raises
        ------
        DesignError
            No judge's verdicts were calibrated: its own stand.
        DataError
            None of the pairs, or an annotator of that name.

        Notes
        -----
        Each pair is told by a fit that has not seen its prompt, whether it has a label or not.

        Examples
        --------
        >>> import workbench as wb
        >>> data = wb.load("sample")
        >>> found = wb.calibrate_verdicts(data, "sim-judge-length")
        >>> "sim-judge-length calibrated" in set(found.add_to(data).labels["annotator"])
        True
        """
        kept = self.judges.loc[self.judges["kept"].ne(RAW), "term"]
        mine = self.verdicts[self.verdicts["annotator"].isin(kept)]
        if mine.empty:
            raise DesignError(
                "No verdicts were calibrated.",
                found="no way gains on prompts held out; the verdicts stay as they were",
                expected="a judge whose calibration is kept",
                fix="Use the judge's own verdicts, or get more labels of the reference.",
            )
        mine = mine[mine["pair_id"].isin(data.pairs["pair_id"])]
        named = mine["annotator"] + _SUFFIX
        taken = sorted(set(named) & set(data.annotators["annotator"]))
        if mine.empty or taken:
            raise DataError(
                f"There is an annotator {taken[0]!r} already." if taken else
                "These are other pairs.",
                found=", ".join(taken) or f"{len(data):,} pairs, none of those calibrated",
                expected="the data that were calibrated",
                fix="Pass these data, without verdicts that were added before.",
            )  # fmt: skip
        labels = pd.DataFrame({
            "pair_id": mine["pair_id"].array, "annotator": named.array,
            "kind": mine["kind"].array, "preference": mine["calibrated"].array,
            "criterion": self.settings["criterion"],
        })  # fmt: skip
        whole = pd.concat([data.labels, complete_labels(labels)], ignore_index=True)
        more = replace(data, labels=whole)
        more.check()
        return more

    def summary(self) -> str:
        """Return what is kept of each judge, its gains and its errors, as text."""
        used = self.settings
        lines = [
            f"Calibration of verdicts on labels of {used['reference']}, {used['level']:.0%} "
            f"intervals, {used['folds']} folds by prompt"
        ]
        for one in self.judges.to_dict("records"):
            lines.append(
                f"{one['term']} (says a {one['says']}): kept: {one['kept']}, "
                f"n = {one['n']:,.0f} labels, {one['n_judged']:,.0f} pairs judged"
            )
            rows = self.estimates[self.estimates["judge"].eq(one["term"])].to_dict("records")
            lines += [_gain(row) for row in rows]
            lines += _errors(one, used["reference_is"])
        lines += [f"  {row['n']:,} labels of {row['annotator']}: {row['reason']}"
                  for row in self.exclusions.to_dict("records")]  # fmt: skip
        lines += [f"note: {text}" for text in used["notes"]]
        return "\n".join([*lines, f"method: {used['method']}"])

    def findings(self) -> list[Finding]:
        """Return judges whose probabilities are wrong, and whose verdicts depend on factors."""
        found = []
        for one in self.judges.to_dict("records"):
            numbers = (one["error_before"], one["error_before_low"], one["error_before_high"])
            if one["says"] == "probability" and numbers[1] > _WRONG:
                found.append(finding(
                    RULES, "verdicts-miscalibrated", "warning",
                    f"The probabilities of {one['term']} are off by {numbers[0]:.2f}",
                    int(one["n"]), numbers, group=str(one["term"]),
                ))  # fmt: skip
        for row in self.estimates[self.estimates["kept"].eq(True)].to_dict("records"):
            if row["calibrator"] == "factors":
                found.append(finding(
                    RULES, "verdicts-depend-on-factors", "note",
                    f"What a verdict of {row['judge']} means depends on factor differences",
                    int(row["n"]), (row["step_gain"], row["step_low"], row["step_high"]),
                    group=str(row["judge"]),
                ))  # fmt: skip
        return found

    def plot(self) -> go.Figure:
        """Return the gains with their intervals."""
        from workbench.plots.forest import forest

        return forest(self.estimates, x_title="held-out gain in log loss (above 0: better)")

    def figures(self) -> dict[str, go.Figure]:
        """Return the gains, and a reliability diagram of each of the first judges."""
        from workbench.plots.reliability import reliability

        drawn = {self.heading: self.plot()}
        for name in self.judges["term"].head(_DRAWN):
            mine = self.reliability[self.reliability["judge"].eq(name)]
            if len(mine):
                lines = mine.rename(columns={"verdicts": "group"})
                drawn[f"Reliability of {name}"] = reliability(lines)
        return drawn


def _gain(row: dict[str, Any]) -> str:
    if pd.isna(row["estimate"]):
        return f"  {row['calibrator']}: undefined: {row['reason']}"
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"])
    step = ends_text(row["step_low"], row["step_high"], row["reason"])
    more = "" if row["over"] == RAW else f", {row['step_gain']:+.4f} {step} over {row['over']}"
    return (
        f"  {row['calibrator']}: log loss {row['log_loss']:.4f}, gain {row['estimate']:+.4f} "
        f"{ends}{more}; Brier {row['brier']:.4f}, gain {row['brier_gain']:+.4f}"
    )


def _errors(one: dict[str, Any], reference: str) -> list[str]:
    lines = []
    for name, what in (("error", "calibration error"), ("rho", f"correlation with {reference}"),
                       ("worth", "a label beside the verdicts is worth")):  # fmt: skip
        parts = [
            f"{one[f'{name}_{when}']:.3f} "
            f"{ends_text(one[f'{name}_{when}_low'], one[f'{name}_{when}_high'], one['reason'], '')}"
            for when in ("before", "after") if pd.notna(one[f"{name}_{when}"])
        ]  # fmt: skip
        if parts:
            lines.append(f"  {what}: {' -> '.join(dict.fromkeys(parts))}")
    if isinstance(one["reason"], str):
        lines.append(f"  not calibrated: {one['reason']}")
    return lines
