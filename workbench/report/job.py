"""What the main job found, and its summary as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.agreement import agreement_text
from workbench.ceiling.result import Ceiling
from workbench.compare.contrast import Contrast
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import Decomposition
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

    @property
    def reference(self) -> str:
        """Whom judges are held against, as :attr:`people` names it."""
        return str(self.people.groups[0])

    @property
    def judge_names(self) -> list[str]:
        """Names of the judges; none where there is no other annotator."""
        return [] if self.judges is None else list(self.judges.groups)

    @property
    def seed(self) -> int:
        """Seed of every random step."""
        return int(self.people.provenance.seed or 0)

    def report(
        self,
        command: str = "workbench report DATA --out report.html",
        *,
        sections: Sequence[str] | None = None,
        notes: str | None = None,
    ) -> Report:
        """Return the report of these results.

        Parameters
        ----------
        command : str
            The command that makes it again, as the report shows it.
        sections : sequence of str, optional
            Only these (see :func:`workbench.report`).
        notes : str, optional
            Of the author.
        """
        from workbench.overview.overview import overview
        from workbench.report.build import report

        made = report(self.results, data=self.data, command=command, sections=sections, notes=notes)
        return replace(made, overview=overview(self))

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
        lines += [f"\n{one.sentence()}" for one in self.further if isinstance(one, Ceiling)]
        if self.gap is None:
            return "\n".join([*lines, "", "No judge to compare: one annotator or kind only."])
        reference = self.gap.settings["reference"]
        what = f"How sharp each is beside {reference}, and what it likes otherwise"
        lines += ["", f"{what}: weight minus ratio x that of {reference} [{level}], q < 0.05"]
        return "\n".join([*lines, *_gaps(self.gap)])


def _weights(fit: Decomposition) -> list[str]:
    table, scores = fit.to_frame(), fit.held_out
    lines = []
    for group, own in table.groupby("group", sort=False):
        score = scores[(scores["group"] == group) & (scores["predictor"] == "factors")]
        held_out = "".join(
            f", held-out accuracy {row.accuracy:.3f} [{row.accuracy_low:.3f}, "
            f"{row.accuracy_high:.3f}]"
            for row in score.itertuples()
            if pd.notna(row.accuracy)
        )
        lines.append(f"\n{group}: n = {own['n'].iloc[0]:,}{held_out}")
        lines += _clearest(own)
    return lines


def _collinear(fit: Decomposition) -> list[str]:
    names = {name for group in fit.fits.values() for name in group.identification.collinear}
    text = "warning: collinear, their single weights are hardly told apart"
    return ["", f"{text}: {listed(names)}"] if names else []


def _gaps(gap: Contrast) -> list[str]:
    lines = []
    for group, own in gap.to_frame().groupby("group", sort=False):
        both = gap.agreement[gap.agreement["group"] == group].iloc[0]
        said = agreement_text(both, ["agreement"])
        lines.append(f"\n{group}: {said}; {_sharpness(gap, group)}")
        lines += _clearest(own)
    return lines


def _sharpness(gap: Contrast, group: Any) -> str:
    row = gap.scale[gap.scale["group"] == group].iloc[0]
    if pd.isna(row["ratio"]):
        return f"sharpness undefined: {row['reason']}"
    told = f"sharpness {row['ratio']:.2f}"
    if pd.notna(row["ratio_low"]):
        told += f" [{row['ratio_low']:.2f}, {row['ratio_high']:.2f}]"
    return f"{row['reason']}; {told}" if row["opposite"] else told


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
        lines.append(f"  undefined (the table says why): {listed(set(undefined))}")
    return lines


def listed(names: set[str]) -> str:
    """Return at most twelve names as text, the rest counted.

    Examples
    --------
    >>> listed({"b", "a"})
    'a, b'
    """
    shown = sorted(names)[:12]
    more = len(names) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
