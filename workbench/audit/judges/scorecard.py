"""What an audit of a judge found: invariance beside sensitivity, with findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.audit.judges.card import budget_text, card, counted
from workbench.audit.judges.statistics import (
    BIASED,
    INSENSITIVE,
    Q_LEVEL,
    SENSITIVE,
    UNDERPOWERED,
)  # fmt: skip
from workbench.finding import Finding, Rule, finding
from workbench.provenance import Provenance
from workbench.results import TIDY, Result

if TYPE_CHECKING:
    import plotly.graph_objects as go

COLUMNS = (
    "id", "group", "dimension", "expect", "verdict", *TIDY, "n_clusters", "n_failed", "low_90",
    "high_90", "q_margin", "mde", "robustness", "repeat", "excess_flip", "excess_low",
    "excess_high", "ties", "method", "reason",
)  # fmt: skip

_EVIDENCE = 10

_SIDE = {"instrument": "the calls themselves"}
_UNCHANGED = {"P1": "clean", "I3": "identical pair"}
"""Cases of the measures for which nothing is changed but the order."""

RULES = {
    "judge-biased": Rule(
        "mean shift of P(the changed response is preferred), both orders, against its control",
        "q < 0.05 (Benjamini-Hochberg over the probes) of a shift beyond the margin",
        "Do not rank by this judge what differs in this, or take the cue away before judging.",
    ),
    "judge-insensitive": Rule(
        "share of known answers given",
        "90 % interval below one half plus two margins",
        "Do not use this judge where the difference matters: its invariance means nothing there.",
    ),
    "judge-unstable": Rule(
        "share of repeated calls that say the same",
        "90 % interval below 0.8",
        "Ask several times and take the majority, or another judge.",
    ),
    "judge-fails": Rule(
        "share of calls without a readable verdict",
        "90 % interval above 0.02",
        "Mend the template or the longest reply before using the verdicts.",
    ),
    "audit-underpowered": Rule(
        "mean shift; the detectable one stands in the threshold",
        "neither biased nor equivalent",
        "Audit more pairs.",
    ),
}
"""What an audit of a judge may find, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class JudgeAudit(Result):
    """An audit of a judge by probes.

    Attributes
    ----------
    estimates : DataFrame
        One row a probe; see :meth:`to_frame`.
    variants : DataFrame
        One row a form or dose, with attack success beside that of the placebo, and the fall
        of agreement with people (without people, with everybody) under treatment
        (``rank_drop``).
    cases : DataFrame
        Every case: ``probe, variant, dose, pair_id, score, control_score, value``.
    samples : DataFrame
        Some cases with their texts, for a person to veto.
    skipped : DataFrame
        Cases left out: ``probe, variant, reason, n``.
    settings : dict
    provenance : Provenance
    beside : tuple of Result
        What was measured too: edits, wordings, triples.
    """

    heading: ClassVar[str] = "Judge audit"
    about: ClassVar[str] = (
        "Controlled changes of pairs, each in both orders and beside a control of the same "
        "length. Invariance: the shift should be none. Sensitivity: the right answer is known. A "
        "judge that is blind passes every test of invariance, so read the two together."
    )

    estimates: pd.DataFrame
    variants: pd.DataFrame
    cases: pd.DataFrame = field(repr=False)
    samples: pd.DataFrame = field(repr=False)
    skipped: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance
    beside: tuple[Result, ...] = ()

    @property
    def flagged(self) -> list[str]:
        """Dimensions in which the judge is biased, blind, unstable or fails; sorted."""
        bad = self.estimates[self.estimates["verdict"].isin((BIASED, INSENSITIVE))]
        return sorted(set(bad["dimension"]))

    @property
    def scores(self) -> dict[str, float]:
        """Share of invariance probes that find no bias, mean share of known answers, calls."""
        held = self.estimates[self.estimates["group"].isin(("invariance", "attack"))]
        held = held[held["estimate"].notna()]
        known = self.estimates.loc[self.estimates["group"] == "sensitivity", "estimate"].dropna()
        return {
            "robustness": float((held["verdict"] != BIASED).mean()) if len(held) else np.nan,
            "sensitivity": float(known.mean()) if len(known) else np.nan,
            "calls": float(self.settings["calls"]),
        }

    @property
    def scorecard(self) -> pd.DataFrame:
        """One row a measure, in words: passed, failed or cannot tell, and what would tell.

        Invariance first, then sensitivity, then the calls themselves; what failed before what
        cannot be told. Columns: :data:`workbench.audit.judges.card.CARD_COLUMNS`.
        """
        return card(self.estimates, self.settings)

    @property
    def verdict(self) -> str:
        """The scorecard in two or three sentences."""
        table = self.scorecard
        told = "; ".join(
            f"{_SIDE.get(row['side'], row['side'])}: {row['passed']} passed, "
            f"{row['failed']} failed, {row['cannot tell']} cannot be told"
            for row in counted(table).to_dict("records")
        )
        blind = (self.estimates["verdict"] == INSENSITIVE).any()
        more = " Where it is blind, invariance means nothing." if blind else ""
        return f"{told[0].upper()}{told[1:]}.{more} {budget_text(table)}"

    def evidence_of(self, probe: str) -> pd.DataFrame:
        """Return the cases of a measure, those that say most clearly what it says first.

        Of the order, those come first on which both orders together say nothing. A measure of
        the calls themselves has no cases.

        Parameters
        ----------
        probe : str
            The ``id`` of a row.
        """
        own = self.cases[self.cases["probe"] == _UNCHANGED.get(probe, probe)]
        own = own.dropna(subset=["value"])
        found = self.estimates[self.estimates["id"] == probe]
        if probe in _UNCHANGED:
            return own.loc[(own["score"] - 0.5).abs().sort_values(kind="stable").index]
        return own if found.empty else own.loc[_strength(own, found.iloc[0]).index]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a probe.

        ``id, group, dimension, expect, verdict``; the tidy columns (of a shift, or of the
        share of known answers given); ``low_90, high_90`` for equivalence; ``q_margin``, of a
        shift beyond the margin; ``mde``, what is told from no shift;
        ``robustness, repeat, excess_flip`` with its ends; ``ties`` on identical pairs.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return probes, variants, what was left out, samples and every case."""
        return {
            "probes": self.estimates,
            "scorecard": self.scorecard,
            "variants": self.variants,
            "skipped": self.skipped,
            "samples": self.samples,
            "cases": self.cases,
        }

    def summary(self) -> str:
        """Return the scorecard as text: invariance beside sensitivity."""
        s = self.settings
        lines = [
            f"{s['model']}: suite {s['suite']}, {s['n']:,} pairs, {s['calls']:,} calls; margin "
            f"{s['margin']:g}, {s['level']:.0%} intervals",
            self._headline(),
        ]
        for group, table in self.estimates.groupby("group", sort=False):
            lines.append(f"\n{group}")
            lines += [_text(row) for row in table.to_dict("records")]
        if s["not_asked"]:
            lines.append(f"{s['not_asked']:,} verdicts were not asked: the budget ended first.")
        left = int(self.skipped["n"].sum())
        lines.append(f"\nleft out: {left:,} cases to which a probe does not apply")
        own = "\n".join([*lines, "method: both orders averaged; q: Benjamini-Hochberg"])
        return "\n\n".join([own, *(one.summary() for one in self.beside)])

    def findings(self) -> list[Finding]:
        """Return biases, blindness, instability, failures, and what is underpowered."""
        found = [one for row in self.estimates.to_dict("records") if (one := self._found(row))]
        return [*found, *self._underpowered()]

    def parts(self) -> list[Result]:
        """Return what edits, wordings and triples brought, where that was measured."""
        return list(self.beside)

    def figures(self) -> dict[str, go.Figure]:
        """Return shifts, known answers, and doses."""
        shown = {"shifts: invariance and attacks": self.plot()}
        shown["known answers and calls: sensitivity"] = self.plot_sensitivity()
        if self.variants.get("dose", pd.Series(dtype=float)).notna().any():
            shown["doses"] = self.plot_doses()
        return shown

    def plot(self) -> go.Figure:
        """Return every probe's shift or share of known answers with its interval."""
        from workbench.plots.forest import forest

        table = self.estimates[self.estimates["group"].isin(("invariance", "attack"))]
        return forest(table.drop(columns="group"), x_title="shift of P(preferred)")

    def plot_sensitivity(self) -> go.Figure:
        """Return the shares of known answers given, and of stable and failed calls."""
        from workbench.plots.forest import forest

        table = self.estimates[self.estimates["group"].isin(("sensitivity", "instrument"))]
        return forest(table.drop(columns="group"), x_title="share", reference=0.5)

    def plot_doses(self) -> go.Figure:
        """Return what a larger dose does, for every probe that has doses."""
        from workbench.plots.curve import curve

        table = self.variants.dropna(subset=["dose"])
        # percentages of the crowd and multiples of the length share no axis
        step = table.groupby("probe", sort=False).cumcount() + 1
        table = table.assign(group=table["probe"], step=step)
        return curve(
            table, x="step", x_title="dose, from the smallest", y_title="shift, or share right"
        )

    def _headline(self) -> str:
        invariance = self.estimates[self.estimates["group"].isin(("invariance", "attack"))]
        known = self.estimates[self.estimates["group"] == "sensitivity"]
        blind = (known["verdict"] == INSENSITIVE).any()
        text = (
            f"invariance: {int((invariance['verdict'] == BIASED).sum())} of {len(invariance)} "
            f"probes biased, {int((invariance['verdict'] == UNDERPOWERED).sum())} underpowered; "
            f"sensitivity: {int((known['verdict'] == SENSITIVE).sum())} of {len(known)} known "
            "answers seen"
        )
        return text + ("; where it is blind, invariance means nothing" if blind else "")

    def _found(self, row: dict[Any, Any]) -> Finding | None:
        verdict, dimension, who = row["verdict"], row["dimension"], self.settings["model"]
        rule = "judge-biased"
        if verdict == INSENSITIVE:
            rule, text = "judge-insensitive", f"{who} is blind to {dimension} ({row['term']})"
        elif verdict != BIASED:
            return None
        elif dimension == "stability":
            rule, text = "judge-unstable", f"{who} does not say the same when it is asked again"
        elif dimension == "failures":
            rule, text = "judge-fails", f"{who} often gives no readable verdict"
        else:
            way = "towards" if row["estimate"] > 0 else "away from"
            text = f"{who} is drawn {way} {dimension} ({row['term']})"
        numbers = (row["estimate"], row["conf_low"], row["conf_high"])
        threshold = f"{RULES[rule].threshold}; margin {self.settings['margin']:g}"
        return finding(
            RULES, rule, "warning", text, int(row["n"]), numbers, threshold=threshold,
            evidence=self._evidence(row),
        )  # fmt: skip

    def _underpowered(self) -> list[Finding]:
        """Return one note on all probes that this many pairs cannot tell."""
        table = self.estimates
        table = table[(table["verdict"] == UNDERPOWERED) & (table["group"] != "instrument")]
        if table.empty:
            return []
        text = f"{self.settings['model']}: {len(table)} probes cannot be told: "
        text += ", ".join(table["term"])
        some = table.loc[(table["q_value"] < Q_LEVEL) & (table["expect"] != "right"), "term"]
        text += (
            f"; shifted, but not surely beyond the margin: {', '.join(some)}" if len(some) else ""
        )
        worst = f"neither biased nor equivalent; detectable shifts up to {table['mde'].max():.2f}"
        n = int(table["n"].max())
        return [finding(RULES, "audit-underpowered", "note", text, n, threshold=worst)]

    def _evidence(self, row: dict[Any, Any]) -> tuple[str, ...]:
        own = self.cases[self.cases["probe"] == row["id"]].dropna(subset=["value"])
        if own.empty or not np.isfinite(row["estimate"]):
            return ()
        clearest = _strength(own, row).index
        return tuple(dict.fromkeys(own.loc[clearest, "pair_id"].head(_EVIDENCE)))


def _strength(own: pd.DataFrame, row: Mapping[Any, Any]) -> pd.Series:
    """Return how clearly cases say what a row says, the clearest first.

    They are shifted in the direction of the estimate, or answered wrongly.
    """
    right = row["expect"] == "right"
    strength = -own["value"] if right else own["value"] * np.sign(row["estimate"])
    return strength.sort_values(ascending=False, kind="stable")


def _text(row: dict[Any, Any]) -> str:
    name = f"  {row['id']:<4}{row['term']} ({row['dimension']})"
    if pd.isna(row["estimate"]):
        return f"{name}: undefined: {row['reason']}"
    q = f", q = {row['q_value']:.3g}" if pd.notna(row["q_value"]) else ""
    q += f" (beyond the margin {row['q_margin']:.3g})" if pd.notna(row["q_margin"]) else ""
    sign = "" if row["group"] in ("sensitivity", "instrument") else "+"
    ends = f"[{row['conf_low']:{sign}.3f}, {row['conf_high']:{sign}.3f}]"
    return f"{name}: {row['estimate']:{sign}.3f} {ends}{q}, n = {row['n']:,.0f}: {row['verdict']}"
