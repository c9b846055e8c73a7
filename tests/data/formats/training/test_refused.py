"""What holds no comparison is refused; NeMo-Aligner's lines are read where they are named."""

import json

import pyarrow as pa
import pytest

from workbench.data.formats.registry import get_format
from workbench.data.formats.training.nemo_aligner import FORMAT
from workbench.data.load import load
from workbench.errors import DataError

STEPS = {"prompt": "2+2?", "completions": ["Add.", "4."], "labels": [True, True]}
REFUSED = {
    "steps": (STEPS, "steps"),
    "steps as text": ({k: str(v) for k, v in STEPS.items()}, "steps"),
    "demonstrations": ({"prompt": "Hi", "completion": "Yes?"}, "one response"),
    "chats": ({"messages": [{"role": "user", "content": "Hi"}], "source": "x"}, "one response"),
    "alpaca": ({"instruction": "Say", "input": "", "output": "Yes"}, "one response"),
    "lines of text": ({"text": "User: Hi\nAssistant: Yes"}, "lines of text"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_with_the_reason(case, tmp_path):
    record, reason = REFUSED[case]
    path = tmp_path / "data.jsonl"
    path.write_text((json.dumps(record) + "\n") * 2)
    with pytest.raises(DataError, match=reason) as caught:
        load(path)
    assert "data.jsonl" in str(caught.value)


def read(lines):
    return FORMAT.translate(pa.table({"text": lines}), 1, {})


def test_two_lines_are_a_pair_good_before_bad(tmp_path):
    lines = ["User: 2+2?\nAssistant: It is 4", "User: 2+2?\nAssistant: It is 5",
             "Sky is blue.", "Sky is green."]  # fmt: skip
    frame = read(lines)
    better = [r.response_a if r.preference == 1 else r.response_b for r in frame.itertuples()]
    assert better == ["It is 4", "blue."]
    assert frame["prompt"].tolist() == ["User: 2+2?\nAssistant:", "Sky is"]
    assert frame["row"].tolist() == [1, 3]
    path = tmp_path / "lines.jsonl"
    path.write_text("\n".join(json.dumps({"text": line}) for line in lines))
    assert len(load(path, format="nemo_aligner").pairs) == 2
    assert get_format("nemo_aligner").recognise(["text"], []) is False


def test_a_line_without_its_pair_is_counted():
    frame = read(["User: Hi\nAssistant: a", "User: Hi\nAssistant: b", "User: Hi\nAssistant: c"])
    assert frame["problem"].fillna("").tolist() == ["", "unparseable"]
