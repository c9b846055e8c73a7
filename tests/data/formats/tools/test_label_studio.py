"""Label Studio's tasks and its short form."""

import pytest

from tests.data.formats.tools.tool_votes import left_out, loaded, verdicts
from workbench.errors import DataError

DATA = {"prompt": "Name a bird.", "text1": "Owl", "text2": "Tit"}


def result(value, kind="pairwise", to="text1,text2", name="pw"):
    return {"id": "z", "from_name": name, "to_name": to, "type": kind, "value": value}


def annotation(number, who, *results, **changed):
    return {
        "id": number,
        "completed_by": who,
        "result": list(results),
        "was_cancelled": False,
        "ground_truth": False,
        "lead_time": 4.5,
        **changed,
    }


def task(*annotations, predictions=(), data=DATA, **changed):
    return {
        "id": 7,
        "data": data,
        "annotations": list(annotations),
        "predictions": list(predictions),
        "drafts": [],
        "meta": {},
        **changed,
    }


LEFT, RIGHT = result({"selected": "left"}), result({"selected": "right"})


@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t.csv", "t.parquet"])
def test_every_annotation_and_prediction_is_one_judgement(tmp_path, name):
    one = task(
        annotation(1, 3, LEFT), annotation(2, 4, RIGHT), annotation(3, 5, was_cancelled=True),
        predictions=[{"model_version": "judge", "score": 0.8, "result": [LEFT]}],
    )  # fmt: skip
    data = loaded(tmp_path, [one, task(annotation(4, 3, RIGHT))], name)
    assert verdicts(data) == [
        ("3", "human", "overall", "Owl", "Tit", 0.0, None),
        ("3", "human", "overall", "Owl", "Tit", 1.0, None),
        ("4", "human", "overall", "Owl", "Tit", 0.0, None),
        ("judge", "llm", "overall", "Owl", "Tit", 1.0, None),
    ]
    assert left_out(data) == {"no judgement": 1}


def test_people_as_objects_and_as_numbers_in_one_file(tmp_path):
    people = [3, {"id": 4, "email": "bob@example.org"}, {"id": 5}]
    data = loaded(tmp_path, [task(annotation(n, who, LEFT)) for n, who in enumerate(people)])
    assert sorted(row[0] for row in verdicts(data)) == ["3", "5", "bob@example.org"]


def test_choices_can_have_the_names_of_what_they_choose(tmp_path):
    chosen = [result({"selected": one}, to="txt-1,txt-2") for one in ("txt-2", "txt-1")]
    data = loaded(tmp_path, [task(annotation(n, 3, one)) for n, one in enumerate(chosen)])
    assert [row[5] for row in verdicts(data)] == [0.0, 1.0]


def test_a_pairwise_control_compares_only_the_texts_that_it_names(tmp_path):
    three = {**DATA, "text3": "Jay"}
    one = result({"selected": "right"}, to="text1,text3")
    data = loaded(tmp_path, [task(annotation(n, 3, one), data=three) for n in range(2)])
    assert [row[3:6] for row in verdicts(data)] == [("Jay", "Owl", 1.0)] * 2


@pytest.mark.parametrize(
    ("words", "right"),
    [
        (("Text 1", "Text 2", "Tie"), (1.0, 0.0, 0.5)),
        (("first", "second", "same"), (1.0, 0.0, 0.5)),
    ],
)
def test_single_choices(tmp_path, words, right):
    chosen = [result({"choices": [word]}, "choices", "prompt", "best") for word in words]
    data = loaded(tmp_path, [
        task(annotation(n, n, one, result({"choices": ["Polite", "Long"]}, "choices", "p", "tags")))
        for n, one in enumerate(chosen)
    ])  # fmt: skip
    assert tuple(row[5] for row in verdicts(data)) == right
    assert any("tags" in note for note in data.load_report.notes)


ITEMS = [{"id": "x", "title": "One", "body": "Owl"}, {"id": "y", "title": "Two", "body": "Tit"},
         {"id": "z", "title": "Three", "body": "Jay"}]  # fmt: skip


@pytest.mark.parametrize("ranker", [["z", "x", "y"], {"_": ["z", "x", "y"], "bad": []}])
def test_a_ranked_list_makes_all_pairs(tmp_path, ranker):
    ranked = result({"ranker": ranker}, "ranker", "items", "rank")
    data = {"prompt": "Name a bird.", "items": ITEMS}
    read = loaded(tmp_path, [task(annotation(n, 3, ranked), data=data) for n in range(2)])
    assert [row[3:6] for row in verdicts(read)[::2]] == [
        ("Jay", "Owl", 1.0), ("Jay", "Tit", 1.0), ("Owl", "Tit", 1.0),
    ]  # fmt: skip


def test_buckets_have_no_order_that_is_known(tmp_path):
    ranked = result({"ranker": {"good": ["z"], "bad": ["x", "y"]}}, "ranker", "items", "rank")
    data = {"prompt": "Name a bird.", "items": ITEMS}
    with pytest.raises(DataError, match="compares the responses"):
        loaded(tmp_path, [task(annotation(1, 3, ranked), data=data)] * 2)


def test_a_rating_of_each_text_is_one_judgement(tmp_path):
    rated = [result({"rating": n}, "rating", to, f"stars_{to}")
             for to, n in (("text1", 2), ("text2", 5))]  # fmt: skip
    data = loaded(tmp_path, [task(annotation(n, 3, *rated)) for n in range(2)])
    assert [row[5] for row in verdicts(data)] == [0.0, 0.0]
    assert data.labels["strength"].tolist() == [3.0, 3.0]


def test_images_are_named_not_read_as_text(tmp_path):
    data = {"prompt": "A cat", "image1": "https://example.org/a.png", "image2": "/data/b.jpg"}
    one = annotation(1, 3, result({"selected": "right"}, to="image1,image2"))
    pairs = loaded(tmp_path, [task(one, data=data)] * 2).pairs
    assert pairs[["media_a", "media_b"]].values.tolist() == [[data["image1"], data["image2"]]]
    assert pairs["response_a"].isna().all()


def test_an_annotation_that_stands_twice_is_a_duplicate(tmp_path):
    data = loaded(tmp_path, [task(annotation(1, 3, LEFT)), task(annotation(1, 3, LEFT))])
    assert len(data.labels) == 1
    assert left_out(data) == {"duplicate": 1}


def test_drafts_and_open_tasks_are_counted(tmp_path):
    draft = {"id": 9, "user": 4, "annotation": None, "result": [LEFT]}
    data = loaded(tmp_path, [task(annotation(1, 3, LEFT), drafts=[draft]), task()])
    assert len(data.labels) == 1
    assert left_out(data) == {"no judgement": 2}


def short(number, who, said, **changed):
    return {**DATA, "id": 7, "pw": said, "annotator": who, "annotation_id": number,
            "created_at": "x", "updated_at": "x", "lead_time": 3.5, **changed}  # fmt: skip


@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t.csv", "t.parquet"])
@pytest.mark.parametrize(
    ("left", "right"), [([{"selected": "left"}], [{"selected": "right"}]), ("Text 1", "Text 2")]
)
def test_the_short_form(tmp_path, name, left, right):
    data = loaded(tmp_path, [short(1, 3, left), short(2, 4, right)], name)
    assert verdicts(data) == [
        ("3", "human", "overall", "Owl", "Tit", 1.0, None),
        ("4", "human", "overall", "Owl", "Tit", 0.0, None),
    ]
    assert data.pairs["prompt"].tolist() == ["Name a bird."]
