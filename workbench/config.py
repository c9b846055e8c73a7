"""One run configuration, the same in a TOML file, on the command line and in a URL."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self
from urllib.parse import parse_qs

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError

from workbench.errors import ConfigError
from workbench.toml_text import toml_text

Name = Annotated[str, Field(min_length=1)]
"""A name: text that is not empty."""


def _two_parts(text: str) -> str:
    if "=" not in text:
        raise PydanticCustomError("two_parts", "two parts with = between them")
    return text


Named = Annotated[Name, AfterValidator(_two_parts)]
"""A name and what it stands for, with = between them."""


class Config(BaseModel):
    """What every run says: its data and its seed. Frozen and typed, TOML and back.

    Attributes
    ----------
    source : str
        A file, a saved folder, ``hub:owner/name`` or ``sample``.
    format : str, optional
        Name of the reader; recognised from the content when None.
    map : tuple of str
        ``ROLE=COLUMN``: which column of a table is what; ``ROLE=`` is none.
    verdict : tuple of str
        ``VALUE=MEANING``: what a label of a table means, such as ``1=a`` or ``0=tie``.
    scale : str, optional
        How numbers are to be read as verdicts, such as ``percent_a`` or ``-3..3:b``.
    label : tuple of str
        ``CRITERION=COLUMN``: a column of labels for each criterion.
    annotator_columns : tuple of str
        Columns of a table that hold one person's verdicts each.
    annotator_name, kind : str, optional
        Who made the labels, where the file does not say.
    order : str, optional
        ``shown``: the responses stand in the order in which they were shown.
    drop_duplicates : bool
        Rows that repeat an earlier one in every column are left out.
    limit : tuple of str
        ``NAME=VALUE``: what a file may cost, such as ``unpacked=32GiB``.
    criteria : tuple of str
        Only labels under these criteria; the deciding one when empty.
    scenarios : tuple of str
        Only these; all when empty.
    seed : int
        Seed of every random step.
    tables : tuple of str
        Names of TOML tables that may hold some of the keys.
    aside : tuple of str
        Keys of a file for ``workbench run`` that say nothing here.

    Raises
    ------
    ConfigError
        An unknown key, or a value of a wrong type or range.

    Examples
    --------
    >>> class Shelf(Config):
    ...     books: int = 3
    >>> Shelf.from_toml("books = 4").books
    4
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    tables: ClassVar[tuple[str, ...]] = ()
    aside: ClassVar[tuple[str, ...]] = ()

    source: Name = "sample"
    format: Name | None = None
    map: tuple[Named, ...] = ()
    verdict: tuple[Named, ...] = ()
    scale: Name | None = None
    label: tuple[Named, ...] = ()
    annotator_columns: tuple[Name, ...] = ()
    annotator_name: Name | None = None
    kind: Name | None = None
    order: Name | None = None
    drop_duplicates: bool = False
    limit: tuple[Named, ...] = ()
    criteria: tuple[Name, ...] = ()
    scenarios: tuple[Name, ...] = ()
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0

    def reading(self) -> dict[str, Any]:
        """Return how the source is to be read, as keywords of :func:`workbench.load`.

        Examples
        --------
        >>> RunConfig(verdict=("A=B=tie",), label=("safety=col",)).reading()["verdicts"]
        {'A=B': 'tie'}
        """
        # a role or criterion has no = in it, nor has a meaning
        roles, criteria, limits = (
            {key: column for key, _, column in (text.partition("=") for text in texts)}
            for texts in (self.map, self.label, self.limit)
        )
        said = (text.rpartition("=") for text in self.verdict)
        return {
            "format": self.format,
            "mapping": {role: column or None for role, column in roles.items()} or None,
            "verdicts": {value: meaning for value, _, meaning in said} or None,
            "scale": self.scale,
            "criteria": criteria or None,
            "annotators": self.annotator_columns or None,
            "annotator": self.annotator_name,
            "kind": self.kind,
            "order": self.order,
            "drop_duplicates": self.drop_duplicates,
            "seed": self.seed,
            "limits": limits or None,
        }

    @classmethod
    def from_toml(cls, text: str, where: str = "run configuration") -> Self:
        """Read the text of a TOML file; keys that are absent keep their default.

        Parameters
        ----------
        text : str
            Flat TOML: one key a line, lists of strings for the plural keys. What stands in a
            table of ``tables`` counts as if it stood outside.
        where : str
            Name of the file, for messages.

        Raises
        ------
        ConfigError
            Text that is not TOML, an unknown key, or a value of a wrong type or range.

        Examples
        --------
        >>> RunConfig.from_toml('reference = "ann"').reference
        'ann'
        """
        try:
            values = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(
                "The run configuration is not valid TOML.",
                where=where,
                found=str(error),
                expected='one `key = value` a line, such as level = 0.95 or by = ["annotator"]',
                fix="Correct that place; text stands in double quotes.",
            ) from None
        values = {key: value for key, value in values.items() if key not in cls.aside}
        for table in cls.tables:
            inner = values.get(table)
            if isinstance(inner, dict):
                values = {**{k: v for k, v in values.items() if k != table}, **inner}
        if "criterion" in values and "criteria" not in values:
            # as the flag is called: one name, or several
            one = values.pop("criterion")
            values["criteria"] = [one] if isinstance(one, str) else one
        lists = {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}
        return cls._checked(lists, where)

    def to_toml(self) -> str:
        """Return TOML text with every value that is set.

        Examples
        --------
        >>> print(RunConfig(level=0.9).to_toml().splitlines()[-1])
        level = 0.9
        """
        return toml_text(self.model_dump())

    def updated(self, where: str = "options", **options: Any) -> Self:
        """Return the configuration with the options that are not None put in place.

        Parameters
        ----------
        where : str
            Where the options come from, for messages.
        **options
            Attributes by name.

        Raises
        ------
        ConfigError
            An unknown option, or a value of a wrong type or range.

        Examples
        --------
        >>> RunConfig(seed=3).updated(level=0.9, seed=None).seed
        3
        """
        given = {key: value for key, value in options.items() if value is not None}
        return self._checked({**self.model_dump(), **given}, where)

    @classmethod
    def _checked(cls, values: Mapping[str, Any], where: str) -> Self:
        return cls.model_validate(dict(values), context={"where": where})

    @model_validator(mode="wrap")
    @classmethod
    def _explain(
        cls, values: Any, validate: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        where = (info.context or {}).get("where", "RunConfig")
        try:
            config = validate(values)
        except ValidationError as error:
            raise _explained(error, cls, where) from None
        config.check(where)
        return config

    def check(self, where: str) -> None:
        """Refuse what no single key shows; ``where`` is for the message."""


class RunConfig(Config):
    """What a run fits and compares, beside its data.

    Attributes
    ----------
    annotators : tuple of str
        Only these; all when empty.
    by : tuple of str
        What makes a group (:func:`workbench.decompose`).
    factors : tuple of str
        Factor columns; all when empty.
    covariance : {"cluster", "HC1", "classical"}
    cluster : tuple of str
        What labels are clustered by (:func:`workbench.decompose`); its default when empty.
    ties : {"half", "drop"}
    reference : str
        Annotator or kind that the others are compared with; people, or who else is no model,
        when None.
    further : tuple of str
        Results that a report adds to the main ones.
    folds : int
        Prompt-grouped folds of the held-out scores; 0 leaves them out.
    level : float
        Confidence level of every interval.

    Raises
    ------
    ConfigError
        An unknown key, or a value of a wrong type or range.

    Examples
    --------
    >>> config = RunConfig(source="votes.csv", factors=("words",), level=0.9)
    >>> config.to_query()
    {'source': ['votes.csv'], 'factors': ['words'], 'level': ['0.9']}
    >>> RunConfig.from_toml(config.to_toml()) == config
    True
    """

    aside: ClassVar[tuple[str, ...]] = (
        "families", "title", "licence", "sections", "notes", "rule", "prices", "max_cost",
        "max_calls", "max_tokens", "endpoint", "rubric", "judge", "principles", "audit_judge",
        "audit_model", "engine", "parts",
    )  # fmt: skip

    annotators: tuple[Name, ...] = ()
    by: tuple[Name, ...] = ("annotator",)
    factors: tuple[Name, ...] = ()
    covariance: Literal["cluster", "HC1", "classical"] = "cluster"
    cluster: tuple[Name, ...] = ()
    ties: Literal["half", "drop"] = "half"
    reference: Name | None = None
    further: tuple[Name, ...] = ()
    folds: Annotated[int, Field(ge=0)] = 5
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95

    @classmethod
    def from_query(cls, query: str | Mapping[str, str | Sequence[str]]) -> Self:
        """Read a URL's query: its text, or its values by key.

        An empty value means an empty list (``by=``: one group of everything).

        Raises
        ------
        ConfigError
            An unknown key, or a value of a wrong type or range.

        Examples
        --------
        >>> RunConfig.from_query("factors=words&factors=bold&level=0.9").factors
        ('words', 'bold')
        """
        given: Mapping[str, str | Sequence[str]] = (
            parse_qs(query.removeprefix("?"), keep_blank_values=True)
            if isinstance(query, str)
            else query
        )
        if "limit" in given:
            raise ConfigError(
                "A link cannot change how much a file may cost.",
                where="URL",
                found=f"limit={given['limit']}",
                expected="--limit on the command line",
                fix="Leave it out of the link.",
            )
        values: dict[str, Any] = {}
        for key, value in given.items():
            items = [value] if isinstance(value, str) else list(value)
            field = cls.model_fields.get(key)
            if field is not None and isinstance(field.default, tuple):
                values[key] = () if items == [""] else tuple(items)
            else:
                values[key] = _number(key, items[0]) if len(items) == 1 else tuple(items)
        return cls._checked(values, "URL")

    def to_query(self) -> dict[str, list[str]]:
        """Return the values that differ from the defaults, as a URL's query holds them.

        ``urllib.parse.urlencode(config.to_query(), doseq=True)`` makes the text.

        Examples
        --------
        >>> RunConfig(by=()).to_query()
        {'by': ['']}
        """
        query = {}
        for key, field in type(self).model_fields.items():
            value = getattr(self, key)
            if value != field.default:
                query[key] = list(value) or [""] if isinstance(value, tuple) else [str(value)]
        return query

    def check(self, where: str) -> None:
        """Refuse one fold: it would leave nothing to score."""
        if self.folds == 1:
            raise ConfigError(
                "The value of 'folds' cannot be used.",
                where=where,
                found="1 (int)",
                expected="0, or at least 2",
                fix="Give 0 to leave the held-out scores out.",
            )


_FIXES = {"data": "The data to read are called `source` here."}
"""What to do about keys that another place of the workbench calls otherwise."""


def _explained(error: ValidationError, model: type[Config], where: str) -> ConfigError:
    first = error.errors(include_url=False)[0]
    key, found = str(first["loc"][0]), first["input"]
    if first["type"] == "extra_forbidden":
        return ConfigError(
            f"Unknown key {key!r}.",
            where=where,
            found=f"{key} = {found!r}",
            expected="one of " + ", ".join(model.model_fields),
            fix=_FIXES.get(key, "Check the spelling, or drop the key."),
        )
    return ConfigError(
        f"The value of {key!r} cannot be used.",
        where=where,
        found=f"{found!r} ({type(found).__name__})",
        expected=first["msg"].replace("tuple", "list"),
        fix=f"Give another {key}; the default is {model.model_fields[key].default!r}.",
    )


def _number(key: str, text: str) -> int | float | bool | str:
    # a query holds only text; what is no number stays text, for the check to name
    if key == "drop_duplicates" and text in ("True", "False"):
        return text == "True"
    kinds: dict[str, type[int] | type[float]] = {"folds": int, "seed": int, "level": float}
    try:
        return kinds[key](text) if key in kinds else text
    except ValueError:
        return text
