"""The verb that says what solves a benchmark without reading it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.audit.judges.verdicts.preferences import (
    judges_beside,
    judges_free,
    mean_preferences,
    reference_mask,
)
from workbench.calibration.paired.slices import Slices, slices_of
from workbench.calibration.paired.verdicts import Mask, verdicts_of
from workbench.calibration.shortcuts.measures import (
    APART,
    COLUMNS,
    Decided,
    held_row,
    rows_of,
    tabled,
)
from workbench.calibration.shortcuts.result import BenchmarkCheck
from workbench.calibration.shortcuts.rules import rules_of
from workbench.clustered import Array, Codes
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError, level_option, refuse_out_of_range, seed_option, whole
from workbench.provenance import Provenance
from workbench.threads import on_one_thread

_CONVENTION = (
    "the better response is always side {side}: that is how the file lists it, and no rule uses it"
)


@on_one_thread
def check_benchmark(
    data: PreferenceData,
    reference: str = "human",
    *,
    by: str | None = None,
    factors: Sequence[str] | None = None,
    judges: Sequence[str] | None = None,
    folds: int = 5,
    level: float = 0.95,
    seed: int = 0,
) -> BenchmarkCheck:
    r"""Say how much of a benchmark is right without reading: by length, style, order, model name.

    Parameters
    ----------
    data : PreferenceData
    reference : str
        Whose verdicts are the right ones: an annotator or a kind, such as ``"objective"``.
    by : str, optional
        Column of the pairs, or of the reference's labels, that names the subset.
    factors : sequence of str, optional
        Differences that rules look at; those of the data, or of their texts, when None. Those
        for which the prompt has to be read are left out.
    judges : sequence of str, optional
        With whom the rules are compared; everybody who is neither a person nor gold when None.
    folds : int
        Folds of whole prompts, for what is chosen or fitted.
    level : float
    seed : int
        Of the folds.

    Returns
    -------
    BenchmarkCheck
        A row for each rule (longer, more bold, shown first, the model that is better on other
        prompts), for the best of them and for all together on other prompts (with ``by`` also
        fitted in each subset and pooled), for the best judge and for the balance of sides.

    Raises
    ------
    DesignError
        No reference, a judge that is of it, no decided pair, nothing that a rule could look at, no
        such factor or column.
    DataError
        A judge that the data do not have.

    Notes
    -----
    A rule is right (1), wrong (0) or says nothing (one half). *Together* is the sign of a logit
    without intercept on the differences, their signs and the models' names under a ridge penalty,

    .. math:: \arg\min_b -\sum_i \log \sigma\big((2 y_i - 1) x_i' b\big)
              + \tfrac{\lambda}{2} |b|^2

    fitted on other prompts, the penalty chosen within these. Which side is A says nothing to it: a
    file may list the better response first throughout. Within a subset all is fitted anew. p is of
    random signs of the prompts' sums (mid-P), adjusted by Benjamini-Hochberg and Holm; of what is
    fitted it is a score test at twice the variance, as folds test each other's labels (with labels
    by chance, 15 to 20 % of p of signs are below .05).

    References
    ----------
    Gururangan et al. (2018) and Poliak et al. (2018) for baselines that see a part of the input
    only; Lambert et al. (2024) for RewardBench.

    Examples
    --------
    >>> import workbench as wb
    >>> found = wb.check_benchmark(wb.load("sample"), factors=["words", "bold"])
    >>> found.to_frame()["term"].tolist()[:2]
    ['all of these together', 'best single rule']
    """
    refuse_out_of_range(
        {
            "folds": (whole(folds, 2), folds, "a whole number, 2 or more"),
            "level": level_option(level),
            "seed": seed_option(seed),
        }
    )
    data = data.decided()
    theirs = reference_mask(data, reference)
    if not theirs.any():
        raise DesignError(
            f"There are no labels of {reference!r} to be right by.",
            found=f"annotators {', '.join(data.annotators['annotator'][:12])}",
            expected="an annotator, or a kind: human, objective, ...",
            fix="Name another reference.",
        )
    mean = mean_preferences(data, theirs)["preference"].to_numpy()
    at = np.flatnonzero(np.isfinite(mean) & (mean != 0.5))
    n = int(np.isfinite(mean).sum())
    if not len(at):
        raise DesignError(
            "No pair is decided.",
            found=f"{n:,} pairs with a verdict of {reference}{', all ties' * (n > 0)}",
            expected="pairs with a better response",
            fix="Name another reference.",
        )
    found = _decided(data, theirs, mean, at, factors, judges, reference)
    parts = slices_of(_with_labels(data, theirs, by), by, at)
    rows, slices = _measured(found, parts, folds, level, seed)
    notes = [f"{parts.lacking:,} pairs without a value of {by}"] if parts.lacking else []
    if found.y.all() or not found.y.any():
        notes.append(_CONVENTION.format(side="A" if found.y.all() else "B"))
    return BenchmarkCheck(
        estimates=tabled(rows),
        slices=tabled(slices) if slices else pd.DataFrame(columns=["group", *COLUMNS]),
        exclusions=_left_out(mean),
        settings={
            "reference": reference, "reference_is": data.noun(reference), "by": by,
            "factors": found.rules.names, "judges": found.judges, "n_pairs": len(at),
            "n_clusters": len(np.unique(found.cluster)), "notes": notes, "folds": folds,
            "level": level, "seed": seed,
        },
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )  # fmt: skip


def _measured(
    found: Decided, parts: Slices, folds: int, level: float, seed: int
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the rows of all pairs, and of each subset, where all is fitted anew."""
    whole_set = rows_of(found, folds, level, seed)
    said, slices, anew = whole_set.together.copy(), [], 0
    for name, inside in parts.items():
        own = rows_of(found.within(inside), folds, level, seed)
        slices += [{"group": name, **row} for row in own.rows]
        if own.fitted:
            said[inside] = own.together
            anew += 1
    rows = whole_set.rows
    if anew > 1:
        rows = [held_row(APART, said, whole_set.judge, found, level), *rows]
    return rows, slices


def _decided(
    data: PreferenceData, theirs: Mask, mean: Array, rows: Codes,
    factors: Sequence[str] | None, judges: Sequence[str] | None, reference: str,
) -> Decided:  # fmt: skip
    names = judges_free(data, theirs) if judges is None else judges_beside(data, judges, theirs)
    y = (mean[rows] > 0.5).astype(np.float64)
    prompt = data.pairs["cluster"].to_numpy()[rows].astype(str)
    shown = np.sign(_shown(data, theirs))[rows]
    return Decided(
        y=y,
        cluster=pd.factorize(prompt, sort=True)[0],
        prompt=prompt,
        rules=rules_of(data, factors, rows, shown),
        judges=names,
        right=_right(data, names, reference)[:, rows],
        before=_before(data, names, rows, y),
    )


def _order(data: PreferenceData) -> Array:
    """Return 1 where A was shown first, -1 where B was, 0 where it is not known, by label."""
    order = data.labels["order_shown"]
    first, second = (order.eq(name).to_numpy("float64") for name in ("ab", "ba"))
    return np.asarray(first - second, dtype=np.float64)


def _shown(data: PreferenceData, chosen: Mask) -> Array:
    """Return how many labels of a pair were given with A first, minus those with B first."""
    lean = np.bincount(data.pair_rows[chosen], _order(data)[chosen], len(data.pairs))
    return np.asarray(lean, dtype=np.float64)


def _right(data: PreferenceData, judges: list[str], reference: str) -> Array:
    """Return each judge's agreement by pair; NaN where it was not asked."""
    found = np.full((len(judges), len(data.pairs)), np.nan)
    if judges:
        said = verdicts_of(data, judges, reference)
        found[:, said.pair] = np.where(said.asked, said.agreement * said.unit, np.nan)
    return found


def _before(data: PreferenceData, judges: list[str], rows: Codes, y: Array) -> Array:
    """Return how many verdicts of judges have an order, and the better response first."""
    order = _order(data)
    known = (
        data.labels["annotator"].isin(judges).to_numpy(dtype=bool)
        & (order != 0)
        & data.labels["preference"].notna().to_numpy()
    )
    n = len(data.pairs)
    asked = np.bincount(data.pair_rows[known], minlength=n)[rows].astype(np.float64)
    a_first = np.bincount(data.pair_rows[known & (order > 0)], minlength=n)[rows]
    return np.column_stack([asked, np.where(y > 0.5, a_first, asked - a_first)])


def _with_labels(data: PreferenceData, theirs: Mask, by: str | None) -> pd.DataFrame:
    """Return the pairs with a column of the reference's labels where the pairs have none."""
    if not isinstance(by, str) or by in data.pairs or by not in data.labels:
        return data.pairs
    column: Any = data.labels.loc[theirs, by].astype("str")
    first = column.groupby(data.labels.loc[theirs, "pair_id"]).min()
    return data.pairs.assign(**{by: first.reindex(data.pairs["pair_id"]).to_numpy()})


def _left_out(mean: Array) -> pd.DataFrame:
    tied, silent = int((mean == 0.5).sum()), int(np.isnan(mean).sum())
    counts = {"a tie": tied, "no verdict of the reference": silent}
    rows = [{"reason": reason, "n": n} for reason, n in counts.items() if n]
    return pd.DataFrame(rows, columns=["reason", "n"])
