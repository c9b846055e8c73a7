"""Answers of a grader, read strictly: yes, no, or unread."""

from __future__ import annotations

import json
import re
from typing import Any

_TAGGED = re.compile(r"<answer>(.*?)</answer>", re.IGNORECASE | re.DOTALL)
_AROUND = " \t\r\n\"'`*_.!"
_SAYS = {"yes": True, "no": False, "true": True, "false": False, "1": True, "0": False,
         "1.0": True, "0.0": False}  # fmt: skip


def yes_or_no(value: Any) -> bool | None:
    """Return what an answer says, None where it does not say exactly one of yes and no.

    A bare yes or no, with quotes, stars or a full stop around it; exactly one
    ``<answer>...</answer>``; a JSON object whose only field is ``answer``; truth values and 1 or
    0 of a table. A text with "yes" somewhere in it is no answer.

    Examples
    --------
    >>> yes_or_no("Yes."), yes_or_no("<explanation>No yes.</explanation><answer>no</answer>")
    (True, False)
    >>> yes_or_no("Yes, but it also violates it"), yes_or_no("yes no")
    (None, None)
    """
    text = str(value).strip()
    tagged = _TAGGED.findall(text)
    if len(tagged) > 1:
        return None
    if tagged:
        text = tagged[0]
    elif text.startswith("{"):
        text = _field(text)
    return _SAYS.get(text.strip(_AROUND).casefold())


def _field(text: str) -> str:
    """Return the only field of a JSON object where it is ``answer``."""
    try:
        told = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        return ""
    # pairs, not a mapping: a field that stands twice is no single answer
    if isinstance(told, list) and len(told) == 1 and told[0][0] == "answer":
        return str(told[0][1])
    return ""
