"""The views of a comparison: each shows a result, and leads from its numbers to pairs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd
import streamlit as st
from parts.charts.glossary import meanings
from parts.charts.selection import CLICK
from parts.further import estimate_of, further_of
from parts.linking import to_pairs
from parts.state import truth
from parts.ui import figure, note, result, table

import workbench as wb
from workbench.decompose.checks.result import fit_warnings
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.warned import told_once, warnings_once
from workbench.plots.forest import forest, in_units
from workbench.plots.ranking import clear_first
from workbench.report.job import MainJob
from workbench.results import Result


@dataclass(frozen=True)
class Comparison:
    """What is compared, by which choices, and what the main job found."""

    data: wb.PreferenceData
    choices: dict[str, Any]
    job: MainJob

    @property
    def fits(self) -> list[Decomposition]:
        """The fit of the reference, and that of those compared with it."""
        return [fit for fit in (self.job.people, self.job.judges) if fit is not None]

    @cached_property
    def warnings(self) -> list[str]:
        """What a reader should know before trusting a weight; what groups share, once."""
        return warnings_once(self.fits)

    @cached_property
    def meanings(self) -> dict[str, str]:
        """What each factor means."""
        return meanings(self.job.data)

    def once(self, lines: list[str]) -> list[str]:
        """Return lines of groups, what they share once."""
        return told_once(lines, [group for fit in self.fits for group in fit.groups])

    def further(self, name: str, **options: Any) -> Result:
        """Return a further result, computed once."""
        return further_of(self.data, self.choices, name, **options)


def pairs_behind(of: dict[str, str]) -> None:
    """Open the pairs behind a number."""
    scenario = of.pop("scenario", None)
    to_pairs(**of, within=scenario)


def weights(shown: Comparison) -> None:
    """Show each annotator's weights, as the chosen estimate gives them."""
    name, options = estimate_of()
    if name:
        st.caption(CLICK)
        result(shown.further(name, **options), name, select=pairs_behind, meanings=shown.meanings)
        return
    estimates = pd.concat([fit.to_frame() for fit in shown.fits], ignore_index=True)
    level = shown.job.people.settings["level"]
    gap = shown.job.gap
    how = (
        "Log-odds per standard deviation of the coded difference A minus B, all factors fitted "
        f"jointly: P(A preferred) = 1 / (1 + exp(-(x'b + p s))). Intervals at {level:.0%}. Rows "
        "with a clear weight (q < .05) come first, "
        + ("by how far judge and people differ." if gap else "the largest on top.")
    )
    st.caption(f"Weights per standard deviation, fitted jointly. {CLICK}")
    frame = in_units(estimates, "per_sd")
    by = None if gap is None else in_units(gap.to_frame(), "per_sd")
    drawn = forest(frame, x_title="weight (log-odds per SD)", ranking=clear_first(frame, by))
    figure(drawn, "Factor weights of each annotator", "weights", select=pairs_behind,
           frame=estimates, how=how, meanings=shown.meanings)  # fmt: skip
    title = "Every weight with n, interval, method; reason where undefined"
    table(estimates, "weights", title, select=pairs_behind)
    st.caption("What speaks against these models (under Fit: every test)")
    note("\n".join(shown.once(fit_warnings(shown.further("fit")))) or "Nothing was found.")
    if truth(shown.data) is not None:
        table(truth(shown.data), "truth", "Planted weights of the simulated sample (ties dropped)")


def differences(shown: Comparison) -> None:
    """Show where weights differ from the reference's."""
    gap = shown.job.gap
    if gap is None:
        st.info("Choose at least one annotator to compare with the reference.")
        return
    st.caption(f"Where a judge differs from the reference, sharpness apart. {CLICK}")
    for name, drawn in gap.figures().items():
        figure(drawn, name, f"gap-{name}", select=pairs_behind, frame=gap.to_frame(),
               how=gap.about, meanings=shown.meanings)  # fmt: skip
    table(gap.to_frame(), "differences", "Differences of taste, sharpness apart",
          select=pairs_behind)  # fmt: skip
    table(gap.scale, "scale", "Sharpness beside the reference, and the test of the same taste")
    table(gap.raw, "raw", "Raw differences of weights and of marginal effects",
          select=pairs_behind)  # fmt: skip
    table(gap.wald, "wald", "Joint test that all factors weigh the same, sharpness included")
    table(gap.agreement, "agreement", "Agreement on the same pairs, ties apart")
