"""What a principle is."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from workbench.errors import DataError

Origin = Literal["extracted", "standard", "added", "imported"]

_LONGEST = 300


@dataclass(frozen=True)
class Principle:
    """A sentence that says which of two responses to select.

    Attributes
    ----------
    text : str
        Such as "Select the response that is shorter".
    origin : {"extracted", "standard", "added", "imported"}
    pinned : bool
        Kept by every selection.

    Examples
    --------
    >>> Principle("Select the response that is shorter").id
    '17c6e47f'
    """

    text: str
    origin: Origin = "added"
    pinned: bool = False

    def __post_init__(self) -> None:
        if not self.text.strip() or len(self.text) > _LONGEST:
            raise DataError(
                "A principle cannot be used.",
                found=f"{len(self.text)} characters: {self.text[:60]!r}",
                expected=f"a sentence of at most {_LONGEST} characters",
                fix="Say it shorter, or split it.",
            )

    @property
    def id(self) -> str:
        """The first 8 hex digits of the MD5 of the text, as AnnotatedPairs names annotators."""
        return hashlib.md5(self.text.encode(), usedforsecurity=False).hexdigest()[:8]

    @property
    def key(self) -> str:
        """The text without differences of case, white space or a full stop at the end."""
        return " ".join(self.text.casefold().split()).rstrip(".")

    def to_dict(self) -> dict[str, Any]:
        """Return the principle as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Principle:
        """Rebuild a principle from :meth:`to_dict`."""
        return cls(**record)


def distinct(principles: Iterable[Principle]) -> list[Principle]:
    """Return principles without those whose text came before, in order.

    Texts are the same if they differ only in case, white space or a full stop at the end.

    Examples
    --------
    >>> [p.text for p in distinct([Principle("Be brief."), Principle("be  brief")])]
    ['Be brief.']
    """
    found: dict[str, Principle] = {}
    for one in principles:
        found.setdefault(one.key, one)
    return list(found.values())
