"""Shares of work by name, so that several processes divide it without a word."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from workbench.errors import ConfigError


@dataclass(frozen=True)
class Shard:
    """One of several shares: what belongs to it hangs on its name alone.

    Attributes
    ----------
    number : int
        From 0.
    of : int
        How many shares there are.

    Raises
    ------
    ConfigError
        There is no such share.

    Examples
    --------
    >>> one, other = Shard(0, 2), Shard(1, 2)
    >>> one.owns("a"), other.owns("a"), one.owns("d"), other.owns("d")
    (False, True, True, False)
    >>> str(other)
    '0001-of-0002'
    """

    number: int = 0
    of: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.number < self.of:
            raise ConfigError(
                "There is no such shard.",
                found=f"shard {self.number} of {self.of}",
                expected="a number from 0 to one less than there are",
                fix="Number the shards from 0: --shards 4 --shard 0, 1, 2 and 3.",
            )

    def owns(self, name: str) -> bool:
        """Return whether what has a name, such as a digest, is of this share."""
        return zlib.crc32(name.encode()) % self.of == self.number

    def part(self, n: int) -> int:
        """Return about how many of n it owns.

        Examples
        --------
        >>> Shard(0, 4).part(10)
        3
        """
        return -(-n // self.of)

    def __str__(self) -> str:
        return f"{self.number:04d}-of-{self.of:04d}"
