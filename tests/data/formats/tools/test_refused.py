"""Files of tools that hold no comparison: refused by name, with the reason and the way out."""

import pytest

from tests.data.formats.tools.tool_votes import loaded
from workbench.errors import DataError

REPLY = {"choices": [{"message": {"role": "assistant", "content": "[[A]]"}}]}
FILES = {
    "batch": (
        [{"id": "b1", "custom_id": "p1|ab", "response": {"status_code": 200, "body": REPLY},
          "error": None},
         {"id": "b2", "custom_id": "p1|ba", "response": None, "error": {"code": "x"}}],
        "workbench import RUN FILE",
    ),
    "anthropic batch": (
        [{"custom_id": f"p{n}", "result": {"type": "succeeded", "message": REPLY}}
         for n in range(2)],
        "workbench import RUN FILE",
    ),
    "batch requests": (
        [{"custom_id": f"p{n}", "method": "POST", "url": "/v1/x", "body": {"model": "m"}}
         for n in range(2)],
        "workbench import RUN FILE",
    ),
    "openai evals": (
        [{"spec": {"eval_name": "e"}},
         {"run_id": "r", "event_id": 0, "sample_id": "s.1", "type": "match",
          "data": {"correct": True, "picked": "x"}},
         {"final_report": {"accuracy": 0.5}}],
        "OpenAI evals",
    ),
    "langfuse": (
        [{"id": f"s{n}", "traceId": f"t{n}", "name": "helpful", "value": 0.5, "stringValue": None,
          "dataType": "NUMERIC", "source": "ANNOTATION", "authorUserId": "u"} for n in range(2)],
        "Langfuse",
    ),
    "phoenix": (
        [{"span_id": f"s{n}", "annotation_name": "good", "annotator_kind": "LLM", "label": "yes",
          "score": 1.0, "explanation": "x"} for n in range(2)],
        "Phoenix",
    ),
    "labelbox": (
        [{"data_row": {"id": f"d{n}", "row_data": "x"}, "projects": {"p": {"labels": []}},
          "media_attributes": {}} for n in range(2)],
        "Labelbox",
    ),
}  # fmt: skip


@pytest.mark.parametrize("ending", ["json", "jsonl"])
@pytest.mark.parametrize("tool", FILES)
def test_the_reason_is_said(tmp_path, tool, ending):
    records, word = FILES[tool]
    with pytest.raises(DataError) as error:
        loaded(tmp_path, records, f"file.{ending}")
    assert word in str(error.value)
    assert error.value.expected
    assert error.value.fix


def test_votes_that_have_a_custom_id_are_votes(tmp_path):
    votes = [
        {"custom_id": f"p{n}", "prompt": "?", "response_a": "x", "response_b": f"y{n}",
         "winner": "model_a"}
        for n in range(2)
    ]  # fmt: skip
    assert len(loaded(tmp_path, votes).labels) == 2


def test_a_table_that_names_the_kind_of_its_annotators_is_no_span(tmp_path):
    votes = [
        {"prompt": "?", "response_a": "x", "response_b": f"y{n}", "winner": "model_a",
         "annotator": "ann", "annotator_kind": "human"}
        for n in range(2)
    ]  # fmt: skip
    assert loaded(tmp_path, votes).labels["kind"].tolist() == ["human"] * 2
