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
OPENING = re.compile(r"(`{3,})[^`]*|(~{3,}).*", re.S)
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
    def blocks(self) -> tuple[Ints, Ints]:
        """Where each block of fenced code begins and ends, its fence lines included.

        A line opens a block with three or more ` or ~ after any indentation; more ` on that
        line make it inline code. The next line of nothing but at least as many of the same
        mark closes it, else the end of the text does.
        """
        mark = self.at(0)
        fence = ((mark == ord("`")) | (mark == ord("~"))) & (self.at(1) == mark)
        starts: list[int] = []
        ends: list[int] = []
        opened, row = "", -1
        for line in np.flatnonzero(fence & (self.at(2) == mark)).tolist():
            here = int(self.batch.row[self.line_starts[line]])
            text = self.line(line)
            if opened and here == row:
                if text == text[0] * len(text) and text.startswith(opened):
                    ends[-1] = int(self.line_ends[line])
                    opened = ""
            elif match := OPENING.fullmatch(text):
                opened, row = match[1] or match[2], here
                starts.append(int(self.line_starts[line]))
                ends.append(int(self.batch.ends[here]))
            else:
                opened = ""
        return np.array(starts, dtype=np.int64), np.array(ends, dtype=np.int64)

    def line(self, number: int) -> str:
        """Return a line without the blanks around it."""
        codes = self.codes[self.first[number] : self.line_ends[number]]
        return codes.tobytes().decode("utf-32-le", "surrogatepass").rstrip()

    @cached_property
    def in_code(self) -> Bools:
        """Which code points lie in fenced code, its fences included."""
        starts, ends = self.blocks
        change = np.zeros(len(self.codes) + 1, dtype=np.int8)
        change[starts] += 1
        change[ends] -= 1
        return np.cumsum(change[:-1], dtype=np.int8) > 0

    def prose(self, row: int) -> str:
        """Return a text with each block of fenced code cut out."""
        text, begin = self.batch.texts[row], int(self.batch.starts[row])
        starts, ends = self.blocks
        mine = slice(*np.searchsorted(starts, [begin, int(self.batch.ends[row]) + 1]))
        edges = [0, *np.column_stack([starts[mine], ends[mine]]).ravel() - begin, len(text)]
        return "".join(text[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))

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
        """Blocks of fenced code."""
        return self.batch.count_at(self.blocks[0])

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
        for i in np.flatnonzero(candidates).tolist():
            text = self.prose(i) if fenced[i] else self.batch.texts[i]
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
