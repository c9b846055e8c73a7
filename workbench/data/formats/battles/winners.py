"""Who won a battle, in the words of arenas."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from workbench.data.formats.records import excerpt

_WORDS: dict[tuple[float, str | None], tuple[str, ...]] = {
    (1.0, None): ("model_a", "model a", "left", "leftvote", "left_vote", "response_a", "a"),
    (0.0, None): ("model_b", "model b", "right", "rightvote", "right_vote", "response_b", "b"),
    (0.5, "tie"): ("tie", "tievote", "tie_vote", "draw", "equal", "same", "equally good"),
    (0.5, "both_bad"): (
        "tie (bothbad)", "tie (both bad)", "both_bad", "bothbad", "both bad", "bothbad_vote",
        "both are bad", "neither",
    ),
    (0.5, "both_good"): ("tie (bothgood)", "tie (both good)", "both_good", "bothgood", "both good"),
    (np.nan, "inconsistent"): ("tie (inconsistent)", "inconsistent"),
    (np.nan, "failed"): ("error", "failed", "invalid", "$error$"),
}  # fmt: skip
_UNKNOWN: tuple[float, str | None] = (np.nan, None)
WINNERS = {word: meaning for meaning, words in _WORDS.items() for word in words}
"""Preference and reason by what stands in a column ``winner``, case ignored.

``inconsistent`` was derived from two verdicts, one an order, that disagree: it is no verdict
of its own and no tie.
"""


def read_winners(winner: pd.Series, model_a: pd.Series, model_b: pd.Series) -> pd.DataFrame:
    """Return the verdicts of a column that names the winner.

    Parameters
    ----------
    winner : Series of str
        Words of :data:`WINNERS`, or the winning model's own name. Where it is missing or
        blank nobody voted.
    model_a, model_b : Series of str
        Names of the models, index of ``winner``.

    Returns
    -------
    DataFrame
        ``preference, reason, raw, problem, found``.

    Examples
    --------
    >>> won = pd.Series(["model_a", "m2", "tie (bothbad)", None])
    >>> a, b = pd.Series(["m1"] * 4), pd.Series(["m2"] * 4)
    >>> read_winners(won, a, b)["preference"].tolist()
    [1.0, 0.0, 0.5, nan]
    """
    codes, distinct = pd.factorize(winner)
    words = pd.Series(distinct, dtype="str").str.strip().str.lower()
    meanings = [WINNERS.get(word, _UNKNOWN) for word in words] + [_UNKNOWN]
    preference = pd.Series(np.array([value for value, _ in meanings])[codes], winner.index)
    reason = pd.Series([reason for _, reason in meanings], dtype="str")
    reason = reason.take(codes).set_axis(winner.index)
    known = np.array([*words.isin(list(WINNERS)), False])[codes]
    for value, hit in ((1.0, winner == model_a), (0.0, winner == model_b)):
        by_name = np.asarray((hit & (model_a != model_b)).fillna(False), dtype=bool) & ~known
        preference[by_name] = value
        known |= by_name
    nobody = np.array([*(words == ""), True])[codes]
    problem = pd.Series(None, dtype="str", index=winner.index)
    problem[~known] = "unknown label"
    problem[nobody] = "no judgement"
    found = pd.Series(None, dtype="str", index=winner.index)
    odd = problem.notna()
    found[odd] = [f"winner: {excerpt(_plain(value))}" for value in winner[odd]]
    failed = np.asarray((reason == "failed").fillna(False), dtype=bool)
    return pd.DataFrame(
        {
            "preference": preference,
            "reason": reason,
            "raw": winner.where(failed),
            "problem": problem,
            "found": found,
        }
    )


def are_winners(values: Iterable[object], models: Iterable[tuple[object, object]]) -> bool:
    """Tell whether most of the values say who won: words, or the name of one of the models.

    Examples
    --------
    >>> are_winners(["model_a", "m2", None], [("m1", "m2")] * 3), are_winners([1], [("m1", "m2")])
    (True, False)
    """
    said = [(v, pair) for v, pair in zip(values, models, strict=True) if v not in (None, "")]
    known = sum(str(v).strip().lower() in WINNERS or v in pair for v, pair in said)
    return 2 * known > len(said)


def _plain(value: object) -> object:
    return value if isinstance(value, str) else None
