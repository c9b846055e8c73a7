"""From responses that were rated or ranked together to pairs, by a recorded rule."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.formats.orientation import SHUFFLE_RULE, orient
from workbench.data.formats.records import with_columns
from workbench.errors import DataError

_Places = NDArray[np.intp]
_ALONE = "one rated response: nothing to compare it with"


@dataclass(frozen=True)
class Rule:
    """How the ratings of responses that belong together become preferences.

    Attributes
    ----------
    columns : tuple of str
        Ratings whose mean decides; the higher one is preferred, equal means are a tie.
        The mean is over those that are known; where none is, there is no judgement.
    prompt, response : str
        Columns of a long table with one response a row.
    pairs : str
        ``all`` pairs of responses rated together, or ``best-worst`` only.
    group : tuple of str
        Columns of a long table that say which rows were rated together. Where there are
        none, it is neighbouring rows with one prompt.
    criterion : str
        Name of what the mean decides.
    criteria : tuple of str
        Further ratings, each a criterion of its own under its own name.
    lower : bool
        The lower one is preferred: ranks, of which the first is the best.
    """

    columns: tuple[str, ...]
    prompt: str = "prompt"
    response: str = "response"
    pairs: str = "all"
    group: tuple[str, ...] = ()
    criterion: str = "overall"
    criteria: tuple[str, ...] = ()
    lower: bool = False


@dataclass(frozen=True)
class Items:
    """Responses that were rated or ranked, one row each in every table.

    Attributes
    ----------
    group : ndarray of int, shape (n,)
        Which of them were rated together, by one annotator.
    rows : ndarray of int, shape (n,)
        Number of the record that holds each.
    shared : DataFrame
        What a group has in common: ``prompt``, ``annotator``, ``cluster``, metadata.
    sides : DataFrame
        What is each response's own: ``response``, ``model``, metadata.
    ratings : DataFrame of float
        One column a rating, NaN where there is none.
    """

    group: NDArray[np.int64]
    rows: NDArray[np.int64]
    shared: pd.DataFrame
    sides: pd.DataFrame
    ratings: pd.DataFrame


def paired(items: Items, rule: Rule, seed: int) -> pd.DataFrame:
    """Return the judgements that ratings of responses make.

    A response without a rating, and one that stands alone, is a row with a ``problem``.

    Parameters
    ----------
    items : Items
    rule : Rule
    seed : int
        Of the order of the sides, which must say nothing of the ratings.

    Examples
    --------
    >>> items = Items(
    ...     np.array([0, 0]), np.array([1, 2]), pd.DataFrame({"prompt": ["?", "?"]}),
    ...     pd.DataFrame({"response": ["x", "y"]}), pd.DataFrame({"rank": [2.0, 1.0]}))
    >>> frame = paired(items, Rule(("rank",), lower=True), seed=0)
    >>> ((frame["response_a"] == "y") == (frame["preference"] == 1)).tolist()
    [True]
    """
    unknown = [c for c in (*rule.columns, *rule.criteria) if c not in items.ratings]
    if unknown:
        raise DataError(
            f"There is no rating {unknown[0]!r} to make pairs of.",
            found=", ".join(map(str, items.ratings)),
            expected=", ".join(unknown),
            fix="Name ratings of the file in the rule.",
        )
    scores = {rule.criterion: _mean(items.ratings[list(rule.columns)])}
    scores |= {name: _mean(items.ratings[[name]]) for name in rule.criteria}
    deciding = scores[rule.criterion]
    if rule.pairs == "best-worst":
        first, second = _extremes(items.group, deciding)
    else:
        first, second = _within(items.group)
    texts = items.sides["response"]
    prompt = items.shared.get("prompt", pd.Series([None] * len(texts)))
    is_a = orient(prompt.iloc[first], texts.iloc[first], texts.iloc[second], seed)
    a, b = np.where(is_a, first, second), np.where(is_a, second, first)
    base = _sides(items, a, b)
    own_name = items.shared.get("criterion")
    verdicts = {
        name: _verdicts((score[a] - score[b]) * (-1 if rule.lower else 1), not rule.lower)
        for name, score in scores.items()
    }
    deciding_verdict = verdicts.pop(rule.criterion)
    decided = deciding_verdict["preference"].notna().to_numpy()
    main = pd.concat([base, deciding_verdict], axis=1)
    if own_name is None:
        main = main.assign(criterion=rule.criterion)
    # the texts stand once for all criteria; only where the deciding one is not known, again
    parts = [main.assign(**_beside(verdicts))[decided]]
    for name, verdict in verdicts.items():
        alone = verdict["preference"].notna().to_numpy() & ~decided
        parts.append(pd.concat([base, verdict], axis=1).assign(criterion=name)[alone])
    parts.append(_left_out(items, scores))
    frame = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    if "preference" not in frame:
        frame["preference"] = np.nan
    return with_columns(frame, ("problem", "found"))


def _mean(ratings: pd.DataFrame) -> NDArray[np.float64]:
    """Return the mean of the known ratings of each response, NaN where there are none."""
    values = ratings.to_numpy("float64")
    known = np.isfinite(values)
    mean = np.full(len(values), np.nan)
    total = np.where(known, values, 0.0).sum(axis=1)
    np.divide(total, known.sum(axis=1), out=mean, where=known.any(axis=1))
    return mean


def _within(group: NDArray[np.int64]) -> tuple[_Places, _Places]:
    """Return the places of both members of every pair within a group, in file order."""
    order = np.argsort(group, kind="stable")
    _, starts, sizes = np.unique(group[order], return_index=True, return_counts=True)
    firsts, seconds = [np.empty(0, np.intp)], [np.empty(0, np.intp)]
    for size in np.unique(sizes):
        i, j = np.triu_indices(size, 1)
        at = starts[sizes == size][:, None]
        firsts.append(order[(at + i).ravel()])
        seconds.append(order[(at + j).ravel()])
    first, second = np.concatenate(firsts), np.concatenate(seconds)
    in_order = np.lexsort((second, first))
    return first[in_order], second[in_order]


def _extremes(group: NDArray[np.int64], score: NDArray[np.float64]) -> tuple[_Places, _Places]:
    """Return the places of the highest and the lowest of each group."""
    known = np.flatnonzero(np.isfinite(score))
    order = known[np.lexsort((score[known], group[known]))]
    new = np.flatnonzero(np.diff(group[order], prepend=-1))
    last = np.append(new[1:], len(order)) - 1
    several = last > new
    return order[last[several]], order[new[several]]


def _sides(items: Items, a: _Places, b: _Places) -> pd.DataFrame:
    base = items.shared.iloc[a].reset_index(drop=True)
    base.insert(0, "row", np.minimum(items.rows[a], items.rows[b]))
    new = {}
    for letter, places in (("a", a), ("b", b)):
        for name in items.sides:
            column = f"response_{letter}_messages" if name == "response_messages" else ""
            new[column or f"{name}_{letter}"] = items.sides[name].iloc[places].array
        for name in items.ratings:
            new[f"{name}_{letter}"] = items.ratings[name].iloc[places].array
    return pd.concat([base, pd.DataFrame(new, index=base.index)], axis=1)


def _beside(verdicts: Mapping[str, pd.DataFrame]) -> dict[str, pd.Series]:
    """Return what judgements say under further criteria as columns beside the deciding one."""
    return {
        f"{what}[{name}]": verdict[what]
        for name, verdict in verdicts.items()
        for what in ("preference", "strength")
        if what in verdict
    }


def _verdicts(difference: NDArray[np.float64], with_strength: bool) -> pd.DataFrame:
    known = np.isfinite(difference)
    preference = np.where(known, (np.sign(difference) + 1) / 2, np.nan)
    reason = pd.Series([None] * len(difference), dtype="str").mask(difference == 0, "tie")
    frame = pd.DataFrame({"preference": preference, "reason": reason})
    if with_strength:
        frame["strength"] = np.abs(difference)
    return frame


def _left_out(items: Items, scores: dict[str, NDArray[np.float64]]) -> pd.DataFrame:
    """Return a row for each response without a rating, and for each that stands alone."""
    alone = ~pd.Series(items.group).duplicated(keep=False).to_numpy()
    names = items.sides.get("model", pd.Series([None] * len(alone))).fillna("a response")
    rows = [pd.DataFrame({"row": items.rows[alone], "problem": "unparseable", "found": _ALONE})]
    for criterion, score in scores.items():
        unrated = ~np.isfinite(score) & ~alone
        found = f"no rating of {criterion}: " + names[unrated].astype("str")
        rows.append(
            pd.DataFrame({"row": items.rows[unrated], "problem": "no judgement", "found": found})
        )
    return pd.concat([part for part in rows if len(part)] or rows[:1], ignore_index=True)


def rule_of(given: Mapping[str, Any] | None, default: Rule) -> Rule:
    """Return the rule that a user's fields make of a layout's own.

    Raises
    ------
    DataError
        A field is unknown, or ``pairs`` is neither ``all`` nor ``best-worst``.

    Examples
    --------
    >>> rule_of({"columns": ["score"]}, Rule(("helpfulness",), criterion="helpfulness"))
    Rule(columns=('score',), prompt='prompt', response='response', pairs='all', group=(), \
criterion='overall', criteria=(), lower=False)
    """
    fields = dict(given or {})
    unknown = fields.keys() - Rule.__dataclass_fields__.keys()
    if unknown or fields.get("pairs", "all") not in ("all", "best-worst"):
        raise DataError(
            "The rule for ratings is not understood.",
            found=", ".join(sorted(unknown)) or repr(fields["pairs"]),
            expected=", ".join(Rule.__dataclass_fields__) + "; pairs as 'all' or 'best-worst'",
            fix='For example rule={"columns": ["helpfulness"], "pairs": "all"}.',
        )
    for name in ("columns", "group", "criteria"):
        if name in fields:
            value = fields[name]
            fields[name] = (value,) if isinstance(value, str) else tuple(value)
    if "columns" in fields:
        # what decides is the user's choice: the layout's names are of its own ratings
        default = replace(default, criterion="overall", criteria=(), lower=False)
    return replace(default, **fields)


def recorded(rule: Rule, seed: int, left_out: Iterable[str] = ()) -> dict[str, Any]:
    """Return the rule and what else the reader decided, for the load report."""
    settings = {"rule": asdict(rule), "shuffle_seed": seed, "shuffle_rule": SHUFFLE_RULE}
    return settings | {"columns_left_out": ", ".join(left_out)}
