"""A leaderboard of judges: agreement with a reference beside what it is bought with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from workbench.audit.judges.verdicts.agreement import mode_against_mode, modes, vote_counts
from workbench.audit.judges.verdicts.board_rows import (
    agreement_share,
    ceiling_row,
    judge_row,
    said_by,
    unread_text,
)
from workbench.audit.judges.verdicts.elsewhere import beyond_best, chosen_elsewhere
from workbench.audit.judges.verdicts.observed import Observed, observe
from workbench.audit.judges.verdicts.preferences import judges_beside, reference_mask
from workbench.clustered import Array, resample
from workbench.data.columns import NOUNS
from workbench.data.dataset import PreferenceData
from workbench.data.split import folds as fold_numbers
from workbench.errors import DesignError, refuse_out_of_range
from workbench.flips import paired_difference
from workbench.intervals import MID_P, ends_text
from workbench.judges.both_orders import by_side
from workbench.provenance import Provenance
from workbench.results import TIDY, Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from workbench.audit.judges.scorecard import JudgeAudit

_CEILING = "{}, one against the others"
CEILING = _CEILING.format("people")
ENSEMBLE = "majority of the judges"
_METHOD = "1 - |a - b| against the mode of {}, " + MID_P
_BESIDE = ("consistency", "position fairness", "longer preferred", "list preferred")
COLUMNS = (*TIDY, "n_unread", "agreement_read", "agreement_read_low", "agreement_read_high",
           "n_read", "rank", "rank_low", "rank_high", "bias", "variance",
           *(name.replace(" ", "_") for name in _BESIDE), "robustness", "sensitivity", "calls",
           "n_clusters", "method", "reason")  # fmt: skip


@dataclass(frozen=True, eq=False)
class JudgeBoard(Result):
    """Judges by their agreement with a reference.

    Attributes
    ----------
    estimates : DataFrame
        One row a judge, best first, then the reference itself; see :meth:`to_frame`.
    scenarios : DataFrame
        ``scenario, term, estimate, conf_low, conf_high, n, lead, lead_low, lead_high,
        lead_reason``: the judge that agrees most in each scenario, and its paired lead.
    ensemble : DataFrame
        One row: the majority minus the best member, chosen on other prompts.
    observed : Observed
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Judges beside each other"
    about: ClassVar[str] = (
        "How often each judge says what most of the reference say, beside how often one of them "
        "does. A verdict that could not be read agrees with nobody; the rate of those that were "
        "read stands beside. Bias and variance are AlpacaEval's: errors of 0 or 1, not of squares."
    )

    estimates: pd.DataFrame
    scenarios: pd.DataFrame
    ensemble: pd.DataFrame
    observed: Observed
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a judge.

        The tidy columns are of the agreement over all ``n`` pairs that the judge was asked,
        ``n_unread`` verdicts without a readable answer among them; ``agreement_read`` with
        its ends is that over the ``n_read`` pairs with one. ``rank`` with the ends of its
        bootstrap interval; ``bias`` and ``variance`` (NaN without repeats); consistency,
        position fairness, and preference for longer responses and lists; ``robustness,
        sensitivity, calls`` of judges whose audits are given.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return judges, the best of each scenario, and the ensemble."""
        return {
            "judges": self.estimates,
            "scenarios": self.scenarios,
            "ensemble": self.ensemble,
            "observed": self.observed.estimates,
        }

    def parts(self) -> list[Result]:
        """Return what the verdicts tell of every judge."""
        return [self.observed, *self.observed.parts()]

    def summary(self) -> str:
        """Return ranks, the best of each scenario, and whether an ensemble is better."""
        lines = [f"Agreement with {self.settings['reference']}, {self.settings['level']:.0%} "
                 "intervals"]  # fmt: skip
        for row in self.estimates.to_dict("records"):
            rank = "" if pd.isna(row["rank"]) else (
                f"{row['rank']:.0f} [{row['rank_low']:.0f}, {row['rank_high']:.0f}] ")  # fmt: skip
            if pd.isna(row["estimate"]):
                lines.append(f"  {rank}{row['term']}: undefined: {row['reason']}")
                continue
            ends = ends_text(row["conf_low"], row["conf_high"], row["reason"], "")
            lines.append(
                f"  {rank}{row['term']}: {row['estimate']:.3f} {ends}, n = {row['n']:,.0f}"
                f"{unread_text(row)}"
            )
        for row in self.scenarios.to_dict("records"):
            lead = f"undefined: {row['lead_reason']}"
            if pd.notna(row["lead"]):
                ends = ends_text(row["lead_low"], row["lead_high"], row["lead_reason"])
                lead = f"{row['lead']:+.3f} {ends}"
            lines.append(
                f"  in {row['scenario']}: {row['term']} {row['estimate']:.3f}, ahead of the next "
                f"by {lead}, n = {row['n']:,.0f}"
            )
        for row in self.ensemble.to_dict("records"):
            ends = ends_text(row["conf_low"], row["conf_high"], row["reason"])
            lines.append(f"  {row['term']}: {row['estimate']:+.3f} {ends}, n = {row['n']:,.0f}")
        method = self.estimates["method"].iloc[0]
        return "\n".join([*lines, f"method: {method}; ranks: cluster bootstrap"])

    def plot(self) -> go.Figure:
        """Return agreements with their intervals."""
        from workbench.plots.forest import forest

        return forest(self.estimates, x_title=f"agreement with {self.settings['reference_is']}",
                      reference=0.5)  # fmt: skip


@on_one_thread
def judge_board(
    data: PreferenceData,
    judges: Sequence[str] | None = None,
    reference: str = "human",
    *,
    audits: Mapping[str, JudgeAudit] | None = None,
    style: bool = False,
    level: float = 0.95,
    replicates: int = 1000,
    folds: int = 5,
    seed: int = 0,
) -> JudgeBoard:
    """Rank judges by their agreement with a reference: people, unless another is named.

    Parameters
    ----------
    data : PreferenceData
    judges : sequence of str, optional
        Everybody who is not the reference when None.
    reference : str
        An annotator or a kind.
    audits : mapping of str to JudgeAudit, optional
        Audits by probes, by annotator: their scores stand in the table.
    style : bool
        Also fit weights of length and style, as :func:`observe` does.
    level : float
    replicates : int
        Resamples of the clusters, for the ranks.
    folds : int
        Folds by prompt in which the best member of the ensemble is chosen.
    seed : int

    Returns
    -------
    JudgeBoard

    Raises
    ------
    DesignError
        No reference or judge, a judge that is of the reference, or an option out of range.

    Examples
    --------
    >>> import workbench as wb
    >>> board = judge_board(wb.load("sample"), replicates=100)
    >>> board.to_frame()["rank"].dropna().tolist()
    [1.0, 2.0, 3.0, 4.0]
    """
    data = data.decided()
    refuse_out_of_range(
        {
            "replicates": (replicates >= 20, replicates, "at least 20"),
            "level": (0 < level < 1, level, "between 0 and 1"),
            "folds": (folds >= 2, folds, "2 or more"),
        }
    )
    seen = observe(data, judges, reference, style=style, level=level)
    names = seen.settings["annotators"]
    if seen.settings["reference"] is None:
        raise DesignError(
            f"There are no {NOUNS.get(reference, f'labels of {reference}')} to agree with.",
            found=f"no annotator or kind {reference!r}",
            expected="labels of the reference",
            fix="Name another reference.",
        )
    theirs = reference_mask(data, reference)
    judges_beside(data, names, theirs)
    people = vote_counts(data, theirs)
    often = modes(people)
    said = {one: said_by(data, one, often) for one in names}
    agree = {one: own.asked for one, own in said.items()}
    cluster = pd.factorize(data.coded("pairs", "cluster").codes)[0]
    table = pd.DataFrame([judge_row(name, said[name], often, cluster, level) for name in names])
    table = table.assign(**_beside(seen.estimates, names))
    for name, audit in (audits or {}).items():
        table.loc[table["term"] == name, list(audit.scores)] = list(audit.scores.values())
    table = table.assign(**_ranks(agree, cluster, level, replicates, seed))
    table = table.sort_values(["rank", "term"], kind="stable")
    noun = data.noun(reference)
    ceiling = ceiling_row(data, theirs, people, cluster, level)
    last = pd.DataFrame([{"term": _CEILING.format(noun), **ceiling}])
    table = pd.concat([table, last], ignore_index=True)
    used = data.labels["preference"][theirs | data.coded("labels", "annotator").among(names)]
    method = by_side(_METHOD.format(noun), used)
    if any(own.unread.any() for own in said.values()):
        method += "; unread verdicts agree with nobody"
    votes = {one: own.votes for one, own in said.items()}
    return JudgeBoard(
        estimates=table.reindex(columns=list(COLUMNS)).assign(method=method),
        scenarios=_scenarios(data, agree, cluster, level),
        ensemble=_ensemble(data, votes, agree, people, cluster, folds, level, seed),
        observed=seen,
        settings={"judges": names, "reference": reference, "reference_is": noun, "level": level,
                  "replicates": replicates, "folds": folds, "seed": seed},
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )  # fmt: skip


def _beside(table: pd.DataFrame, names: list[str]) -> dict[str, list[float]]:
    found = table.set_index(["group", "term"])["estimate"]
    return {
        term.replace(" ", "_"): [float(found.get((name, term), np.nan)) for name in names]
        for term in _BESIDE
    }


def _ranks(
    agree: dict[str, Array], cluster: Any, level: float, replicates: int, seed: int
) -> dict[str, Array]:
    g = int(cluster.max()) + 1
    sums = [np.bincount(cluster, np.nan_to_num(one), g) for one in agree.values()]
    sizes = [np.bincount(cluster, np.isfinite(one).astype(float), g) for one in agree.values()]
    drawn = resample(np.column_stack([*sums, *sizes]), replicates, seed)
    top, below = np.hsplit(drawn, 2)
    means = np.divide(top, below, out=np.full(top.shape, -1.0), where=below > 0)
    ranks = 1 + (means[:, None, :] > means[:, :, None]).sum(axis=2)
    own = np.array([np.nanmean(one) if np.isfinite(one).any() else -1.0 for one in agree.values()])
    tails = [0.5 - level / 2, 0.5 + level / 2]
    low, high = np.quantile(ranks, tails, axis=0, method="closest_observation")
    rank = 1.0 + np.argsort(np.argsort(-own, kind="stable"), kind="stable")
    return {"rank": rank, "rank_low": low.astype(float), "rank_high": high.astype(float)}


def _scenarios(
    data: PreferenceData, agree: dict[str, Array], cluster: Any, level: float
) -> pd.DataFrame:
    """Return the judge that agrees most in each scenario, and its paired lead."""
    rows = []
    for scenario in sorted(data.pairs["scenario"].dropna().unique()):
        inside = data.pairs["scenario"].eq(scenario).to_numpy(dtype=bool)
        means = {k: np.nanmean(v[inside]) for k, v in agree.items() if np.isfinite(v[inside]).any()}
        ranked = sorted(means, key=lambda name: (-means[name], name))
        if len(ranked) < 2:
            continue
        best = agree[ranked[0]]
        row = agreement_share(best[inside], cluster[inside], level)
        lead = _paired(best, agree[ranked[1]], inside, cluster, level)
        rows.append({"scenario": scenario, "term": ranked[0], **row, "next": ranked[1], **{
            f"lead{name}": lead[key] for name, key in
            (("", "estimate"), ("_low", "conf_low"), ("_high", "conf_high"),
             ("_reason", "reason"))}})  # fmt: skip
    return pd.DataFrame(rows)


def _ensemble(
    data: PreferenceData, votes: dict[str, Array], agree: dict[str, Array], people: Array,
    cluster: Any, folds: int, level: float, seed: int,
) -> pd.DataFrame:  # fmt: skip
    """Return the majority's agreement minus that of the member that was best elsewhere."""
    if len(votes) < 3:
        return pd.DataFrame()
    mine: Any = np.stack([np.isfinite(one) for one in agree.values()]).all(axis=0)
    if len(np.unique(cluster[mine])) < folds:
        return pd.DataFrame()
    together = np.zeros_like(people)
    for said in votes.values():
        together += np.nan_to_num(modes(said))
    whole = mode_against_mode(together, people)
    # where nobody could be read, the majority agrees with nobody either
    whole = np.where(mine & np.isnan(whole), 0.0, whole)
    fold = fold_numbers(data.pairs["cluster"].to_numpy()[mine], folds, seed)
    values = np.stack([*agree.values(), whole], axis=1)[mine]
    found = chosen_elsewhere(values, beyond_best, cluster[mine], fold, level)
    return pd.DataFrame([{"term": f"{ENSEMBLE}, minus the best member chosen on other prompts",
                          **found.row}])  # fmt: skip


def _paired(one: Array, other: Array, inside: Any, cluster: Any, level: float) -> dict[str, Any]:
    both = inside & np.isfinite(one) & np.isfinite(other)
    return paired_difference((one - other)[both], cluster[both], level)
