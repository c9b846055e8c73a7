"""promptfoo: the results of an evaluation, whose assertions compare or score outputs.

``select-best`` lets a model choose one of the outputs of a test, ``max-score`` takes the one
with the best scores. Where a file has neither, nor a person's thumbs, the outputs of one test
are compared by each assertion's own scores.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from workbench.data.formats import Format
from workbench.data.formats.messages import to_json
from workbench.data.formats.nested import fields, items, unpacked
from workbench.data.formats.records import Record, excerpt
from workbench.data.formats.single import number
from workbench.data.formats.tools.answers import Choice, Scores, compared_by
from workbench.data.formats.tools.compared import said
from workbench.data.formats.tools.rows import frame_of, plain
from workbench.errors import DataError

_CHOOSING = {"select-best": "llm", "max-score": "rule"}
"""By type, the assertions that compare the outputs of a test, and who does."""

_GRADED = (
    "llm-rubric", "model-graded-closedqa", "model-graded-factuality", "factuality", "g-eval",
    "answer-relevance", "context-faithfulness", "context-recall", "context-relevance",
    "agent-rubric", "search-rubric", "video-rubric", "conversation-relevance", "pi",
)  # fmt: skip
"""Types of assertions that ask a model for a score."""

_RULE = "within a test, an assertion's higher score is preferred, equal scores are a tie"
_MANY = 10
_FIRST_DIGIT = (
    "select-best of more than ten outputs: older versions of promptfoo read only the first digit "
    "of the grader's choice, and count choices of output 10 and later as others'"
)


class _Output(NamedTuple):
    """One output of a test."""

    row: int
    result: Record
    assertions: list[Record]


def records_of(document: Any) -> list[Record] | None:
    """Return the results that a document of promptfoo holds, None for another document.

    Each is kept as JSON, for values of all types stand in the same places.

    Examples
    --------
    >>> result = {"provider": {"id": "m"}, "vars": {}, "success": True, "gradingResult": None}
    >>> records_of({"results": {"version": 3, "results": [result]}}) == [
    ...     {"result": json.dumps(result)}]
    True
    >>> records_of({"results": []}) is None
    True
    """
    if not isinstance(document, dict):
        return None
    found = document.get("results")
    if isinstance(found, dict):
        found = found.get("results")
    if not isinstance(found, list) or not any(_is_result(one) for one in found):
        return None
    return [{"result": json.dumps(one, default=str)} for one in found]


def _translate(records: pa.Table, first_row: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """Translate all results at once: the outputs of one test are results of their own."""
    packed = records.column_names == ["result"]
    tests: dict[str, list[_Output]] = {}
    rows: list[Record] = []
    for row, record in enumerate(records.to_pylist(), start=first_row):
        result = unpacked(record["result"]) if packed else record
        if not isinstance(result, dict):
            rows.append({"row": row, "problem": "unparseable", "found": excerpt(result)})
            continue
        output = _Output(row, result, _assertions(result))
        tests.setdefault(_test_of(result), []).append(output)
    kinds = {_type(one) for outputs in tests.values() for out in outputs for one in out.assertions}
    wanted = kinds & {*_CHOOSING, "human"} or kinds
    for name, outputs in tests.items():
        rows.extend(_judgements(name, outputs, wanted))
    if not any("preference" in row for row in rows):
        raise _nothing_compared(tests, kinds)
    left = kinds - wanted
    settings = {"rule": _RULE} if wanted.isdisjoint({*_CHOOSING, "human"}) else {}
    notes = [f"scores of single outputs, not read: {', '.join(sorted(left))}"] if left else []
    if "select-best" in wanted and any(len(outputs) > _MANY for outputs in tests.values()):
        notes.append(_FIRST_DIGIT)
    return frame_of(rows, options, settings, notes)


def _test_of(result: Record) -> str:
    """Return what the outputs of one test share: its number, or what it filled in."""
    if result.get("testIdx") is not None:
        return f"test {result['testIdx']}"
    return to_json([fields(result.get("vars"))])


def _assertions(result: Record) -> list[Record]:
    """Return an output's results by assertion; the whole grade where there are none."""
    grade = fields(result.get("gradingResult"))
    parts = [fields(part) for part in items(grade.get("componentResults"))]
    told = [part for part in parts if fields(part.get("assertion")).get("type")]
    if told:
        return told
    score = result.get("score", grade.get("score"))
    return [] if score is None else [{**grade, "score": score}]


def _type(assertion: Record) -> str:
    return str(fields(assertion.get("assertion")).get("type") or "score")


def _criterion(assertion: Record) -> str:
    """Return what an assertion asks for: its metric, its text, else its type."""
    about = fields(assertion.get("assertion"))
    text = next((t for n in ("metric", "value") if isinstance(t := about.get(n), str) and t), None)
    return text or (_type(assertion) if about else "overall")


def _judgements(name: str, outputs: Sequence[_Output], wanted: set[str]) -> Iterator[Record]:
    """Return the judgements of one test: of every assertion, on all outputs that have it."""
    prompts = {_prompt(output.result) for output in outputs}
    # outputs of several prompts are drawn together by their test
    drawn = {"cluster": name} if len(prompts) > 1 else {}
    by_assertion: dict[tuple[str, str, int], dict[int, Record]] = {}
    for place, output in enumerate(outputs):
        again: dict[tuple[str, str], int] = {}
        for assertion in output.assertions:
            key = (_type(assertion), _criterion(assertion))
            again[key] = again.get(key, -1) + 1
            if key[0] in wanted:
                by_assertion.setdefault((*key, again[key]), {})[place] = assertion
    for (kind, criterion, _), found in by_assertion.items():
        those = [outputs[place] for place in found]
        if len(those) < 2:
            alone = {"problem": "no judgement", "found": f"{kind}: one output, nothing beside it"}
            yield {"row": those[0].row, **alone}
            continue
        label = {"annotator": kind, "kind": _kind(kind), "criterion": criterion}
        verdict = _verdict(kind, list(found.values()))
        for pair in compared_by(verdict, len(those)):
            a, b = (those[place] for place in pair.pop("places"))
            yield {**_pair(a, b), **drawn, **label, **pair}


def _kind(kind: str) -> str:
    if kind in _GRADED or kind.startswith("promptfoo:redteam"):
        return "llm"
    return "human" if kind == "human" else _CHOOSING.get(kind, "rule")


def _verdict(kind: str, assertions: Sequence[Record]) -> Choice | Scores:
    if kind not in _CHOOSING:
        return Scores({at: number(one.get("score")) for at, one in enumerate(assertions)})
    chosen = tuple(at for at, one in enumerate(assertions) if one.get("pass") is True)
    if len(chosen) == 1:
        return Choice(chosen)
    # a reply without a number fails every output; no output may reach the score that was asked
    return Choice(reason="failed") if kind == "select-best" else Choice(problem="no judgement")


def _pair(a: _Output, b: _Output) -> Record:
    asked = [_prompt(output.result) for output in (a, b)]
    pair = {
        "row": min(a.row, b.row),
        **plain(fields(a.result.get("vars"))),
        **said(asked[0], "prompt"),
    }
    if asked[0] != asked[1]:
        pair["prompt_b"] = asked[1]
    for letter, output in (("a", a), ("b", b)):
        answered = fields(output.result.get("response")).get("output")
        pair |= said(answered, "response", letter)
        pair[f"model_{letter}"] = _provider(output.result.get("provider"))
    return pair


def _prompt(result: Record) -> str | None:
    prompt = unpacked(result.get("prompt"))
    text = prompt.get("raw", prompt.get("label")) if isinstance(prompt, dict) else prompt
    return None if text is None else str(text)


def _provider(provider: Any) -> str | None:
    found = unpacked(provider)
    if isinstance(found, dict):
        found = found.get("label") or found.get("id")
    return None if found is None else str(found)


def _nothing_compared(tests: Mapping[str, Sequence[_Output]], kinds: set[str]) -> DataError:
    most = max((len(outputs) for outputs in tests.values()), default=0)
    return DataError(
        "No test of the promptfoo results compares outputs.",
        found=f"{len(tests):,} tests with at most {most} outputs each; assertions: "
        + (", ".join(sorted(kinds)) or "none"),
        expected="a select-best assertion, or scores of two outputs of one test",
        fix="Run the tests with several prompts or providers.",
    )


def _is_result(record: Any) -> bool:
    return isinstance(record, dict) and {"provider", "gradingResult"} <= record.keys()


def _recognise(columns: list[str], records: list[dict[str, Any]]) -> bool:
    return {"provider", "gradingResult", "vars"} <= set(columns)


FORMAT = Format(
    "promptfoo", "promptfoo results", _recognise, _translate, records_of=records_of, whole=True
)
