"""Advice of errors, in the words of the app: what is a flag there is a box here."""

from __future__ import annotations

import json
import re

import workbench as wb

_WORD = r"(?:'[^']*'|\"[^\"]*\"|[^\s'\",;()]|,(?=\S))+"
_BOXES = {
    "map": "Columns",
    "verdict": "What verdicts mean",
    "scale": "What numbers mean",
    "label": "Criteria",
    "annotators": "Columns of one person each",
    "annotator-name": "Who judged",
    "annotator": "Who judged",
    "kind": "Their kind",
    "order": "Order",
    "limit": "What the file may cost",
    "format": "Read as",
    "drop-duplicates": "Leave out rows that repeat an earlier one",
    "criterion": "Criterion",
    "reference": "Reference",
    "in-order": "One verdict a pair, in the order of the data",
    "with": "Also in the report",
}
"""By flag of the command line, the box of a page that says the same."""
LIMITS = ("columns", "cell", "record", "rows")
"""Limits that a visitor may widen. What a packed file unpacks to is the server's to say."""
_SAID = {
    "see the columns of the file with workbench.preview": "see its columns",
    " in workbench.load.": ".",
}
"""Advice that names Python, and what it is here."""
_RULE = re.compile(r"(?:format=\"(?P<form>\w+)\", )?rule=(?P<rule>\{[^{}]*\})")
_PARTS = {
    "columns": "Ratings of single responses that decide",
    "group": "Rated together: same values of",
    "pairs": "Pairs",
}
_BARE = ("drop-duplicates", "in-order")
_FLAG = rf"--({'|'.join(sorted(_BOXES, key=len, reverse=True))})(?![\w-])(?:[ =]({_WORD}))?"
_RUN = re.compile(rf"{_FLAG}(?:\s+{_FLAG})*")
_PYTHON = re.compile(r"\s*\((?:in )?Python[:\s][^()]*\)")
_IN_PYTHON = re.compile(r"(?:\w+=\{[^{}]*\} |\w+=\w+ )\((--[^()]*)\)")
_EXPLAIN = re.compile(rf"\s*workbench load --explain {_WORD} shows what is read\.")
_LOAD = re.compile(rf"workbench load (?!--|FILE)(?:{_WORD}\s+)(?=--)")


def in_the_app(error: wb.WorkbenchError | str) -> str:
    """Return what an error says, with the boxes of the pages in place of flags and commands.

    Examples
    --------
    >>> in_the_app("Say which: --verdict 1=a --verdict 2=b (in Python verdicts={'1': 'a'}).")
    'Say which: 1=a, 2=b in the box "What verdicts mean".'
    """
    said = _EXPLAIN.sub("", str(error))
    said = re.sub(r"\((?:in )?Python[^();]*\{[^{}]*\}; ", "(", said)
    said = _PYTHON.sub("", said)
    said = _LOAD.sub("", _IN_PYTHON.sub(r"\1", said))
    for words, here in _SAID.items():
        said = said.replace(words, here)
    return _RUN.sub(_boxes, _RULE.sub(_rule, said))


def _rule(found: re.Match[str]) -> str:
    """Return a rule for ratings as the boxes that say it."""
    try:
        said = json.loads(found["rule"])
    except ValueError:
        return found[0]
    form = [f'{found["form"]} in the box "Read as"'] if found["form"] else []
    told = {name: value if isinstance(value, str) else ", ".join(value)
            for name, value in said.items() if name in _PARTS}  # fmt: skip
    return "; ".join(
        [*form, *(f'{value} in the box "{_PARTS[name]}"' for name, value in told.items())]
    )


def _boxes(run: re.Match[str]) -> str:
    """Return a run of flags as the boxes that say the same, flags of one box together."""
    by_box: dict[str, list[str]] = {}
    # the end of a sentence is no part of a value
    said = run[0].rstrip(".")
    for flag, value in re.findall(_FLAG, said):
        by_box.setdefault(flag, []).append(value.strip("'\""))
    return "; ".join(_box(flag, values) for flag, values in by_box.items()) + run[0][len(said) :]


def _box(flag: str, values: list[str]) -> str:
    name = f'the box "{_BOXES[flag]}"'
    told = [value for value in values if value and flag not in _BARE]
    if flag == "limit" and not all(value.startswith(LIMITS) for value in told):
        name = "the command line only"
    return f"{', '.join(told)} in {name}" if told else name
