"""Principles as weighted rubrics: TOML or JSON that other graders can read, and back."""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from workbench.errors import ConfigError, DataError
from workbench.principles.constitution import Constitution
from workbench.principles.extraction import Extraction
from workbench.principles.principle import Principle

_KIND, _VERSION = "weighted rubric", 1


@dataclass(frozen=True)
class Measured:
    """A number with its interval; all None where it is undefined.

    Attributes
    ----------
    value, low, high : float or None
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Criterion:
    """One principle of a rubric.

    Attributes
    ----------
    text : str
    weight : Measured
        Strength on held-out pairs: share of them on which the principle takes the side that was
        preferred, minus the share on which it takes the other.
    accuracy : Measured
        Share of the held-out pairs on which it takes a side where that side was preferred.
    n : int
        Held-out pairs.
    reason : str or None
        Why a number is undefined.
    """

    text: str
    weight: Measured
    accuracy: Measured
    n: int
    reason: str | None = None


@dataclass(frozen=True)
class Rubric:
    """Principles with weights, in the order of the constitution.

    Attributes
    ----------
    name : str
    annotator, voter : str
        Whose preferences they tell, and who said which response follows a principle.
    level : float
        Of the intervals.
    method : str
    criteria : tuple of Criterion
    accuracy : Measured
        Of all together by weighted votes, on pairs held out.
    n : int
        Pairs of that accuracy.
    """

    name: str
    annotator: str
    voter: str
    level: float
    method: str
    criteria: tuple[Criterion, ...]
    accuracy: Measured
    n: int

    @property
    def constitution(self) -> Constitution:
        """The principles alone."""
        return Constitution(tuple(Principle(c.text, "imported") for c in self.criteria), self.name)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; what is undefined is left out, as TOML has no null."""
        return {"kind": _KIND, "version": _VERSION, **_told(asdict(self))}

    def to_json(self) -> str:
        """Return the rubric as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False) + "\n"

    def to_toml(self) -> str:
        """Return the rubric as TOML, one ``[[criteria]]`` a principle."""
        record = self.to_dict()
        criteria = record.pop("criteria")
        blocks = [_toml(record), *(f"[[criteria]]\n{_toml(one)}" for one in criteria)]
        return "\n".join(blocks)


def to_rubric(found: Extraction) -> Rubric:
    """Return the selected principles of an extraction with what they are worth held out.

    Raises
    ------
    DataError
        None was selected: there is nothing to weigh.

    Examples
    --------
    >>> Rubric("mine", "human", "m", 0.95, "t", (), Measured(), 0).to_dict()["kind"]
    'weighted rubric'
    """
    if not found.principles:
        raise DataError(
            "There is no principle to make a rubric of.",
            found="an extraction that selected none",
            expected="at least one principle",
            fix="Propose from more pairs, or select by another rule; the summary says why each "
            "candidate was left out.",
        )
    table = found.effects.to_frame().set_index("term")
    criteria = []
    for one in found.principles:
        row = table.loc[one.text].to_dict()
        reason = row.get("reason")
        criteria.append(
            Criterion(
                one.text,
                _measured(row, "estimate", "conf"),
                _measured(row, "accuracy", "accuracy"),
                int(row["n"]),
                reason if isinstance(reason, str) else None,
            )
        )
    accuracy, n = _together(found)
    return Rubric(
        found.constitution.name,
        str(found.settings["annotator"] or "everybody"),
        str(found.votes.voter or found.settings["model"]),
        float(found.settings["level"]),
        str(table["method"].iloc[0]) if len(table) else "nothing was measured",
        tuple(criteria),
        accuracy,
        n,
    )


def read_rubric(text: str, *, where: str | None = None) -> Rubric:
    """Read what :meth:`Rubric.to_toml` or :meth:`Rubric.to_json` wrote.

    Raises
    ------
    ConfigError
        It is neither, or lacks a field.

    Examples
    --------
    >>> one = Rubric("mine", "human", "m", 0.95, "t", (), Measured(0.6, 0.5, 0.7), 80)
    >>> read_rubric(one.to_toml()) == read_rubric(one.to_json()) == one
    True
    """
    try:
        plain = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
        if (plain.pop("kind"), plain.pop("version")) != (_KIND, _VERSION):
            raise ValueError(f"no {_KIND} of version {_VERSION}")
        criteria = tuple(_criterion(one) for one in plain.pop("criteria", []))
        accuracy = Measured(**plain.pop("accuracy", {}))
        return Rubric(criteria=criteria, accuracy=accuracy, **plain)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(
            "The rubric cannot be read.",
            where=where,
            found=f"{type(error).__name__}: {str(error)[:200]}",
            expected="a weighted rubric as principles export writes it, in TOML or JSON",
            fix="Correct the file, or export it again.",
        ) from None


def _criterion(record: Mapping[str, Any]) -> Criterion:
    numbers = {name: Measured(**record.get(name, {})) for name in ("weight", "accuracy")}
    return Criterion(**{**record, **numbers})


def _measured(row: Mapping[Any, Any], name: str, stem: str) -> Measured:
    value, low, high = (_number(row.get(key)) for key in (name, f"{stem}_low", f"{stem}_high"))
    return Measured(value, low, high)


def _number(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _together(found: Extraction) -> tuple[Measured, int]:
    """Return the held-out accuracy of all principles together."""
    if found.evaluation is None:
        return Measured(), 0
    table = found.evaluation.to_frame().set_index("term")
    if "weighted votes" not in table.index:
        return Measured(), 0
    row = table.loc["weighted votes"].to_dict()
    return _measured(row, "estimate", "conf"), int(row["n"])


def _told(value: Any) -> Any:
    """Return a value without what is None."""
    if isinstance(value, dict):
        return {key: _told(one) for key, one in value.items() if one is not None}
    if isinstance(value, (list, tuple)):
        return [_told(one) for one in value]
    return value


def _toml(record: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in record.items())


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, str):
        # a JSON string is one of TOML's too, but for one character that TOML wants escaped
        text = json.dumps(value.encode("utf-8", "replace").decode(), ensure_ascii=False)
        return text.replace("\x7f", "\\u007F")
    return repr(value)
