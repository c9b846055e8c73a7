"""Which pairs a rule leaves out, and why; which sides it exchanges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.clustered import Array, Codes, share
from workbench.curate.balance import balance, odd_features
from workbench.curate.margins import factor_matrix
from workbench.curate.rules import Rule
from workbench.curate.sources import Strengths
from workbench.curate.suspects import cast_votes
from workbench.data.dataset import PreferenceData
from workbench.errors import DataError

Bools = NDArray[np.bool_]


@dataclass
class Chosen:
    """The pairs while a rule goes over them; arrays in the order of ``data.pairs``.

    Attributes
    ----------
    data : PreferenceData
    found : Strengths
    p : ndarray or None
        P(A preferred) of the source that the rule stands on.
    rule : Rule
    seed : int
    side : ndarray
        1 where A is chosen, -1 where B.
    weight : ndarray
    reason : ndarray of int
        Why a pair is left out: its place in ``reasons``; 0 where it stays.
    flipped : ndarray of bool
        Pairs whose sides were exchanged.
    notes : dict
        What steps did, for the settings.
    features, unbalanced : ndarray or None
        What a balance read of each pair, and the weights before it.
    """

    data: PreferenceData
    found: Strengths
    p: Array | None
    rule: Rule
    seed: int
    side: Array = field(init=False)
    weight: Array = field(init=False)
    reason: Codes = field(init=False)
    reasons: list[str] = field(default_factory=lambda: [""])
    flipped: Bools = field(init=False)
    notes: dict[str, Any] = field(default_factory=dict)
    features: Array | None = None
    unbalanced: Array | None = None

    def __post_init__(self) -> None:
        n = len(self.data.pairs)
        self.side, self.weight = self.found.votes.side.copy(), np.ones(n)
        self.reason, self.flipped = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=bool)

    @property
    def stays(self) -> Bools:
        """Which pairs stay so far."""
        return np.asarray(self.reason == 0)

    @property
    def towards(self) -> Array:
        """P(chosen preferred) of each pair; NaN where nothing says."""
        p = np.full(len(self.side), np.nan) if self.p is None else self.p
        if self.flipped.any():
            # what turned them is what is known of their new side
            p = np.where(self.flipped, self.found.p["model"], p)
        return np.where(self.side > 0, p, 1 - p)

    def leave_out(self, bad: Bools, why: str) -> None:
        """Leave pairs out that nothing has left out before."""
        new = bad & self.stays
        if new.any():
            self.reasons.append(why)
            self.reason[new] = len(self.reasons) - 1

    def counts(self) -> dict[str, int]:
        """Return how many pairs each reason leaves out."""
        found = np.bincount(self.reason, minlength=len(self.reasons))
        return {why: int(found[k]) for k, why in enumerate(self.reasons) if k}

    @property
    def groups(self) -> Codes:
        """The group of each pair; all in one where the rule names no column."""
        by = self.rule.by
        if by is None:
            return np.zeros(len(self.side), dtype=np.int64)
        if by not in self.data.pairs:
            raise DataError(
                f"The pairs have no column {by!r}.",
                found=", ".join(self.data.pairs.columns),
                expected="a column of pairs",
                fix="Name another column in by.",
            )
        names = self.data.pairs[by].astype("str").fillna("(none)")
        return np.asarray(pd.factorize(names, sort=True)[0])

    def grouped(self, stays: Bools) -> list[tuple[str, NDArray[np.int64]]]:
        """Return the rows of each group, in an order that their place in the file does not change.

        Each comes with its name for a sentence: nothing where there is one group.
        """
        group, lots, by = self.groups, self.lots(), self.rule.by
        found = []
        for g in np.unique(group[stays]):
            rows = np.flatnonzero(stays & (group == g))
            rows = rows[np.argsort(lots[rows], kind="stable")]
            found.append(("" if by is None else f"{self.data.pairs[by].iloc[rows[0]]}: ", rows))
        return found

    def lots(self) -> Array:
        """Return a number in [0, 1) for each pair, by its content and the seed alone."""
        order = np.argsort(self.data.pairs["pair_id"].to_numpy(dtype=object), kind="stable")
        drawn = np.empty(len(order))
        drawn[order] = np.random.default_rng(self.seed).random(len(order))
        return drawn

    def lowest(self, values: Array, part: float) -> Bools:
        """Return the given part of the pairs that stay with the lowest values, group by group."""
        among, group, lots = self.stays & np.isfinite(values), self.groups, self.lots()
        out = np.zeros(len(values), dtype=bool)
        for g in np.unique(group[among]):
            rows = np.flatnonzero(among & (group == g))
            order = rows[np.lexsort((lots[rows], np.round(values[rows], 9)))]
            out[order[: int(np.floor(part * len(rows) + 1e-9))]] = True
        return out


def apply_rule(chosen: Chosen) -> None:
    """Leave out, exchange and balance pairs as the rule says, in place."""
    rule = chosen.rule
    chosen.leave_out(chosen.found.votes.n == 0, "no verdict")
    chosen.leave_out(chosen.side == 0, "tie")
    texts = chosen.data.pairs[["response_a", "response_b"]].isna().to_numpy()
    if not texts.all():
        chosen.leave_out(texts.any(axis=1), "no text")
    steps: dict[str, Callable[[Chosen], None]] = {
        "min_votes": _few_votes, "min_agreement": _divided, "min_strength": _weak,
        "max_strength": _strong, "keep_lowest": _high, "drop_suspects": _suspect, "flip": _flip,
        "weight": _weigh, "balance": _balance,
    }  # fmt: skip
    for name, step in steps.items():
        if getattr(rule, name) not in (None, ()):
            step(chosen)


def _few_votes(chosen: Chosen) -> None:
    wanted = chosen.rule.min_votes or 0
    chosen.leave_out(chosen.found.votes.n < wanted - 1e-9, f"fewer than {wanted:g} votes")


def _divided(chosen: Chosen) -> None:
    wanted = chosen.rule.min_agreement or 0
    low = ~(chosen.found.votes.agreement >= wanted - 1e-9)
    chosen.leave_out(low, f"agreement below {wanted:g}")


def _weak(chosen: Chosen) -> None:
    wanted = chosen.rule.min_strength or 0
    low = ~(2 * chosen.towards - 1 >= wanted - 1e-9)
    chosen.leave_out(low, f"strength below {wanted:g}")


def _strong(chosen: Chosen) -> None:
    wanted = 1 if chosen.rule.max_strength is None else chosen.rule.max_strength
    high = 2 * chosen.towards - 1 > wanted + 1e-9
    chosen.leave_out(high, f"strength above {wanted:g}")


def _high(chosen: Chosen) -> None:
    name, part = chosen.rule.keep_lowest or ("", 1.0)
    pairs = chosen.data.pairs
    if name not in pairs or not pd.api.types.is_numeric_dtype(pairs[name].dtype):
        raise DataError(
            f"The pairs have no numbers {name!r}.",
            found=", ".join(pairs.columns),
            expected="a column of numbers, one a pair",
            fix="Pass scores= (--scores FILE), a table with pair_id and this column.",
        )
    values = pairs[name].to_numpy("float64")
    chosen.leave_out(~np.isfinite(values), f"no {name}")
    chosen.leave_out(~chosen.lowest(values, part), f"{name} not among the lowest {part:.0%}")


def _signed(chosen: Chosen) -> Array:
    margins = chosen.found.margins
    if margins is None:
        raise DataError(
            "Suspects need out-of-fold margins.",
            found="no scored factors, or fewer than five prompts",
            expected="factors that a fit can learn the labels from",
            fix="Score them first: data = workbench.score_factors(data).",
        )
    return chosen.side * margins.mean


def _suspect(chosen: Chosen) -> None:
    part = chosen.rule.drop_suspects or 0
    chosen.leave_out(chosen.lowest(_signed(chosen), part), f"suspect: smallest {part:.0%}")


def _flip(chosen: Chosen) -> None:
    """Exchange the sides of suspects of one vote, if repeated labels say that most are wrong."""
    part, signed = chosen.rule.flip or 0, _signed(chosen)
    low = chosen.lowest(signed, part)
    cast = cast_votes(chosen.data.decided(), chosen.found)
    cut = float(signed[low].max()) if low.any() else -np.inf
    seen = np.isfinite(cast.outvoted) & (cast.signed <= cut)
    level = 0.95
    row = share(cast.outvoted[seen], chosen.found.code[cast.pair[seen]], level, cast.weight[seen])
    if not (np.isfinite(row["conf_low"]) and row["conf_low"] > 0.5):
        told = "no repeated label among them" if np.isnan(row["estimate"]) else (
            f"{row['estimate']:.3f} of them are outvoted by others"
            + (f" [{row['conf_low']:.3f}, {row['conf_high']:.3f}]" if row["reason"] is None else "")
        )  # fmt: skip
        raise DataError(
            "Repeated labels do not confirm that the suspects are wrong: nothing is flipped.",
            found=told,
            expected="surely more than half of the suspects outvoted by other voters",
            fix="Leave suspects out (drop_suspects), or flip a smaller share.",
        )
    turned = low & ~chosen.found.votes.repeated
    chosen.notes["flipped"] = int(turned.sum())
    chosen.notes["not flipped, several votes"] = int((low & ~turned).sum())
    chosen.notes["flips confirmed by"] = f"{row['estimate']:.3f} outvoted, n = {row['n']:,.0f}"
    chosen.side[turned] *= -1
    chosen.flipped |= turned


def _weigh(chosen: Chosen) -> None:
    rule, towards = chosen.rule, chosen.towards
    weight = np.abs(2 * towards - 1)
    if rule.weight == "variance":
        source = chosen.found.chosen(rule.source)
        if source not in chosen.found.sd:
            raise DataError(
                f"The variance of P is not known from {source}.",
                found=f"source {source}",
                expected="votes or model",
                fix="Use weight=confidence, or another source.",
            )
        weight = 1 / np.square(chosen.found.sd[source])
    chosen.weight = np.where(np.isfinite(weight), weight, 0.0)
    chosen.leave_out(~(chosen.weight > 0), "weight 0")


def _balance(chosen: Chosen) -> None:
    rule = chosen.rule
    missing = [name for name in rule.balance if name not in chosen.data.factor_names]
    if missing:
        raise DataError(
            f"The data have no factor {missing[0]!r} to balance.",
            found=", ".join(chosen.data.factor_names) or "no scored factors",
            expected="names of scored factors",
            fix="Score them first: data = workbench.score_factors(data).",
        )
    X = factor_matrix(chosen.data, list(rule.balance))
    known = np.asarray(np.isfinite(X).all(axis=1))
    chosen.leave_out(~known, "factor to balance not known")
    features = odd_features(np.where(known[:, None], X, 0.0))
    stays, lots = chosen.stays, chosen.lots()
    chosen.features, chosen.unbalanced = features, np.where(stays, chosen.weight, 0.0)
    told = []
    for name, rows in chosen.grouped(stays):
        args = (features[rows], chosen.side[rows], chosen.weight[rows], lots[rows])
        made = balance(*args, max_loss=rule.max_loss, weigh=rule.balance_by == "weigh")
        after = made.weights(*args)
        loss = 1 - after.sum() / chosen.weight[rows].sum()
        chosen.weight[rows] = after
        end = "whole" if made.whole else f"in part: it would cost more than {rule.max_loss:.0%}"
        told.append(f"{name}{loss:.1%} lost, {end}")
    chosen.notes["balance"] = "; ".join(told)
    chosen.leave_out(chosen.weight == 0, "balance of " + ", ".join(rule.balance))
