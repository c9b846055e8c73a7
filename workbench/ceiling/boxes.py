"""The black boxes that data allow: boosted trees, embeddings, other judges, columns of margins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from workbench.audit.judges.verdicts.preferences import mean_preferences
from workbench.ceiling.boosting import Boosting
from workbench.ceiling.ridge import Linear
from workbench.ceiling.rows import BlackBox
from workbench.data.dataset import PreferenceData
from workbench.decompose.design import Design
from workbench.decompose.kernel import Array, Codes
from workbench.errors import DesignError

if TYPE_CHECKING:
    from workbench.embedding.base import Embedding

BOOSTING, EMBEDDING = "boosting", "embedding"
BOXES = (BOOSTING, EMBEDDING)

_MOST_FACTORS = 400
"""Factors up to which trees see those too that are not fitted: n-grams would take hours."""

NO_TEXT = "no pair has both texts: there is nothing to embed"

_MARGIN_PENALTIES = (10.0, 1.0, 0.1)


class Made(NamedTuple):
    """The black boxes that could be made.

    Attributes
    ----------
    boxes : list of BlackBox
    lacking : dict of str to str
        Why a box that was asked for is not there, by its name.
    about : dict of str to object
        What the boxes are, as plain JSON values.
    """

    boxes: list[BlackBox]
    lacking: dict[str, str]
    about: dict[str, object]


def boxes_of(
    data: PreferenceData,
    design: Design,
    place: Codes,
    wanted: Sequence[str],
    judges: Sequence[str],
    embedding: Embedding | str | Path,
    seed: int,
) -> Made:
    """Return the black boxes for some design rows.

    Parameters
    ----------
    data : PreferenceData
        All labels: judges are among them.
    design : Design
        Of the labels to predict.
    place : ndarray of int, shape (n,)
        Design row of each row.
    wanted : sequence of str
        Of :data:`BOXES`.
    judges : sequence of str
        Annotators, or columns of the pairs.
    embedding : Embedding, str or Path
    seed : int
    """
    pair, shown = design.pair[place], design.X[place, -1]
    made = Made([], {}, {})
    if BOOSTING in wanted:
        names = data.factor_names
        if len(names) > _MOST_FACTORS:
            names = [name for name in names if name in design.terms]
        made.boxes.append(_boosting(data, names, pair, shown))
        made.about[BOOSTING] = {"factors": names}
    if EMBEDDING in wanted:
        _add_embedding(made, data, pair, shown, embedding, seed)
    for judge in judges:
        margin = margins_of(data, judge)[pair]
        size = float(np.sqrt(np.mean(margin**2)))
        scaled = margin / size if size > 0 else margin
        columns = np.column_stack([scaled, np.sign(scaled), shown])
        made.boxes.append(Linear(judge, columns, _MARGIN_PENALTIES))
    return made


def _boosting(data: PreferenceData, names: list[str], pair: Codes, shown: Array) -> Boosting:
    """Return trees that see the differences and both sides' values of some factors."""
    difference = np.column_stack([data.factors[names].to_numpy("float64")[pair], shown])
    both = [name for name in names if {f"{name}_a", f"{name}_b"} <= set(data.factor_values)]
    a, b = (
        data.factor_values[[f"{name}_{side}" for name in both]].to_numpy("float64")[pair]
        for side in "ab"
    )
    return Boosting.of(BOOSTING, a, b, difference)


def _add_embedding(
    made: Made, data: PreferenceData, pair: Codes, shown: Array,
    embedding: Embedding | str | Path, seed: int,
) -> None:  # fmt: skip
    """Add a logit on differences of embeddings; pairs without text are nothing to it."""
    from workbench.embedding.pairs import embed_pairs

    given = str(embedding) if isinstance(embedding, Path) else embedding
    texts = data.pairs[["response_a", "response_b"]].notna().all(axis=1)
    if given == "offline" and not texts.any():
        made.lacking[EMBEDDING] = NO_TEXT
        return
    found = embed_pairs(data, given, seed=seed)
    at = data.pairs["pair_id"].to_numpy()[pair]
    row = dict(zip(found.pair_ids, range(len(found)), strict=True))
    where = np.array([row.get(name, -1) for name in at], dtype=np.int64)
    X = np.zeros((len(pair), found.d + 1))
    known = where >= 0
    X[known, :-1] = found.differences(where[known])
    X[:, -1] = shown
    made.boxes.append(Linear(EMBEDDING, X))
    made.about[EMBEDDING] = {**found.embedding, "rows_without_text": int((~known).sum())}


def annotators_of(data: PreferenceData, judges: Sequence[str]) -> set[str]:
    """Return the annotators that are named, or that are of a kind that is named.

    Examples
    --------
    >>> import workbench as wb
    >>> sorted(annotators_of(wb.load("sample"), ["sim-judge-plain", "reward_model", "a column"]))
    ['sim-judge-plain', 'sim-reward']
    """
    names = data.annotators["annotator"]
    found = set(names[names.isin(list(judges))])
    kinds = [name for name in judges if name not in found]
    return found | set(names[data.annotators["kind"].isin(kinds)])


def margins_of(data: PreferenceData, judge: str) -> Array:
    """Return how far each pair's A is ahead of B; NaN where it is not known.

    Parameters
    ----------
    data : PreferenceData
    judge : str
        An annotator or a kind, whose mean labels of either order count alike, or a column of the
        pairs.

    Examples
    --------
    >>> import workbench as wb
    >>> margin = margins_of(wb.load("sample"), "sim-judge-plain")
    >>> float(np.nanmax(margin)), int(np.isnan(margin).sum())  # 35 verdicts could not be read
    (0.5, 35)
    """
    whom = annotators_of(data, [judge])
    if whom:
        own = np.sort(np.concatenate([data.rows_of(name) for name in whom]))
        order = data.labels["order_shown"].astype("str").to_numpy(dtype=object)[own]
        known = np.isin(order, ["ab", "ba"])
        parts = [own[order == "ab"], own[order == "ba"], own[~known]]
        means = np.stack([mean_preferences(data, one)["preference"] for one in parts]) - 0.5
        counts = np.isfinite(means).sum(axis=0)
        total = np.nansum(means, axis=0)
        mean = np.divide(total, counts, out=np.full(len(total), np.nan), where=counts > 0)
        return np.asarray(mean)
    column = data.pairs.get(judge)
    if column is None or not pd.api.types.is_numeric_dtype(column):
        raise DesignError(
            f"There is no judge {judge!r}.",
            found=f"annotators {', '.join(data.annotators['annotator'][:12])}",
            expected="an annotator, or a column of the pairs with margins of A over B",
            fix="Check the spelling, or add its verdicts: workbench add-judge.",
        )
    margin = column.to_numpy("float64", na_value=np.nan)
    return np.where(np.isfinite(margin), margin, np.nan)
