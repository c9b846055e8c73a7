"""Completions liked or not: pairs within a prompt, and nothing else."""

import itertools
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.formats.registry import FORMATS, get_format
from workbench.data.formats.training.unpaired import FORMAT
from workbench.data.load import load
from workbench.errors import DataError


def one(prompt, completion, label, **more):
    return {"prompt": prompt, "completion": completion, "label": label, **more}


def read(records, **options):
    return FORMAT.translate(pa.Table.from_pylist(records), 1, options)


def verdicts(frame):
    good = frame[frame["preference"].notna()]
    return sorted(
        (row.prompt, row.response_a, row.response_b)
        if row.preference == 1
        else (row.prompt, row.response_b, row.response_a)
        for row in good.itertuples()
    )


LINES = [
    one("Ask?", "Yes", True),
    one("Ask?", "No", False),
    one("Say.", "Fine", True),
    one("Ask?", "Maybe", True),
]


def test_liked_against_disliked_of_one_prompt():
    frame = read(LINES)
    assert verdicts(frame) == [("Ask?", "Maybe", "No"), ("Ask?", "Yes", "No")]
    assert frame["row"].tolist() == [1, 4]
    assert set(frame["kind"]) == {"unknown"}
    assert "1 of 4 completions" in frame.attrs["notes"][0]
    assert "row 3" in frame.attrs["notes"][0]
    assert frame.attrs["settings"]["pairing"]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("pq"), st.sampled_from("xyz"), st.booleans()), min_size=1)
)
def test_pairs_are_the_product_and_the_order_of_rows_is_nothing(rows):
    records = [one(p, f"{c}{i}", label) for i, (p, c, label) in enumerate(rows)]
    expected = sorted(
        (x["prompt"], x["completion"], y["completion"])
        for x, y in itertools.product(records, records)
        if x["prompt"] == y["prompt"] and x["label"] and not y["label"]
    )
    if not expected:
        with pytest.raises(DataError, match="No prompt has both"):
            read(records)
        return
    assert verdicts(read(records)) == expected
    assert verdicts(read(records[::-1])) == expected


def user(text):
    return {"role": "user", "content": text}


def bot(text):
    return {"role": "assistant", "content": text}


LAYOUTS = {
    "trl": lambda text, label: one("Ask?", text, label),
    "trl, chats": lambda text, label: one([user("Ask?")], [bot(text)], label),
    "axolotl, argilla": lambda text, label: {
        "system": "", "instruction": "Ask?", "completion": text, "label": label},
    "axolotl, intel": lambda text, label: {
        "system": "", "question": "Ask?", "completion": text, "label": label},
    "axolotl, argilla_chat": lambda text, label: {
        "completion": [user("Ask?"), bot(text)], "label": label},
    "llama-factory, alpaca": lambda text, label: {
        "instruction": "Ask?", "input": "", "output": text, "kto_tag": label},
    "llama-factory, sharegpt": lambda text, label: {
        "conversations": [{"from": "human", "value": "Ask?"}, {"from": "gpt", "value": text}],
        "kto_tag": label},
    "llama-factory, openai": lambda text, label: {
        "messages": [user("Ask?"), bot(text)], "kto_tag": label},
}  # fmt: skip


@pytest.mark.parametrize("labels", [(True, False), ("True", "False"), (1, 0), ("good", "bad")])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_trainer_s_names(layout, labels):
    records = [LAYOUTS[layout]("Yes", labels[0]), LAYOUTS[layout]("No", labels[1])]
    columns = list(records[0])
    name = next(n for n in FORMATS if get_format(n).records_of is None
                and get_format(n).recognise(columns, records))  # fmt: skip
    assert name == "trl-unpaired"
    assert verdicts(read(records)) == [("Ask?", "Yes", "No")]


def test_names_by_a_mapping():
    records = [{"q": "Ask?", "said": "Yes", "up": 1}, {"q": "Ask?", "said": "No", "up": 0}]
    mapping = {"prompt": "q", "completion": "said", "label": "up"}
    assert verdicts(read(records, mapping=mapping)) == [("Ask?", "Yes", "No")]
    with pytest.raises(DataError, match="liked or not"):
        read(records)


def test_who_asked_and_what_was_shown_keep_prompts_apart():
    records = [one("Ask?", "Yes", True, prompt_id=1), one("Ask?", "No", False, prompt_id=2)]
    with pytest.raises(DataError, match="No prompt has both"):
        read(records)
    shown = [one("Ask?", "Yes", True, image="a.png"), one("Ask?", "No", False, image="b.png")]
    with pytest.raises(DataError, match="No prompt has both"):
        read(shown)


def test_models_and_metadata_follow_their_completion():
    sides = (("Yes", True, "m1", 2.0), ("No", False, "m2", 1.0))
    records = [
        one(str(i), text, label, model=model, score=score, language="en")
        for i in range(20)
        for text, label, model, score in sides
    ]
    frame = read(records)
    first = frame["preference"] == 1
    assert (frame["model_a"] == np.where(first, "m1", "m2")).all()
    assert (frame["score_b"] == np.where(first, 1.0, 2.0)).all()
    assert set(frame["language"]) == {"en"}


def test_labels_that_say_nothing_are_told_apart():
    frame = read([*LINES, one("Ask?", "So", None), one("Ask?", None, True)])
    assert sorted(frame["problem"].dropna()) == ["no judgement", "unparseable"]
    text = [{**line, "label": str(line["label"])} for line in LINES]
    frame = read([*text, one("Ask?", "So", "perhaps")])
    assert frame["problem"].dropna().tolist() == ["unknown label"]
    assert frame["row"].tolist() == [1, 4, 5]


def test_completions_without_a_prompt_are_not_compared():
    with pytest.raises(DataError, match="No prompt has both"):
        read([one("", "Yes", True), one("", "No", False)])


def test_classes_are_no_opinions():
    assert not FORMAT.recognise(list(LINES[0]), [one("Ask?", "Yes", "sport")])
    assert not FORMAT.recognise(list(LINES[0]), [one("Ask?", "Yes", None)])


def test_from_a_file(tmp_path):
    path = tmp_path / "kto.jsonl"
    path.write_text("\n".join(map(json.dumps, LINES)))
    data = load(path)
    assert len(data.pairs) == 2
    assert data.load_report.format == "trl-unpaired"


def test_a_pair_id_says_what_was_compared(tmp_path):
    rows = [
        {"prompt": "Q", "completion": text, "label": liked, "pair_id": name, "margin": 2.0}
        for name, text, liked in (
            ("p", "good", True), ("p", "bad", False), ("q", "fine", True), ("q", "poor", False)
        )
    ]  # fmt: skip
    path = tmp_path / "kto.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    data = load(path)
    sides = data.pairs[["response_a", "response_b"]].apply(set, axis=1).tolist()
    assert len(data) == 2
    assert {"good", "bad"} in sides
    assert {"fine", "poor"} in sides
    assert data.labels["strength"].tolist() == [2.0, 2.0]


def test_a_column_of_a_side_beside_one_of_the_completion_is_left_out_by_name(tmp_path):
    sides = [("x", True), ("y", False)]
    more = {"note": 2.0, "chosen_note": 1.0, "rejected_note": 0.0, "topic": "sea"}
    rows = [{"prompt": "q", "completion": said, "label": liked, **more} for said, liked in sides]
    path = tmp_path / "rows.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    data = load(path)
    assert data.pairs[["note", "topic"]].values.tolist() == [[2.0, "sea"]]
    left = data.load_report.settings["columns_left_out"]
    assert left == "chosen_note, rejected_note"
