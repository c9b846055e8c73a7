"""How many of the responses of a preference set a model would write itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from workbench.audit.gaps import gap_row
from workbench.audit.measures import Measures, difference_row, share_row
from workbench.clustered import Array
from workbench.data.dataset import PreferenceData
from workbench.data.preferred import preferred
from workbench.errors import DataError, DesignError, level_option, listed, refuse_out_of_range

BY_NAME, BY_LIKELIHOOD = "by name", "by likelihood"
LEAST = 40
"""Samples below which the ends of their distribution are not known."""

_RANKED = "ranking accuracy"


@dataclass(frozen=True, eq=False)
class OnPolicy(Measures):
    """Shares of responses that the model wrote, or would likely write."""

    heading: ClassVar[str] = "On- and off-policy responses"
    about: ClassVar[str] = (
        "A response is on-policy by name where the data say that the model wrote it, by likelihood "
        "where its mean log-probability of a token lies within that of the model's own samples. "
        "Likely is not written: a short plain response of another model may lie there too."
    )


def on_policy(
    data: PreferenceData,
    own: str | Iterable[str] = (),
    scores: pd.DataFrame | None = None,
    samples: pd.DataFrame | None = None,
    *,
    annotators: Sequence[str] | None = None,
    within: float = 0.95,
    level: float = 0.95,
) -> OnPolicy:
    r"""Say which share of chosen and of rejected responses is the model's own, or like it.

    Parameters
    ----------
    data : PreferenceData
    own : str or iterable of str
        Names of the model in ``model_a`` and ``model_b``.
    scores : DataFrame, optional
        ``pair_id, chosen, rejected`` (nats) and ``n_chosen, n_rejected`` (tokens) under the
        model (:func:`workbench.scoring.logprob.score_pairs`): ranking accuracy by who wrote.
    samples : DataFrame, optional
        ``logprob`` and ``n`` of responses that the model itself wrote, to prompts like these
        (:func:`workbench.scoring.logprob.score_responses`); needs ``scores``.
    annotators : sequence of str, optional
        Whose majority says which response is the chosen one.
    within : float
        The middle part of the samples that counts as likely.
    level : float

    Returns
    -------
    OnPolicy
        By name and by likelihood, as far as either is known: shares of the chosen and of the
        rejected responses, their difference, the share of pairs with both; with scores the
        ranking accuracy of pairs with both, of the others, and the difference. The threshold
        stands in ``settings``.

    Raises
    ------
    DesignError
        Neither names nor samples, samples without scores, fewer than 40 samples, or an option
        out of range.
    DataError
        A name that wrote nothing, or scores of other pairs.

    Notes
    -----
    By likelihood: with the quantiles :math:`q` of the samples' mean log-probability of a token,
    :math:`q_{(1-w)/2} \le \\log p(y|x) / n \le q_{(1+w)/2}`. Of the model's own samples the
    share is ``within``, not 1. Intervals do not know the error of the quantiles.

    Examples
    --------
    >>> import workbench as wb
    >>> pairs = pd.DataFrame({"prompt": list("pqr"), "response_a": list("abc"),
    ...                       "response_b": list("def"), "model_a": "me", "model_b": "you"})
    >>> labels = pd.DataFrame({"pair": range(3), "annotator": "eye", "preference": [1, 1, 0]})
    >>> found = on_policy(wb.PreferenceData.from_tables(pairs, labels), "me")
    >>> [round(share, 2) for share in found.to_frame()["estimate"][:2]]
    [0.67, 0.33]
    """
    names = listed("own", own) if own else []
    refuse_out_of_range({"within": (0 < within < 1, within, "between 0 and 1, such as 0.95"),
                         "level": level_option(level)})  # fmt: skip
    _check(names, scores, samples)
    table, left = _pairs(data, scores, annotators)
    rows: list[dict[str, Any]] = []
    notes: list[str] = []
    if names:
        both, unnamed = _by_name(data, table, names)
        rows += _rows(BY_NAME, both, table, level)
        notes += [f"{unnamed:,} pairs do not say who wrote both responses"] if unnamed else []
    threshold: list[float] = []
    if samples is None:
        notes.append("no samples of the model: nothing is told by likelihood")
    else:
        threshold, of = _threshold(samples, within)
        mean = [table[side] / table[f"n_{side}"] for side in ("chosen", "rejected")]
        inside = [one.between(*threshold).to_numpy("float64") for one in mean]
        rows += _rows(BY_LIKELIHOOD, np.column_stack(inside), table, level)
        notes.append(
            f"likely: mean log-probability of a token in [{threshold[0]:.3f}, "
            f"{threshold[1]:.3f}] nats, the middle {within:.0%} of {of:,} samples"
        )
    notes += ["no scores: nothing is told of ranking"] if scores is None else []
    notes += [f"left out: {n:,} pairs, {why}" for why, n in left.items()]
    settings = {
        "what": f"On-policy responses of {', '.join(names) or 'the model'} in {len(table):,} pairs",
        "own": names, "within": within, "threshold": threshold, "level": level, "notes": notes,
    }  # fmt: skip
    return OnPolicy.from_rows(rows, settings, dataset=data.digest)


def _check(names: list[str], scores: pd.DataFrame | None, samples: pd.DataFrame | None) -> None:
    if not names and samples is None:
        raise DesignError(
            "Nothing says which responses are the model's own.",
            expected="its names in model_a and model_b, or samples of its own with scores",
            fix="Name it (own=, --own NAME), or give what it wrote (samples=, --samples).",
        )
    if samples is not None and scores is None:
        raise DesignError(
            "Samples say nothing of responses that are not scored.",
            expected="scores of the pairs under the same model (scores=, --scores FOLDER)",
            fix="Audit the model first: workbench audit-model --model M --out FOLDER.",
        )


def _pairs(
    data: PreferenceData, scores: pd.DataFrame | None, annotators: Sequence[str] | None
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return pairs with a chosen side, and their scores; and those left out, by reason."""
    table = preferred(data, annotators)
    # names are enough: no text is needed
    lost = table["why"].where(table["why"].ne("no text") | (scores is not None))
    left = {str(why): int(n) for why, n in lost.value_counts().items()}
    table = table.loc[lost.isna(), ["pair_id", "cluster", "side"]]
    if scores is not None:
        wanted = ["pair_id", "chosen", "rejected", "n_chosen", "n_rejected"]
        own = scores.reindex(columns=wanted).dropna()
        both = table.merge(own, on="pair_id")
        left |= {"no score": len(table) - len(both)} if len(table) > len(both) else {}
        table = both
    if table.empty:
        raise DataError(
            "No pair has a chosen response that can be looked at.",
            found="; ".join(f"{n:,} pairs: {why}" for why, n in left.items()),
            expected="decided pairs, and scores of the same data",
            fix="Name other annotators, or the scores of these data.",
        )
    return table.reset_index(drop=True), left


def _by_name(data: PreferenceData, table: pd.DataFrame, names: list[str]) -> tuple[Array, int]:
    """Return 1 where chosen, and where rejected, is the model's own; NaN where not known."""
    pairs = data.pairs.set_index("pair_id").loc[table["pair_id"]]
    wrote = [pairs[f"model_{side}"] for side in "ab"]
    there = set(pd.concat(wrote).dropna().astype(str))
    absent = [name for name in names if name not in there]
    if absent:
        raise DataError(
            f"No response is by {absent[0]!r}.",
            found=", ".join(sorted(there)[:12]) or "no names of models",
            expected="a name in model_a or model_b",
            fix="Check the spelling, or map the columns when loading (--map model_a=COLUMN).",
        )
    mine = [one.astype("str").isin(names).to_numpy("float64") for one in wrote]
    known = np.logical_and(*(one.notna().to_numpy() for one in wrote))
    first = table["side"].eq("a").to_numpy()
    both = np.column_stack([np.where(first, *mine), np.where(first, *mine[::-1])])
    both[~known] = np.nan
    return both, int((~known).sum())


def _threshold(samples: pd.DataFrame, within: float) -> tuple[list[float], int]:
    lacking = [name for name in ("logprob", "n") if name not in samples]
    mean = np.array([])
    if not lacking:
        of = samples["logprob"].to_numpy("float64"), samples["n"].to_numpy("float64")
        known = np.isfinite(of[0]) & (of[1] > 0)
        mean = of[0][known] / of[1][known]
    if len(mean) < LEAST:
        raise DesignError(
            "What the model itself writes is not known.",
            found=f"no column {lacking[0]}" if lacking else f"{len(mean):,} samples with a score",
            expected=f"{LEAST} samples or more: logprob (nats) and n (tokens) of each",
            fix="Score more responses that the model wrote.",
        )
    ends = np.quantile(mean, [(1 - within) / 2, (1 + within) / 2])
    return [float(end) for end in ends], len(mean)


def _rows(how: str, both: Array, table: pd.DataFrame, level: float) -> Iterator[dict[str, Any]]:
    known = np.isfinite(both).all(axis=1)
    both, table = both[known], table[known]
    cluster = pd.factorize(table["cluster"], sort=True)[0].astype(np.int64)
    for k, side in enumerate(("chosen", "rejected")):
        yield share_row(f"{how}: {side}", both[:, k], cluster, level, "no such pair")
    if len(both):
        yield difference_row(
            f"{how}: chosen less rejected", both[:, 0] - both[:, 1], cluster, level
        )
    pure = both.all(axis=1)
    yield share_row(f"{how}: both", pure.astype(float), cluster, level, "no such pair")
    if "chosen" not in table:
        return
    margin = (table["chosen"] - table["rejected"]).to_numpy("float64")
    right = (np.sign(margin) + 1) / 2
    for what, own in (("both on-policy", pure), ("other pairs", ~pure)):
        term = f"{how}: {_RANKED}, {what}"
        yield share_row(term, right[own], cluster[own], level, "no such pair")
    yield gap_row(f"{how}: {_RANKED}, both on-policy less others", right,
                  np.where(pure, 1, -1), cluster, level)  # fmt: skip
