"""Structure of texts: lines, fenced code, Markdown marks."""

from __future__ import annotations

import re
from functools import cached_property

import numpy as np

from workbench.factors.tokens import DIGIT, SPACE, Batch, Bools, Ints

BOLD = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__")
LINK = re.compile(r"\[[^\]\n]*\]\([^)\s]+\)|https?://[^\s)\]]+")
_CELL = r"[^\S\n]*:?-+:?[^\S\n]*"
TABLE = re.compile(rf"^[^\S\n]*\|?{_CELL}(?:\|{_CELL})+\|?[^\S\n]*$", re.M)
FENCED = re.compile(r"^[^\S\n]*```.*?(?:^[^\S\n]*```[^\n]*$|\Z)", re.M | re.S)
"""The rules as patterns; bold, links and tables are rare enough to be searched with them."""


class Structure:
    """Lines and fences of a batch.

    Parameters
    ----------
    batch : Batch
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.codes = batch.codes
        newline = self.codes == ord("\n")
        self.line_ends: Ints = np.flatnonzero(newline)
        self.line_starts: Ints = np.append(0, self.line_ends[:-1] + 1)
        # blanks other than line ends: a line that holds nothing else leads to its own end
        solid = np.flatnonzero(~batch.has(SPACE) | newline)
        self.first: Ints = solid[np.searchsorted(solid, self.line_starts)]
        self.blank: Bools = self.first == self.line_ends

    def at(self, offset: int) -> np.ndarray:
        """Return the code point ``offset`` after the first solid one of each line."""
        return self.codes[np.minimum(self.first + offset, len(self.codes) - 1)]

    @cached_property
    def fences(self) -> Ints:
        """Lines that open or close fenced code, in order."""
        tick = ord("`")
        return np.flatnonzero((self.at(0) == tick) & (self.at(1) == tick) & (self.at(2) == tick))

    @cached_property
    def opening(self) -> Bools:
        """Which of the fence lines open: every other one of a text."""
        row = self.batch.row[self.line_starts[self.fences]]
        first_of_row = np.searchsorted(row, row)
        return (np.arange(len(row)) - first_of_row) % 2 == 0

    @cached_property
    def in_code(self) -> Bools:
        """Which code points lie in fenced code, its fences included."""
        opens = self.fences[self.opening]
        start = self.line_starts[opens]
        row = self.batch.row[start]
        end = self.batch.ends[row]
        closes = self.fences[~self.opening]
        if len(closes):
            after = np.minimum(np.searchsorted(closes, opens), len(closes) - 1)
            close_end = self.line_ends[closes[after]]
            same = (closes[after] > opens) & (self.batch.row[close_end] == row)
            end = np.where(same, close_end, end)
        change = np.zeros(len(self.codes) + 1, dtype=np.int8)
        np.add.at(change, start, 1)
        np.add.at(change, end, -1)
        return np.cumsum(change[:-1], dtype=np.int8) > 0

    @cached_property
    def outside(self) -> Bools:
        """Which lines are neither blank nor in fenced code."""
        return ~self.blank & ~self.in_code[self.line_starts]

    def lines(self, chosen: Bools) -> Ints:
        """Return how many of the chosen lines each text has."""
        return self.batch.count_at(self.line_starts[chosen])

    def headers(self) -> Ints:
        """Lines with 1 to 6 # and a space."""
        hashes = np.zeros(len(self.first), dtype=np.int64)
        going = self.outside.copy()
        for k in range(7):
            going &= self.at(k) == ord("#")
            hashes += going
        marked = (hashes >= 1) & (hashes <= 6)
        after = self.codes[np.minimum(self.first + hashes, len(self.codes) - 1)]
        return self.lines(marked & (after == ord(" ")))

    def bullets(self) -> Ints:
        """Lines with -, * or + and a space."""
        mark = np.isin(self.at(0), [ord(c) for c in "-*+"])
        return self.lines(self.outside & mark & (self.at(1) == ord(" ")))

    def numbered_items(self) -> Ints:
        """Lines with 1 to 3 digits, . or ) and a space."""
        kind = self.batch.kind
        digits = np.zeros(len(self.first), dtype=np.int64)
        going = self.outside.copy()
        for k in range(3):
            place = np.minimum(self.first + k, len(kind) - 1)
            going &= (kind[place] & DIGIT) != 0
            digits += going
        mark = self.codes[np.minimum(self.first + digits, len(self.codes) - 1)]
        space = self.codes[np.minimum(self.first + digits + 1, len(self.codes) - 1)]
        closed = (mark == ord(".")) | (mark == ord(")"))
        return self.lines((digits > 0) & closed & (space == ord(" ")))

    def paragraphs(self) -> Ints:
        """Blocks of lines between blank lines."""
        row = self.batch.row[self.line_starts]
        new_text = np.r_[True, row[1:] != row[:-1]]
        after_blank = np.r_[True, self.blank[:-1]]
        return self.lines(~self.blank & (new_text | after_blank))

    def code_blocks(self) -> Ints:
        """Opening fences."""
        return self.batch.count_at(self.line_starts[self.fences[self.opening]])

    def marks(self, char: str) -> Ints:
        """Return how often a character stands outside fenced code."""
        return self.batch.count((self.codes == ord(char)) & ~self.in_code)

    def matches(self, pattern: re.Pattern[str], candidates: Bools) -> Ints:
        """Return the matches of a pattern outside fenced code, searching candidates only.

        Parameters
        ----------
        pattern : Pattern
        candidates : ndarray of bool, shape (n,)
            Texts that may match.
        """
        counts = np.zeros(len(self.batch), dtype=np.int64)
        fenced = self.code_blocks() > 0
        for i in np.flatnonzero(candidates):
            text = self.batch.texts[i]
            text = FENCED.sub("\n", text) if fenced[i] else text
            counts[i] = sum(1 for _ in pattern.finditer(text))
        return counts

    def pairs(self, first: str, second: str) -> Bools:
        """Return which texts hold two characters side by side."""
        found = (self.codes[:-1] == ord(first)) & (self.codes[1:] == ord(second))
        return self.batch.count(found) > 0

    def bold(self) -> Ints:
        """Spans **...** and __...__."""
        return self.matches(BOLD, self.pairs("*", "*") | self.pairs("_", "_"))

    def links(self) -> Ints:
        """Markdown links and bare addresses."""
        return self.matches(LINK, self.pairs("]", "(") | self.pairs(":", "/"))

    def tables(self) -> Ints:
        """Delimiter rows of tables."""
        bars, dashes = (self.batch.count(self.codes == ord(c)) > 0 for c in "|-")
        return self.matches(TABLE, bars & dashes)
