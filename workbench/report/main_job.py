"""The main job: what people reward, what each judge rewards, and where they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.decompose.contrast import Contrast, contrast
from workbench.decompose.decomposition import Decomposition, decompose
from workbench.decompose.design import Ties
from workbench.decompose.logit import Covariance
from workbench.errors import DesignError
from workbench.factors.columns import from_columns
from workbench.factors.score import score_factors
from workbench.report.further import further as add_further
from workbench.results import Result

if TYPE_CHECKING:
    from workbench.report.build import Report

_SHOWN = 5
"""Terms that the summary lists for each annotator."""


@dataclass(frozen=True)
class MainJob:
    """What the main job found.

    Attributes
    ----------
    data : PreferenceData
        The data with the factors that were fitted.
    people : Decomposition
        Of the reference: one group.
    judges : Decomposition or None
        One group a judge; None where the data have no other annotator.
    gap : Contrast or None
        Each judge's weights minus those of the reference.
    further : tuple of Result
        What else was asked for.
    """

    data: PreferenceData
    people: Decomposition
    judges: Decomposition | None = None
    gap: Contrast | None = None
    further: tuple[Result, ...] = ()

    @property
    def results(self) -> list[Result]:
        """The results that exist, in reading order."""
        main = (self.people, self.judges, self.gap)
        return [*(result for result in main if result is not None), *self.further]

    def report(self, command: str = "workbench report DATA --out report.html") -> Report:
        """Return the report of these results.

        Parameters
        ----------
        command : str
            The command that makes it again, as the report shows it.
        """
        from workbench.report.build import report

        return report(self.results, data=self.data, command=command)

    def summary(self) -> str:
        """Return the clearest weights and differences of each annotator as text.

        Only terms with q < 0.05, by distance from 0 in standard errors; the results hold
        all of them.
        """
        level = f"{100 * self.people.settings['level']:g}% interval"
        lines = [repr(self.data), "", f"What they reward: weight [{level}], q < 0.05"]
        for fit in (self.people, self.judges):
            lines += _weights(fit) if fit is not None else []
        lines += _collinear(self.judges or self.people)
        if self.gap is None:
            return "\n".join([*lines, "", "No judge to compare: one annotator or kind only."])
        reference = self.gap.settings["reference"]
        lines += ["", f"Weight minus that of {reference} [{level}], q < 0.05"]
        return "\n".join([*lines, *_gaps(self.gap)])


def main_job(
    data: PreferenceData,
    reference: str = "human",
    *,
    annotators: Sequence[str] | None = None,
    factors: Sequence[str] | None = None,
    covariance: Covariance = "cluster",
    ties: Ties = "half",
    folds: int = 5,
    level: float = 0.95,
    seed: int = 0,
    further: Sequence[str] = (),
) -> MainJob:
    """Decompose the people and every judge, and test where the judges differ.

    Parameters
    ----------
    data : PreferenceData
        Factors are computed if it has none (see :func:`ensure_factors`).
    reference : str
        An annotator, or a kind whose annotators are pooled (``"human"``: the people).
    annotators : sequence of str, optional
        Compare only these; by default all that are not people.
    factors, covariance, ties, folds, level, seed
        As in :func:`workbench.decompose`.
    further : sequence of str
        Results to add: names of :data:`workbench.report.further.FURTHER`.

    Returns
    -------
    MainJob
        Without ``judges`` and ``gap`` where nobody is left to compare.

    Raises
    ------
    DesignError
        The reference is neither an annotator nor a kind of the data.
    DataError
        An annotator that the data do not have.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> job = main_job(data, factors=["words"], folds=0)
    >>> job.people.groups, len(job.judges.groups) == len(job.gap.wald)
    (['human'], True)
    """
    data = ensure_factors(data)
    others = _others(data, reference, annotators)
    options: dict[str, Any] = {
        "factors": factors,
        "covariance": covariance,
        "ties": ties,
        "folds": folds,
        "level": level,
        "seed": seed,
    }
    people = decompose(data, annotator=reference, **options)
    job = MainJob(data, people)
    if others:
        judges = decompose(data, annotator=others, **options)
        job = replace(job, judges=judges, gap=contrast(judges, people))
    return replace(job, further=add_further(job, further))


def ensure_factors(data: PreferenceData) -> PreferenceData:
    """Return the data with factors, computed where it has none.

    Data with text get the text factors that do not repeat each other
    (:data:`workbench.factors.CORE`); data without text get a factor from each numeric
    column pair ``x_a``, ``x_b``.

    Raises
    ------
    DesignError
        Neither text nor column pairs.

    Examples
    --------
    >>> import workbench as wb
    >>> data = ensure_factors(wb.load("sample"))
    >>> "words" in data.factor_names
    True
    """
    if data.factor_names:
        return data
    if has_text(data):
        from workbench.factors import CORE

        return score_factors(data, CORE)
    return from_columns(data)


def has_text(data: PreferenceData) -> bool:
    """Tell whether any pair has the text of both responses.

    Examples
    --------
    >>> import workbench as wb
    >>> has_text(wb.load("sample"))
    True
    """
    return bool((data.pairs["response_a"].notna() & data.pairs["response_b"].notna()).any())


def _others(data: PreferenceData, reference: str, annotators: Sequence[str] | None) -> list[str]:
    table = data.annotators
    names, kinds = set(table["annotator"]), set(table["kind"])
    if reference not in names | kinds:
        raise DesignError(
            f"The data have no annotator or kind {reference!r} to compare with.",
            found=f"annotators {_listed(names)}; kinds {_listed(kinds)}",
            expected="one of these as the reference",
            fix="Choose the reference: --reference NAME, or reference= in Python.",
        )
    chosen = table["annotator"].eq(reference) if reference in names else table["kind"].eq(reference)
    if annotators:
        return [name for name in annotators if name not in set(table["annotator"][chosen])]
    return list(table["annotator"][~chosen & table["kind"].ne("human")])


def _listed(names: set[str]) -> str:
    shown = sorted(names)[:12]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _weights(fit: Decomposition) -> list[str]:
    table, scores = fit.to_frame(), fit.held_out
    lines = []
    for group, own in table.groupby("group", sort=False):
        score = scores[(scores["group"] == group) & (scores["predictor"] == "factors")]
        held_out = "".join(
            f", held-out accuracy {row.accuracy:.3f} [{row.accuracy_low:.3f}, "
            f"{row.accuracy_high:.3f}]"
            for row in score.itertuples()
        )
        lines.append(f"\n{group}: n = {own['n'].iloc[0]:,}{held_out}")
        lines += _clearest(own)
    return lines


def _collinear(fit: Decomposition) -> list[str]:
    names = {name for group in fit.fits.values() for name in group.identification.collinear}
    text = "warning: collinear, their single weights are hardly told apart"
    return ["", f"{text}: {_listed(names)}"] if names else []


def _gaps(gap: Contrast) -> list[str]:
    lines = []
    for group, own in gap.to_frame().groupby("group", sort=False):
        both = gap.agreement[gap.agreement["group"] == group].iloc[0]
        lines.append(
            f"\n{group}: agreement {both['agreement']:.3f} [{both['agreement_low']:.3f}, "
            f"{both['agreement_high']:.3f}], n = {both['n']:,} pairs"
        )
        lines += _clearest(own)
    return lines


def _clearest(table: pd.DataFrame) -> list[str]:
    clear = table[table["q_value"] < 0.05]
    z = (clear["estimate"] / clear["std_error"]).abs()
    rows = clear.loc[z.sort_values(ascending=False, kind="stable").index[:_SHOWN]]
    lines = [
        f"  {row.term:<28} {row.estimate:+.3f} [{row.conf_low:+.3f}, {row.conf_high:+.3f}]"
        for row in rows.itertuples()
    ]
    more = len(clear) - len(rows)
    undefined = table.loc[table["estimate"].isna(), "term"]
    if not len(clear):
        lines.append("  none")
    if more:
        lines.append(f"  and {more} more")
    if len(undefined):
        lines.append(f"  undefined (the table says why): {_listed(set(undefined))}")
    return lines
