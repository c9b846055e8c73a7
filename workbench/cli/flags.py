"""The flags that say how data are read, and a configuration as flags."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from workbench.config import RunConfig

FLAGS = {
    "annotators": "--annotator", "scenarios": "--scenario", "further": "--with",
    "annotator_columns": "--annotators", "annotator_name": "--annotator-name",
    "criteria": "--criterion", "drop_duplicates": "--drop-duplicates",
}  # fmt: skip
"""Flags that are called otherwise than their key of the configuration."""

WHOLE = ("map", "verdict", "label", "limit", "headers")
"""Flags whose values may hold commas: each value has a flag of its own."""


def flags_of(config: RunConfig) -> list[str]:
    """Return the flags that say what a configuration says, all but its source.

    Examples
    --------
    >>> from workbench.config import RunConfig
    >>> flags_of(RunConfig(source="v.csv", verdict=("1=a", "2=b"), factors=("words", "bold")))
    ['--verdict', '1=a', '--verdict', '2=b', '--factors', 'words,bold']
    """
    words: list[str] = []
    for key, values in config.to_query().items():
        flag = FLAGS.get(key, f"--{key}")
        if key == "drop_duplicates":
            words.append(flag)
        elif key in WHOLE:
            words += [word for value in values for word in (flag, value)]
        elif key not in ("source", "by"):
            words += [flag, ",".join(values)]
    return words


def rule_flags(rule: Mapping[str, Any]) -> list[str]:
    """Return the flags of ``workbench curate`` that say what a rule of curation says.

    Examples
    --------
    >>> rule_flags({"min_agreement": 0.8, "balance": ["words", "bold"], "soft": True})
    ['--min-agreement', '0.8', '--balance', 'words,bold', '--soft']
    """
    words: list[str] = []
    for name, value in rule.items():
        flag = _RULE_FLAGS.get(name, f"--{name.replace('_', '-')}")
        if name == "keep_lowest":
            words += [flag, f"{value[0]}={value[1]}"]
        elif flag == "--weigh" or value is True:
            words.append(flag)
        else:
            words += [flag, ",".join(value) if isinstance(value, list) else str(value)]
    return words


_RULE_FLAGS = {"source": "--strength-from", "balance_by": "--weigh"}
_HOW = "How a table is read"
_WHO = "Who judged, where the file does not say."


def _reading(name: str, kind: Any, text: str, metavar: str, flag: str | None = None) -> Parameter:
    told = typer.Option(
        flag or FLAGS.get(name, f"--{name}"), help=text, metavar=metavar, rich_help_panel=_HOW
    )
    return Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, told])


_VALUES = tuple(
    _reading(name, list[str] | None if several else str | None, text, metavar)
    for name, several, metavar, text in (
        ("map", True, "ROLE=COLUMN", "Which column is what; ROLE= is none."),
        ("verdict", True, "VALUE=MEANING",
         "What a label means: a, b, tie, both_bad, both_good, not_applicable, failed, "
         "no_judgement; a:2 is A by strength 2."),
        ("scale", False, "SCALE",
         "What numbers mean: percent_a (0 to 100 for A), margin_a, -3..3:b (3 is B), ..."),
        ("annotator_columns", True, "COLUMN,...", "Columns of one person's verdicts each."),
        ("label", True, "CRITERION=COLUMN", "A column of verdicts for each criterion."),
        ("annotator_name", False, "NAME", _WHO),
        ("kind", False, "KIND", "human, llm, reward_model, rule, objective, or unknown."),
        ("order", False, "shown", "The responses stand in the order shown."),
        ("criteria", True, "NAME", "Only labels under this criterion."),
        ("limit", True, "NAME=VALUE",
         "What a file may cost: unpacked=32GiB, ratio, rows, columns, cell, record, seconds."),
    )
)  # fmt: skip
_DROP = typer.Option(
    "--drop-duplicates",
    help="Leave out rows that repeat an earlier one in every column.",
    rich_help_panel=_HOW,
)
READING = (
    *_VALUES,
    Parameter(
        "drop_duplicates",
        Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[bool | None, _DROP],
    ),
)
"""Flags of every command that reads data."""

ANNOTATOR = _reading("annotator_name", str | None, _WHO, "NAME", "--annotator")
"""The same for a command that chooses no annotators."""
