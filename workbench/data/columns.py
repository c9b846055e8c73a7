"""Columns of the data model, and what they hold where nothing is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from workbench.data.alike.near_equal import prompt_clusters
from workbench.data.digests import content_digests
from workbench.data.identity import OTHER_PROMPT, pair_ids
from workbench.data.rows import Coded
from workbench.errors import DataError

PAIR_COLUMNS = (
    "pair_id",
    "prompt_id",
    "prompt",
    "response_a",
    "response_b",
    "model_a",
    "model_b",
    "scenario",
    "cluster",
)
"""Columns of every pairs table; further columns are the file's own metadata."""

LABEL_COLUMNS = (
    "pair_id",
    "annotator",
    "criterion",
    "replicate",
    "preference",
    "kind",
    "order_shown",
    "strength",
    "weight",
    "reason",
    "raw",
)
"""Columns of every labels table."""

LABEL_KEY = ("pair_id", "annotator", "criterion", "order_shown", "replicate")
"""What tells one judgement from another."""

OVERALL = "overall"
"""The criterion of labels that name none, and the one that decides where there are several."""

CATEGORY = "criterion_category"
"""Column of labels that says of which kind the criterion is, where criteria are many."""

UNNAMED = "unnamed"
"""The annotator of votes whose file names nobody: each vote may be another person's."""

KINDS = ("human", "llm", "reward_model", "rule", "objective", "unknown")
"""What an annotator can be; ``objective``: gold answers and unit tests."""

POOLS = frozenset({UNNAMED, "human", "crowd", "reddit", *(f"{UNNAMED} {kind}" for kind in KINDS)})
"""Names under which readers put the votes of several people, who need not agree with themselves."""

NOUNS = {
    "human": "people",
    "llm": "LLM judges",
    "reward_model": "reward models",
    "rule": "rules",
    "objective": "gold labels",
}
"""What annotators of one kind are called in a sentence."""

_ORDER = {kind: k for k, kind in enumerate(KINDS)}

_DEFAULTS = {"annotator": UNNAMED, "criterion": OVERALL, "kind": "unknown"}


def one_kind(kinds: Iterable[str | None]) -> str | None:
    """Return what an annotator is whose labels name several kinds: the first of ``KINDS``.

    So neither the order of the rows nor how they are divided tells it.

    Examples
    --------
    >>> one_kind(["unknown", "llm"]), one_kind([None]) is None
    ('llm', True)
    """
    known = [kind for kind in kinds if kind is not None and kind == kind]
    return min(known, key=lambda kind: (_ORDER.get(kind, len(KINDS)), kind), default=None)


def noun_of(kinds: Iterable[str]) -> str:
    """Return what to call annotators of some kinds: ``annotators`` where unknown or several.

    Examples
    --------
    >>> noun_of(["llm", "llm"]), noun_of(["human", "llm"]), noun_of(["unknown"])
    ('LLM judges', 'annotators', 'annotators')
    """
    known = set(kinds)
    return NOUNS.get(known.pop(), "annotators") if len(known) == 1 else "annotators"


def possessive(noun: str) -> str:
    """Return the possessive of a noun.

    Examples
    --------
    >>> possessive("people"), possessive("LLM judges")
    ("people's", "LLM judges'")
    """
    return f"{noun}'" if noun.endswith("s") else f"{noun}'s"


def as_text(column: pd.Series) -> pd.Series:
    """Return values as text, a whole number without its point, so that 7, 7.0 and "7" are one.

    Examples
    --------
    >>> as_text(pd.Series([7.0, None])).tolist()
    ['7', nan]
    """
    if pd.api.types.is_float_dtype(column.dtype) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype("str")


def prompt_of(pairs: pd.DataFrame, side: str) -> pd.Series:
    """Return the prompt that a side answers: B's own one where there are two.

    Parameters
    ----------
    pairs : DataFrame
    side : {"a", "b"}

    Examples
    --------
    >>> pairs = pd.DataFrame({"prompt": ["p", "p"], "prompt_b": ["q", None]})
    >>> prompt_of(pairs, "b").tolist(), prompt_of(pairs, "a").tolist()
    (['q', 'p'], ['p', 'p'])
    """
    if side == "a" or OTHER_PROMPT not in pairs:
        return pairs["prompt"]
    return pairs[OTHER_PROMPT].astype("str").fillna(pairs["prompt"])


def complete_pairs(pairs: pd.DataFrame, shared: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Return pairs with every column of :data:`PAIR_COLUMNS`, derived where missing.

    ``pair_id`` names the content (:func:`workbench.data.identity.pair_ids`), ``prompt_id``
    is the digest of the prompt; ``cluster`` is the prompt, one with those near-equal to it
    (:func:`workbench.data.alike.near_equal.prompt_clusters`), unless given. Of a part of a set
    ``shared`` says the cluster of the prompts that share one, by their ids.
    """
    pairs = pairs.reset_index(drop=True).copy()
    if "pair_id" not in pairs:
        pairs["pair_id"] = pair_ids(pairs)[0]
    for column in ("prompt", "response_a", "response_b", "model_a", "model_b", "scenario"):
        if column not in pairs:
            pairs[column] = pd.Series([None] * len(pairs), dtype="str")
        pairs[column] = pairs[column].astype("str")
    given = pairs["cluster"].astype("str") if "cluster" in pairs else None
    lacking = given is None or bool(given.isna().any())
    if "prompt_id" in pairs:
        cluster = pairs["prompt_id"]
    else:
        pairs["prompt_id"], cluster = _prompt_ids(pairs, lacking, shared)
    pairs["cluster"] = (cluster if given is None else given.fillna(cluster)).astype("str")
    extra = [c for c in pairs.columns if c not in PAIR_COLUMNS]
    return pairs[[*PAIR_COLUMNS, *extra]]


def _prompt_ids(
    pairs: pd.DataFrame, clustered: bool, known: Mapping[str, str] | None
) -> tuple[pd.Series, pd.Series]:
    """Return the id of each pair's prompt, and its cluster; a pair without one is its own."""
    codes, distinct = pd.factorize(pairs["prompt"])
    if not len(distinct):
        return pairs["pair_id"], pairs["pair_id"]
    prompts = pd.Series(distinct, dtype="str")
    names = content_digests([prompts])
    shared = names
    if known:
        shared = names.map(known).fillna(names).astype("str")
    elif clustered and known is None:
        shared = prompt_clusters(prompts, names)
    lacks, at = codes < 0, np.maximum(codes, 0)

    def of_pairs(values: pd.Series) -> pd.Series:
        return values.take(at).reset_index(drop=True).mask(lacks, pairs["pair_id"])

    ids = of_pairs(names)
    return ids, ids if shared is names else of_pairs(shared)


def complete_labels(labels: pd.DataFrame) -> pd.DataFrame:
    """Return labels with every column of :data:`LABEL_COLUMNS`, defaults where missing."""
    labels = labels.reset_index(drop=True).copy()
    preference = labels["preference"] = labels["preference"].astype("float64")
    for column, default in _DEFAULTS.items():
        labels[column] = (
            labels[column].astype("str").fillna(default)
            if column in labels
            else (pd.Series([default], dtype="str").repeat(len(labels)).array)
        )
    _apart_by_kind(labels)
    if "reason" not in labels:
        reason = np.where(preference == 0.5, "tie", np.where(preference.isna(), "failed", ""))
        labels["reason"] = pd.Series(reason, dtype="str").replace("", None)
    for column, number in (("strength", np.nan), ("weight", 1.0)):
        labels[column] = labels[column].astype("float64") if column in labels else number
    for column in ("order_shown", "raw"):
        if column not in labels:
            labels[column] = None
    for column in ("pair_id", "order_shown", "reason", "raw"):
        labels[column] = labels[column].astype("str")
    if "replicate" not in labels:
        labels["replicate"] = numbered(labels)
    labels["replicate"] = labels["replicate"].astype("int32")
    extra = [c for c in labels.columns if c not in LABEL_COLUMNS]
    return labels[[*LABEL_COLUMNS, *extra]]


def _apart_by_kind(labels: pd.DataFrame) -> None:
    """Call unnamed annotators of several kinds by their kind, in place."""
    nobody = labels["annotator"] == UNNAMED
    if nobody.any() and labels.loc[nobody, "kind"].nunique() > 1:
        labels["annotator"] = labels["annotator"].mask(nobody, UNNAMED + " " + labels["kind"])


def numbered(labels: pd.DataFrame) -> pd.Series:
    """Return numbers from 0 for repeats of one judgement, in the order of the rows.

    Examples
    --------
    >>> rows = pd.DataFrame({"pair_id": ["p"] * 3, "annotator": ["x", "x", "y"]})
    >>> numbered(rows.assign(criterion="overall", order_shown=None)).tolist()
    [0, 1, 0]
    """
    key = list(LABEL_KEY[:-1])
    # one label a pair is the common case, and its key is short
    if not labels["pair_id"].duplicated().any() or not labels.duplicated(key).any():
        return pd.Series(0, index=labels.index)
    return labels.groupby(key, dropna=False, sort=False).cumcount()


def members(column: pd.Series | Coded, names: Iterable[str], what: str) -> np.ndarray:
    """Return which rows of a column have one of some names, shape (rows,).

    Raises
    ------
    DataError
        A name that no row has.
    """
    wanted = [names] if isinstance(names, str) else list(names)
    known = set(column.names if isinstance(column, Coded) else column.dropna().unique())
    missing = [name for name in wanted if name not in known]
    if missing:
        shown = ", ".join(sorted(map(str, known))[:12])
        raise DataError(
            f"The data have no {what} {missing[0]!r}.",
            found=shown or f"no {what} at all",
            expected=f"one of the {len(known)} {what} names of the data",
            fix="Check the spelling; names are case-sensitive.",
        )
    return column.among(wanted) if isinstance(column, Coded) else np.asarray(column.isin(wanted))


def deciding_criterion(criteria: Sequence[str], by: Iterable[str]) -> str | None:
    """Return the criterion that decides among several; None where all labels stay.

    Raises
    ------
    DataError
        Several criteria and none is ``overall``.
    """
    if len(criteria) < 2 or "criterion" in by:
        return None
    if OVERALL in criteria:
        return OVERALL
    raise DataError(
        "The labels answer several questions.",
        found="criteria " + ", ".join(criteria),
        expected="one criterion, or groups by criterion",
        fix="Choose one: --criterion NAME, or data.filter(criteria=[...]); "
        "--by annotator,criterion keeps them apart.",
    )


def check_nobody_vanishes(everybody: Iterable[str], left: Iterable[str]) -> None:
    """Refuse a criterion under which some annotators have no label."""
    gone = sorted(set(everybody) - set(left))
    if gone:
        raise DataError(
            "Some annotators answered other questions only.",
            found=f"no label under {OVERALL!r} by {', '.join(gone[:6])}",
            expected="labels of all annotators under one criterion",
            fix="Choose one: --criterion NAME, or data.filter(criteria=[...]).",
        )


def check_keys(pairs: pd.DataFrame, labels: pd.DataFrame, pair_rows: np.ndarray) -> None:
    """Refuse a pair or a label that stands twice, and a label of no pair."""
    repeated = pairs["pair_id"].duplicated()
    if repeated.any():
        raise DataError(
            "A pair stands twice in the pairs table.",
            where=f"pairs, row {int(np.flatnonzero(repeated)[0]) + 1}",
            found=f"{int(repeated.sum())} repeated pair_id",
            expected="one row a pair",
            fix="Drop the repeated rows; several labels of one pair go into the labels table.",
        )
    if (pair_rows < 0).any():
        row = int(np.flatnonzero(pair_rows < 0)[0])
        raise DataError(
            "A label belongs to no pair.",
            where=f"labels, row {row + 1}",
            found=f"pair_id {labels['pair_id'].iloc[row]!r}",
            expected="a pair_id of the pairs table",
            fix="Add the pair or drop the label.",
        )
    if len(pair_rows) == 0 or np.bincount(pair_rows).max() < 2:
        return
    again = labels.duplicated(list(LABEL_KEY))
    if again.any():
        raise DataError(
            "A label's key stands twice.",
            where=f"labels, row {int(np.flatnonzero(again)[0]) + 1}",
            found=f"{int(again.sum())} repeated ({', '.join(LABEL_KEY)})",
            expected="one row a key",
            fix="Number repeated verdicts in a column `replicate`.",
        )


def check_preferences(labels: pd.DataFrame) -> None:
    """Refuse a preference that is no probability."""
    preference = labels["preference"].to_numpy()
    bad = (preference < 0) | (preference > 1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            "A preference lies outside [0, 1].",
            where=f"labels, row {row + 1}",
            found=str(preference[row]),
            expected="P(A preferred): 1 for A, 0 for B, 0.5 a tie, NaN no verdict",
            fix="Rescale the labels, or map their values with the reader's label mapping.",
        )
