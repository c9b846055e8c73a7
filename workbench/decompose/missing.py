"""Whether verdicts are missing at random, or by the factors or the side shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from workbench.clustered import Array, Codes, cluster_error
from workbench.data.dataset import PreferenceData
from workbench.decompose.design import POSITION
from workbench.decompose.errors.tidy import q_values
from workbench.decompose.parted.selection import select_annotators
from workbench.errors import refuse_out_of_range
from workbench.finding import Finding, Rule, finding
from workbench.provenance import Provenance
from workbench.results import TIDY, Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

FEWEST = 10
"""Failed verdicts, and clusters with them, below which nothing is tested."""

Q_LEVEL = 0.05

COLUMNS = ("group", *TIDY, "form", "factor", "n_failed", "n_clusters", "method", "reason")

_METHOD = "linear slope of failing, cluster-robust t interval at the clusters with failures"
_EVERY = "every term"

_FORMS = {
    "difference": (
        "where A has {more} {factor} than B",
        "verdicts are missing more on one side, and the weight of {factor} can be off by it",
    ),
    "size": (
        "on pairs that differ {more} in {factor}",
        "the weights are those of pairs that differ {less} in it",
    ),
    "both": (
        "on pairs with {more} {factor} in both responses",
        "the weights are those of pairs with {less} of it",
    ),
    "side": (
        "where {first} is shown first",
        "the two orders do not balance, and averages over them lean to the other order",
    ),
}
"""Of what failing depends, in words, and what that may do to the weights."""

_ELSE = "they hold for all pairs only if the missing verdicts would have followed the others"

RULES = {
    "missing-verdicts": Rule(
        "change of the share of verdicts that fail, by unit of the factor (by standard deviation "
        "for both responses; of the side: the share with A first minus that with B first)",
        f"q < {Q_LEVEL:g} (Benjamini-Hochberg over annotators and terms)",
        "Ask again for what failed, or read the weights as those of the pairs that were judged.",
    )
}
"""What missing verdicts may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class MissingVerdicts(Result):
    """Tests of whether failing to give a verdict depends on the pair or on the side shown.

    Attributes
    ----------
    estimates : DataFrame
        One row an annotator and term; see :meth:`to_frame`.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Missing verdicts"
    about: ClassVar[str] = (
        "Whether an annotator fails to give a readable verdict more often on some pairs than on "
        "others. Where it does, its weights are those of the pairs that are left."
    )

    method: ClassVar[str] = _METHOD

    estimates: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row an annotator that failed at least once, and term.

        Beside the tidy columns: ``form`` (``difference``: A minus B; ``size`` of the
        difference; ``both``: mean of the two responses; ``side`` shown first), ``factor``,
        ``n_failed``, ``n_clusters``, ``method``, ``reason``. ``n`` counts all that was asked.
        """
        return self.estimates

    def summary(self) -> str:
        """Return who failed how often, and what failing depends on, as text."""
        level = f"{self.settings['level']:.0%} interval"
        lines = [f"Missing verdicts: change of the share that fails [{level}], q < {Q_LEVEL:g}"]
        for name, own in self.estimates.groupby("group", sort=False):
            counts = own[["n_failed", "n"]].max()
            share = counts["n_failed"] / counts["n"]
            lines.append(f"\n{name}: {counts['n_failed']:,.0f} of {counts['n']:,.0f} ({share:.1%})")
            clear = own[own["q_value"] < Q_LEVEL]
            lines += [_text(row) for row in clear.to_dict("records")]
            if clear.empty:
                tested = own["p_value"].notna().any()
                reason = own["reason"].dropna()
                lines.append("  none" if tested else f"  undefined: {reason.iloc[0]}")
        if self.estimates.empty:
            lines.append("  every verdict could be read")
        return "\n".join([*lines, "", f"method: {_METHOD}; q: Benjamini-Hochberg over all"])

    def findings(self) -> list[Finding]:
        """Return what failing depends on: the clearest term of each form names the others."""
        clear = self.estimates[self.estimates["q_value"] < Q_LEVEL]
        order = (clear["estimate"] / clear["std_error"]).abs()
        clear = clear.loc[order.sort_values(ascending=False, kind="stable").index]
        return [
            _found(str(name), own.to_dict("records"))
            for (name, _), own in clear.groupby(["group", "form"], sort=False)
        ]

    def plot(self) -> go.Figure:
        """Return the slopes with their intervals, a mark an annotator."""
        from workbench.plots.forest import forest
        from workbench.plots.ranking import clear_first

        ranking = clear_first(self.estimates)
        x_title = "change of the share of verdicts that fail"
        return forest(self.estimates, x_title=x_title, ranking=ranking)


@on_one_thread
def missing_verdicts(
    data: PreferenceData,
    *,
    annotator: str | Iterable[str] | None = None,
    factors: Sequence[str] | None = None,
    level: float = 0.95,
) -> MissingVerdicts:
    r"""Test whether failing to give a verdict depends on the factors or on the side shown.

    For each annotator and term alone, over all verdicts that were asked for, with
    :math:`f = 1` where there is none that could be read:

    .. math:: b = \frac{\operatorname{cov}(z, f)}{\operatorname{var}(z)}

    where :math:`z` is a factor's coded difference A minus B, its size, the mean of a factor
    over both responses (in standard deviations), or whether A was shown first.

    Parameters
    ----------
    data : PreferenceData
        Without factors, only the side is tested.
    annotator : str or iterable of str, optional
        Only these; a kind pools its annotators.
    factors : sequence of str, optional
        All when None.
    level : float

    Returns
    -------
    MissingVerdicts

    Raises
    ------
    DesignError
        An option out of range.
    DataError
        An annotator that the data do not have.

    Notes
    -----
    A slope needs no model of rare failures and exists where a logit would separate. Its
    error is the largest of three: summed by cluster at the slope, the same at no dependence,
    and that of independent failures. As only clusters with failures tell of them, the
    interval is that of Student's t with one degree of freedom less than there are such
    clusters. Annotators with fewer than 10 failures, or
    failures in fewer than 10 clusters, have one row with the reason. Verdicts that do not
    apply or were not asked are left out; verdicts of all criteria count.

    Examples
    --------
    >>> import workbench as wb
    >>> found = missing_verdicts(wb.load("sample"), annotator="sim-judge-plain")
    >>> found.to_frame()["form"].unique().tolist()
    ['side']
    """
    refuse_out_of_range({"level": (0 < level < 1, level, "between 0 and 1")})
    # a verdict on any criterion is one that was asked for
    chosen, (group_by, _) = select_annotators(data, annotator, ["annotator", "criterion"])
    names = [name for name in chosen.factor_names if factors is None or name in factors]
    labels = chosen.labels
    failed = (labels["reason"].eq("failed") & labels["preference"].isna()).to_numpy()
    asked = labels["preference"].notna().to_numpy() | failed
    terms = list(_terms(chosen, names))
    first = labels["order_shown"].map({"ab": 1.0, "ba": 0.0}).to_numpy("float64")
    cluster = pd.factorize(chosen.pairs["cluster"])[0]
    rows: list[dict[str, Any]] = []
    for group in sorted(labels[group_by][failed].unique()):
        mine = asked & labels[group_by].eq(group).to_numpy()
        pair, own = chosen.pair_rows[mine], failed[mine].astype("float64")
        code = np.unique(cluster[pair], return_inverse=True)[1]
        about = {"group": group, "n": float(len(own)), "n_failed": float(own.sum())}
        why = _too_few(own, code)[1]
        if why:
            rows.append({**about, "term": _EVERY, "method": _METHOD, "reason": why})
            continue
        columns = [(*term[:3], term[3][pair]) for term in terms]
        columns.append((POSITION, "side", None, first[mine]))
        for term, form, factor, z in columns:
            found = _slope(z, own, code, level)
            rows.append({**about, "term": term, "form": form, "factor": factor, **found})
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    return MissingVerdicts(
        estimates=table,
        settings={"factors": names, "level": level, "fewest": FEWEST},
        provenance=Provenance.capture(dataset=data.digest),
    )


def _terms(
    data: PreferenceData, names: Sequence[str]
) -> Iterator[tuple[str, str, str | None, Array]]:
    """Yield term, form, factor and the values by pair."""
    values = data.factor_values
    for name in names:
        x = data.factors[name].to_numpy("float64")
        yield name, "difference", name, x
        yield f"{name}, size of the difference", "size", name, np.abs(x)
        sides = [f"{name}_{side}" for side in "ab"]
        if set(sides) <= set(values.columns):
            both = values[sides].to_numpy("float64").mean(axis=1)
            spread = float(np.nanstd(both)) if np.isfinite(both).any() else 0.0
            yield f"{name}, both responses", "both", name, both / (spread or 1.0)


def _too_few(failed: Array, cluster: Codes) -> tuple[int, str | None]:
    """Return the fewer of the clusters with and without failures, and why they are too few."""
    n = int(failed.sum())
    if n < FEWEST:
        return 0, f"only {n} failed verdicts ({FEWEST} are needed)"
    counts = {
        "failed verdicts are": int((np.bincount(cluster, failed) > 0).sum()),
        "verdicts that were read are": int((np.bincount(cluster, 1 - failed) > 0).sum()),
    }
    what = min(counts, key=lambda name: counts[name])
    few = f"{what} of only {counts[what]} clusters ({FEWEST} are needed)"
    return counts[what], few if counts[what] < FEWEST else None


def _slope(z: Array, failed: Array, cluster: Codes, level: float) -> dict[str, Any]:
    """Return the slope of failing on one term; undefined with a reason where it cannot be told."""
    known = np.isfinite(z)
    if not known.all():
        z, failed, cluster = z[known], failed[known], cluster[known]
    row: dict[str, Any] = {"estimate": np.nan, "n": float(len(z)), "method": _METHOD,
                           "n_failed": float(failed.sum())}  # fmt: skip
    away = z - z.mean() if len(z) else z
    spread = float(away @ away)
    if len(z) == 0 or spread <= 1e-12 * max(float(z @ z), 1.0):
        return {**row, "reason": "it does not vary, or is not known"}
    clusters, why = _too_few(failed, cluster)
    if why:
        return {**row, "reason": why}
    slope = float(away @ failed) / spread
    error = _error(away / spread, slope * away, failed, cluster)
    half = float(stdtrit(clusters - 1, 0.5 + level / 2)) * error
    return {
        **row,
        "estimate": slope,
        "std_error": error,
        "conf_low": slope - half,
        "conf_high": slope + half,
        "p_value": 2 * float(stdtr(clusters - 1, -abs(slope) / error)),
        "n_clusters": float((np.bincount(cluster) > 0).sum()),
    }


def _error(weight: Array, fitted: Array, failed: Array, cluster: Codes) -> float:
    """Return the largest of three errors of a slope.

    A far value pulls the slope, and hides its own residual: no dependence does not. Where
    few rows differ from the rest, that none of them failed says less than its residuals do.
    """
    share = float(failed.mean())
    centred = failed - share
    return max(
        cluster_error(weight * (centred - fitted), cluster),
        cluster_error(weight * centred, cluster),
        float(np.sqrt(share * (1 - share) * (weight @ weight))),
    )


def _text(row: dict[Any, Any]) -> str:
    return (
        f"  {row['term']}: {row['estimate']:+.4f} [{row['conf_low']:+.4f}, "
        f"{row['conf_high']:+.4f}], q = {row['q_value']:.3g}, n = {row['n']:,.0f}"
    )


def _found(name: str, rows: list[dict[Any, Any]]) -> Finding:
    """Return the finding of the clearest of some terms of one form."""
    row, *others = rows
    up = row["estimate"] > 0
    words = {"more": "more" if up else "less", "less": "less" if up else "more",
             "first": "A" if up else "B", "factor": row["factor"]}  # fmt: skip
    where, effect = (text.format(**words) for text in _FORMS[row["form"]])
    also = ", ".join(str(one["factor"]) for one in others[:5])
    also += f" and {len(others) - 5} more" if len(others) > 5 else ""
    text = f"{name} gives no readable verdict more often {where}"
    text += f" (so too with {also})" if also else ""
    numbers = (row["estimate"], row["conf_low"], row["conf_high"])
    message = f"{text}: {effect}; {_ELSE}"
    return finding(RULES, "missing-verdicts", "warning", message, int(row["n"]), numbers)
