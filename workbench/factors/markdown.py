"""Structure of texts: lines, fenced code, Markdown marks."""

from __future__ import annotations

import re
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from workbench.factors.tokens import Batch, Bools, Ints
from workbench.factors.words.characters import DIGIT, SPACE, byte_classes

BOLD = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__")
LINK = re.compile(r"\[[^\]\n]*\]\([^)\s]+\)|https?://[^\s)\]]+")
_CELL = r"[^\S\n]*:?-+:?[^\S\n]*"
TABLE = re.compile(rf"^[^\S\n]*\|?{_CELL}(?:\|{_CELL})+\|?[^\S\n]*$", re.M)
OPENING = re.compile(r"(`{3,})[^`]*|(~{3,}).*", re.S)
"""The rules as patterns; none reaches over a line end, and the lines that may hold bold, links or
tables are few enough to be searched with them."""


class Structure:
    """Lines and fences of a batch.

    Parameters
    ----------
    batch : Batch
    """

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.codes = batch.codes

    @cached_property
    def line_ends(self) -> Ints:
        """Where the lines end."""
        return np.asarray(self.batch.gaps[self.batch.gap_codes == ord("\n")])

    @cached_property
    def line_starts(self) -> Ints:
        """Where the lines begin."""
        starts: Ints = np.append(0, self.line_ends[:-1] + 1)[: len(self.line_ends)]
        return starts

    @cached_property
    def first(self) -> Ints:
        """The first character of each line that is not blank, or the line's end."""
        first = self.line_starts.copy()
        codes = self.codes.take(first)
        blank = (byte_classes().take(codes) & SPACE != 0) & (codes != ord("\n"))
        indented = np.flatnonzero(blank)
        if len(indented):
            gaps, length = self.batch.gaps, self.batch.run_length
            # a run of blanks is over where the gap behind is not the next character, or no blank
            blank = self.batch.gap_space & (self.batch.gap_codes != ord("\n"))
            over = np.append((length[1:] > 0) | ~blank[1:], True)
            stops = np.flatnonzero(blank & over)
            at = stops[np.searchsorted(stops, np.searchsorted(gaps, first[indented]))]
            first[indented] = gaps[at] + 1
        return first

    @cached_property
    def blank(self) -> Bools:
        """Which lines hold nothing."""
        return np.asarray(self.first == self.line_ends)

    def at(self, lines: Ints, offset: int | Ints) -> NDArray[np.uint8]:
        """Return the character ``offset`` after the first solid one of some lines."""
        return self.codes.take(self.first[lines] + offset, mode="clip")

    def prose_lines(self, *marks: str) -> Ints:
        """Return the lines outside fenced code that begin with one of the marks."""
        found = self._begins == ord(marks[0])
        for mark in marks[1:]:
            found |= self._begins == ord(mark)
        return self._outside(np.flatnonzero(found))

    @cached_property
    def _begins(self) -> NDArray[np.uint8]:
        return self.codes.take(self.first)

    def _outside(self, lines: Ints) -> Ints:
        return lines[~self.in_code(self.line_starts[lines])]

    @cached_property
    def blocks(self) -> tuple[Ints, Ints]:
        """Where each block of fenced code begins and ends, its fence lines included.

        A line opens a block with three or more ` or ~ after any indentation; more ` on that
        line make it inline code. The next line of nothing but at least as many of the same
        mark closes it, else the end of the text does.
        """
        mark = self._begins
        lines = np.flatnonzero((mark == ord("`")) | (mark == ord("~")))
        mark = mark[lines]
        lines = lines[(self.at(lines, 1) == mark) & (self.at(lines, 2) == mark)]
        rows = np.searchsorted(self.batch.ends, self.line_starts[lines])
        starts: list[int] = []
        ends: list[int] = []
        opened, row = "", -1
        for line, here in zip(lines.tolist(), rows.tolist(), strict=True):
            text = self.batch.joined[self.first[line] : self.line_ends[line]].rstrip()
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

    def in_code(self, positions: Ints) -> Bools:
        """Return which positions lie in fenced code, its fences included."""
        starts, ends = self.blocks
        if not len(starts):
            return np.zeros(len(positions), dtype=bool)
        block = np.searchsorted(starts, positions, side="right") - 1
        return np.asarray((block >= 0) & (positions < ends[block]))

    def lines(self, chosen: Ints) -> Ints:
        """Return how many of the chosen lines each text has."""
        return self.batch.count_at(self.line_starts[chosen])

    def headers(self) -> Ints:
        """Lines with 1 to 6 # and a space."""
        lines = self.prose_lines("#")
        hashes = np.zeros(len(lines), dtype=np.int64)
        going = np.ones(len(lines), dtype=bool)
        for k in range(7):
            going &= self.at(lines, k) == ord("#")
            hashes += going
        return self.lines(lines[(hashes <= 6) & (self.at(lines, hashes) == ord(" "))])

    def bullets(self) -> Ints:
        """Lines with -, * or + and a space."""
        lines = self.prose_lines("-", "*", "+")
        return self.lines(lines[self.at(lines, 1) == ord(" ")])

    def numbered_items(self) -> Ints:
        """Lines with 1 to 3 digits, . or ) and a space."""
        kinds = byte_classes()
        lines = self._outside(np.flatnonzero(kinds.take(self._begins) & DIGIT))
        digits = np.zeros(len(lines), dtype=np.int64)
        going = np.ones(len(lines), dtype=bool)
        for k in range(3):
            going &= kinds.take(self.at(lines, k)) & DIGIT != 0
            digits += going
        mark, space = self.at(lines, digits), self.at(lines, digits + 1)
        closed = (mark == ord(".")) | (mark == ord(")"))
        return self.lines(lines[closed & (space == ord(" "))])

    def paragraphs(self) -> Ints:
        """Blocks of lines between blank lines."""
        if not len(self.blank):
            return np.zeros(0, dtype=np.int64)
        begins = np.append(True, self.blank[:-1])
        begins[np.searchsorted(self.line_starts, self.batch.starts)] = True
        return self.lines(np.flatnonzero(begins & ~self.blank))

    def code_blocks(self) -> Ints:
        """Blocks of fenced code."""
        return self.batch.count_at(self.blocks[0])

    def marks(self, char: str) -> Ints:
        """Return how often a mark stands outside fenced code."""
        found = self.batch.where(char)
        return self.batch.count_at(found[~self.in_code(found)])

    def matches(self, pattern: re.Pattern[str], candidates: Ints) -> Ints:
        """Return the matches of a pattern outside fenced code in each text.

        Parameters
        ----------
        pattern : Pattern
            It reaches over no line end.
        candidates : ndarray of int
            Positions; the lines that hold none of them are not searched.
        """
        lines = self._outside(self._lines_of(candidates))
        begin, end = self.line_starts[lines], self.line_ends[lines] + 1
        text = "".join(
            self.batch.joined[a:b] for a, b in zip(begin.tolist(), end.tolist(), strict=True)
        )
        found = np.array([match.start() for match in pattern.finditer(text)], dtype=np.int64)
        of_line = np.searchsorted(np.cumsum(end - begin), found, side="right")
        return self.batch.count_at(begin[of_line])

    def _lines_of(self, positions: Ints) -> Ints:
        hit = np.zeros(len(self.line_ends), dtype=bool)
        hit[np.searchsorted(self.line_ends, positions)] = True
        return np.flatnonzero(hit)

    def pairs(self, first: str, second: str) -> Ints:
        """Return where two marks stand side by side."""
        found = self.batch.where(first)
        return np.asarray(found[self.codes[found + 1] == ord(second)])

    def bold(self) -> Ints:
        """Spans **...** and __...__."""
        marks = self.batch.where("*", "_")
        line = np.searchsorted(self.line_ends, marks)
        twice = line[:-1][(np.diff(marks) == 1) & (np.diff(self.codes[marks].view(np.int8)) == 0)]
        chosen = np.isin(line, twice) & ~self.in_code(marks)
        marks, line = marks[chosen], line[chosen]
        if not len(marks):
            return np.zeros(len(self.batch), dtype=np.int64)
        # what lies between two marks matters only by whether it is there
        apart = np.diff(marks, prepend=-2) > 1
        at = np.cumsum(apart) + np.arange(len(marks))
        short = np.full(at[-1] + 1, ord("x"), dtype=np.uint8)
        short[at] = self.codes[marks]
        short[at[np.diff(line, prepend=-1) > 0] - 1] = ord("\n")
        found = [match.start() for match in BOLD.finditer(short.tobytes().decode())]
        return self.batch.count_at(marks[np.searchsorted(at, found)])

    def links(self) -> Ints:
        """Markdown links and bare addresses."""
        return self.matches(LINK, np.concatenate([self.pairs("]", "("), self.pairs(":", "/")]))

    def tables(self) -> Ints:
        """Delimiter rows of tables."""
        begins = self._begins
        lines = np.flatnonzero((begins == ord("|")) | (begins == ord(":")) | (begins == ord("-")))
        bars = np.zeros(len(self.line_ends), dtype=bool)
        bars[self._lines_of(self.batch.where("|"))] = True
        return self.matches(TABLE, self.line_starts[lines[bars[lines]]])
