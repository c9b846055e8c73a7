"""A named part of the data: which pairs, by every condition a reader can set."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from workbench.data.browse import Agreement, Range, find_pairs
from workbench.data.dataset import PreferenceData
from workbench.errors import DataError

_LONGEST = 8_000
"""Letters of a definition: a link must stay one that can be sent."""
_GREATEST = 1e300
"""Bounds lie below it."""
_DEEPEST = 5
"""Slices that lie in one another."""
_LISTS: tuple[Literal["annotators", "criteria", "scenarios", "models"], ...] = (
    "annotators",
    "criteria",
    "scenarios",
    "models",
)
_FORM = "a definition as Slice.to_dict() gives it"


@dataclass(frozen=True)
class Slice:
    """Conditions that pairs must meet, all of them; those left out hold for every pair.

    A pair keeps all of its labels, so that annotators can still be compared; where
    ``criteria`` are named, labels of other criteria go.

    Attributes
    ----------
    name : str
        What the reader calls it.
    text, annotators, criteria, scenarios, models, agreement, dates, factors
        As in :func:`workbench.data.browse.find_pairs`.
    within : Slice or None
        A larger slice: its conditions hold too.

    Examples
    --------
    >>> import workbench as wb
    >>> hard = Slice("hard", scenarios=("coding",), agreement="disagree")
    >>> hard.line()
    'scenario coding; verdicts disagree'
    >>> part = hard.apply(wb.load("sample"))
    >>> set(part.pairs["scenario"]), Slice.of_dict(hard.to_dict()) == hard
    ({'coding'}, True)
    """

    name: str = ""
    text: str = ""
    annotators: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    agreement: Agreement = "any"
    dates: tuple[str | None, str | None] = (None, None)
    factors: tuple[Range, ...] = ()
    within: Slice | None = None

    @property
    def whole(self) -> bool:
        """Tell whether nothing is asked for: every pair meets it."""
        return not self.line()

    @property
    def by_verdicts(self) -> bool:
        """Tell whether pairs are chosen by what annotators said, which biases what is fitted."""
        larger = self.within is not None and self.within.by_verdicts
        return self.agreement != "any" or larger

    @property
    def factor_names(self) -> set[str]:
        """The factors that the conditions name, those of larger slices too."""
        larger = self.within.factor_names if self.within is not None else set()
        return {name for name, _, _ in self.factors} | larger

    def rows(self, data: PreferenceData) -> NDArray[np.int64]:
        """Return the positions in ``data.pairs`` of the pairs that meet every condition.

        Raises
        ------
        DataError
            A name that the data do not have.
        """
        found = find_pairs(
            data,
            text=self.text,
            annotators=self.annotators,
            criteria=self.asked,
            scenarios=self.scenarios,
            models=self.models,
            agreement=self.agreement,
            dates=self.dates,
            factors=self.factors,
        )
        if self.within is None:
            return found
        return np.intersect1d(found, self.within.rows(data), assume_unique=True)

    @property
    def asked(self) -> tuple[str, ...]:
        """The criteria whose labels stay: its own, or else those of the larger slice."""
        return self.criteria or (self.within.asked if self.within is not None else ())

    def apply(
        self, data: PreferenceData, *, measured: PreferenceData | None = None
    ) -> PreferenceData:
        """Return the pairs that meet every condition, with their labels and factors.

        Parameters
        ----------
        data : PreferenceData
        measured : PreferenceData, optional
            The same pairs with more factors, which the conditions may name.

        Raises
        ------
        DataError
            A name that the data do not have.
        """
        rows = self.rows(data if measured is None else measured)
        return data.filter(pair_ids=data.pairs["pair_id"].iloc[rows], criteria=self.asked or None)

    def line(self) -> str:
        """Return the conditions in words, without the name; empty where there are none.

        Examples
        --------
        >>> Slice(factors=(("words", 0.5, None),), text="tea").line()
        "text 'tea'; words A minus B at least 0.5"
        """
        parts = [f"text {self.text!r}"] if self.text else []
        several = (
            ("labelled by", self.annotators, " and "),
            ("criterion", self.criteria, " or "),
            ("scenario", self.scenarios, " or "),
            ("model", self.models, " or "),
        )
        parts += [f"{what} {joint.join(names)}" for what, names, joint in several if names]
        parts += [f"verdicts {self.agreement}"] if self.agreement != "any" else []
        first, last = self.dates
        parts += [_between("dated", first, last)] if first or last else []
        parts += [_between(f"{name} A minus B", low, high) for name, low, high in self.factors]
        if self.within is not None:
            parts += [part for part in [self.within.line()] if part]
        return "; ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return the conditions that are set, as plain JSON values."""
        told: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            if value != one.default:
                told[one.name] = value.to_dict() if isinstance(value, Slice) else _plain(value)
        return told

    def to_json(self) -> str:
        """Return the definition as compact text, for a link."""
        return json.dumps(self.to_dict(), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def of_json(cls, text: str) -> Slice:
        """Return the slice that a text defines.

        Raises
        ------
        DataError
            The text is too long, no JSON, or no definition.
        """
        if len(text) > _LONGEST:
            raise _refused(f"{len(text):,} letters", f"at most {_LONGEST:,}")
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise _refused(repr(text[:80]), _FORM) from None
        return cls.of_dict(found)

    @classmethod
    def of_dict(cls, told: Any, _depth: int = 1) -> Slice:
        """Return the slice of a definition as :meth:`to_dict` gives it.

        Raises
        ------
        DataError
            An unknown condition, or a value of another form.
        """
        known = {one.name for one in fields(cls)}
        if not isinstance(told, Mapping) or not set(told) <= known or _depth > _DEEPEST:
            raise _refused(repr(told)[:200], f"{_FORM}: {', '.join(sorted(known))}")
        values: dict[str, Any] = dict(told)
        for name in ("name", "text"):
            values[name] = _as_text(values.get(name, ""), name)
        for name in _LISTS:
            values[name] = _as_texts(values.get(name, ()), name)
        if values.setdefault("agreement", "any") not in get_args(Agreement):
            raise _refused(
                f"agreement {values['agreement']!r}"[:200], ", ".join(get_args(Agreement))
            )
        values["dates"] = _as_days(values.get("dates", (None, None)))
        values["factors"] = tuple(
            _as_range(one) for one in _listed(values.get("factors", ()), "factors")
        )
        if values.get("within") is not None:
            values["within"] = cls.of_dict(values["within"], _depth + 1)
        return cls(**values)


def _between(what: str, low: object, high: object) -> str:
    if low is None or high is None:
        return f"{what} at least {low}" if high is None else f"{what} at most {high}"
    return f"{what} from {low} to {high}"


def _plain(value: Any) -> Any:
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def _refused(found: str, expected: str) -> DataError:
    return DataError(
        "The definition of a slice cannot be read.",
        found=found,
        expected=expected,
        fix="Copy the whole link, or make the slice again.",
    )


def _as_text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise _refused(f"{name} {value!r}"[:200], "text")
    return value


def _listed(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list | tuple):
        raise _refused(f"{name} {value!r}"[:200], "a list")
    return list(value)


def _as_texts(value: Any, name: str) -> tuple[str, ...]:
    return tuple(_as_text(one, name) for one in _listed(value, name))


def _as_days(value: Any) -> tuple[str | None, str | None]:
    days = _listed(value, "dates")
    if len(days) != 2:
        raise _refused(f"dates {value!r}"[:200], "the first and the last day")
    first, last = (None if day is None else _as_text(day, "dates") for day in days)
    return first, last


def _as_range(value: Any) -> Range:
    parts = _listed(value, "factors")
    if len(parts) != 3:
        raise _refused(
            f"factors {value!r}"[:200], "a factor, its least and its greatest difference"
        )
    name, low, high = _as_text(parts[0], "factors"), *(_as_bound(one) for one in parts[1:])
    return name, low, high


def _as_bound(value: Any) -> float | None:
    if value is None:
        return None
    number = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _GREATEST:
        number = float(value)
    if math.isnan(number):
        raise _refused(f"factors {value!r}"[:200], "a number, or null where there is no bound")
    return number
