"""May items be ranked: the result."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.finding import Finding
from workbench.intervals import ends_text
from workbench.provenance import Provenance
from workbench.results import TIDY, Result
from workbench.structure.transitivity.findings import transitivity_findings
from workbench.structure.transitivity.group import Group
from workbench.structure.transitivity.tables import (
    CYCLIC,
    estimate_rows,
    joined,
    with_q,
)
from workbench.structure.transitivity.verdict import verdict_of

if TYPE_CHECKING:
    import plotly.graph_objects as go

_COLUMNS = ("group", *TIDY, "n_clusters", "null", "null_limit", "method", "reason")


@dataclass(frozen=True, eq=False)
class Transitivity(Result):
    """Whether items may be ranked, for each group of annotators.

    Attributes
    ----------
    groups : tuple of Group
    refused : dict of str to str
        Why another group has no result.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Transitivity"
    about: ClassVar[str] = (
        "May these items be ranked at all? The cyclic energy is the share of the differences "
        "between shares that no rating can show; noise makes some, so it stands beside what "
        "Bradley-Terry alone would give. Triads are counted within one annotator and one context, "
        "never across people. Descriptive: it says of whom and of how many labels."
    )

    groups: tuple[Group, ...] = field(repr=False)
    refused: dict[str, str]
    settings: dict[str, Any]
    provenance: Provenance

    @cached_property
    def estimates(self) -> pd.DataFrame:
        """One row a group and measure, with null and reason."""
        rows = [row for one in self.groups for row in estimate_rows(one, self.settings)]
        none = dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), np.nan)
        rows += [{"group": name, "term": CYCLIC, **none, "n": 0.0, "reason": why}
                 for name, why in self.refused.items()]  # fmt: skip
        table = with_q(pd.DataFrame(rows).reindex(columns=list(_COLUMNS)), "term")
        return table.astype({"reason": "str", "method": "str"})

    @cached_property
    def verdicts(self) -> list[dict[str, Any]]:
        """The sentence of each group, and the rule of which it is a finding."""
        rows = self.estimates[self.estimates["term"] == CYCLIC].set_index("group")["q_value"]
        tests = int(rows.notna().sum())
        level = float(self.settings["level"])
        return [verdict_of(one, float(rows[one.name]), level, tests) for one in self.groups]

    @cached_property
    def triads(self) -> pd.DataFrame:
        """One row a group and null: observed and expected cyclic share, two-sided p, counts."""
        return with_q(joined(self.groups, "triads"), "null")

    @cached_property
    def stochastic(self) -> pd.DataFrame:
        """One row a group and kind: triples tested, violated and rejected."""
        return joined(self.groups, "stochastic")

    def to_frame(self) -> pd.DataFrame:
        """Return energies, deviance, triads and held-out difference of each group."""
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return estimates, verdicts, nulls of triads, worst triangles, pools and the rest."""
        said = pd.DataFrame(
            [{"group": v["group"], "verdict": v["verdict"]} for v in self.verdicts]
            + [{"group": g, "verdict": f"refused: {why}"} for g, why in self.refused.items()]
        )
        found = {
            "estimates": self.estimates,
            "verdicts": said,
            "triads": self.triads,
            "triangles": joined(self.groups, "triangles"),
            "pools": joined(self.groups, "pool_energies"),
            "stochastic": self.stochastic,
            "triples": joined(self.groups, "triples"),
            "people": joined(self.groups, "people"),
            "edges": joined(self.groups, "edges"),
            "exclusions": pd.concat([
                one.found.exclusions.assign(group=one.name)[["group", "reason", "n"]]
                for one in self.groups
            ], ignore_index=True),
        }  # fmt: skip
        return {name: table for name, table in found.items() if name == "estimates" or len(table)}

    def summary(self) -> str:
        """Return the verdicts and what they stand on as text."""
        level = self.settings["level"]
        lines = [f"Transitivity: may these be ranked? {level:.0%} intervals, "
                 f"{self.settings['simulations']:,} simulations"]  # fmt: skip
        for one, said in zip(self.groups, self.verdicts, strict=True):
            lines.append(f"{one.name}: {said['verdict']}")
            own = self.estimates[self.estimates["group"] == one.name]
            lines += [_line(row) for row in own.to_dict("records")]
            for row in self.triads[self.triads["group"] == one.name].to_dict("records"):
                lines.append(_null_line(row))
            lines += [f"  not compared: {name}: {why}" for name, why in one.found.reasons.items()]
            gone = "; ".join(f"{r.n:,} {r.reason}" for r in one.found.exclusions.itertuples())
            lines += [f"  left out: {gone}"] if gone else []
        lines += [f"{name}: refused: {why}" for name, why in self.refused.items()]
        lines += [f"finding ({f.level}): {f.message}" for f in self.findings()]
        return "\n".join([*lines, "method: see the tables; a share of triads below one "
                          "Bradley-Terry's is a result about dependence"])  # fmt: skip

    def findings(self) -> list[Finding]:
        """Return cycles of shares and of triads, and those that pools make."""
        return transitivity_findings(
            self.estimates, self.triads, self.stochastic, self.verdicts,
            float(self.settings["level"]),
        )  # fmt: skip

    def plot(self) -> go.Figure:
        """Return the cyclic shares of triads beside what the nulls expect."""
        from workbench.plots.forest import forest

        shown = self.estimates[self.estimates["term"].isin(
            ("cyclic energy beyond noise", "cyclic triads within one annotator and context")
        )]  # fmt: skip
        return forest(shown, x_title="share (0: all of it may be ranked)", reference=0.0)


def _line(row: dict[Any, Any]) -> str:
    if not np.isfinite(row["estimate"]):
        return f"  {row['term']}: undefined: {row['reason']}"
    ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], "")
    null = f", null {row['null']:.4f}" if np.isfinite(row["null"]) else ""
    p = f", p = {row['p_value']:.3g}" if np.isfinite(row["p_value"]) else ""
    return f"  {row['term']}: {row['estimate']:.4f} {ends}{null}{p}, n = {row['n']:,.0f}"


def _null_line(row: dict[Any, Any]) -> str:
    if not np.isfinite(row["expected"]):
        return f"  triads under {row['null']}: undefined: {row['null_reason']}"
    ends = ends_text(row["expected_low"], row["expected_high"], None, "")
    return f"  triads under {row['null']}: {row['expected']:.4f} {ends}, p = {row['p_value']:.3g}"
