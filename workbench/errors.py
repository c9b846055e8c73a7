"""The errors that the workbench raises on purpose.

Each says what went wrong, where, what was found, what was expected and what to do,
so that a message can be acted on without reading code.
"""

from __future__ import annotations

import copyreg
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from textwrap import shorten
from typing import Any, Self

Checked = tuple[bool, object, str]
"""Whether an option is fine, its value, and what was expected."""


class WorkbenchError(Exception):
    """Base of every deliberate error.

    Parameters
    ----------
    what : str
        The problem in one sentence.
    where : str, optional
        File, row, column or call that it concerns.
    found, expected : str, optional
        What was there, and what should have been.
    fix : str, optional
        What the reader can do about it.

    Examples
    --------
    >>> print(WorkbenchError("No label column.", where="votes.csv", fix="Name it with label=..."))
    No label column.
      where: votes.csv
      to do: Name it with label=...
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        found: str | None = None,
        expected: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.found = found
        self.expected = expected
        self.fix = fix
        super().__init__(self._message())

    def _message(self) -> str:
        parts = {
            "where": self.where,
            "found": self.found,
            "expected": self.expected,
            "to do": self.fix,
        }
        return "\n".join([self.what, *(f"  {k}: {v}" for k, v in parts.items() if v is not None)])

    def of_part(self, part: object) -> Self:
        """Say of which part of the work it is, and return it.

        Examples
        --------
        >>> print(DataError("No label column.", where="row 3").of_part("part-07"))
        No label column.
          where: row 3 (part-07)
        """
        name = _part_name(part)
        self.where = name if self.where is None else f"{self.where} ({name})"
        self.args = (self._message(),)
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        # an error crosses to another process as it is, whatever its own arguments were
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class DataError(WorkbenchError):
    """A file, table or value that cannot be read as preference data."""


class DesignError(WorkbenchError):
    """A design matrix or model specification that cannot be fitted."""


class JudgeError(WorkbenchError):
    """A judge that cannot be asked, or whose verdicts cannot be read."""


class ScoringError(WorkbenchError):
    """A model that cannot score a response."""


class ConfigError(WorkbenchError):
    """A run configuration, option or missing extra."""


class UnwrittenError(WorkbenchError):
    """A file that cannot be written: a full disk, a folder to read only, one that is gone.

    Parameters
    ----------
    path : object
        Of the file.
    said : object
        The words of the operating system.
    lost : str, optional
        What is not kept by that.

    Examples
    --------
    >>> print(UnwrittenError("run/progress.json", "No space left on device"))
    A file cannot be written.
      where: run/progress.json
      found: No space left on device
      expected: a folder with room that may be written
      to do: Make room or mount the folder again; what is kept is taken up where it stopped.
    """

    def __init__(self, path: object, said: object, lost: str | None = None) -> None:
        self.path = path
        super().__init__(
            "A file cannot be written.",
            where=str(path),
            found=f"{said}; {lost}" if lost else str(said),
            expected="a folder with room that may be written",
            fix="Make room or mount the folder again; what is kept is taken up where it stopped.",
        )


class PartError(WorkbenchError):
    """A part of the work that failed, however often it was tried.

    Parameters
    ----------
    part : object
        Its path or description.
    tries : int
        How often it was tried.
    error : BaseException
        What came of the last time.

    Examples
    --------
    >>> print(PartError("part-07", 3, OSError("Connection reset")))
    A part of the work failed 3 times.
      where: part-07
      found: OSError: Connection reset
      to do: Mend what it names and give the same command again.
    """

    def __init__(self, part: object, tries: int, error: BaseException) -> None:
        said = str(error).strip()
        super().__init__(
            f"A part of the work failed {tries} times.",
            where=_part_name(part),
            found=f"{type(error).__name__}: {said}" if said else type(error).__name__,
            fix="Mend what it names and give the same command again.",
        )


def _part_name(part: object) -> str:
    return shorten(str(part), 200, placeholder=" ...")


def refuse_out_of_range(options: Mapping[str, Checked]) -> None:
    """Refuse the first option that is out of range.

    Parameters
    ----------
    options : mapping of str to tuple
        By name: whether it is fine, its value, and what was expected.

    Raises
    ------
    DesignError

    Examples
    --------
    >>> refuse_out_of_range({"level": (True, 0.95, "a number between 0 and 1")})
    """
    for name, (fine, found, expected) in options.items():
        if not fine:
            raise DesignError(
                f"Option {name} is out of range.",
                found=repr(found),
                expected=expected,
                fix=f"Pass another {name}=.",
            )


def level_option(level: object) -> Checked:
    """Return whether the level of an interval is one.

    Examples
    --------
    >>> level_option(0.95)[0], level_option(None)[0], level_option("high")[0]
    (True, False, False)
    """
    fine = isinstance(level, Real) and 0 < float(level) < 1
    return fine, level, "a number between 0 and 1, such as 0.95"


def seed_option(seed: object) -> Checked:
    """Return whether a seed is one.

    Examples
    --------
    >>> seed_option(0)[0], seed_option(-1)[0], seed_option(1.5)[0]
    (True, False, False)
    """
    return whole(seed, 0), seed, "a whole number, 0 or more"


def whole(value: object, least: int) -> bool:
    """Tell whether a value is a whole number that is not below another.

    Examples
    --------
    >>> whole(2, 2), whole(2.5, 2), whole("3", 2), whole(True, 0)
    (True, False, False, False)
    """
    # True counts as 1 in arithmetic, but nobody asks for True folds
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= least


def listed(option: str, names: object) -> list[str]:
    """Return names that were given as one or several.

    Parameters
    ----------
    option : str
        As the caller knows it.
    names : str or iterable of str

    Raises
    ------
    DesignError
        What is neither.

    Examples
    --------
    >>> listed("factors", "words"), listed("factors", ("words", "bold"))
    (['words'], ['words', 'bold'])
    """
    several = [names] if isinstance(names, str) else names
    # a mapping or a number is none of these, and the letters of a name are not names
    if isinstance(several, Iterable) and not isinstance(several, Mapping | bytes):
        found = list(several)
        if all(isinstance(name, str) for name in found):
            return found
    raise DesignError(
        f"Option {option} takes names.",
        found=repr(names)[:80],
        expected="a name, or a list of names",
        fix=f"Pass {option}=[...].",
    )
