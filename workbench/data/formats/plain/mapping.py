"""The mapping in force: what the user says of a table's columns, and what their names say."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from workbench.data.columns import KINDS
from workbench.data.formats.plain.asking import UNSAID
from workbench.data.formats.plain.columns import (
    ROLES,
    SINGLE,
    counts_votes,
    names_verdict,
    person_columns,
    propose,
)
from workbench.data.formats.records import excerpt
from workbench.data.formats.scales import Scale
from workbench.data.formats.verdict_words import LETTERS
from workbench.errors import DataError

_PROMPT = ("context", "prompt", "input")
_BESIDE = ("response", "model", "media", "rank", "votes")


class Question(NamedTuple):
    """One column of labels, and what it alone says of them.

    Attributes
    ----------
    column : str
    annotator, kind, criterion : str or None
        None where other columns or options say it.
    """

    column: str
    annotator: str | None = None
    kind: str | None = None
    criterion: str | None = None


@dataclass(frozen=True)
class Layout:
    """Which column is what.

    Attributes
    ----------
    roles : dict of str to str
        Column by role, for roles of one column.
    prompt : tuple of str
        Columns whose texts make the prompt, in the order in which they are read.
    system : str or None
        Column of the system message.
    questions : tuple of Question
        Columns of labels; none where votes are counted or responses ranked.
    labels : dict of str to str
        Meaning of label values, as the user says it.
    scale : Scale or None
    given : dict
        For the load report: the mapping as it is in force.
    """

    roles: dict[str, str]
    prompt: tuple[str, ...] = ()
    system: str | None = None
    questions: tuple[Question, ...] = ()
    labels: dict[str, str] = field(default_factory=dict)
    scale: Scale | None = None
    given: dict[str, Any] = field(default_factory=dict)

    @property
    def letters(self) -> str:
        """Return the letters of the responses: two or more."""
        for stem in _BESIDE:
            n = sum(f"{stem}_{letter}" in self.roles for letter in LETTERS)
            if n > 1:
                return LETTERS[:n]
        return LETTERS[:2]

    @property
    def used(self) -> list[str]:
        """Return the columns that have a meaning, each once."""
        asked = [question.column for question in self.questions]
        system = [self.system] if self.system else []
        return list(dict.fromkeys([*self.roles.values(), *self.prompt, *system, *asked]))


def resolve(columns: list[str], options: Mapping[str, Any]) -> Layout:
    """Return which column is what: as the user says, else as the names suggest.

    Parameters
    ----------
    columns : list of str
    options : mapping
        ``mapping`` (roles of :data:`ROLES`; a role mapped to None has no column, whatever the
        columns are called), ``verdicts``, ``scale``, ``annotators``, ``criteria``, ``kind``.

    Raises
    ------
    DataError
        An unknown role, column, kind or scale, or nothing that holds labels.

    Examples
    --------
    >>> layout = resolve(["q", "text_a", "text_b", "ann", "bob"], {"annotators": ["ann", "bob"]})
    >>> [question.annotator for question in layout.questions]
    ['ann', 'bob']
    """
    given = dict(options.get("mapping") or {})
    _check_roles(given)
    labels = _labels(given, options)
    wide = _annotators(given, options, columns)
    criteria = _criteria(given, options, columns)
    if wide and criteria:
        raise _both(wide, criteria)
    user = {
        role: _columns(value, columns, role)
        for role, value in given.items()
        if role in SINGLE and not (role == "label" and isinstance(value, Mapping))
    }
    roles = _roles(columns, user, [*wide, *criteria.values()])
    if not (wide or criteria or {"label", "votes_a", "rank_a"} & roles.keys()):
        wide = dict.fromkeys(person_columns([c for c in columns if c not in roles.values()]))
    dropped = ("annotator", "kind") if wide else ("criterion",) if criteria else ()
    roles = {role: column for role, column in roles.items() if role not in dropped}
    questions = _questions(roles, wide, criteria)
    if not questions and not {"votes_a", "rank_a"} & roles.keys():
        raise _no_labels(columns)
    parts = _prompt(roles, user)
    scale = options.get("scale")
    told = {"labels": labels, "annotators": wide, "criteria": criteria}
    shown = {**roles, **({"prompt": list(parts)} if len(parts) > 1 else {})}
    return Layout(
        roles,
        parts,
        roles.get("system"),
        questions,
        labels,
        Scale.parse(scale) if scale else None,
        {**shown, **{key: value for key, value in told.items() if value}},
    )


def as_config(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a user said of a table as keys of :class:`workbench.config.Config`.

    Examples
    --------
    >>> as_config({"verdicts": {"1": "a"}, "order": "shown", "scale": None})
    {'verdict': ['1=a'], 'order': 'shown'}
    """
    mapping = dict(options.get("mapping") or {})
    label = mapping.pop("label") if isinstance(mapping.get("label"), Mapping) else {}
    criteria = {**label, **(mapping.pop("criteria", None) or {}), **(options.get("criteria") or {})}
    labels = {**(mapping.pop("labels", None) or {}), **(options.get("verdicts") or {})}
    columns = [*(mapping.pop("annotators", None) or {}), *(options.get("annotators") or ())]
    said = {
        "map": [f"{role}={_written(column)}" for role, column in mapping.items()],
        "verdict": [f"{value}={meaning}" for value, meaning in labels.items()],
        "scale": options.get("scale"),
        "label": [f"{criterion}={column}" for criterion, column in criteria.items()],
        "annotator_columns": columns,
        "annotator_name": options.get("annotator"),
        "kind": options.get("kind"),
        "order": options.get("order"),
    }
    return {key: value for key, value in said.items() if value}


def _written(columns: Any) -> str:
    """Return the column of a role, or several, as a flag holds them."""
    return columns if isinstance(columns, str) else ",".join(columns or ())


def check_kind(kind: Any) -> None:
    """Raise a DataError where a kind of annotator is unknown."""
    if kind not in KINDS:
        raise DataError(
            "Unknown kind of annotator.",
            found=excerpt(kind),
            expected=", ".join(KINDS),
            fix="Name one of these kinds, or leave the column open with kind=None in the mapping.",
        )


def _both(wide: Mapping[str, Any], criteria: Mapping[str, Any]) -> DataError:
    return DataError(
        "One column cannot be a person's and a criterion's.",
        found=f"annotators {', '.join(wide)}; criteria {', '.join(criteria)}",
        expected="either a column for each person, or one for each criterion",
        fix="Write one row for each person, with a column that names the person.",
    )


def _no_labels(columns: Sequence[str]) -> DataError:
    return DataError(
        "No column holds the labels.",
        found=", ".join(columns),
        expected="a column such as label, preference, winner; or votes_a and votes_b",
        fix='Name it: mapping={"label": "<column>"} (--map label=<column>), or one column a '
        "person: --annotators <column>,<column>.",
    )


def _check_roles(given: Mapping[str, Any]) -> None:
    unknown = [role for role, value in given.items() if role not in ROLES and value is not None]
    if unknown:
        raise DataError(
            "The mapping names an unknown role.",
            found=repr(unknown[0]),
            expected=", ".join(ROLES),
            fix="Correct the mapping; see the columns of the file with workbench.preview.",
        )


def _columns(value: Any, columns: list[str], role: str) -> list[str]:
    """Return the columns that a user names for a role; none for None."""
    if value is None:
        return []
    if isinstance(value, str):
        found = _find(value, columns)
        if found is not None:
            return [found]
        value = [part.strip() for part in value.split(",")] if role == "prompt" else [value]
    elif role != "prompt" or not isinstance(value, Sequence):
        raise _no_column(value, columns)
    result = [_find(name, columns) for name in value]
    if None in result:
        raise _no_column(value[result.index(None)], columns)
    return [name for name in result if name is not None]


def _find(name: Any, columns: Sequence[str]) -> str | None:
    """Return a column by its name; spaces around it and case matter only if they must."""
    if not isinstance(name, str):
        return None
    if name in columns:
        return name
    alike = [c for c in columns if c.strip().casefold() == name.strip().casefold()]
    return alike[0] if len(alike) == 1 else None


def _no_column(name: Any, columns: Sequence[str]) -> DataError:
    return DataError(
        "The mapping names an unknown column.",
        found=repr(name),
        expected=", ".join(columns),
        fix="Correct the mapping; see the columns of the file with workbench.preview.",
    )


def _labels(given: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, str]:
    labels, verdicts = given.get("labels"), options.get("verdicts")
    for part in (labels, verdicts):
        if part is not None and not isinstance(part, Mapping):
            raise DataError(
                "The meaning of the verdicts is no mapping.",
                found=excerpt(part),
                expected="a meaning for each value",
                fix='For example verdicts={"1": "a", "2": "b", "0": "tie"}.',
            )
    said = {**(labels or {}), **(verdicts or {})}
    unsaid = [str(value) for value, meaning in said.items() if str(meaning).strip() == UNSAID]
    if unsaid:
        raise DataError(
            "A verdict's meaning is not filled in.",
            found=", ".join(f"{value}={UNSAID}" for value in unsaid),
            expected=f"a side or another meaning in place of {UNSAID}: a, b, tie, both_bad, ...",
            fix=f"Say what {', '.join(map(repr, unsaid))} means, for example "
            + shlex.join(["--verdict", f"{unsaid[0]}=a"])
            + " where it is the first response.",
        )
    return said


def _annotators(
    given: Mapping[str, Any], options: Mapping[str, Any], columns: list[str]
) -> dict[str, str | None]:
    wide = given.get("annotators") or {}
    if not isinstance(wide, Mapping):
        raise DataError(
            "The mapping of annotators is no mapping.",
            found=excerpt(wide),
            expected="a label column and a kind for each annotator",
            fix='For example mapping={"annotators": {"ann": "human", "gpt": "llm"}}.',
        )
    more = options.get("annotators") or {}
    more = dict(more) if isinstance(more, Mapping) else dict.fromkeys(more)
    result = {}
    for name, kind in {**wide, **more}.items():
        if kind is not None:
            check_kind(kind)
        column = _find(name, columns)
        if column is None:
            raise _no_column(name, columns)
        result[column] = kind
    return result


def _criteria(
    given: Mapping[str, Any], options: Mapping[str, Any], columns: list[str]
) -> dict[str, str]:
    label = given.get("label")
    criteria = {
        **(label if isinstance(label, Mapping) else {}),
        **(given.get("criteria") or {}),
        **(options.get("criteria") or {}),
    }
    result = {}
    for criterion, name in criteria.items():
        column = _find(name, columns)
        if column is None:
            raise _no_column(name, columns)
        result[str(criterion)] = column
    return result


def _roles(
    columns: list[str], user: Mapping[str, list[str]], taken: Sequence[str]
) -> dict[str, str]:
    """Return a column for each role; of votes, ranks and labels only what counts."""
    named = {column for found in user.values() for column in found} | set(taken)
    stems = {role.rpartition("_")[0] for role, found in user.items() if found} & set(_BESIDE)
    # a prompt that the user names is the whole of it
    closed = {"context", "input", "prompt_b"} if "prompt" in user else set()
    closed |= {"system"} if user.get("prompt") == [] else set()
    proposed = {
        role: column
        for role, column in propose([c for c in columns if c not in named]).items()
        if role not in {*user, *closed} and role.rpartition("_")[0] not in stems
    }
    result = {**proposed, **{role: found[0] for role, found in user.items() if found}}
    votes = {"votes_a", "votes_b"} <= result.keys()
    if votes and "votes_a" not in user and not counts_votes(result["votes_a"]):
        # bare numbers of each side, of tokens it may be, count votes only where nothing else does
        votes = "label" not in result or not names_verdict([result["label"]])
    if taken:
        drop = ["label", "votes", "rank"]
    elif votes and (user.get("votes_a") or not user.get("label")):
        drop = ["label", "rank"]
    else:
        drop = ["votes"] + (["rank"] if "label" in result else [])
    return {role: c for role, c in result.items() if not any(_is_of(role, stem) for stem in drop)}


def _is_of(role: str, stem: str) -> bool:
    return role == stem or (role.startswith(f"{stem}_") and stem in ("label", "votes", "rank"))


def _questions(
    roles: dict[str, str], wide: Mapping[str, str | None], criteria: Mapping[str, str]
) -> tuple[Question, ...]:
    if wide:
        return tuple(Question(column, column, kind) for column, kind in wide.items())
    if criteria:
        return tuple(Question(c, criterion=criterion) for criterion, c in criteria.items())
    return (Question(roles["label"]),) if "label" in roles else ()


def _prompt(roles: dict[str, str], user: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return the columns of the prompt, in the order in which they are read."""
    if len(user.get("prompt", [])) > 1:
        return tuple(user["prompt"])
    return tuple(dict.fromkeys(roles[role] for role in _PROMPT if role in roles))
