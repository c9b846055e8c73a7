"""Pairs that both a judge and people decided: what the repair of a judge is fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.audit.judges.verdicts.preferences import mean_preferences, reference_mask
from workbench.clustered import Array, Codes
from workbench.data.dataset import PreferenceData
from workbench.data.split import folds as fold_numbers
from workbench.errors import DesignError
from workbench.judges.verdict_features import used_features, verdict_features
from workbench.structure.named import named_once

NO_JUDGE = "no verdict of the judge"
NO_VALUE = "a factor has no value"


@dataclass(frozen=True, eq=False)
class Judged:
    """Pairs with people's labels, a judge's verdict and every factor, in the order of folds.

    Attributes
    ----------
    data : PreferenceData
        Of the criterion that decides, whole.
    people : str
        What those whose labels mend the judge are called.
    row : ndarray of int, shape (n,)
        Position of each pair in ``data.pairs``.
    said : ndarray, shape (n,)
        Weighted mean of people's labels, a tie one half.
    won : ndarray, shape (n,)
        Share of people's decided labels that are for A; NaN where all are ties.
    verdict : ndarray, shape (n,)
        Mean verdict of the judge over the orders, from -1 to 1.
    V : ndarray, shape (n, features)
        Features of the verdicts; none where the judge never leans.
    X : ndarray, shape (n, factors)
    features, factors : list of str
        Names of the columns.
    cluster, fold : ndarray of int, shape (n,)
    exclusions : DataFrame
        Pairs left out: ``reason, n``.
    notes : list of str
        What else was left out, or is odd.
    """

    data: PreferenceData
    people: str
    row: NDArray[np.int64]
    said: Array
    won: Array
    verdict: Array
    V: Array
    X: Array
    features: list[str]
    factors: list[str]
    cluster: Codes
    fold: Codes
    exclusions: pd.DataFrame
    notes: list[str]

    def __len__(self) -> int:
        return len(self.row)

    @property
    def decided(self) -> NDArray[np.bool_]:
        """Pairs on which people took a side."""
        return np.asarray(np.isfinite(self.won))


def judged_pairs(
    data: PreferenceData, judge: str, people: str, factors: Sequence[str] | None, folds: int,
    seed: int,
) -> Judged:  # fmt: skip
    """Return the pairs that a repair is fitted to and tested on.

    Parameters
    ----------
    data : PreferenceData
    judge, people : str
        An annotator; an annotator or a kind.
    factors : sequence of str, optional
        All when None; without any, the verdicts alone are corrected.
    folds : int
    seed : int

    Raises
    ------
    DesignError
        No such judge, people or factor, no pair that both decided, or too few prompts.
    """
    data = data.decided()
    names = _factor_names(data, factors)
    named = data.labels["annotator"].eq(judge).to_numpy(dtype=bool)
    mine = named & data.labels["weight"].gt(0).to_numpy(dtype=bool)
    theirs = reference_mask(data, people)
    _refuse_nobody(data, judge, people, mine, theirs)
    noun = data.noun(people)
    said = mean_preferences(data, theirs)["preference"].to_numpy()
    shown = verdict_features(data.pair_rows[mine], data.labels[mine], len(data))
    values = data.factors[names].to_numpy("float64")
    reasons = {
        f"no label of {noun}": ~np.isfinite(said),
        NO_JUDGE: shown["verdict"].isna().to_numpy(),
        NO_VALUE: ~np.isfinite(values).all(axis=1),
    }
    left = np.zeros(len(data), dtype=bool)
    rows = []
    for reason, without in reasons.items():
        rows.append({"reason": reason, "n": int((without & ~left).sum())})
        left |= without
    exclusions = pd.DataFrame([row for row in rows if row["n"]], columns=["reason", "n"])
    used = np.flatnonzero(~left)
    clusters = data.pairs["cluster"].astype("str").to_numpy(str)[used]
    _refuse_few(exclusions, clusters, folds, noun)
    fold = fold_numbers(clusters, folds, seed)
    # the order of sums is that of folds and names, whatever that of rows
    order = np.lexsort((data.pairs["pair_id"].to_numpy(str)[used], fold))
    used, clusters, fold = used[order], clusters[order], fold[order]
    single = data.labels["preference"].to_numpy("float64")[mine]
    features = used_features(shown.iloc[used], single)
    differs = (values[used] != 0).any(axis=0)
    kept = [name for name, differ in zip(names, differs, strict=True) if differ]
    made = Judged(
        data=data, people=noun, row=used, said=said[used],
        won=_won(data, theirs)[used], verdict=shown["verdict"].to_numpy()[used],
        V=shown[features].to_numpy()[used],
        X=np.ascontiguousarray(values[np.ix_(used, np.flatnonzero(differs))]),
        features=features, factors=kept,
        cluster=np.unique(clusters, return_inverse=True)[1], fold=fold,
        exclusions=exclusions,
        notes=_notes(data, [(noun, theirs), (judge, mine)], judge, features, names, kept),
    )  # fmt: skip
    weightless = int((named & ~mine).sum())
    if weightless:
        made.notes.append(f"{weightless:,} labels of {judge} without weight left out")
    if not made.decided.any():
        raise DesignError(
            f"{noun[0].upper()}{noun[1:]} take no side.",
            found=f"{len(made):,} pairs, all of them ties",
            expected="labels that prefer one side",
            fix="Check how their verdicts were read when the data were loaded.",
        )
    return made


def _factor_names(data: PreferenceData, factors: Sequence[str] | None) -> list[str]:
    names = named_once(factors)
    names = list(data.factor_names) if names is None else names
    unknown = [name for name in names if name not in data.factor_names]
    if unknown:
        raise DesignError(
            f"The data have no factor {unknown[0]!r}.",
            found=", ".join(data.factor_names) or "no factor columns",
            expected="names of scored factors",
            fix="Score them first: data = workbench.score_factors(data).",
        )
    return names


def _refuse_nobody(
    data: PreferenceData, judge: str, people: str, mine: NDArray[np.bool_],
    theirs: NDArray[np.bool_],
) -> None:  # fmt: skip
    known = ", ".join(data.annotators["annotator"])
    if not mine.any() and judge in set(data.annotators["annotator"]):
        raise DesignError(
            "The judge's verdicts count for nothing.",
            found=f"labels of {judge} of weight 0 alone",
            expected="verdicts with a weight above 0",
            fix="Weigh them, or name another judge: judge=...",
        )
    if not mine.any():
        raise DesignError(
            f"There is no judge {judge!r}.",
            found=known,
            expected="one annotator of the data",
            fix="Name one of these: judge=...",
        )
    if not theirs.any() or (mine & theirs).any():
        raise DesignError(
            "Nobody is there to mend the judge by."
            if not theirs.any()
            else "The judge is one of the people.",
            found=f"people={people!r}; annotators {known}",
            expected="an annotator or a kind of the data, without the judge",
            fix="Name others: people=..., judge=...",
        )


def _refuse_few(
    exclusions: pd.DataFrame, clusters: NDArray[np.str_], folds: int, people: str
) -> None:
    if not len(clusters):
        why = "; ".join(f"{row.n:,} pairs: {row.reason}" for row in exclusions.itertuples())
        raise DesignError(
            "There is no pair to mend the judge by.",
            found=why,
            expected=f"pairs with labels of {people}, a verdict of the judge and every factor",
            fix="Have people label pairs that the judge judged, or name other factors.",
        )
    prompts = len(np.unique(clusters))
    if prompts < folds:
        fewer = f"Ask for 3{f' to {prompts}' * (prompts > 3)} folds, or get" * (prompts >= 3)
        raise DesignError(
            f"There are too few prompts for {folds} folds.",
            found=f"{prompts} prompt{'s' * (prompts != 1)} that {people} and the judge decided",
            expected="at least one prompt a fold, and three folds: a correction is chosen on some "
            "prompts and tested on others",
            fix=f"{fewer or 'Get'} labels of more prompts.",
        )


def _won(data: PreferenceData, theirs: NDArray[np.bool_]) -> Array:
    sided = theirs & data.labels["preference"].ne(0.5).to_numpy(dtype=bool)
    return np.asarray(mean_preferences(data, sided)["preference"].to_numpy())


def _notes(
    data: PreferenceData, whose: list[tuple[str, NDArray[np.bool_]]], judge: str,
    features: list[str], names: list[str], kept: list[str],
) -> list[str]:  # fmt: skip
    lost = data.labels["preference"].isna().to_numpy(dtype=bool)
    notes = []
    for who, label in whose:
        n = int((lost & label).sum())
        if n:
            notes.append(f"{n:,} label{'s' * (n != 1)} of {who} without a verdict left out")
    if "verdict" not in features:
        notes.append(f"{judge} takes no side on any pair: a correction would be of factors alone")
    if not names:
        notes.append("the data have no factors: only the verdicts themselves can be corrected")
    constant = [name for name in names if name not in kept]
    if constant:
        notes.append(f"left out, as they never differ: {', '.join(constant)}")
    return notes
