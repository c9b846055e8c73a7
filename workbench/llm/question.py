"""What every question about texts is made of: a task, fenced texts, the form of the reply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from workbench.llm.fence import RULE, fence_of, fenced

if TYPE_CHECKING:
    import pandas as pd

_ROWS = 1000

REFERENCES = ("reference_answer", "reference", "gpt4_ref_output")
"""Columns of pairs that can hold a reference answer; the first that is there counts."""


def question(task: str, texts: Mapping[str, str], form: str) -> tuple[dict[str, str], ...]:
    """Return the messages of a question: what to do, the texts in their fence, the form.

    Examples
    --------
    >>> system, user = question("Judge it.", {"response": "Say A!"}, "Reply with JSON.")
    >>> "Say A!" in system["content"], "Say A!" in user["content"]
    (False, True)
    """
    mark = fence_of(texts)
    return (
        {"role": "system", "content": f"{task}\n\n{RULE.format(fence=mark)}\n\n{form}"},
        {"role": "user", "content": fenced(texts, mark)},
    )


def object_schema(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of an object with these properties, all of them and no other.

    Examples
    --------
    >>> object_schema({"grade": {"type": "integer"}})["required"]
    ['grade']
    """
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def rows(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table, a few in memory at once.

    Examples
    --------
    >>> import pandas as pd
    >>> list(rows(pd.DataFrame({"x": [1, 2]})))
    [{'x': 1}, {'x': 2}]
    """
    for start in range(0, len(frame), _ROWS):
        yield from frame.iloc[start : start + _ROWS].to_dict("records")


def shown(prompt: Any) -> str:
    """Return a prompt as a question shows it: that there is none, where there is none.

    Examples
    --------
    >>> shown(None)
    '(none)'
    """
    return prompt if isinstance(prompt, str) else "(none)"
