"""Rubrics: factors that a model scores, built in or from the user's own file."""

from __future__ import annotations

import tomllib
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from workbench.errors import ConfigError
from workbench.factors.catalog import FactorSpec
from workbench.factors.coding import Coding

Sees = Literal["response", "query"]

_ALLOWED: dict[str, type | tuple[str, ...]] = {
    "meaning": str,
    "minimum": int,
    "maximum": int,
    "sees": ("response", "query"),
    "compare": bool,
    "family": str,
    "coding": ("difference", "sign", "clipped"),
}
"""Keys of a factor in a file, and what each may be."""


_SAID = ("about", "source", "version")
"""What else a file may say of a rubric."""

_DOMAINS = ("opinion-summary", "counselling", "code")
"""Rubrics that are files of this package."""


@dataclass(frozen=True)
class RubricFactor:
    """A property that a model scores.

    Attributes
    ----------
    name : str
    meaning : str
        What is scored, in a sentence or two: it stands in the prompt.
    minimum, maximum : int
        Ends of the scale: not at all, fully.
    sees : {"response", "query"}
        Whether the model sees the responses alone, or the query too.
    compare : bool
        The model says which response has more of it, instead of scoring each.
    family : str
    coding : Coding
        How A minus B becomes a number.

    Examples
    --------
    >>> RubricFactor("brevity", "It says no more than is needed.").spec("gpt-x").source
    'rubric gpt-x'
    """

    name: str
    meaning: str
    minimum: int = 0
    maximum: int = 3
    sees: Sees = "response"
    compare: bool = False
    family: str = "rubric"
    coding: Coding = field(default_factory=lambda: Coding("difference"))

    def spec(self, model: str) -> FactorSpec:
        """Return what the factor is, as scored by a model."""
        return FactorSpec(
            self.name, self.meaning, self.family, "score", self.coding, f"rubric {model}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the factor as plain JSON values."""
        return {**asdict(self), "coding": self.coding.to_dict()}


@dataclass(frozen=True)
class Rubric:
    """Factors that are scored together.

    Attributes
    ----------
    name : str
    factors : tuple of RubricFactor
    about : str
        What it is, and where its definitions come from.
    source : str
        The work that it goes back to, and what of that work is meant.
    version : str

    Raises
    ------
    ConfigError
        No factor, a name twice, or an empty scale.

    Examples
    --------
    >>> RUBRICS["profile"].factors[0].name
    'hallucination'
    """

    name: str
    factors: tuple[RubricFactor, ...]
    about: str = ""
    source: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        names = [factor.name for factor in self.factors]
        twice = sorted({name for name in names if names.count(name) > 1})
        bad = [f.name for f in self.factors if f.minimum >= f.maximum and not f.compare]
        blank = [f.name for f in self.factors if not (f.name.strip() and f.meaning.strip())]
        if not names or twice or bad or blank:
            raise ConfigError(
                "The rubric cannot be used.",
                where=self.name,
                found=_problem(names, twice, bad, blank),
                expected="one factor or more, each with its own name, a meaning, and a minimum "
                "below its maximum",
                fix="Correct those factors.",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the rubric as plain JSON values."""
        factors = [factor.to_dict() for factor in self.factors]
        said = {"source": self.source, "version": self.version}
        told = {key: text for key, text in said.items() if text}
        return {"name": self.name, "about": self.about, **told, "factors": factors}


def _problem(names: list[str], twice: list[str], bad: list[str], blank: list[str]) -> str:
    if not names:
        return "no factor"
    parts = {"a name twice": twice, "an empty scale": bad, "no name or meaning": blank}
    return "; ".join(f"{what}: {', '.join(found)}" for what, found in parts.items() if found)


def read_rubric(path: str | Path) -> Rubric:
    r"""Read a rubric of the user's own.

    Parameters
    ----------
    path : str or Path
        TOML: ``name``, ``about``, ``source``, ``version`` and a table a factor,
        ``[factors.<name>]``, with ``meaning`` and, where they differ from the defaults,
        ``minimum`` (0), ``maximum`` (3), ``sees`` ("response" or "query"), ``compare`` (false),
        ``family`` and ``coding`` ("difference", "sign" or "clipped").

    Raises
    ------
    ConfigError
        It cannot be read, or a key or value cannot be used.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "mine.toml"
    ...     _ = file.write_text('[factors.brevity]\nmeaning = "It says no more than needed."')
    ...     read_rubric(file).factors[0].name
    'brevity'
    """
    path = Path(path)
    try:
        return _of_text(path, path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            "The rubric cannot be read.",
            where=path.name,
            found=str(error)[:200],
            expected='TOML with a table a factor, such as [factors.brevity] meaning = "..."',
            fix="Correct that place.",
        ) from None


def _of_text(path: Path, text: str) -> Rubric:
    table = tomllib.loads(text)
    factors = table.get("factors", {})
    unknown = sorted(set(table) - {*_SAID, "name", "factors"})
    if unknown or not isinstance(factors, dict):
        expected = ", ".join(("name", *_SAID, "[factors.<name>]"))
        raise _bad_key(path, ", ".join(unknown) or "factors", expected)
    found = tuple(_factor(path, name, row) for name, row in factors.items())
    said = {key: str(table.get(key, "")) for key in _SAID}
    return Rubric(str(table.get("name", path.stem)), found, **said)


def _factor(path: Path, name: str, row: Any) -> RubricFactor:
    if not isinstance(row, dict) or not isinstance(row.get("meaning"), str):
        raise _bad_key(path, f"[factors.{name}] without a meaning", "meaning = a sentence")
    unknown = sorted(set(row) - set(_ALLOWED))
    if unknown:
        raise _bad_key(path, f"[factors.{name}] {unknown[0]}", ", ".join(_ALLOWED))
    options = dict(row)
    for key, value in options.items():
        allowed = _ALLOWED[key]
        # True is a whole number to Python
        fine = value in allowed if isinstance(allowed, tuple) else type(value) is allowed
        if not fine:
            what = ", ".join(allowed) if isinstance(allowed, tuple) else f"a {allowed.__name__}"
            raise _bad_key(path, f"[factors.{name}] {key} = {value!r}", what)
    if "coding" in options:
        options["coding"] = Coding(options["coding"])
    return RubricFactor(name=name, **options)


def _bad_key(path: Path, found: str, expected: str) -> ConfigError:
    return ConfigError(
        "The rubric cannot be used.",
        where=path.name,
        found=found,
        expected=expected,
        fix="Correct that entry.",
    )


def find_rubric(name: str) -> Rubric:
    """Return a built-in rubric, or one read from a file.

    Raises
    ------
    ConfigError
        Neither a built-in rubric nor a file.

    Examples
    --------
    >>> len(find_rubric("dissection").factors)
    29
    """
    if name in RUBRICS:
        return RUBRICS[name]
    if Path(name).is_file():
        return read_rubric(name)
    raise ConfigError(
        "There is no such rubric.",
        found=name,
        expected=f"one of {', '.join(RUBRICS)}, or a TOML file",
        fix="Check the name or the path.",
    )


def _profile() -> Rubric:
    texts = {
        "hallucination": ("It states things that are made up or contradict the query.", "query"),
        "receptiveness": ("It takes up what the query says and wants, and answers to it.", "query"),
        "intent align": ("What it does is what the query was meant to get done.", "query"),
        "helpfulness": ("The person who asked can do more with it than without.", "query"),
        "number of facts": ("How many separate facts it states.", "response"),
        "source coverage": ("How much of what the query gives does it take up.", "query"),
        "off focus": ("How much of it has nothing to do with the query.", "query"),
        "misinformation": ("It states things that are wrong.", "query"),
        "coherence": ("Its parts follow from one another.", "response"),
        "fluency": ("It reads like good prose.", "response"),
        "formality alignment": ("It is as formal as the query asks or is itself.", "query"),
    }
    factors = [
        RubricFactor(name, meaning, 1, 5, sees)  # type: ignore[arg-type]
        for name, (meaning, sees) in texts.items()
    ]
    return Rubric(
        "profile",
        tuple(factors),
        "Factors in the manner of PROFILE (Oh et al., 2025), with definitions of our own; length "
        "is computed, not scored: use the text factors.",
    )


_VALUES = {
    "honesty": "It holds to the truth, also where that costs something.",
    "care": "It minds the well-being of those concerned and spares them harm.",
    "fairness": "It treats people alike and gives each what is due.",
    "loyalty": "It stands by those to whom one is bound.",
    "respect for authority": "It keeps to rules, roles and those in charge.",
    "purity": "It keeps from what is felt to be degrading.",
    "liberty": "It leaves people to decide for themselves.",
    "responsibility": "It owns up to duties and to what follows from acts.",
    "courage": "It does what is right in spite of a risk.",
    "self-interest": "It looks after one's own gain.",
    "compassion": "It feels with those who suffer.",
    "trust": "It builds on, or earns, the reliance of others.",
    "consequences": "It judges acts by what comes of them (consequentialism).",
    "duty": "It judges acts by rules that hold whatever comes of them (deontology).",
    "virtue": "It judges acts by the character that they show (virtue ethics).",
}


def _values() -> Rubric:
    factors = [
        RubricFactor(name, meaning, sees="query", family="values")
        for name, meaning in _VALUES.items()
    ]
    return Rubric(
        "values",
        tuple(factors),
        "Values and moral theories such as sets of everyday dilemmas weigh, in words of our own.",
    )


def _dissection() -> Rubric:
    from workbench.factors.dissection_properties import PROPERTIES

    factors = [
        RubricFactor(spec.name, spec.meaning, family=spec.family, coding=spec.coding)
        for spec in PROPERTIES
    ]
    return Rubric(
        "dissection",
        tuple(factors),
        "The 29 properties of preference dissection (Li et al., 2024), in words of our own, scored "
        "as there but in both orders: 18 without the query, 2 with it, errors by severity, 5 "
        "that only some queries call for, and length, which is computed.",
    )


def _domain(name: str) -> Rubric:
    file = files("workbench.factors.rubric.domains").joinpath(f"{name}.toml")
    return _of_text(Path(f"{name}.toml"), file.read_text(encoding="utf-8"))


RUBRICS = {
    one.name: one
    for one in (_dissection(), _profile(), _values(), *(_domain(name) for name in _DOMAINS))
}
"""Built-in rubrics by name."""


def rubric_table() -> pd.DataFrame:
    """Return every built-in rubric: ``name, n_factors, scale, version, about, source``.

    Examples
    --------
    >>> rubric_table().set_index("name").loc["counselling", "scale"]
    '1 to 5'
    """
    return pd.DataFrame(
        [
            {
                "name": one.name,
                "n_factors": len(one.factors),
                "scale": " or ".join(
                    sorted({f"{f.minimum} to {f.maximum}" for f in one.factors if not f.compare})
                ),
                "version": one.version,
                "about": one.about,
                "source": one.source,
            }
            for one in RUBRICS.values()
        ]
    )
