"""Where a judge differs from the reference it stands for: sharpness apart from taste."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.agreement import agreement_text
from workbench.compare.contrast_rows import METHOD, compare, judge
from workbench.compare.parted.sides import sides_in_parts
from workbench.compare.sides import sides
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.parted.whole import PartedDesign
from workbench.engine import Engine
from workbench.errors import DesignError, refuse_out_of_range
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

MARGIN = 0.1
"""Log-odds per standard deviation of a factor within which weights count as equivalent:
2.5 points of P(preferred) at the most."""


@dataclass(frozen=True, eq=False)
class Contrast(Result):
    """Differences between groups and a reference, sharpness apart from taste.

    Attributes
    ----------
    estimates : DataFrame
        Scale-adjusted differences, one row a group and term; see :meth:`to_frame`.
    raw : DataFrame
        Differences of the weights as they are, which a sharper judge has everywhere, beside
        those of the average marginal effects on the same pairs.
    scale : DataFrame
        How much sharper each group is: ``group, reference, ratio`` with its interval and
        ``p_value`` (that it is 1); ``statistic, df, df_residual, proportional_p, q_value``
        of the test that all weights are proportional; ``anchors``, how many factors the
        ratio rests on, and ``apart``, those that it does not; ``opposite``, whether its
        weights point the other way: the ratio is then that of the weights turned round;
        ``reason``.
    wald : DataFrame
        Joint test that a group weighs every factor as the reference does, sharpness
        included: ``group, reference, statistic`` (F), ``df, df_residual, p_value, q_value,
        n_clusters, reason``.
    agreement : DataFrame
        Of the two annotators on the same pairs: ``group, reference, n`` (pairs that both
        decide), ``n_tied`` (pairs that one of them calls a tie), ``agreement`` and Cohen's
        ``kappa``, each with ``_low`` and ``_high``.
    settings : dict
    provenance : Provenance
    """

    about: ClassVar[str] = (
        "The weights of a logistic model are measured against the annotator's own noise: a "
        "judge with the reference's taste who errs less has all weights larger by one ratio. So "
        "the ratio of sharpness comes first, estimated from the factors that are in "
        "proportion, and a difference of taste is what a weight has beyond the ratio times "
        "the reference's: the distance of a point from the line in the second figure. Raw "
        "differences stand in a table of their own (Allison 1999; Mood 2010; Williams 2009)."
    )
    estimates: pd.DataFrame
    raw: pd.DataFrame
    scale: pd.DataFrame
    wald: pd.DataFrame
    agreement: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a group and term: the scale-adjusted differences.

        Columns ``group, reference``, the tidy columns (``estimate``: the group's weight minus
        ratio times the reference's, in the group's log-odds; ``q_value`` over all groups and
        terms; ``n``: labels of both), ``q_within`` (over the terms of one group),
        ``n_shared`` (clusters that both labelled), ``effective_clusters, df``,
        ``group_estimate, reference_estimate`` with their ``_std_error``, ``ratio, expected``
        (ratio times the reference's), ``per_sd`` with its interval, ``verdict`` (``differs``,
        ``equivalent`` within the margin and with a ratio surely above 0, or ``cannot tell``),
        ``detectable`` (the difference per standard deviation that such data find with power
        80 %), ``method`` and ``reason`` where undefined.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the differences, ratios, raw differences, joint tests and agreement."""
        return {
            "estimates": self.estimates,
            "scale": self.scale,
            "raw": self.raw,
            "wald": self.wald,
            "agreement": self.agreement,
        }

    def summary(self) -> str:
        """Return the ratios, differences, joint tests and agreement as text."""
        reference, margin = self.settings["reference"], self.settings["margin"]
        level = 100 * self.settings["level"]
        lines = [
            f"Contrast to {reference} ({level:g}% interval; * differs, = equivalent within "
            f"{margin:g} log-odds per SD)"
        ]
        for group, table in self.estimates.groupby("group", sort=False):
            both = _row(self.agreement, group)
            lines.append(f"\n{group}: {agreement_text(both)}")
            lines += [f"  {text}" for text in _scale_text(_row(self.scale, group), reference)]
            lines.append(f"  {_wald_text(_row(self.wald, group))}")
            lines += [_text_row(row) for row in table.itertuples()]
        return "\n".join([*lines, f"\nmethod: {METHOD}; q: Benjamini-Hochberg over all groups"])

    def plot(self) -> go.Figure:
        """Return a forest plot of the scale-adjusted differences per standard deviation."""
        from workbench.plots.forest import forest, in_units
        from workbench.plots.ranking import clear_first

        reference = self.settings["reference"]
        frame = in_units(self.estimates, "per_sd").assign(against=reference)
        return forest(
            frame,
            title=f"Beyond the sharpness: weight minus ratio x that of {reference}",
            x_title="difference of taste (log-odds/SD)",
            ranking=clear_first(frame),
        )

    def figures(self) -> dict[str, go.Figure]:
        """Return the differences, and each weight against the reference's with the ratio's line."""
        from workbench.plots.scale import against_reference

        return {
            "Differences of taste": self.plot(),
            "Sharpness and taste": against_reference(self.estimates, self.settings["reference"]),
        }


@on_one_thread
def contrast(
    fit: Decomposition,
    reference: Decomposition | str,
    *,
    margin: float = MARGIN,
    engine: Engine | None = None,
) -> Contrast:
    r"""Test where one or more groups differ from a reference, sharpness apart from taste.

    Parameters
    ----------
    fit : Decomposition
        Groups to compare.
    reference : Decomposition or str
        A decomposition of one group, or the name of a group of ``fit``.
    margin : float
        Log-odds per standard deviation of a factor within which two weights count as
        equivalent.
    engine : Engine, optional
        Where the parts of fits to data in parts are worked on; that of ``fit`` when None.

    Returns
    -------
    Contrast

    Raises
    ------
    DesignError
        The reference has several groups, the two fits use different factors, codings,
        ties or errors, or are of different parts.

    Notes
    -----
    Two annotators who labelled the same pairs give dependent weights: the covariance of
    :math:`b_1 - \rho b_2` is that of the differences of their clusters' pulls (the seemingly
    unrelated estimation of Weesie 1999, with the CR2 adjustment of Pustejovsky and Tipton
    2018). The ratio :math:`\rho` and the test of proportional weights are in
    :func:`workbench.compare.scale.scale`. ``equivalent`` is by two one-sided tests at 5 %
    (Schuirmann 1987). Joint tests leave the position out.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> fits = wb.decompose(data, by="kind", factors=["words", "sentences"], folds=0)
    >>> gap = wb.contrast(fits["llm"], fits["human"])
    >>> gap.to_frame()[["group", "reference", "term"]].iloc[0].tolist()
    ['llm', 'human', 'words']
    """
    refuse_out_of_range({"margin": (margin > 0, margin, "a number above 0, such as 0.1")})
    base = fit[reference] if isinstance(reference, str) else reference
    others = _others(fit, base)
    level = fit.settings["level"]
    if isinstance(fit.design, PartedDesign) or isinstance(base.design, PartedDesign):
        with sides_in_parts(fit, others, base, engine) as (own, against):
            parts = [compare(first, against, level) for first in own]
    else:
        firsts, second = sides(fit, others, base)
        parts = [compare(first, second, level) for first in firsts]
    estimates = pd.concat([part["estimates"] for part in parts], ignore_index=True)
    estimates["q_value"] = q_values(estimates["p_value"].to_numpy("float64"))
    raw = pd.concat([part["raw"] for part in parts], ignore_index=True)
    raw["q_value"] = q_values(raw["p_value"].to_numpy("float64"))
    ratios = pd.DataFrame([part["scale"] for part in parts])
    ratios["q_value"] = q_values(ratios["proportional_p"].to_numpy("float64"))
    judge(estimates, ratios, margin, level)
    wald = pd.DataFrame([part["wald"] for part in parts])
    wald["q_value"] = q_values(wald["p_value"].to_numpy("float64"))
    return Contrast(
        estimates=estimates[[c for c in estimates if c != "reason"] + ["reason"]],
        raw=raw,
        scale=ratios,
        wald=wald,
        agreement=pd.DataFrame([part["agreement"] for part in parts]),
        settings={
            "reference": base.groups[0],
            "groups": others,
            "level": level,
            "margin": margin,
            "covariance": "cluster",
        },
        provenance=fit.provenance,
    )


def _others(fit: Decomposition, base: Decomposition) -> list[str]:
    if len(base.groups) != 1:
        raise DesignError(
            "The reference of a contrast must be one group.",
            found=f"{len(base.groups)} groups: {', '.join(base.groups)}",
            expected="one group, such as fits['human']",
            fix="Pass one group: contrast(fits, fits['human']).",
        )
    for what in ("factors", "codings", "ties"):
        mine, theirs = fit.settings[what], base.settings[what]
        if mine != theirs:
            raise DesignError(
                f"The two fits have different {what}, so their weights cannot be compared.",
                found=f"{mine} and {theirs}",
                expected=f"the same {what} in both",
                fix="Score factors once on all the data, then decompose each annotator alike.",
            )
    name = base.groups[0]
    others = [g for g in fit.groups if not (base.design is fit.design and g == name)]
    if not others:
        raise DesignError(
            "There is nothing to compare with the reference.",
            found=f"only the group {name!r}",
            expected="another group",
            fix="Fit at least one more annotator.",
        )
    return others


def _row(table: pd.DataFrame, group: Any) -> pd.Series:
    return table[table["group"] == group].iloc[0]


def _scale_text(row: pd.Series, reference: str) -> list[str]:
    told = sharpness_in_words(row, reference)
    if not np.isfinite(row["proportional_p"]):
        return [told] if not np.isfinite(row["ratio"]) else [told, f"same taste: {row['reason']}"]
    if not np.isfinite(row["statistic"]):
        return [told, f"same taste: p = {row['proportional_p']:.3g} ({row['reason']})"]
    return [
        told,
        f"same taste, F({row['df']:.0f}, {row['df_residual']:.1f}) = {row['statistic']:.2f}, "
        f"p = {row['proportional_p']:.3g}",
    ]


def sharpness_in_words(row: Mapping[str, Any], reference: str) -> str:
    """Say how much sharper a group is than its reference, and whether its taste is opposite.

    Parameters
    ----------
    row : mapping
        Of the ``scale`` table of a contrast.
    reference : str

    Examples
    --------
    >>> row = {"ratio": 2.0, "ratio_low": 1.5, "ratio_high": 2.5, "p_value": 0.01,
    ...        "opposite": False, "reason": None}
    >>> sharpness_in_words(row, "people")
    'sharpness 2.00 times that of people [1.50, 2.50], p of 1 = 0.01'
    """
    if not np.isfinite(row["ratio"]):
        return f"sharpness: undefined: {row['reason']}"
    told = f"sharpness {row['ratio']:.2f} times that of {reference}"
    if np.isfinite(row["ratio_low"]):
        told += f" [{row['ratio_low']:.2f}, {row['ratio_high']:.2f}]"
        told += f", p of 1 = {row['p_value']:.3g}"
        told += "; they may share no taste" if row["ratio_low"] <= 0 else ""
    return f"{row['reason']}; {told}" if row["opposite"] else told


def _wald_text(row: pd.Series) -> str:
    if not np.isfinite(row["p_value"]):
        return f"same weights: undefined: {row['reason']}"
    return (
        f"same weights, F({row['df']:.0f}, {row['df_residual']:.1f}) = {row['statistic']:.2f}, "
        f"p = {row['p_value']:.3g}"
    )


def _text_row(row: Any) -> str:
    if not np.isfinite(row.estimate):
        return f"  {row.term:<24} undefined: {row.reason}"
    if not np.isfinite(row.conf_low):
        return f"  {row.term:<24} {row.estimate:+.3f}, no interval: {row.reason}"
    mark = {"differs": "*", "equivalent": "="}.get(row.verdict, " ")
    return (
        f" {mark}{row.term:<24} {row.estimate:+.3f} [{row.conf_low:+.3f}, {row.conf_high:+.3f}]"
        f"  q = {row.q_value:.3g}"
    )
