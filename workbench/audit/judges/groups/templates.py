"""Templates of group probes: a table of texts with a place for a group, and the pairs they make."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.reading.containers import open_container
from workbench.errors import DataError

PLACE, CAPITAL = "{group}", "{Group}"
"""Where the group stands in a text, in the middle of a sentence and at its beginning."""

POSITIVE, REFUSAL = "positive", "refusal"
"""What a difference is of: P(the positive continuation), P(the refusal)."""

COLUMNS = ("template", "attribute", "measure", "dimension", "group")
"""Columns of the pairs that say what a probe is."""

Source: TypeAlias = str | Path | pd.DataFrame | None
_SIDES = {POSITIVE: ("positive", "negative"), REFUSAL: ("answer", "refusal")}
_SIGNS = {"+": 0, "+1": 0, "1": 0, "-": 1, "-1": 1}
_SIGNS |= {name: k for pair in _SIDES.values() for k, name in enumerate(pair)}
_MOST_GROUPS = 50
_FORM = (
    "template (with {group}), attribute, positive and negative (or answer and refusal), groups "
    "parted by |, and where wanted dimension"
)


@dataclass(frozen=True)
class Template:
    """A text with a place for a group, and the two replies between which a judge chooses.

    Attributes
    ----------
    text, attribute, dimension : str
    measure : {"positive", "refusal"}
    first, second : str
        The positive continuation or the answer; the negative one or the refusal.
    groups : tuple of str
    """

    text: str
    attribute: str
    dimension: str
    measure: str
    first: str
    second: str
    groups: tuple[str, ...]


def group_pairs(templates: Source = None) -> PreferenceData:
    """Return the pairs of a probe by group: every template with every one of its groups.

    Parameters
    ----------
    templates : str, Path or DataFrame, optional
        A CSV, JSON or JSON-lines file or table, a row a template and attribute: ``template``
        with ``{group}`` (``{Group}`` where a sentence begins), ``attribute``, ``positive`` and
        ``negative`` (two continuations) or ``answer`` and ``refusal``, ``groups`` (a list, or
        parted by ``|``) and where wanted ``dimension``, of what kind the groups are. Instead of
        the two sides, ``polarity`` and ``continuation``, a row each. Or a TOML file: ``[groups]``
        with a list for each dimension, and ``[[attribute]]`` with ``name``, the two sides and a
        list ``templates``. The set that ships when None.

    Returns
    -------
    PreferenceData
        No labels. Response A is the positive continuation or the answer; pairs have the columns
        ``template, attribute, measure, dimension, group``, and a template is a cluster.

    Raises
    ------
    DataError
        A column is missing, a text has no place for a group, or a row says no polarity.

    Examples
    --------
    >>> data = group_pairs()
    >>> len(data), data.pairs["group"].nunique(), data.pairs["template"].nunique()
    (1080, 9, 120)
    """
    found, where = _read(templates)
    rows = [
        {
            "prompt": _filled(one.text, group),
            "response_a": _filled(one.first, group),
            "response_b": _filled(one.second, group),
            "cluster": one.text,
            "template": one.text,
            "attribute": one.attribute,
            "measure": one.measure,
            "dimension": one.dimension,
            "group": group,
        }
        for one in found
        for group in one.groups
    ]
    pairs = pd.DataFrame(rows)
    texts = ["prompt", "response_a", "response_b"]
    again = pairs.duplicated(texts) | pairs["response_a"].eq(pairs["response_b"])
    if again.any():
        row = pairs[again].iloc[0]
        raise _bad(
            where, f"{row['template']!r} with {row['group']!r}",
            "texts that differ between groups, and between the two sides",
        )  # fmt: skip
    columns = {"pair": "int64", "annotator": "str", "preference": "float64"}
    labels = pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in columns.items()})
    order = [*COLUMNS, *texts]
    return PreferenceData.from_tables(pairs.sort_values(order, ignore_index=True), labels)


def check_pairs(data: PreferenceData) -> pd.DataFrame:
    """Return pairs that templates made, in an order that rows do not decide.

    Raises
    ------
    DataError
        The pairs were not made by templates.
    """
    absent = [name for name in COLUMNS if name not in data.pairs]
    if absent or not len(data.pairs):
        raise DataError(
            "These pairs are no probe by group.",
            found=f"no column {absent[0]!r}" if absent else "no pair",
            expected="pairs that group_pairs made",
            fix="wb.group_pairs(FILE), or workbench audit-judge --suite groups --templates FILE.",
        )
    return data.pairs


def _read(source: Source) -> tuple[list[Template], str]:
    if source is None:
        text = files("workbench.audit.judges.groups").joinpath("shipped.toml").read_text("utf-8")
        return _of_toml(tomllib.loads(text), "the set that ships"), "the set that ships"
    if isinstance(source, pd.DataFrame):
        return _of_table(source, "table"), "table"
    path = Path(source)
    if path.suffix.lower() == ".toml":
        try:
            told = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise _bad(path.name, str(error), "a TOML file that can be read") from None
        return _of_toml(told, path.name), path.name
    container = open_container(path)
    return _of_table(container.table.to_pandas(), container.name), container.name


def _of_toml(told: Mapping[str, Any], where: str) -> list[Template]:
    groups, attributes = told.get("groups"), told.get("attribute")
    if isinstance(groups, list):
        groups = {"group": groups}
    if not isinstance(groups, dict) or not isinstance(attributes, list):
        raise _bad(where, ", ".join(told) or "nothing",
                   "[groups] with lists of names, and [[attribute]] with templates")  # fmt: skip
    rows = []
    for one in attributes:
        texts = one.get("templates") if isinstance(one, dict) else None
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise _bad(where, "an attribute without a list of templates", "templates = [...]")
        before = str(one.get("before", ""))
        own = {key: value for key, value in one.items() if key != "templates"}
        for text in texts:
            for dimension, names in groups.items():
                rows.append({**own, "attribute": one.get("name"), "template": before + text,
                             "dimension": dimension, "groups": names})  # fmt: skip
    return _of_table(pd.DataFrame(rows), where)


def _of_table(frame: pd.DataFrame, where: str) -> list[Template]:
    frame = frame.rename(columns=lambda name: str(name).strip().lower())
    if {"polarity", "continuation"} <= set(frame):
        frame = _wide(frame, where)
    absent = [name for name in ("template", "groups") if name not in frame]
    if absent or not len(frame):
        raise _bad(where, f"no column {absent[0]!r}" if absent else "no row", f"columns {_FORM}")
    found = [_template(row, where) for row in frame.to_dict("records")]
    distinct = dict.fromkeys(found)
    if len(distinct) < len(found):
        again = next(one for one in distinct if found.count(one) > 1)
        raise _bad(where, f"twice the same: {again.text!r}, {again.attribute}", "each row once")
    return found


def _wide(frame: pd.DataFrame, where: str) -> pd.DataFrame:
    """Return rows of one polarity each as rows with both sides."""
    keys = [name for name in frame if name not in ("polarity", "continuation")]
    wide: dict[tuple[str, ...], dict[str, Any]] = {}
    for row in frame.to_dict("records"):
        said = str(row["polarity"]).strip().lower()
        said = said.removesuffix(".0")
        if said not in _SIGNS:
            raise _bad(where, f"polarity {row['polarity']!r}", "positive or negative, answer or "
                       "refusal, 1 or -1")  # fmt: skip
        measure = REFUSAL if said in _SIDES[REFUSAL] else POSITIVE
        own = wide.setdefault(tuple(str(row[key]) for key in keys), {key: row[key] for key in keys})
        name = _SIDES[measure][_SIGNS[said]]
        if name in own:
            raise _bad(where, f"two {name} continuations of {row['template']!r}", "one of each")
        own[name] = row["continuation"]
    return pd.DataFrame(list(wide.values()))


def _template(row: Mapping[Any, Any], where: str) -> Template:
    text = _text(row, "template", where)
    given = [m for m, names in _SIDES.items() if all(_has(row.get(name)) for name in names)]
    if len(given) != 1:
        raise _bad(where, f"{text!r} without its two sides" if not given else f"both in {text!r}",
                   "positive and negative, or answer and refusal")  # fmt: skip
    measure = given[0]
    first, second = (_text(row, name, where) for name in _SIDES[measure])
    if not any(place in one for place in (PLACE, CAPITAL) for one in (text, first, second)):
        raise _bad(where, repr(text), "a text with {group} in it")
    groups = _groups(row.get("groups"))
    if not 2 <= len(groups) <= _MOST_GROUPS:
        raise _bad(where, f"{len(groups)} different groups of {text!r}",
                   f"2 to {_MOST_GROUPS}: a list, or names parted by |")  # fmt: skip
    names = {key: row.get(key) for key in ("attribute", "dimension")}
    attribute, dimension = (
        str(value).strip() if _has(value) else default
        for value, default in zip(names.values(), (measure, "group"), strict=True)
    )
    return Template(text, attribute, dimension, measure, first, second, groups)


def _groups(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = value.split("|")
    if not isinstance(value, Sequence) and not hasattr(value, "tolist"):
        return ()
    names = [" ".join(str(name).split()) for name in value]
    return tuple(sorted(set(filter(None, names))))


def _has(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _text(row: Mapping[Any, Any], name: str, where: str) -> str:
    value = row.get(name)
    if not _has(value):
        raise _bad(where, f"a row without {name}", f"columns {_FORM}")
    return str(value)


def _filled(text: str, group: str) -> str:
    # not format: braces of a user's text stay what they are, and a group's own are not filled
    parts = [one.replace(PLACE, group) for one in text.split(CAPITAL)]
    return (group[:1].upper() + group[1:]).join(parts)


def _bad(where: str, found: str, expected: str) -> DataError:
    return DataError(
        "The templates of groups cannot be used.",
        where=where,
        found=found,
        expected=expected,
        fix=f"Columns: {_FORM}.",
    )
