"""Likelihood displacement: whether training made the preferred responses themselves less likely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from workbench.clustered import Array, cluster_error, mean_difference, share
from workbench.errors import DataError
from workbench.finding import Finding, Rule, finding
from workbench.intervals import correlation_ends
from workbench.provenance import Provenance
from workbench.results import TIDY, Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

_METHOD = "mean over pairs, cluster-robust t interval"
_RANKS = "Spearman correlation, cluster-robust t interval of Fisher's z"
COLUMNS = (*TIDY, "n_clusters", "method", "reason")
_BINS = 10
FILTERED = 0.05
"""Share of pairs, the least similar, that filtering keeps."""

RULES = {
    "likelihood-displacement": Rule(
        "mean change of log p(chosen | prompt), nats, while the margin grew",
        "interval below 0, and that of the margin above 0",
        "Look at what gained instead; filter the pairs by length-normalised CHES, or add a term "
        "that keeps the chosen responses likely.",
    )
}
"""What the movement of likelihoods may show, by ``rule_id``."""


@dataclass(frozen=True, eq=False)
class Displacement(Result):
    """Movement of likelihoods between two checkpoints.

    Attributes
    ----------
    estimates : DataFrame
        One row a measure; see :meth:`to_frame`.
    pairs : DataFrame
        ``pair_id, cluster, chosen_change, rejected_change, margin_change, ches, ln_ches``.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Likelihood displacement"
    about: ClassVar[str] = (
        "A preference loss falls as the margin grows, also where the chosen response itself "
        "becomes less likely: its mass has gone elsewhere. Pairs whose responses look alike to "
        "the model (high CHES before training) are those that drive it."
    )

    estimates: pd.DataFrame
    pairs: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    @property
    def to_keep(self) -> list[str]:
        """The pairs of the lowest length-normalised CHES: what filtering keeps."""
        count = max(1, int(FILTERED * len(self.pairs)))
        order = self.pairs.sort_values(["ln_ches", "pair_id"], kind="stable")
        return [str(one) for one in order["pair_id"].head(count)]

    def to_frame(self) -> pd.DataFrame:
        """Return mean changes in nats, the share displaced, and correlations with CHES."""
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the measures and the pairs."""
        return {"displacement": self.estimates, "pairs": self.pairs}

    def summary(self) -> str:
        """Return the measures as text."""
        lines = [f"Likelihood displacement, {self.settings['level']:.0%} intervals"]
        lines += [
            f"  {row['term']}: {row['estimate']:+.3f} [{row['conf_low']:+.3f}, "
            f"{row['conf_high']:+.3f}], n = {row['n']:,.0f}"
            for row in self.estimates.to_dict("records")
        ]
        return "\n".join(lines)

    def findings(self) -> list[Finding]:
        """Return displacement: the margin grew while the chosen responses fell."""
        table = self.estimates.set_index("term")
        row, margin = table.loc["change of the chosen"], table.loc["change of the margin"]
        if not (row["conf_high"] < 0 and margin["conf_low"] > 0):
            return []
        worst = self.pairs.sort_values("chosen_change", kind="stable")["pair_id"].head(10)
        text = "Training raised the margins and made the chosen responses less likely"
        numbers = (row["estimate"], row["conf_low"], row["conf_high"])
        return [finding(RULES, "likelihood-displacement", "warning", text, int(row["n"]), numbers,
                        evidence=tuple(worst))]  # fmt: skip

    def figures(self) -> dict[str, go.Figure]:
        """Return the mean changes, and CHES against the movement of the chosen responses."""
        shown = {"mean changes": self.plot()}
        if self.pairs["ln_ches"].notna().all() and len(self.pairs) >= _BINS:
            shown["length-normalised CHES before against movement"] = self.plot_ches()
        return shown

    def plot_ches(self) -> go.Figure:
        """Return the mean change of the chosen responses by tenth of length-normalised CHES."""
        from workbench.plots.curve import curve

        tenth = np.ceil(_BINS * rankdata(self.pairs["ln_ches"], "ordinal") / len(self.pairs))
        code = pd.factorize(self.pairs["cluster"])[0]
        change = self.pairs["chosen_change"].to_numpy("float64")
        rows = [
            {"tenth": k, **mean_difference(change[tenth == k], code[tenth == k], 0.95)}
            for k in range(1, _BINS + 1)
        ]
        return curve(pd.DataFrame(rows), x="tenth", x_title="tenth of length-normalised CHES",
                     y_title="change of log p(chosen) (nats)", reference=0.0)  # fmt: skip

    def plot(self) -> go.Figure:
        """Return the mean changes with their intervals."""
        from workbench.plots.forest import forest

        table = self.estimates[self.estimates["term"].str.startswith("change")]
        return forest(table, x_title="change of log-likelihood (nats)")


@on_one_thread
def displacement(
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    level: float = 0.95,
) -> Displacement:
    """Compare the likelihoods of two checkpoints.

    Parameters
    ----------
    before, after : DataFrame
        Scores of the same pairs: ``pair_id, cluster, chosen, rejected``; ``ches, ln_ches``
        of the first, where it has them.
    level : float

    Raises
    ------
    DataError
        No common pair.

    Notes
    -----
    Razin et al. (2024), "Unintentional unalignment": displacement is a falling mean
    likelihood of the chosen responses while the loss falls. Their score should rise with
    the drop: the correlation of CHES before and the change of the chosen is expected below 0.

    Examples
    --------
    >>> one = pd.DataFrame({"pair_id": ["p", "q"], "cluster": ["p", "q"],
    ...                     "chosen": [-5.0, -6.0], "rejected": [-5.0, -7.0]})
    >>> two = one.assign(chosen=one["chosen"] - 1, rejected=one["rejected"] - 3)
    >>> displacement(one, two).to_frame()["estimate"].head(3).tolist()
    [-1.0, -3.0, 2.0]
    """
    both = before.merge(after, on="pair_id", suffixes=("_before", "_after"))
    if both.empty:
        raise DataError(
            "The two checkpoints have no pair in common.",
            found=f"{len(before):,} and {len(after):,} pairs",
            expected="scores of the same pairs",
            fix="Score both on one data set.",
        )
    cluster = pd.factorize(both["cluster_before"])[0]
    moved = {side: (both[f"{side}_after"] - both[f"{side}_before"]).to_numpy("float64")
             for side in ("chosen", "rejected")}  # fmt: skip
    moved["margin"] = moved["chosen"] - moved["rejected"]
    rows = [_mean(f"change of the {name}", v, cluster, level) for name, v in moved.items()]
    lost = ((moved["chosen"] < 0) & (moved["margin"] > 0)).astype(float)
    rows.append({"term": "pairs displaced", **share(lost, cluster, level), "method": _METHOD})
    pairs = pd.DataFrame(
        {
            "pair_id": both["pair_id"],
            "cluster": both["cluster_before"],
            **{f"{k}_change": v for k, v in moved.items()},
        }
    )
    for name in ("ches", "ln_ches", "last_similarity", "edit_similarity"):
        column = f"{name}_before" if f"{name}_before" in both else name
        pairs[name] = both.get(column, np.nan)
        if pairs[name].notna().all():
            rows.append(_rank(name, pairs[name].to_numpy(float), moved["chosen"], cluster, level))
    table = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    settings = {"level": level, "n": len(both)}
    return Displacement(table, pairs, settings, Provenance.capture())


def _mean(term: str, value: Array, cluster: Any, level: float) -> dict[str, Any]:
    return {"term": term, **mean_difference(value, cluster, level), "method": _METHOD}


def _rank(name: str, x: Array, y: Array, cluster: Any, level: float) -> dict[str, Any]:
    """Return Spearman's correlation with the cluster-robust error of its influence function."""
    term = f"correlation of {name} before and the change of the chosen"
    clusters = int(cluster.max()) + 1
    row: dict[str, Any] = {"term": term, "n": float(len(x)), "method": _RANKS,
                           "n_clusters": float(clusters), "estimate": np.nan}  # fmt: skip
    if not (np.ptp(x) and np.ptp(y)):
        return row | {"reason": "no variation"}
    rho = float(np.corrcoef(rankdata(x), rankdata(y))[0, 1])
    error = cluster_error(_influence(x, y) / len(x), cluster)
    if not error > 1e-12 or abs(rho) > 1 - 1e-12:
        return row | {"estimate": rho, "reason": "no error can be told"}
    low, high, p = correlation_ends(rho, error, clusters, level)
    return row | {"estimate": rho, "std_error": error, "conf_low": low, "conf_high": high,
                  "p_value": p}  # fmt: skip


def _influence(x: Array, y: Array) -> Array:
    """Return what each pair moves Spearman's correlation by: its product and its place.

    A pair counts by its own ranks, and by those that it lends to all pairs below it; without
    the second part intervals are too narrow.
    """
    n = len(x)
    f, g = (rankdata(x) - 0.5) / n - 0.5, (rankdata(y) - 0.5) / n - 0.5
    lent = np.zeros(n)
    for order, other in ((np.argsort(x, kind="stable"), g), (np.argsort(y, kind="stable"), f)):
        lent[order] += np.cumsum(other[order][::-1])[::-1] / n
    psi = 12 * (f * g + lent)
    return np.asarray(psi - psi.mean(), dtype=np.float64)
