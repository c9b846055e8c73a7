"""Interchange with Feedback Forensics and ICAI: AnnotatedPairs out, votes in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.errors import DataError
from workbench.principles.measure.kernel import reference
from workbench.principles.principle import Principle
from workbench.principles.vote.votes import Rule, Vote, Votes
from workbench.whole_file import write_text

DEFAULT_ID = "ba751e7b"
"""Id of the annotator that Feedback Forensics measures against; it looks for no other."""

DEFAULT_NAME = "preferred_text"
"""Name of that annotator: the first view asks for it by name, and fails on any other."""

_OPENING = "select the response"
_NO_PREFERENCE = {
    Vote.BOTH: "both",
    Vote.NEITHER: "neither",
    Vote.NOT_APPLICABLE: "not_applicable",
    Vote.INVALID: "invalid",
}
_CODES = {
    "both": Vote.BOTH,
    "neither": Vote.NEITHER,
    "tie": Vote.NEITHER,
    "failed": Vote.INVALID,
    "invalid": Vote.INVALID,
    "not asked": Vote.NOT_ASKED,
}


def to_annotated_pairs(
    data: PreferenceData,
    votes: Votes,
    annotator: str | Iterable[str] | None = None,
    *,
    rule: Rule = "majority",
    name: str = "workbench",
) -> dict[str, Any]:
    """Return preferences and votes as AnnotatedPairs 2.0.

    Parameters
    ----------
    data : PreferenceData
    votes : Votes
    annotator : str or iterable of str, optional
        Whose preferences the principles are held against; everybody's majority when None.
    rule : {"majority", "unanimous"}
        How repeats of a vote are merged.
    name : str
        Of the data set.

    Returns
    -------
    dict
        ``metadata`` first, as Feedback Forensics reads it by streaming. Pairs without a
        preference, and votes that were not asked, are left out; ``metadata`` counts them.

    Raises
    ------
    DesignError
        No pair has both votes and a preference.
    DataError
        A response has no text.

    Notes
    -----
    Feedback Forensics computes the same strengths from it: (agree - disagree) / N over the
    pairs where the default annotator prefers a side.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> codes = np.full((2, 1, 1), Vote.A, dtype=np.int8)
    >>> votes = Votes(data.pairs["pair_id"][:2].to_numpy(), (Principle("Be brief"),), codes)
    >>> list(to_annotated_pairs(data, votes, "sim-judge-length"))
    ['metadata', 'annotators', 'comparisons']
    """
    held = reference(data, votes, annotator)
    merged = votes.take(pair_ids=held.pair_ids).merged(rule)
    pairs = data.pairs.set_index("pair_id").loc[held.pair_ids]
    lacking = int(pairs[["response_a", "response_b"]].isna().any(axis=1).sum())
    if lacking:
        raise DataError(
            "AnnotatedPairs need the texts of both responses.",
            found=f"{lacking:,} pairs without",
            expected="pairs with text",
            fix="Leave those pairs out with filter(pair_ids=...).",
        )
    comparisons = [
        _comparison(pair, sign, row, votes.principles)
        for pair, sign, row in zip(pairs.to_dict("records"), held.sign, merged, strict=True)
    ]
    voted = {key for one in comparisons for key in one["annotations"]}
    said = "majority of all annotators" if annotator is None else f"annotator {annotator}"
    annotators: dict[str, Any] = {
        DEFAULT_ID: {"name": DEFAULT_NAME, "description": said, "type": "unknown"}
    }
    # every declared annotator must have an annotation
    annotators |= {
        one.id: {"description": one.text, "type": "principle"}
        for one in votes.principles
        if one.id in voted
    }
    return {
        "metadata": {
            "version": "2.0",
            "description": f"Votes of {votes.voter or 'an unnamed model'} on principles.",
            # the same data give the same bytes: no clock
            "created_at": "1970-01-01T00:00:00Z",
            "dataset_name": name,
            "default_annotator": DEFAULT_ID,
            "available_metadata_keys_per_comparison": [],
            "left_out": len(votes.pair_ids) - len(comparisons),
        },
        "annotators": annotators,
        "comparisons": comparisons,
    }


def write_annotated_pairs(path: str | Path, document: dict[str, Any]) -> Path:
    """Write AnnotatedPairs as a JSON file."""
    path = Path(path)
    write_text(path, json.dumps(document, ensure_ascii=False, indent=1))
    return path


def _comparison(
    pair: dict[str, Any], sign: float, votes: Any, principles: Sequence[Principle]
) -> dict[str, Any]:
    prompt = pair["prompt"] if isinstance(pair["prompt"], str) else None
    sides = {}
    for side in "ab":
        sides[side] = {"text": pair[f"response_{side}"]}
        if isinstance(pair[f"model_{side}"], str):
            sides[side]["model"] = pair[f"model_{side}"]
    annotations = {DEFAULT_ID: {"pref": "a" if sign > 0 else "b"}}
    for one, code in zip(principles, votes.tolist(), strict=True):
        if code != Vote.NOT_ASKED:
            annotations[one.id] = _annotation(code)
    content = [] if prompt is None else [prompt]
    content += [json.dumps(sides[side], sort_keys=True) for side in "ab"]
    key = hashlib.md5("|".join(content).encode("utf-8", "replace"), usedforsecurity=False)
    return {
        "id": key.hexdigest()[:8],
        "prompt": prompt,
        "response_a": sides["a"],
        "response_b": sides["b"],
        "annotations": annotations,
    }


def _annotation(code: int) -> dict[str, Any]:
    if code in (Vote.A, Vote.B):
        return {"pref": "a" if code == Vote.A else "b"}
    return {"pref": None, "no_pref_reason": _NO_PREFERENCE[Vote(code)]}


def votes_of(data: PreferenceData, names: Sequence[str] | None = None) -> Votes:
    """Return votes that a file holds as labels, one annotator a principle.

    Parameters
    ----------
    data : PreferenceData
        Such as ``load`` gives of AnnotatedPairs.
    names : sequence of str, optional
        Annotators that are principles; those whose name begins with "Select the response"
        when None.

    Returns
    -------
    Votes
        A pair without a label of a principle counts as not applicable, as Feedback
        Forensics counts it.

    Raises
    ------
    DataError
        No annotator is a principle.

    Examples
    --------
    >>> pairs = pd.DataFrame({"prompt": ["p"], "response_a": ["a"], "response_b": ["b"]})
    >>> labels = pd.DataFrame({"pair": [0], "annotator": ["Select the response that is brief"],
    ...                        "preference": [0.0]})
    >>> votes_of(PreferenceData.from_tables(pairs, labels)).codes.tolist()
    [[[-1]]]
    """
    known = data.annotators["annotator"].tolist()
    chosen = names or [name for name in known if name.casefold().startswith(_OPENING)]
    if not chosen or set(chosen) - set(known):
        raise DataError(
            "No annotator of the data is a principle.",
            found=", ".join(known[:8]),
            expected='annotators whose names begin with "Select the response", or names=',
            fix="Load AnnotatedPairs with principles, or name the annotators.",
        )
    labels = data.labels[data.labels["annotator"].isin(chosen)]
    # votes of one pair, in both orders and repeated, are one row of votes
    again = labels.groupby(["pair_id", "annotator"]).cumcount().to_numpy()
    repeats = int(again.max()) + 1
    shape = (len(data.pairs), len(chosen), repeats)
    codes = np.full(shape, Vote.NOT_APPLICABLE, dtype=np.int8)
    rows = pd.Index(data.pairs["pair_id"]).get_indexer(labels["pair_id"])
    columns = pd.Index(chosen).get_indexer(labels["annotator"])
    codes[rows, columns, again] = _codes_of(labels)
    shown = np.ones(shape, dtype=bool)
    ba = labels["order_shown"].eq("ba").fillna(False).to_numpy(bool)
    shown[rows[ba], columns[ba], again[ba]] = False
    principles = tuple(Principle(name, "imported") for name in chosen)
    return Votes(data.pairs["pair_id"].to_numpy(), principles, codes, shown, "imported")


def _codes_of(labels: pd.DataFrame) -> np.ndarray[Any, Any]:
    preference = labels["preference"].to_numpy(float)
    other = labels["reason"].map(_CODES).fillna(Vote.NOT_APPLICABLE).to_numpy(np.int8)
    sided = np.where(preference > 0.5, Vote.A, Vote.B)
    decided = np.isfinite(preference) & (preference != 0.5)
    return np.where(decided, sided, np.where(preference == 0.5, Vote.NEITHER, other))
