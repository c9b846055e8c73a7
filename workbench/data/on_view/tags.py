"""Tags and notes of a reader, by pair: plain values that a session keeps and files carry on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.rows import taken_rows
from workbench.errors import DataError

MOST_PAIRS = 5_000
MOST_TAGS = 20
LONGEST_TAG = 60
LONGEST_NOTE = 4_000
"""Bounds of what is kept for one data set."""


@dataclass(frozen=True)
class Tagged:
    """What a reader wrote down about one pair.

    Attributes
    ----------
    tags : tuple of str
        Each once, in the order in which they were given.
    note : str
    """

    tags: tuple[str, ...] = ()
    note: str = ""


Tags = Mapping[str, Tagged]
"""By ``pair_id``: the pairs of which something was written down."""


def tagged(kept: Tags, pair_id: str, tags: Iterable[str] = (), note: str = "") -> dict[str, Tagged]:
    """Return what is kept with one pair's tags and note in the place of its former ones.

    A pair with neither is no longer kept.

    Raises
    ------
    DataError
        More pairs, tags or letters than are kept.

    Examples
    --------
    >>> tagged({}, "p1", ["wrong label", "wrong label", " "], "see the second line")
    {'p1': Tagged(tags=('wrong label',), note='see the second line')}
    """
    once = tuple(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    longest = max((len(tag) for tag in once), default=0)
    counts = (
        ("tags", len(once), MOST_TAGS),
        ("letters of a tag", longest, LONGEST_TAG),
        ("letters of a note", len(note), LONGEST_NOTE),
        ("pairs", len({*kept, pair_id}), MOST_PAIRS),
    )
    for what, n, most in counts:
        if n > most:
            raise DataError(
                "More was written down than is kept.",
                found=f"{n:,} {what}",
                expected=f"at most {most:,}",
                fix="Shorten it, or export what there is and start again.",
            )
    rest = {key: value for key, value in kept.items() if key != pair_id}
    new = Tagged(once, note.strip())
    return rest if new == Tagged() else {**rest, pair_id: new}


def known_tags(kept: Tags) -> list[str]:
    """Return every tag in use, sorted.

    Examples
    --------
    >>> known_tags({"p": Tagged(("b", "a")), "q": Tagged(("a",))})
    ['a', 'b']
    """
    return sorted({tag for one in kept.values() for tag in one.tags})


def tags_table(kept: Tags, data: PreferenceData) -> pd.DataFrame:
    """Return what is kept as a table: ``pair_id, tags, note, scenario, prompt``.

    Tags are joined by semicolons; the prompt says which pair it is, cut to 200 letters. Pairs
    that the data do not have are left out.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> one = data.pairs["pair_id"][0]
    >>> tags_table({one: Tagged(("a", "b"))}, data)["tags"].tolist()
    ['a; b']
    """
    rows = pd.Index(data.pairs["pair_id"]).get_indexer(pd.Index(list(kept)))
    known = [one for one, row in zip(kept.values(), rows, strict=True) if row >= 0]
    shown = data.pairs[["pair_id", "scenario", "prompt"]]
    pairs = taken_rows(shown, rows[rows >= 0])
    return pd.DataFrame(
        {
            "pair_id": pairs["pair_id"],
            "tags": pd.Series(["; ".join(one.tags) for one in known], dtype="str"),
            "note": pd.Series([one.note for one in known], dtype="str"),
            "scenario": pairs["scenario"],
            "prompt": pairs["prompt"].str.slice(0, 200),
        }
    )


def to_jsonl(kept: Tags) -> str:
    r"""Return what is kept as JSON lines: ``pair_id, tags, note``.

    Examples
    --------
    >>> to_jsonl({"p": Tagged(("a",), "n")})
    '{"pair_id": "p", "tags": ["a"], "note": "n"}\n'
    """
    rows = ({"pair_id": key, "tags": one.tags, "note": one.note} for key, one in kept.items())
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def of_jsonl(text: str, kept: Tags | None = None) -> dict[str, Tagged]:
    """Return what is kept with the pairs of a file of JSON lines added or replaced.

    Raises
    ------
    DataError
        A line that :func:`to_jsonl` does not write, with its number.

    Examples
    --------
    >>> of_jsonl(to_jsonl({"p": Tagged(("a",), "n")}))
    {'p': Tagged(tags=('a',), note='n')}
    """
    found = dict(kept or {})
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            found = tagged(found, *_read(line, number))
    return found


def _read(line: str, number: int) -> tuple[str, list[str], str]:
    try:
        row = json.loads(line)
        key, tags, note = row["pair_id"], row.get("tags", []), row.get("note", "")
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        key, tags, note = None, [], ""
    if not (isinstance(key, str) and isinstance(note, str) and isinstance(tags, list)):
        key = None
    if key is None or not all(isinstance(tag, str) for tag in tags):
        raise DataError(
            "A line of tags and notes cannot be read.",
            where=f"line {number}",
            found=line[:120],
            expected='{"pair_id": "...", "tags": ["..."], "note": "..."}',
            fix="Export the tags again, or mend the line.",
        )
    return key, tags, note
