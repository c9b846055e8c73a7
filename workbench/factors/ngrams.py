"""Words and phrases as factors: which side says what."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.factors.catalog import FactorSpec
from workbench.factors.coding import Array, Coding
from workbench.factors.score import with_coded

PREFIX = "ngram: "
"""Before the words in the name of a factor."""

_SIGN = Coding("sign", standardise=False)
_WORD = r"(?u)\b\w[\w'’-]*\w\b|\b\w\b"


def ngram_factors(
    data: PreferenceData,
    *,
    n: tuple[int, int] = (1, 2),
    min_pairs: int = 20,
    top: int = 200,
    coding: Coding = _SIGN,
) -> PreferenceData:
    """Make a factor of each word or phrase in which many pairs differ.

    The vocabulary is chosen without a look at the labels: the phrases that most pairs have
    in one response and not in the other.

    Parameters
    ----------
    data : PreferenceData
        With text.
    n : (int, int)
        Fewest and most words of a phrase. Case is ignored; an apostrophe or hyphen within
        a word belongs to it.
    min_pairs : int
        Pairs that must differ in whether they have the phrase.
    top : int
        Most phrases.
    coding : Coding
        Of the counts on both sides; by default the sign of their difference: +1 where A
        says it more often, -1 where B does.

    Returns
    -------
    PreferenceData
        With factors called ``ngram: thank you``; NaN where a response is missing.

    Raises
    ------
    DesignError
        No text, a range of lengths that is empty, or no phrase in enough pairs.

    Examples
    --------
    >>> import workbench as wb
    >>> data = ngram_factors(wb.load("sample"), n=(1, 1), top=5)
    >>> len(data.factor_names), data.factor_names[0].startswith("ngram: ")
    (5, True)
    """
    a, b = (data.pairs[side] for side in ("response_a", "response_b"))
    missing = (a.isna() | b.isna()).to_numpy()
    if missing.all() or not 1 <= n[0] <= n[1] or min_pairs < 1 or top < 1:
        raise DesignError(
            "No phrase can be counted.",
            found=f"{int((~missing).sum()):,} pairs with text, n={n}, min_pairs={min_pairs}, "
            f"top={top}",
            expected="responses with text, 1 <= n[0] <= n[1], min_pairs and top at least 1",
            fix="Check the text columns and the options.",
        )
    phrases, values = _chosen(a.fillna(""), b.fillna(""), n, min_pairs, top)
    if not phrases:
        raise DesignError(
            f"No phrase differs in {min_pairs} pairs.",
            found=f"{len(data):,} pairs",
            expected="at least one phrase that is on one side only in so many pairs",
            fix="Lower min_pairs.",
        )
    for side in values:
        side[missing] = np.nan
    specs = [
        FactorSpec(PREFIX + phrase, f"The words {phrase!r}.", "lexical", "count", coding, "text")
        for phrase in phrases
    ]
    return with_coded(data, specs, values[0], values[1])


def _chosen(
    a: pd.Series, b: pd.Series, n: tuple[int, int], min_pairs: int, top: int
) -> tuple[list[str], tuple[Array, Array]]:
    """Return the phrases in which most pairs differ, and their counts on both sides."""
    from sklearn.feature_extraction.text import CountVectorizer

    # a phrase in which so many pairs differ stands in at least as many responses
    counter = CountVectorizer(ngram_range=n, token_pattern=_WORD, min_df=min_pairs)
    try:
        both = counter.fit_transform(pd.concat([a, b])).tocsc()
    except ValueError:
        # no phrase stands in enough responses
        return [], (np.empty((len(a), 0)), np.empty((len(a), 0)))
    names = counter.get_feature_names_out().tolist()
    on_a, on_b = both[: len(a)], both[len(a) :]
    differs = np.asarray(abs((on_a > 0).astype(int) - (on_b > 0).astype(int)).sum(axis=0)).ravel()
    order = sorted(range(len(names)), key=lambda k: (-differs[k], names[k]))
    chosen = [k for k in order[:top] if differs[k] >= min_pairs]
    counts_a, counts_b = (side[:, chosen].toarray().astype("float64") for side in (on_a, on_b))
    return [names[k] for k in chosen], (counts_a, counts_b)
