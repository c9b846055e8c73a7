"""The verb that says whether replies follow stated preferences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.followed import cases
from workbench.audit.followed.cases import KINDS, Table
from workbench.audit.followed.result import COLUMNS, LIFT, TOLD, UNTOLD, Followed
from workbench.audit.measures import DIFFERENCE, share_row
from workbench.clustered import Array, Codes, flip_p_value
from workbench.decompose.errors.tidy import q_values
from workbench.errors import refuse_out_of_range
from workbench.flips import paired_difference
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

_EXACT = f"{DIFFERENCE}; exact test of random signs (McNemar's where an item stands once)"
_NO_PAIR = "no item with and without the preference"


@on_one_thread
def followed(
    table: Table,
    *,
    level: float = 0.95,
    seed: int = 0,
    settings: dict[str, Any] | None = None,
) -> Followed:
    r"""Say whether replies follow what a person has said to prefer, and how much that was told.

    .. math:: \text{lift} = \frac1n \sum_i (f_i^{with} - f_i^{without})

    over items, with f = 1 where a reply is helpful and does not violate the preference.

    Parameters
    ----------
    table : str, Path or DataFrame
        A row a reply: ``item`` (or ``preference`` and ``question``), ``told`` (was the preference
        in context? yes where the column is absent), ``turns`` that lie between the two (0), and
        one of: a grader's answers ``acknowledge, hallucinate, violate, helpful`` (without the
        preference the last two do); ``chosen, right, options``, the number of these; ``selected,
        relevant``, lists of instructions.
    level : float
        Confidence level.
    seed : int
        Kept with the result; nothing here is random.
    settings : dict, optional
        Who replied and who graded, to be told.

    Returns
    -------
    Followed

    Raises
    ------
    DataError
        A column is missing, a row stands twice, or a value cannot be read.
    DesignError
        A level out of range.

    Notes
    -----
    The rule is PrefEval's: *unaware* is not acknowledged, *hallucinated* acknowledged and made
    up, *inconsistent* acknowledged rightly, each with a violation in a helpful reply; *unhelpful*
    is its own. Answers are read strictly (:func:`workbench.audit.followed.strict.yes_or_no`):
    what is neither yes nor no is counted apart and is in no denominator. A reply that follows a
    made-up preference counts as followed there; its share stands beside.

    Source: Zhao et al. (2025), PrefEval; McNemar (1947).

    Examples
    --------
    >>> rows = [{"item": k, "told": told, "acknowledge": told, "hallucinate": "no",
    ...          "violate": "no" if told == "yes" else "yes", "helpful": "yes"}
    ...         for k in range(20) for told in ("yes", "no")]
    >>> found = followed(pd.DataFrame(rows))
    >>> found.lift["estimate"].tolist()
    [1.0]
    """
    refuse_out_of_range({"level": (0 < level < 1, level, "between 0 and 1")})
    frame, where = cases.open_table(table)
    kind = cases.kind_of(frame, where)
    found = cases.about(frame, where)
    if kind == "replies":
        rows, values = cases.judged(frame, found), _replies
    elif kind == "choices":
        rows, values = cases.picked(frame, found, where), _choices
    else:
        rows, values = cases.selected(frame, found), _instructions
    rows = rows.assign(**{name: frame[name] for name in ("reply",) if name in frame})
    rows = rows.sort_values(["item", "turns", "told"], ignore_index=True)
    own = _Measuring(rows, level)
    estimates = pd.DataFrame(list(values(own))).reindex(columns=list(COLUMNS))
    estimates["q_value"] = q_values(estimates["p_value"].to_numpy("float64"))
    return Followed(
        estimates=estimates,
        cases=rows,
        exclusions=_unread(rows, kind),
        settings={
            "kind": kind,
            "n": len(rows),
            "n_items": int(rows["item"].nunique()),
            "turns": sorted(int(one) for one in rows.loc[rows["told"], "turns"].unique()),
            "simulated": False,
            "level": level,
            "seed": seed,
            **(settings or {}),
        },
        provenance=Provenance.capture(seed=seed, dataset=cases.digest_of(rows)),
    )


class _Measuring:
    """Shares and lifts of rows, items being the clusters."""

    def __init__(self, rows: pd.DataFrame, level: float) -> None:
        self.rows, self.level = rows, level
        self.code: Codes = np.asarray(pd.factorize(rows["item"])[0], dtype=np.int64)
        self.told = rows["told"].to_numpy(bool)
        self.turns = rows["turns"].to_numpy(np.int64)

    def distances(self) -> list[int | None]:
        """Return the turn distances, and first all of them where there are several."""
        each = sorted({int(one) for one in self.turns[self.told]})
        return [None, *each] if len(each) > 1 else list(each)

    def share(self, term: str, value: Array, told: bool, turns: int | None) -> dict[str, Any]:
        """Return the share of the rows with a value (NaN: unread) of a condition."""
        own = self._of(told, turns)
        known = own & np.isfinite(value)
        row = share_row(term, value[known], self.code[known], self.level, "no reply is readable")
        return row | {
            "condition": TOLD if told else UNTOLD, "turns": _named(turns) if told else "–",
            "n_unread": int((own & ~known).sum()),
        }  # fmt: skip

    def lift(self, term: str, value: Array, turns: int | None) -> dict[str, Any]:
        """Return the paired difference to the same items without the preference."""
        bare = ~self.told & np.isfinite(value)
        before = np.full(int(self.code.max(initial=-1)) + 1, np.nan)
        before[self.code[bare]] = value[bare]
        own = self._of(True, turns) & np.isfinite(value)
        difference = value[own] - before[self.code[own]]
        known = np.isfinite(difference)
        told = self._of(True, turns)
        paired = np.isin(self.code, self.code[~self.told])
        lost = ~np.isfinite(value) | (paired & np.isnan(before[self.code]))
        difference, code = difference[known], self.code[own][known]
        about = {
            "term": term,
            "condition": LIFT,
            "turns": _named(turns),
            "method": _EXACT,
            "n_unread": int((told & lost).sum()),
        }
        if not len(difference):
            return {**about, "estimate": np.nan, "n": 0.0, "reason": _NO_PAIR}
        row = {**about, **paired_difference(difference, code, self.level)}
        if row["n_clusters"] > 1:
            row["p_value"] = flip_p_value(np.bincount(code, difference).astype(np.float64))
        return row | {"only_with": float((difference > 0).sum()),
                      "only_without": float((difference < 0).sum())}  # fmt: skip

    def _of(self, told: bool, turns: int | None) -> NDArray[np.bool_]:
        own = self.told == told
        return own if turns is None or not told else np.asarray(own & (self.turns == turns))


def _named(turns: int | None) -> str:
    return "all" if turns is None else str(turns)


def _replies(own: _Measuring) -> Iterator[dict[str, Any]]:
    said = own.rows["followed"].to_numpy(object)
    graded = own.rows["followed"].notna().to_numpy(bool)

    def is_(name: str) -> Array:
        return np.where(graded, said == name, np.nan).astype(np.float64)

    kind = own.rows["kind"].to_numpy(object)
    # a violation of which an answer is unread is of no known kind
    known = graded & ~((said == "no") & own.rows["kind"].isna().to_numpy(bool))
    follows = own.rows["harmless"].notna().to_numpy(bool)
    made_up = np.array([float(one is True) for one in own.rows["harmless"]])
    for turns in own.distances():
        yield own.share("followed", is_("yes"), True, turns)
        for name in KINDS:
            yield own.share(name, np.where(known, kind == name, np.nan).astype(float), True, turns)
        yield own.share("unhelpful", is_("unhelpful"), True, turns)
        beside = np.where(graded & (follows | (said != "yes")), made_up, np.nan)
        yield own.share("followed, but made up", beside, True, turns)
        yield own.lift("followed", is_("yes"), turns)
    if (~own.told).any():
        for name, what in (("followed", "yes"), ("violates", "no"), ("unhelpful", "unhelpful")):
            yield own.share(name, is_(what), False, None)


def _choices(own: _Measuring) -> Iterator[dict[str, Any]]:
    value = own.rows["correct"].to_numpy(np.float64)
    chance = own.rows["chance"].to_numpy(np.float64)
    for turns in own.distances():
        row = own.share("right choice", value, True, turns)
        at = own.told & np.isfinite(value)
        at &= True if turns is None else own.turns == turns
        row["chance"] = float(chance[at].mean()) if at.any() else np.nan
        yield row
        yield own.lift("right choice", value, turns)
    if (~own.told).any():
        row = own.share("right choice", value, False, None)
        yield row | {"chance": float(chance[~own.told].mean())}


def _instructions(own: _Measuring) -> Iterator[dict[str, Any]]:
    for name in ("precision", "recall", "exact match"):
        value = own.rows[name].to_numpy(np.float64)
        for turns in own.distances():
            yield own.share(name, value, True, turns)


def _unread(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return what is in no denominator, by condition and reason."""
    condition = np.where(rows["told"], TOLD, UNTOLD)
    if kind == "replies":
        lost = rows["unread"].notna()
        why = "the answer on " + rows["unread"].astype("str") + " is neither yes nor no"
    elif kind == "choices":
        lost, why = rows["correct"].isna(), rows["unread"]
    else:
        lost = rows["precision"].isna() | rows["recall"].isna()
        nothing = "nothing selected: no precision"
        why = rows["precision"].isna().map({True: nothing, False: "nothing relevant: no recall"})
        why = why.mask(rows["exact match"].isna(), "not said what is relevant ([]: nothing)")
    counted = pd.DataFrame({"group": condition, "reason": why})[lost.to_numpy(bool)]
    bare = rows.loc[~rows["told"], "item"]
    if kind != "instructions" and len(bare):
        alone = int((rows["told"] & ~rows["item"].isin(bare)).sum())
        reason = "the question was not answered without the preference"
        beside = pd.DataFrame({"group": LIFT, "reason": [reason] * alone})
        counted = pd.concat([counted, beside], ignore_index=True)
    return counted.groupby(["group", "reason"]).size().rename("n").reset_index()
