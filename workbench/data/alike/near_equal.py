"""Prompts that are one prompt written twice share a cluster."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from difflib import SequenceMatcher
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.alike.normal_form import folded, numbers_and_signs, stripped, words
from workbench.data.alike.proposals import proposed
from workbench.shared_start import shared_start

Rows = NDArray[np.int64]

JACCARD = 0.9
"""Least share of common shingles of two near-equal prompts."""

SHINGLE = 5
"""Characters of a shingle of a normal form."""

SPELLED_ALIKE = 0.85
"""Least ratio of Ratcliff and Obershelp of the words in which near-equal prompts differ."""


def prompt_clusters(prompts: pd.Series, ids: pd.Series) -> pd.Series:
    """Return the cluster of each prompt: the least id among those near-equal to it.

    Two prompts are near-equal where

    - their normal forms are equal
      (:func:`workbench.data.alike.normal_form.normal_form`), or
    - a MinHash sketch proposes them [1]_ and their texts confirm it: the Jaccard similarity
      of the sets of 5-character shingles of their normal forms is at least 0.9, they hold
      the same numbers and signs in the same order, and the words in which they differ are
      spelled alike, or stand in one of the two alone.

    A template with another word in its slot is another prompt, however long the template is:
    its words are not spelled alike. What more than 50 prompts have in common proposes none.
    The longest prompt first takes those near-equal to it; no chain of steps joins prompts
    that differ. Nothing depends on the order of rows.

    Parameters
    ----------
    prompts : Series of str
        Distinct texts; missing ones are clusters of their own.
    ids : Series of str
        A name for each, by its content.

    References
    ----------
    .. [1] Broder (1997), On the resemblance and containment of documents, Sequences 1997;
       Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3 (bands).

    Examples
    --------
    >>> asked = pd.Series(["What is 2+2?", "what is 2 + 2", "What is 2+3?"])
    >>> prompt_clusters(asked, pd.Series(["a", "b", "c"])).tolist()
    ['a', 'a', 'c']
    """
    known = np.flatnonzero(prompts.notna().to_numpy())
    texts = pa.array(prompts.iloc[known], pa.large_string(), from_pandas=True)
    texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    groups = near_equal(texts)
    if not groups:
        return ids
    names = ids.to_numpy(dtype=object).copy()
    for group in groups:
        rows = known[group]
        names[rows] = min(names[rows])
    return pd.Series(names, dtype="str", index=ids.index)


def near_equal(texts: pa.LargeStringArray) -> list[Rows]:
    """Return the groups of rows whose texts are near-equal; see :func:`prompt_clusters`.

    Examples
    --------
    >>> near_equal(pa.array(["Why?", "Say hello", "WHY"], pa.large_string()))
    [array([0, 2])]
    """
    again, pairs = proposed(texts)
    rows = np.union1d(again, pairs.ravel())
    read = texts.take(pa.array(rows)).to_pylist()
    written = {row: folded(text) for row, text in zip(rows.tolist(), read, strict=True)}
    form_of = {row: stripped(text) for row, text in written.items()}
    members = defaultdict(list)
    for row, form in form_of.items():
        # what is nothing but punctuation is nobody's equal
        if form:
            members[form].append(row)
    # one writing of a form whatever the order of rows
    text_of = {form: min(written[row] for row in mine) for form, mine in members.items()}
    near = {tuple(sorted((form_of[one], form_of[other]))) for one, other in pairs.tolist()}
    kept = [
        (one, other)
        for one, other in sorted(near)
        if one and one != other and _same_question(one, other, text_of[one], text_of[other])
    ]
    groups = ([row for form in star for row in members[form]] for star in _stars(members, kept))
    return sorted((np.sort(np.array(g)) for g in groups if len(g) > 1), key=lambda g: int(g[0]))


def _same_question(one: str, other: str, text: str, other_text: str) -> bool:
    """Tell whether two folded texts, given with their normal forms, differ by slips alone."""
    mine, yours = _words_apart(text, other_text)
    if mine and yours:
        matcher = SequenceMatcher(None, mine, yours, autojunk=False)
        if matcher.quick_ratio() < SPELLED_ALIKE or matcher.ratio() < SPELLED_ALIKE:
            return False
    if numbers_and_signs(one) != numbers_and_signs(other):
        return False
    x, y = _shingles(one), _shingles(other)
    common = len(x & y)
    return common >= JACCARD * (len(x) + len(y) - common)


def _words_apart(one: str, other: str) -> tuple[str, str]:
    """Return the words that one text has and the other has not, joined, for each."""
    # what both begin and end with is left out first: most of two prompts of one template
    head = shared_start(one, other)
    tail = shared_start(one[head:][::-1], other[head:][::-1])
    while head and _in_word(one[head - 1]):
        head -= 1
    while tail and _in_word(one[-tail]):
        tail -= 1
    ours, theirs = (Counter(words(text[head : len(text) - tail])) for text in (one, other))
    return "".join(ours - theirs), "".join(theirs - ours)


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


@lru_cache(maxsize=256)
def _shingles(form: str) -> frozenset[str]:
    return frozenset(form[i : i + SHINGLE] for i in range(max(len(form) - SHINGLE + 1, 1)))


def _stars(forms: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Return all texts by groups: the longest first takes those near-equal to it."""
    near = defaultdict(list)
    for one, other in pairs:
        near[one].append(other)
        near[other].append(one)
    taken: set[str] = set()
    groups = []
    for form in sorted(forms, key=lambda form: (-len(form), form)):
        if form not in taken:
            groups.append([form, *(other for other in near[form] if other not in taken)])
            taken.update(groups[-1])
    return groups
