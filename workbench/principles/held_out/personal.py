"""One constitution a person, judge, group or scenario, from votes that all of them share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.decompose.errors.tidy import q_values
from workbench.errors import DataError, refuse_out_of_range
from workbench.principles.constitution import Constitution
from workbench.principles.measure.cross_application import CrossApplication, applied, common_folds
from workbench.principles.measure.groups import (
    GroupContrast,
    contrast_groups,
    group_references,
    of_group,
)
from workbench.principles.measure.kernel import Reference
from workbench.principles.measure.measure import check_options, measure
from workbench.principles.principle import Principle
from workbench.principles.select import Rules, select
from workbench.principles.vote.votes import Rule, Vote, Votes
from workbench.provenance import Provenance
from workbench.results import TIDY, Result
from workbench.threads import on_one_thread

if TYPE_CHECKING:
    import plotly.graph_objects as go

_METHOD = "selected in folds by prompt; cluster bootstrap on the pairs held out where selected"
_UNSEEN = "selected on all pairs, but in no fold"


@dataclass(frozen=True, eq=False)
class Personal(Result):
    """A constitution of each group, what separates the groups, and whose fits whom.

    Attributes
    ----------
    constitutions : dict of str to tuple of Principle
        By group, best first; selected on all of its pairs.
    estimates : DataFrame
        One row a group and principle of its constitution; see :meth:`to_frame`.
    contrasts : GroupContrast or None
        None where only one group is left.
    cross : CrossApplication or None
    exclusions : DataFrame
        Groups and pairs left out: ``group, reason, n``.
    settings : dict
    provenance : Provenance
    """

    constitutions: dict[str, tuple[Principle, ...]]
    estimates: pd.DataFrame
    contrasts: GroupContrast | None
    cross: CrossApplication | None
    exclusions: pd.DataFrame
    settings: dict[str, Any]
    provenance: Provenance
    heading = "Constitutions by group"
    about = (
        "What each group follows, measured on pairs that were held out where it was selected. "
        "All groups share the votes, so nothing is asked anew."
    )

    def constitution(self, group: str) -> Constitution:
        """Return the constitution of one group, to compare, edit or export."""
        return Constitution(self.constitutions[group], f"Principles of {group}")

    def to_frame(self) -> pd.DataFrame:
        """Return one row a group and principle, best first.

        ``group, rank``, the tidy columns of the strength on held-out pairs, ``in_sample``
        (the strength on all pairs of the group), ``relevance, accuracy``, ``folds`` that
        selected it, ``n_clusters, method, reason``. The q-values are over all rows.
        """
        return self.estimates

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return constitutions, what separates groups, whose fits whom, what is left out."""
        tables = {"constitutions": self.estimates}
        if self.contrasts is not None:
            tables |= {"contrasts": self.contrasts.estimates}
            tables |= {"separation": self.contrasts.separation}
        if self.cross is not None:
            tables["cross_application"] = self.cross.estimates
        return {**tables, "exclusions": self.exclusions}

    def parts(self) -> list[Result]:
        """Return what separates the groups, and each constitution on every group."""
        return [one for one in (self.contrasts, self.cross) if one is not None]

    def summary(self) -> str:
        """Return each group's constitution with its held-out strengths."""
        level = f"{self.settings['level']:.0%} intervals"
        lines = [f"Constitutions by {self.settings['by']}, strengths on held-out pairs, {level}"]
        for group, listed in self.constitutions.items():
            table = self.estimates[self.estimates["group"] == group]
            lines.append(f"{group}:" if listed else f"{group}: no principle passed")
            lines += [f"  {row.rank}. {_text(row)}" for row in table.itertuples()]
        lines += [
            f"left out: {row.group}: {row.n:,} pairs, {row.reason}"
            for row in self.exclusions.itertuples()
        ]
        beside = [one.summary() for one in self.parts()]
        return "\n\n".join(["\n".join([*lines, f"method: {_METHOD}"]), *beside])

    def plot(self) -> go.Figure:
        """Return the held-out strengths with their intervals."""
        from workbench.plots.forest import forest

        return forest(self.estimates, x_title="strength on held-out pairs")


@on_one_thread
def personal(
    data: PreferenceData,
    votes: Votes,
    *,
    by: str = "annotator",
    groups: Sequence[str] | None = None,
    n: int = 5,
    rules: Rules | None = None,
    rule: Rule = "majority",
    folds: int = 5,
    least: int = 10,
    level: float = 0.95,
    replicates: int = 1000,
    seed: int = 0,
    pair_ids: Iterable[str] | None = None,
) -> Personal:
    """Select a constitution for each group, and measure it on pairs it has not seen.

    Parameters
    ----------
    data : PreferenceData
    votes : Votes
        Of the candidates of all groups.
    by : str
        What makes a group: a column of labels or pairs, such as ``"annotator"``,
        ``"kind"`` or ``"scenario"``.
    groups : sequence of str, optional
    n : int
        Principles of each constitution, at most.
    rules : Rules, optional
        Of the selection.
    rule : {"majority", "unanimous"}
        How repeats of a vote are merged.
    folds : int
        Folds by prompt, common to all groups.
    least : int
        Groups with fewer usable pairs are left out.
    level : float
    replicates : int
    seed : int
    pair_ids : iterable of str, optional
        Pairs that nothing was proposed on.

    Returns
    -------
    Personal

    Raises
    ------
    DesignError
        Fewer than two groups, or an option out of range.
    DataError
        No group has enough pairs.

    Notes
    -----
    In each fold a group's constitution is selected on its other pairs. A principle's
    strength is that on the pairs of the folds which selected it, so that a few pairs give a
    wide interval rather than a flattering number.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> longer = data.pairs["response_a"].str.len() > data.pairs["response_b"].str.len()
    >>> side = np.where(longer, 1, -1).astype(np.int8)
    >>> codes = np.stack([side, -side], axis=1)[:, :, None]
    >>> rules = (Principle("Be long"), Principle("Be short"))
    >>> votes = Votes(data.pairs["pair_id"].to_numpy(), rules, codes)
    >>> found = personal(data, votes, by="kind", groups=["human", "llm"], n=1, replicates=100)
    >>> {group: [one.text for one in listed] for group, listed in found.constitutions.items()}
    {'human': ['Be long'], 'llm': ['Be long']}
    """
    check_options(level, replicates)
    refuse_out_of_range(
        {
            "n": (n >= 1, n, "1 or more"),
            "folds": (folds >= 2, folds, "2 or more"),
            "least": (least >= 2, least, "2 or more"),
        }
    )
    ids = None if pair_ids is None else list(pair_ids)
    found, exclusions = _enough(group_references(data, votes, by, groups, ids), least, folds)
    fold = common_folds(data, found, folds, seed)
    options: dict[str, Any] = {"rule": rule, "level": level, "seed": seed}

    def chosen(part: PreferenceData, pairs: Any) -> list[int]:
        # the interval of a selection is not looked at: few resamples do
        effects = measure(part, votes, pair_ids=pairs, replicates=20, **options)
        return list(select(effects, n=n, rules=rules).positions)

    columns, rows = {}, []
    for name, one in found.items():
        part = of_group(data, by, name)
        own = fold.loc[one.pair_ids].to_numpy()
        columns[name] = {f: chosen(part, one.pair_ids[own != f]) for f in range(folds)}
        final = chosen(part, one.pair_ids)
        masked = _masked(votes, one, own, columns[name])
        held = measure(part, masked, pair_ids=one.pair_ids, replicates=replicates, **options)
        inside = measure(part, votes, pair_ids=one.pair_ids, replicates=20, **options)
        table = held.to_frame().iloc[final].reset_index(drop=True)
        times = [sum(k in some for some in columns[name].values()) for k in final]
        table = table.assign(
            group=name, rank=range(1, len(final) + 1), folds=times,
            in_sample=inside.to_frame()["estimate"].to_numpy()[final],
        )  # fmt: skip
        table["reason"] = table["reason"].where(table["folds"] > 0, _UNSEEN)
        rows.append(table)
    settings = {"by": by, "groups": list(found), "n": n, "folds": folds, "least": least,
                "replicates": replicates, "held_out": ids is not None, **options}  # fmt: skip
    several = len(found) > 1
    shown = {"by": by, "groups": list(found), "folds": folds, "seed": seed}
    return Personal(
        constitutions={
            name: tuple(votes.principles[k] for k in _places(votes, table))
            for name, table in zip(found, rows, strict=True)
        },
        estimates=_finished(rows),
        contrasts=contrast_groups(
            data, votes, by=by, groups=list(found), replicates=replicates, pair_ids=ids, **options
        ) if several else None,
        cross=applied(
            data, votes, found, columns, fold, {**shown, "held_out": True}, rule=rule, level=level
        ) if several else None,
        exclusions=exclusions,
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )  # fmt: skip


def _enough(
    found: dict[str, Reference], least: int, folds: int
) -> tuple[dict[str, Reference], pd.DataFrame]:
    """Return the groups that can be split into folds, and what is left out."""
    rows = []
    for name, one in found.items():
        if len(one) < least or one.n_clusters < folds:
            reason = f"fewer than {least}" if len(one) < least else f"fewer prompts than {folds}"
            rows.append({"group": name, "reason": reason, "n": len(one)})
    out = {row["group"] for row in rows}
    kept = {name: one for name, one in found.items() if name not in out}
    if not kept:
        raise DataError(
            "No group has enough pairs for a constitution of its own.",
            found="; ".join(f"{row['group']}: {row['n']:,} pairs" for row in rows[:12]),
            expected=f"{least} usable pairs and {folds} prompts in a group",
            fix="Take larger groups, fewer folds or a smaller least=.",
        )
    for name, one in kept.items():
        rows += [{"group": name, **row} for row in one.exclusions.to_dict("records")]
    return kept, pd.DataFrame(rows, columns=["group", "reason", "n"])


def _masked(votes: Votes, one: Reference, fold: Any, columns: dict[int, list[int]]) -> Votes:
    """Return the votes on pairs that were held out where the principle was selected."""
    seen = np.zeros(votes.codes.shape[:2], dtype=bool)
    rows = pd.Index(votes.pair_ids).get_indexer(one.pair_ids)
    for f, listed in columns.items():
        seen[np.ix_(rows[fold == f], listed)] = True
    codes = np.where(seen[:, :, None], votes.codes, Vote.NOT_ASKED).astype(np.int8)
    return replace(votes, codes=codes)


def _places(votes: Votes, table: pd.DataFrame) -> list[int]:
    texts = [one.text for one in votes.principles]
    return [texts.index(term) for term in table["term"]]


def _finished(rows: list[pd.DataFrame]) -> pd.DataFrame:
    table = pd.concat(rows, ignore_index=True)
    table["q_value"] = q_values(table["p_value"].to_numpy("float64"))
    shown = ["in_sample", "relevance", "accuracy", "folds", "n_clusters", "method", "reason"]
    return table.assign(method=_METHOD)[["group", "rank", *TIDY, *shown]]


def _text(row: Any) -> str:
    if not np.isfinite(row.estimate):
        return f"{row.term}: undefined: {row.reason}"
    return (
        f"{row.term}: strength {row.estimate:+.3f} [{row.conf_low:+.3f}, {row.conf_high:+.3f}], "
        f"q = {row.q_value:.3g}, n = {row.n:,}, selected in {row.folds} folds"
    )
