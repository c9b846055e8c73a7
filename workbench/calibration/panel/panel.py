"""The verb that makes one annotator of several judges, and asks whether that is worth it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.calibration.panel.cascade import (
    Points,
    cascade_table,
    chosen_rows,
    costs_of,
    points_of,
)
from workbench.calibration.panel.combine import Combined, by_truth, majority, weighted
from workbench.calibration.panel.each_two import each_two
from workbench.calibration.panel.joint import effective_rows_of, joint_errors
from workbench.calibration.panel.result import EXISTS, HOW, Panel
from workbench.calibration.panel.rows import (
    Folds,
    folds_of,
    gain_rows,
    member_rows,
    panel_agreement,
    panel_rows,
)
from workbench.calibration.panel.votes import Votes, votes_of
from workbench.clustered import Array
from workbench.data.dataset import PreferenceData
from workbench.errors import (
    DesignError,
    level_option,
    listed,
    refuse_out_of_range,
    seed_option,
    whole,
)
from workbench.provenance import Provenance
from workbench.results import TIDY
from workbench.threads import on_one_thread

_COLUMNS = ("group", *TIDY, "n_clusters", "n_verdicts", "n_ties", "n_contradicted", "n_abstained",
            "n_unread", "n_missing", "weight", "cost", "method", "reason")  # fmt: skip


@on_one_thread
def panel(
    data: PreferenceData,
    judges: Sequence[str] | None = None,
    reference: str = "human",
    *,
    how: str | Sequence[str] | None = None,
    truth: str | None = None,
    costs: Mapping[str, float] | pd.DataFrame | None = None,
    folds: int = 5,
    level: float = 0.95,
    seed: int = 0,
) -> Panel:
    r"""Combine judges, and hold the panel against people and against its best member.

    Parameters
    ----------
    data : PreferenceData
    judges : sequence of str, optional
        Every annotator that is neither a person nor gold when None.
    reference : str
        An annotator or a kind. Without labels of it, the panel is made and its members are
        counted, and nothing is said of who is right.
    how : str or sequence of str, optional
        Of ``majority``, ``weighted`` (by log-odds of held-out agreement) and ``dawid-skene``
        (where a truth exists); all that can be when None.
    truth : {"exists"}, optional
        One answer of each pair is right, whoever is asked.
    costs : mapping of str to float, or DataFrame, optional
        What a pair costs by each member; or what was spent, such as the ``spending`` of
        :func:`workbench.judge`. Calls (labels a pair) when None.
    folds : int
        Folds by prompt: for weights, the best member, and the threshold of a cascade.
    level : float
    seed : int
        Of the folds.

    Returns
    -------
    Panel
        ``found.add_to(data)`` gives the data with a panel as a further annotator.

    Raises
    ------
    DesignError
        No judge, a judge that is the reference, an unknown ``how``, weights without a
        reference, Dawid and Skene's model without a truth, or costs that are not of every member.
    DataError
        A judge that the data do not have.

    Notes
    -----
    A member has one vote a pair: the side of the mean of its verdicts; a tie, and two orders that
    contradict each other, is half a vote for each side. A member without a verdict has no vote. A
    panel that is split evenly says tie, whatever the order of its members.

    *Weighted*: :math:`w_j = \log (r_j + 1) / (d_j - r_j + 1)`, of the :math:`d_j` pairs of the
    reference on other folds on which member j took a side, with :math:`r_j` points of agreement.
    *Dawid-Skene*: the truth is A or B, a tie tells nothing; every pair counts in either
    orientation; people have no part in it.

    *Gain*: :func:`workbench.audit.judges.verdicts.elsewhere.chosen_elsewhere`. *Effective number
    of judges*: :math:`k / (1 + (k - 1) \bar\rho)`, with the mean correlation of the errors of two
    members, and :math:`k \sum_j \sigma_j^2 / \sum_{ij} \sigma_{ij}`, with their covariances. A
    mistake of the reference is one of every member that was right: it makes errors look more
    alike than they are, so that both numbers are rather too small.

    References
    ----------
    Nitzan and Paroush (1982) for the weights; Dawid and Skene (1979); Kish (1965) for the
    effective number; Tango (1998) for paired intervals.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> found = wb.panel(data)
    >>> found.to_frame()["term"].tolist()[:2]
    ['majority', 'weighted']
    >>> "panel-majority" in set(found.add_to(data).annotators["annotator"])
    True
    """
    wanted = _wanted(how, truth)
    refuse_out_of_range(
        {
            "folds": (whole(folds, 2), folds, "a whole number, 2 or more"),
            "level": level_option(level),
            "seed": seed_option(seed),
        }
    )
    data = data.decided()
    votes = votes_of(data, judges, reference)
    split = folds_of(votes, data.pairs["cluster"], folds, seed)
    cost, counted = costs_of(votes, costs)
    panels, left_out = _panels(votes, split, wanted, explicit=how is not None)
    agree = votes.agreement(votes.side, votes.unread)
    tables = _tables(votes, agree, panels, split, (cost, counted), level)
    settings: dict[str, Any] = {
        "judges": votes.members, "kind": votes.kind, "reference": reference,
        "reference_is": data.noun(reference) if votes.people.any() else None,
        "how": list(panels), "left_out": left_out, "truth": truth, "folds": folds,
        "costs": dict(zip(votes.members, map(float, cost), strict=True)), "counted_in": counted,
        "n_pairs": len(data.pairs), "n_reference": int(votes.people.sum()),
        "criterion": (data.criteria or ["overall"])[0],
        "level": level, "seed": seed,
    }  # fmt: skip
    return Panel(
        **tables,
        pairs=_pairs(data, votes, panels),
        settings=settings,
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _wanted(how: str | Sequence[str] | None, truth: str | None) -> list[str]:
    given = list(HOW) if how is None else listed("how", how)
    unknown = [name for name in given if name not in HOW]
    refuse_out_of_range(
        {
            "how": (bool(given) and not unknown, unknown or given, " or ".join(HOW)),
            "truth": (truth in (None, EXISTS), truth, f"{EXISTS!r}, or None"),
        }
    )
    if truth is None and how is not None and HOW[2] in given:
        raise DesignError(
            "Whether one answer is right must be said.",
            found="how='dawid-skene', truth=None",
            expected=f"truth={EXISTS!r}: right and wrong do not depend on who is asked",
            fix="Say it where it holds (facts, counts, tests), or take another panel.",
        )
    return [name for name in HOW if name in given and (truth or name != HOW[2])]


def _panels(
    votes: Votes, split: Folds, wanted: list[str], *, explicit: bool
) -> tuple[dict[str, Combined], dict[str, str]]:
    """Return the panels that can be made, and why others cannot."""
    found, left_out = {}, {}
    for name in wanted:
        why = None
        if name == HOW[1] and split.number == 0:
            why = f"no weights: {split.reason}"
        elif name == HOW[2] and not votes.given.any():
            why = "no member gave a verdict"
        if why and explicit:
            raise DesignError(
                f"The panel {name!r} cannot be made.",
                found=why,
                expected="labels of the reference on prompts that the members judged",
                fix="Name another reference, ask for fewer folds, or take the majority.",
            )
        if why:
            left_out[name] = why
        elif name == HOW[0]:
            found[name] = majority(votes)
        else:
            found[name] = by_truth(votes) if name == HOW[2] else weighted(
                votes, split.fold, split.number)  # fmt: skip
    return found, left_out


def _tables(
    votes: Votes, agree: Array, panels: dict[str, Combined], split: Folds,
    paid: tuple[Array, str], level: float,
) -> dict[str, pd.DataFrame]:  # fmt: skip
    members = member_rows(votes, agree, paid[0], level)
    weights = panels[HOW[1]].weights if HOW[1] in panels else None
    members["weight"] = np.nan if weights is None else weights
    scores = {name: panel_agreement(votes, one) for name, one in panels.items()}
    estimates = pd.concat([panel_rows(votes, panels, scores, level), members], ignore_index=True)
    joint = joint_errors(np.where(votes.given, agree, np.nan), votes.cluster)
    curve = chosen = pd.DataFrame()
    if votes.people.any() and len(votes.members) > 1:
        points = points_of(votes, agree, paid[0], split)
        curve, chosen = _cascade(votes, points, agree, split, paid[1], level)
    return {
        "estimates": estimates.reindex(columns=list(_COLUMNS)),
        "gains": gain_rows(votes, agree, scores, split, level),
        "effective": pd.DataFrame(effective_rows_of(joint, level)),
        "each_two": each_two(joint, votes.members, votes.side, level),
        "cascade": curve,
        "chosen": chosen,
        "counts": _counts(votes),
    }


def _cascade(
    votes: Votes, points: Points, own: Array, split: Folds, counted: str, level: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    unread = votes.unread.any(axis=1, keepdims=True) & np.ones(len(points.threshold), dtype=bool)
    agree = votes.agreement(points.side, unread)
    table = cascade_table(votes, points, agree, counted, level)
    chosen = pd.DataFrame(chosen_rows(votes, points, agree, own, split, level))
    return table, chosen.assign(order=", ".join(votes.members[j] for j in points.order))


def _counts(votes: Votes) -> pd.DataFrame:
    """Return how many pairs have so many verdicts of members."""
    k = len(votes.members)
    given, abstained, lost = (
        one.sum(axis=1) for one in (votes.given, votes.abstained, votes.unread | votes.missing)
    )
    at = np.bincount(given, minlength=k + 1)
    return pd.DataFrame({
        "verdicts": np.arange(k, -1, -1), "pairs": at[::-1],
        "abstained": np.bincount(given, abstained, k + 1)[::-1],
        "lost": np.bincount(given, lost, k + 1)[::-1],
    })  # fmt: skip


def _pairs(data: PreferenceData, votes: Votes, panels: dict[str, Combined]) -> pd.DataFrame:
    found: dict[str, Any] = {"pair_id": data.pairs["pair_id"]}
    for name, one in panels.items():
        found |= {name: (one.side + 1.0) / 2.0, f"{name} strength": one.strength}
    parts = (("verdicts", votes.given), ("abstained", votes.abstained), ("unread", votes.unread),
             ("missing", votes.missing))  # fmt: skip
    return pd.DataFrame(found | {name: one.sum(axis=1) for name, one in parts})
