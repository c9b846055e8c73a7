"""A training seen at its checkpoints: what likelihoods, rankings and gradients do over time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
from scipy.special import log_expit

from workbench.audit.models.calibration import calibration_by
from workbench.audit.models.ranking import RankingAccuracy, ranking_accuracy
from workbench.clustered import Array, mean_difference, share
from workbench.errors import DataError
from workbench.intervals import MID_P
from workbench.provenance import Provenance
from workbench.results import TIDY, Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

_MEAN = "mean over pairs, cluster-robust t interval"
_SHARE = f"share of pairs, {MID_P}"
_QUANTILE = "quantile, Woodruff interval: where the share of pairs below it has its own"
QUANTILES = (0.05, 0.5, 0.95)
"""Of the length-normalised CHES, told at every checkpoint."""

_CHES = "length-normalised CHES"
COLUMNS = ("checkpoint", "step", *TIDY, "n_clusters", "method", "reason")


@dataclass(frozen=True, eq=False)
class Training(Result):
    """Measures of every checkpoint, and how rankings changed between them.

    Attributes
    ----------
    estimates : DataFrame
        One row a checkpoint and measure; see :meth:`to_frame`.
    moves : DataFrame
        ``from, to, before, after, n, share``: pairs that went from right to wrong and back;
        between neighbours, and from the first to the last.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Training, checkpoint by checkpoint"
    about: ClassVar[str] = (
        "All against the first checkpoint, which is the reference. The loss can fall and the "
        "accuracy of the implicit reward rise while few rankings turn and the chosen responses "
        "themselves become less likely."
    )

    estimates: pd.DataFrame
    moves: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a checkpoint and measure.

        ``ranking accuracy``, ``reward accuracy`` (of the implicit reward, not to be taken
        for the first), ``loss``; ``change of the chosen``, ``rejected`` and, where there are
        any, ``unseen`` responses, nats; the 3D properties: ``log gradient on the chosen``
        and ``on the rejected``, ``their log-ratio``, ``log of the known mass``. Where tables
        have ``votes`` of several prompts, ``ECE`` and ``Brier`` of the implicit reward; where
        they have ``ln_ches``, quantiles of it (:data:`QUANTILES`).
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the measures and the transitions."""
        return {"training": self.estimates, "transitions": self.moves}

    def summary(self) -> str:
        """Return first, last and transitions as text."""
        s = self.settings
        lines = [f"{len(s['checkpoints'])} checkpoints, beta {s['beta']:g}, "
                 f"{s['level']:.0%} intervals; the last one:"]  # fmt: skip
        last = self.estimates[self.estimates["checkpoint"] == s["checkpoints"][-1]]
        for row in last.to_dict("records"):
            lines.append(f"  {row['term']}: {row['estimate']:.3f} [{row['conf_low']:.3f}, "
                         f"{row['conf_high']:.3f}], n = {row['n']:,.0f}")  # fmt: skip
        whole = self.moves[(self.moves["from"] == s["checkpoints"][0])
                           & (self.moves["to"] == s["checkpoints"][-1])]  # fmt: skip
        for row in whole.to_dict("records"):
            lines.append(f"  {row['before']} to {row['after']}: {row['n']:,} "
                         f"({row['share']:.1%})")  # fmt: skip
        return "\n".join(lines)

    def plot(self) -> go.Figure:
        """Return accuracy of rankings and of the implicit reward over the checkpoints."""
        return self._curve(("ranking accuracy", "reward accuracy"), "share of pairs", 0.5)

    def figures(self) -> dict[str, go.Figure]:
        """Return accuracies, movements of likelihoods, and gradients over the checkpoints."""
        moved = [t for t in self.estimates["term"].unique() if t.startswith("change")]
        steep = [t for t in self.estimates["term"].unique() if "gradient" in t]
        found = {
            "rankings and implicit rewards": self.plot(),
            "movement of likelihoods": self._curve(moved, "change of log p (nats)", 0.0),
            "gradients": self._curve(steep, "log of the gradient", None),
        }
        for name, title, mark in (
            ("calibration of the implicit reward", "error", " of the implicit reward"),
            ("similarity of the responses", "length-normalised CHES", _CHES),
        ):
            own = [term for term in self.estimates["term"].unique() if mark in term]
            if own:
                found[name] = self._curve(own, title, None)
        return found

    def _curve(self, terms: Any, title: str, level: float | None) -> go.Figure:
        from workbench.plots.curve import curve

        table = self.estimates[self.estimates["term"].isin(terms)]
        table = table.assign(group=table["term"]).sort_values(["term", "step"], kind="stable")
        return curve(table, x="step", x_title="checkpoint", y_title=title, reference=level)


@on_one_thread
def follow_training(
    checkpoints: Mapping[str, pd.DataFrame],
    unseen: Mapping[str, pd.DataFrame] | None = None,
    *,
    beta: float = 0.1,
    band: float = 0.0,
    level: float = 0.95,
    seed: int = 0,
) -> Training:
    r"""Hold every checkpoint against the first.

    Parameters
    ----------
    checkpoints : mapping of str to DataFrame
        Scores of the same pairs by checkpoint, the reference first: ``pair_id, cluster,
        chosen, rejected, n_chosen, n_rejected``; with ``votes`` the calibration is told too,
        with ``ln_ches`` its quantiles.
    unseen : mapping of str to DataFrame, optional
        By checkpoint ``pair_id, logprob``: responses to the same prompts that no training
        pair holds.
    beta : float
        Of the training.
    band : float
        Nats within which two likelihoods are taken for equal.
    level : float
    seed : int
        Of the resamples behind the intervals of calibration errors.

    Raises
    ------
    DataError
        Fewer than two checkpoints, or other pairs in one.

    Notes
    -----
    3D properties (Yan et al. 2024): with :math:`h` the difference of the log-ratios to the
    reference, :math:`|\partial \ell / \partial \pi^\pm| = \beta \sigma(-\beta h) / \pi^\pm`. Of
    sequences these overflow, so their logarithms are told. Their log-ratio is
    :math:`\ln \pi^+ - \ln \pi^-`: the rejected response is pushed down that much harder.
    The known mass is :math:`\pi^+ + \pi^-`, with the unseen response where there is one: what is
    missing to one has gone elsewhere.

    Examples
    --------
    >>> one = pd.DataFrame({"pair_id": ["p", "q"], "cluster": ["p", "q"], "chosen": [-5.0, -6.0],
    ...     "rejected": [-4.0, -7.0], "n_chosen": [2, 2], "n_rejected": [2, 2]})
    >>> two = one.assign(chosen=one["chosen"] - 1, rejected=one["rejected"] - 3)
    >>> follow_training({"start": one, "end": two}).moves["n"].tolist()
    [1, 0, 1, 0]
    """
    names = list(checkpoints)
    tables = _aligned(checkpoints)
    others = {} if unseen is None else {k: v.set_index("pair_id") for k, v in unseen.items()}
    first = tables[names[0]]
    ranked: dict[str, RankingAccuracy] = {}
    rows = []
    for step, name in enumerate(names):
        table = tables[name].reset_index()
        ranked[name] = ranking_accuracy(table, beta=beta, band=band, level=level)
        other = {key: others[key]["logprob"].reindex(table["pair_id"]).to_numpy("float64")
                 for key in (names[0], name) if key in others}  # fmt: skip
        found = _measures(table, first.reset_index(), other.get(name), other.get(names[0]),
                          ranked[name], beta, level)  # fmt: skip
        found += _calibrated(table, first.reset_index(), beta, level, seed)
        found += _similarity(table, level)
        rows += [{"checkpoint": name, "step": step, **row} for row in found]
    moves = [
        transitions(ranked[a], ranked[b]).assign(**{"from": a, "to": b})
        for a, b in dict.fromkeys([*pairwise(names), (names[0], names[-1])])
    ]
    frame = pd.DataFrame(rows).reindex(columns=list(COLUMNS))
    settings = {"checkpoints": names, "beta": beta, "band": band, "level": level}
    order = ["from", "to", "before", "after", "n", "share"]
    return Training(frame, pd.concat(moves, ignore_index=True)[order], settings,
                    Provenance.capture())  # fmt: skip


def transitions(before: RankingAccuracy, after: RankingAccuracy) -> pd.DataFrame:
    """Return how many pairs went from right to wrong and back between two checkpoints.

    Parameters
    ----------
    before, after : RankingAccuracy
        Of the same pairs.

    Returns
    -------
    DataFrame
        ``before, after, n, share``; a tie counts as wrong.

    Raises
    ------
    DataError
        The pairs are not the same.
    """
    both = before.pairs.merge(after.pairs, on="pair_id", suffixes=("_before", "_after"))
    if len(both) != len(before.pairs) or len(both) != len(after.pairs):
        raise DataError(
            "The two checkpoints were not scored on the same pairs.",
            found=f"{len(before.pairs):,} and {len(after.pairs):,} pairs, {len(both):,} in both",
            expected="the same pairs",
            fix="Score both on one data set.",
        )
    was, now = (both[f"ranked_{when}"] == 1.0 for when in ("before", "after"))
    rows = [
        {"before": one, "after": two, "n": int(((was == x) & (now == y)).sum())}
        for one, x in (("right", True), ("wrong", False))
        for two, y in (("right", True), ("wrong", False))
    ]
    table = pd.DataFrame(rows)
    return table.assign(share=table["n"] / max(len(both), 1))


def _aligned(checkpoints: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    tables = {name: table.set_index("pair_id") for name, table in checkpoints.items()}
    ids = {tuple(sorted(table.index)) for table in tables.values()}
    if len(tables) < 2 or len(ids) != 1:
        raise DataError(
            "The checkpoints cannot be followed.",
            found=f"{len(tables)} checkpoints; pairs: "
            + ", ".join(f"{name}: {len(table):,}" for name, table in tables.items()),
            expected="at least two, scored on the same pairs",
            fix="Score all of them on one data set.",
        )
    order = next(iter(tables.values())).index
    return {name: table.loc[order] for name, table in tables.items()}


def _measures(
    table: pd.DataFrame, first: pd.DataFrame, unseen: Array | None, unseen_first: Array | None,
    ranked: RankingAccuracy, beta: float, level: float,
) -> list[dict[str, Any]]:  # fmt: skip
    cluster = pd.factorize(table["cluster"])[0]
    plus, minus = (table[side].to_numpy("float64") for side in ("chosen", "rejected"))
    was = [first[side].to_numpy("float64") for side in ("chosen", "rejected")]
    h = _implicit(table, first)
    shared = np.log(beta) + log_expit(-beta * h)
    known = np.logaddexp(plus, minus)
    means = {"loss": -log_expit(beta * h), "change of the chosen": plus - was[0],
             "change of the rejected": minus - was[1]}  # fmt: skip
    if unseen is not None and unseen_first is not None:
        means["change of the unseen"] = unseen - unseen_first
        known = np.where(np.isfinite(unseen), np.logaddexp(known, unseen), known)
    means |= {"log gradient on the chosen": shared - plus,
              "log gradient on the rejected": shared - minus,
              "their log-ratio": plus - minus, "log of the known mass": known}  # fmt: skip
    right = ranked.pairs["ranked"].to_numpy("float64")
    reward = np.where(h == 0, 0.5, (h > 0).astype(float))
    rows = [
        {"term": term, **share(values, cluster, level), "method": _SHARE}
        for term, values in (("ranking accuracy", right), ("reward accuracy", reward))
    ]
    for term, values in means.items():
        use = np.isfinite(values)
        found = mean_difference(values[use], cluster[use], level)
        rows.append({"term": term, **found, "method": _MEAN})
    return rows


def _implicit(table: pd.DataFrame, first: pd.DataFrame) -> Array:
    """Return the difference of the log-ratios to the first checkpoint."""
    plus, minus = ((table[side] - first[side]).to_numpy("float64")
                   for side in ("chosen", "rejected"))  # fmt: skip
    return np.asarray(plus - minus)


def _calibrated(
    table: pd.DataFrame, first: pd.DataFrame, beta: float, level: float, seed: int
) -> list[dict[str, Any]]:
    """Return calibration error and Brier score of the implicit reward."""
    if "votes" not in table or table["cluster"].nunique() < 2:
        return []
    found = calibration_by(
        beta * _implicit(table, first), table["votes"].to_numpy("float64"),
        table["cluster"].to_numpy(), np.zeros(len(table)), level=level, seed=seed,
    )  # fmt: skip
    names = found["term"] + " of the implicit reward"
    return [
        {str(k): v for k, v in row.items()} for row in found.assign(term=names).to_dict("records")
    ]


def _similarity(table: pd.DataFrame, level: float) -> list[dict[str, Any]]:
    """Return quantiles of the length-normalised CHES."""
    if "ln_ches" not in table or not table["ln_ches"].notna().all():
        return []
    values, code = table["ln_ches"].to_numpy("float64"), pd.factorize(table["cluster"])[0]
    rows = []
    for q in QUANTILES:
        at = float(np.quantile(values, q))
        below = share((values <= at).astype(float), code, level)
        ends = [float(np.quantile(values, below[end])) if np.isfinite(below[end]) else np.nan
                for end in ("conf_low", "conf_high")]  # fmt: skip
        own = {"estimate": at, "std_error": np.nan, "conf_low": ends[0], "conf_high": ends[1]}
        rows.append({**below, **own, "term": f"{_CHES}, quantile {q:g}", "method": _QUANTILE})
    return rows
