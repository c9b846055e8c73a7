"""Constitutions: ordered principles that can be edited, compared and handed on."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.errors import ConfigError, DesignError
from workbench.principles.principle import Principle, distinct
from workbench.principles.propose.cluster import text_vectors
from workbench.principles.vote.votes import Rule, Vote, Votes

_SIMILAR = 0.3
_KIND = "constitution"


@dataclass(frozen=True)
class Constitution:
    """Ordered principles.

    Attributes
    ----------
    principles : tuple of Principle
        The first ones count most.
    name : str
    settings : dict
        Where it comes from.

    Raises
    ------
    DesignError
        A principle twice.

    Examples
    --------
    >>> one = Constitution((Principle("Be brief"),), "mine").add("Be kind")
    >>> print(one.drop("Be brief").pin("Be kind").to_markdown())
    # mine
    <BLANKLINE>
    1. Be kind (pinned)
    <BLANKLINE>
    """

    principles: tuple[Principle, ...]
    name: str = "constitution"
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(distinct(self.principles)) < len(self.principles):
            raise DesignError(
                "A principle stands twice in the constitution.",
                found="; ".join(one.text for one in self.principles),
                expected="each principle once",
                fix="Drop one of them.",
            )

    @property
    def digest(self) -> str:
        """128-bit digest of the texts in their order."""
        texts = "\0".join(one.text for one in self.principles)
        return hashlib.blake2b(texts.encode("utf-8", "replace"), digest_size=16).hexdigest()

    def add(self, text: str) -> Constitution:
        """Return the constitution with one more principle at its end."""
        return self._with([*self.principles, Principle(text)])

    def drop(self, text: str) -> Constitution:
        """Return the constitution without a principle."""
        at = self._place(text)
        return self._with([*self.principles[:at], *self.principles[at + 1 :]])

    def reword(self, old: str, new: str) -> Constitution:
        """Return the constitution with a principle in other words."""
        at = self._place(old)
        one = Principle(new, "added", self.principles[at].pinned)
        return self._with([*self.principles[:at], one, *self.principles[at + 1 :]])

    def pin(self, text: str, pinned: bool = True) -> Constitution:
        """Return the constitution with a principle that every selection keeps."""
        at = self._place(text)
        one = replace(self.principles[at], pinned=pinned)
        return self._with([*self.principles[:at], one, *self.principles[at + 1 :]])

    def move(self, text: str, place: int) -> Constitution:
        """Return the constitution with a principle at another place, the first being 1."""
        at = self._place(text)
        rest = [*self.principles[:at], *self.principles[at + 1 :]]
        rest.insert(max(place - 1, 0), self.principles[at])
        return self._with(rest)

    def to_markdown(self) -> str:
        """Return a numbered list; what Markdown would read as its own is escaped."""
        lines = [
            f"{k}. {_escaped(one.text)}{' (pinned)' if one.pinned else ''}"
            for k, one in enumerate(self.principles, start=1)
        ]
        return "\n".join([f"# {_escaped(self.name)}", "", *lines, ""])

    def to_judge_prompt(self) -> str:
        """Return a template for a judge that follows the constitution (``--template FILE``).

        The instruction stands above ``{prompt}``, ``{response_a}`` and ``{response_b}``.
        """
        # braces would be taken for places
        texts = [one.text.replace("{", "(").replace("}", ")") for one in self.principles]
        listed = "\n".join(f"{k}. {text}" for k, text in enumerate(texts, start=1))
        return (
            "Choose between two responses to the same prompt by these principles where they "
            "apply, not by your own opinion. Where they contradict each other, the earlier one "
            "counts more. Where none applies, say which one is more likely to be preferred.\n"
            f"{listed}\n\n{{prompt}}\n\n{{response_a}}\n\n{{response_b}}\n"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the constitution as plain JSON values."""
        return {
            "kind": _KIND,
            "name": self.name,
            "digest": self.digest,
            "principles": [one.to_dict() for one in self.principles],
            "settings": self.settings,
        }

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Constitution:
        """Rebuild a constitution from :meth:`to_dict`."""
        principles = tuple(Principle.from_dict(one) for one in record["principles"])
        return cls(principles, record["name"], record["settings"])

    def _place(self, text: str) -> int:
        texts = [one.text for one in self.principles]
        if text not in texts:
            raise DesignError(
                "The constitution has no such principle.",
                found=text[:80],
                expected="; ".join(texts) or "a principle: it has none",
                fix="Give its text as it stands there.",
            )
        return texts.index(text)

    def _with(self, principles: Sequence[Principle]) -> Constitution:
        return replace(self, principles=tuple(principles))


def _escaped(text: str) -> str:
    plain = " ".join(text.split())
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~-])", r"\\\1", plain)


def read_constitution(path: str | Path) -> Constitution:
    r"""Read a constitution: JSON as :meth:`Constitution.to_dict` gives it, or a list of lines.

    In a text file each line that is not blank is a principle; numbers, dashes and headings
    of Markdown are taken off.

    Raises
    ------
    ConfigError
        It cannot be read, or holds no principle.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "mine.txt"
    ...     _ = file.write_text("1. Be brief\n2. Be kind\n")
    ...     [one.text for one in read_constitution(file).principles]
    ['Be brief', 'Be kind']
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".json":
            return Constitution.from_dict(json.loads(text))
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise _unreadable(path, f"{type(error).__name__}: {str(error)[:200]}") from None
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    said = [_unlisted(line) for line in lines]
    principles = distinct(Principle(one, "added") for one in said if one)
    if not principles:
        raise _unreadable(path, "no principle")
    return Constitution(tuple(principles), path.stem)


def _unlisted(line: str) -> str:
    text = re.sub(r"^\s*(?:\d+[.)]|[-*+])\s*", "", line).strip()
    return re.sub(r"\\([\\`*_{}\[\]<>()#+!|~-])", r"\1", text.removesuffix("(pinned)").strip())


def _unreadable(path: Path, found: str) -> ConfigError:
    return ConfigError(
        "The constitution cannot be read.",
        where=path.name,
        found=found,
        expected="a JSON file that export wrote, or a text file with a principle a line",
        fix="Correct the file.",
    )


def compare(
    one: Constitution, other: Constitution, votes: Votes | None = None, *, rule: Rule = "majority"
) -> pd.DataFrame:
    """Set two constitutions side by side.

    Parameters
    ----------
    one, other : Constitution
    votes : Votes, optional
        On the principles of both: then ``agree`` is the share of pairs on which both
        principles take a side and take the same, and ``n`` the number of those pairs.
    rule : {"majority", "unanimous"}

    Returns
    -------
    DataFrame
        One row a principle of either: ``one``, ``other`` (the same, or the most similar
        that is left), ``status`` (``same``, ``reworded``, ``only in one``, ``only in
        other``), ``similarity`` of the texts, ``agree``, ``n``.

    Examples
    --------
    >>> mine = Constitution((Principle("Be brief"), Principle("Be kind")))
    >>> compare(mine, mine.drop("Be kind"))["status"].tolist()
    ['same', 'only in one']
    """
    a, b = ([p.text for p in each.principles] for each in (one, other))
    rows: list[dict[str, Any]] = []
    left = list(b)
    near = _similarities(a, b)
    for text in a:
        match = text if text in left else _nearest(text, left, near)
        if match is None:
            rows.append({"one": text, "other": None, "status": "only in one"})
            continue
        left.remove(match)
        status = "same" if match == text else "reworded"
        row = {"one": text, "other": match, "status": status}
        rows.append({**row, "similarity": 1.0 if match == text else near[text, match]})
    rows += [{"one": None, "other": text, "status": "only in other"} for text in left]
    columns = ["one", "other", "status", "similarity", "agree", "n"]
    table = pd.DataFrame(rows).reindex(columns=columns)
    if votes is not None:
        table[["agree", "n"]] = [_agreement(row, votes, rule) for row in table.itertuples()]
    return table


def _similarities(a: list[str], b: list[str]) -> dict[tuple[str, str], float]:
    texts = [*a, *b]
    if not a or not b:
        return {}
    x = text_vectors(texts)
    near = (x[: len(a)] @ x[len(a) :].T).toarray()
    return {(one, other): float(near[i, j]) for i, one in enumerate(a) for j, other in enumerate(b)}


def _nearest(text: str, left: Iterable[str], near: dict[tuple[str, str], float]) -> str | None:
    close = [(near[text, other], other) for other in left if near[text, other] >= _SIMILAR]
    return max(close)[1] if close else None


def _agreement(row: Any, votes: Votes, rule: Rule) -> tuple[float, float]:
    texts = [p.text for p in votes.principles]
    if row.one not in texts or row.other not in texts:
        return np.nan, np.nan
    merged = votes.merged(rule)[:, [texts.index(row.one), texts.index(row.other)]]
    sides = np.isin(merged, [Vote.A, Vote.B]).all(axis=1)
    n = int(sides.sum())
    return (float((merged[sides, 0] == merged[sides, 1]).mean()) if n else np.nan), float(n)
