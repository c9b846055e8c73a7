"""Two data sets side by side: what an annotator of each rewards, and in what the two differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.agreement import agreement_text
from workbench.compare.contrast import Contrast, contrast, sharpness_in_words
from workbench.compare.set_counts import counts_of, on_shared_pairs, said_by
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import Decomposition, decompose
from workbench.decompose.design import POSITION
from workbench.decompose.grouped import group_sd
from workbench.decompose.kernel import Array
from workbench.decompose.parted.selection import select_annotators
from workbench.errors import DesignError
from workbench.json_values import json_ready
from workbench.provenance import Provenance
from workbench.results import Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

SHARPNESS = (
    "A difference of weights is one of taste or of sharpness: who errs less has all weights larger "
    "by one ratio. What is left beyond the ratio stands apart (contrast)."
)
NO_FACTOR = (
    "The two sets share no factor of one name and coding: what they reward cannot be compared."
)
_COLUMNS = (
    "group", "reference", "term", "estimate", "std_error", "conf_low", "conf_high", "p_value",
    "q_value", "n", "n_shared", "per_sd", "per_sd_low", "per_sd_high", "method", "reason",
)  # fmt: skip
Q_LEVEL = 0.05
_FEW = 6
_ONLY = "only in {}"
_OTHER_CODING = "coded otherwise in the two: {} and {}"


@dataclass(frozen=True)
class SetSide:
    """One side of a comparison.

    Attributes
    ----------
    name : str
        What a reader calls it.
    data : PreferenceData
        With factors.
    annotator : str
        Whose labels: an annotator, or a kind whose annotators are pooled.
    """

    name: str
    data: PreferenceData
    annotator: str


@dataclass(frozen=True, eq=False)
class SideBySide(Result):
    """Weights of one annotator in each of two data sets, and their differences.

    Attributes
    ----------
    estimates : DataFrame
        First minus second, one row a factor: the tidy columns, ``per_sd`` with its ends,
        ``n_shared`` (clusters that both labelled), ``method, reason``.
    weights : DataFrame
        Of both, as :meth:`workbench.decompose.decomposition.Decomposition.to_frame` has them;
        ``group`` is the side, ``per_sd`` in the spread of both together.
    left_out : DataFrame
        ``factor, reason``: factors that are not compared.
    counts : DataFrame
        ``what, first, second``.
    shares : DataFrame
        What the annotator said, one row a side and verdict, with its interval.
    agreement : DataFrame
        Of the two on the pairs that both sets hold: agreement and kappa, with their intervals.
    contrast : Contrast or None
        The differences beyond the sharpness, where they can be told.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Side by side"
    about: ClassVar[str] = (
        "What one annotator of each of two data sets rewards, fitted on the factors that both "
        f"have. {SHARPNESS}"
    )

    estimates: pd.DataFrame
    weights: pd.DataFrame
    left_out: pd.DataFrame
    counts: pd.DataFrame
    shares: pd.DataFrame
    agreement: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance
    contrast: Contrast | None = field(default=None, repr=False)

    def to_frame(self) -> pd.DataFrame:
        """Return the differences of weights, one row a factor."""
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return differences, weights, counts, verdicts, agreement and what is not compared."""
        return {
            "differences": self.estimates,
            "weights": self.weights,
            "counts": self.counts,
            "verdicts": self.shares,
            "agreement": self.agreement,
            "left out": self.left_out,
        }

    def parts(self) -> list[Result]:
        """Return the differences beyond the sharpness, where they can be told."""
        return [] if self.contrast is None else [self.contrast]

    def summary(self) -> str:
        """Return counts, agreement, sharpness and differences as text."""
        first, second = self.settings["names"]
        lines = [f"{first} beside {second}; {self.settings['level']:.0%} intervals"]
        rows = self.counts.set_index("what")
        lines += [
            f"  {what}: {rows.loc[what, 'first']:,} and {rows.loc[what, 'second']:,}"
            for what in rows.index
        ]
        lines.append(f"  on the pairs of both: {self._agreed()}")
        if self.contrast is not None:
            lines.append(f"  {first}: {sharpness_in_words(self.contrast.scale.iloc[0], second)}")
        lines.append(f"{first} minus {second}, log-odds per unit:")
        lines += [_text(row) for row in self.estimates.to_dict("records")]
        lines += [f"  {row['factor']}: not compared: {row['reason']}"
                  for row in self.left_out.to_dict("records")]  # fmt: skip
        method = self.estimates["method"].iloc[0] if len(self.estimates) else "none"
        return "\n".join([*lines, f"method: {method}"])

    @property
    def ranked(self) -> list[str]:
        """The factors, those that differ most clearly first, those without a difference last."""
        table = self.estimates[self.estimates["term"] != POSITION]
        return [str(one) for one in table.sort_values("p_value", kind="stable")["term"]]

    def headline(self) -> str:
        """Return in a few lines what differs, how surely, and what sharpness has to do with it."""
        first, second = self.settings["names"]
        table = self.estimates[self.estimates["term"] != POSITION]
        if table.empty:
            return f"{NO_FACTOR}\non the pairs of both: {self._agreed()}"
        told = table[table["p_value"].notna()]
        clear = told[told["q_value"] < Q_LEVEL].set_index("term")
        lines = [f"{len(clear)} of {len(told)} factors differ, {first} minus {second} "
                 f"(q < {Q_LEVEL:g}, log-odds per SD)"]  # fmt: skip
        for term in [one for one in self.ranked if one in clear.index][:_FEW]:
            row = clear.loc[term]
            lines.append(f"  {term} {row['per_sd']:+.2f} "
                         f"[{row['per_sd_low']:+.2f}, {row['per_sd_high']:+.2f}], "
                         f"n = {row['n']:,.0f}")  # fmt: skip
        lines += [f"  and {len(clear) - _FEW} more"] if len(clear) > _FEW else []
        lost = table.loc[table["estimate"].isna(), "term"]
        lines += [f"no weight in one of the two: {', '.join(lost)}"] if len(lost) else []
        if self.contrast is not None:
            own = self.contrast.to_frame()
            beyond = own[(own["verdict"] == "differs") & (own["term"] != POSITION)]["term"]
            lines.append(f"{first}: {sharpness_in_words(self.contrast.scale.iloc[0], second)}")
            lines.append(f"beyond the sharpness: {', '.join(beyond) or 'no factor differs'}")
        lines.append(f"on the pairs of both: {self._agreed()}")
        return "\n".join(lines)

    def _agreed(self) -> str:
        by = self.agreement.set_index("term")
        told = {"n": int(by["n"].iloc[0]), "reason": by.loc["kappa", "reason"]}
        for term in ("agreement", "kappa"):
            told |= {term: by.loc[term, "estimate"], f"{term}_low": by.loc[term, "conf_low"],
                     f"{term}_high": by.loc[term, "conf_high"]}  # fmt: skip
        return agreement_text(told)

    def plot(self) -> go.Figure:
        """Return the weights of both sides in one forest, per standard deviation of both."""
        from workbench.plots.forest import forest, in_units

        shown = in_units(self._in_order(self.weights), "per_sd")
        return forest(shown, x_title="weight (log-odds per SD of both)")

    def figures(self) -> dict[str, go.Figure]:
        """Return the weights of both, and their differences."""
        from workbench.plots.forest import forest, in_units

        shown = in_units(self._in_order(self.estimates), "per_sd").drop(columns="group")
        title = "first minus second (per SD)"
        return {"Weights of both": self.plot(), "Differences": forest(shown, x_title=title)}

    def _in_order(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of factors that have a number, in the order of :attr:`ranked`."""
        place = {term: k for k, term in enumerate(self.ranked)}
        told = table.loc[table["estimate"].notna(), "term"]
        own = table[table["term"].isin(told) & (table["term"] != POSITION)]
        return own.sort_values("term", key=lambda one: one.map(place), kind="stable")


@on_one_thread
def side_by_side(
    first: SetSide,
    second: SetSide,
    *,
    factors: Sequence[str] | None = None,
    level: float = 0.95,
) -> SideBySide:
    r"""Compare what one annotator of each of two data sets rewards.

    Parameters
    ----------
    first, second : SetSide
        Two files, two runs, or two parts of one data set. Their names differ.
    factors : sequence of str, optional
        Only these of the factors that both have in the same coding.
    level : float
        Confidence level of the intervals.

    Returns
    -------
    SideBySide
        Without weights where the two share no factor; the counts and verdicts are there.

    Raises
    ------
    DesignError
        The sides have one name, or a side has no label that can be fitted.

    Notes
    -----
    Both sides are fitted on the same factors in the units of the first, so that a weight means
    the same in both. Clusters
    are matched by name: of sets without a prompt in common the variance of a difference is
    :math:`\widehat{se}_1^2 + \widehat{se}_2^2`; where both hold the same prompts their errors go
    together, and the joint covariance says how (see :func:`workbench.contrast`).

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"][:2])
    >>> parts = [SetSide(s, data.filter(scenarios=[s]), "human") for s in ("coding", "advice")]
    >>> side_by_side(*parts).to_frame()["n_shared"].tolist()
    [0, 0, 0]
    """
    names = [first.name, second.name]
    if names[0] == names[1]:
        raise DesignError(
            "The two sides have one name.",
            found=first.name,
            expected="two names, by which the sides are told apart",
            fix="Give them other names.",
        )
    sides = [
        replace(side, data=select_annotators(side.data, side.annotator, [])[0])
        for side in (first, second)
    ]
    shared, left_out = _shared(sides, factors)
    sides[1] = replace(sides[1], data=_on_scale_of(sides[0].data, sides[1].data, shared))
    fits = [
        decompose(side.data, annotator=side.annotator, factors=shared, folds=0, level=level)
        for side in sides
        if shared
    ]
    gap = contrast(*fits) if fits else None
    size = _spread(fits) if fits else np.array([])
    return SideBySide(
        estimates=pd.DataFrame(columns=_COLUMNS) if gap is None else _differences(gap, names, size),
        weights=_weights(fits, names, size) if fits else pd.DataFrame(columns=_COLUMNS),
        left_out=left_out,
        counts=counts_of(sides[0].data, sides[1].data),
        shares=said_by([(side.name, side.data) for side in sides], level),
        agreement=on_shared_pairs(sides[0].data, sides[1].data, level),
        settings={
            "names": names,
            "annotators": [side.annotator for side in sides],
            "factors": shared,
            "level": level,
        },
        provenance=Provenance.capture(dataset=sides[0].data.digest),
        contrast=None if gap is None else _renamed(gap, names),
    )


def _shared(
    sides: Sequence[SetSide], factors: Sequence[str] | None
) -> tuple[list[str], pd.DataFrame]:
    """Return the factors that both have in one coding, and why others are not compared."""
    codings = [
        {name: _coding(side.data, name)[0] for name in side.data.factor_names} for side in sides
    ]
    shared, rows = [], []
    for name in dict.fromkeys([*codings[0], *codings[1]]):
        if factors is not None and name not in factors:
            continue
        has = [name in one for one in codings]
        if not all(has):
            rows.append((name, _ONLY.format(sides[has.index(True)].name)))
        elif codings[0][name] != codings[1][name]:
            rows.append((name, _OTHER_CODING.format(codings[0][name], codings[1][name])))
        else:
            shared.append(name)
    return shared, pd.DataFrame(rows, columns=["factor", "reason"])


def _coding(data: PreferenceData, name: str) -> tuple[dict[str, Any], float | None]:
    """Return how a factor is coded, and what its differences were divided by."""
    found = dict(dict(data.factor_specs.get(name, {})).get("coding") or {})
    scale = found.pop("scale", None)
    return dict(json_ready(found)), scale


def _on_scale_of(
    first: PreferenceData, second: PreferenceData, names: Sequence[str]
) -> PreferenceData:
    """Return the second set with its factors in the units of the first.

    Each set divides differences by a root mean square of its own, so that its unit is its own.
    """
    factors, specs = second.factors.copy(), dict(second.factor_specs)
    for name in names:
        one, other = _coding(first, name)[1], _coding(second, name)[1]
        if one and other and one != other:
            factors[name] = factors[name] * (other / one)
            coding = {**dict(specs[name])["coding"], "scale": one}
            specs[name] = {**specs[name], "coding": coding}
    return replace(second, factors=factors, factor_specs=specs)


def _spread(fits: Sequence[Decomposition]) -> Array:
    """Return the root mean square of each coded difference over the labels of both."""
    sizes = [group_sd(fit.design, 0) ** 2 for fit in fits]
    n = [float(next(iter(fit.fits.values())).n) for fit in fits]
    return np.asarray(np.sqrt((n[0] * sizes[0] + n[1] * sizes[1]) / sum(n)))


def _differences(gap: Contrast, names: Sequence[str], size: Array) -> pd.DataFrame:
    table = _per_sd(gap.raw, size)
    return table.assign(group=names[0], reference=names[1])[list(_COLUMNS)]


def _weights(fits: Sequence[Decomposition], names: Sequence[str], size: Array) -> pd.DataFrame:
    parts = [_per_sd(fit.to_frame(), size).assign(group=name)
             for fit, name in zip(fits, names, strict=True)]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _per_sd(table: pd.DataFrame, size: Array) -> pd.DataFrame:
    ends = {"per_sd": "estimate", "per_sd_low": "conf_low", "per_sd_high": "conf_high"}
    return table.assign(**{name: size * table[column] for name, column in ends.items()})


def _renamed(gap: Contrast, names: Sequence[str]) -> Contrast:
    tables = {
        name: getattr(gap, name).assign(group=names[0], reference=names[1])
        for name in ("estimates", "raw", "scale", "wald", "agreement")
    }
    settings = {**gap.settings, "reference": names[1], "groups": [names[0]]}
    return replace(gap, settings=settings, **tables)


def _text(row: dict[Any, Any]) -> str:
    if not np.isfinite(row["estimate"]):
        return f"  {row['term']}: undefined: {row['reason']}"
    if not np.isfinite(row["conf_low"]):
        return f"  {row['term']}: {row['estimate']:+.3f}, no interval: {row['reason']}"
    ends = f"[{row['conf_low']:+.3f}, {row['conf_high']:+.3f}]"
    return f"  {row['term']}: {row['estimate']:+.3f} {ends}, q = {row['q_value']:.3g}"
