"""Argilla's records: nested, flattened and of the first version."""

import pytest

from tests.data.formats.tools.tool_votes import left_out, loaded, verdicts
from workbench.errors import DataError

FILES = ("votes.json", "votes.jsonl", "votes.csv", "votes.parquet")


def nested(**changed):
    return {
        "id": "r1",
        "fields": {"prompt": "Name a tree.", "response1": "Elm", "response2": "Oak"},
        "metadata": {"model1": "m1", "model2": "m2", "split": "dev"},
        "suggestions": {"better": {"value": "response2", "score": 0.7, "agent": "judge"}},
        "responses": {
            "better": [
                {"value": "response1", "user_id": "ann"},
                {"value": "response2", "user_id": "bob"},
            ]
        },
        "vectors": {"v": [0.5]},
        "_server_id": "s1",
        **changed,
    }


def flat(**changed):
    return {
        "id": "r1",
        "_server_id": "s1",
        "prompt": "Name a tree.",
        "response1": "Elm",
        "response2": "Oak",
        "split": "dev",
        "better.responses": ["response1", "response2"],
        "better.responses.users": ["ann", "bob"],
        "better.responses.status": ["submitted", "submitted"],
        "better.suggestion": "response2",
        "better.suggestion.score": 0.7,
        "better.suggestion.agent": "judge",
        **changed,
    }


def first(**changed):
    return {
        "prompt": "Name a tree.",
        "response-1": "Elm",
        "response-2": "Oak",
        "better": [
            {"user_id": "ann", "value": "response-1", "status": "submitted"},
            {"user_id": "bob", "value": "response-2", "status": "submitted"},
        ],
        "better-suggestion": "response-2",
        "better-suggestion-metadata": {"type": "model", "score": 0.7, "agent": "judge"},
        "external_id": "r1",
        "metadata": '{"split": "dev"}',
        **changed,
    }


EXPECTED = [
    ("ann", "human", "overall", "Elm", "Oak", 1.0, None),
    ("bob", "human", "overall", "Elm", "Oak", 0.0, None),
    ("judge", "llm", "overall", "Elm", "Oak", 0.0, None),
]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("record", [nested(), flat(), first()], ids=["nested", "flat", "first"])
def test_each_user_and_each_agent_is_one_judgement(tmp_path, name, record):
    # a list of one JSON record would be that record itself
    other = (
        {**record, "prompt": "Name a bush."}
        if "prompt" in record
        else nested(fields={"prompt": "Name a bush.", "response1": "Elm", "response2": "Oak"})
    )
    data = loaded(tmp_path, [record, other], name)
    assert verdicts(data) == sorted(EXPECTED * 2, key=str)
    assert data.pairs["prompt"].tolist() == ["Name a tree.", "Name a bush."]
    assert data.load_report.settings["questions"] == {"better": "overall"}
    assert data.pairs["split"].tolist() == ["dev", "dev"]


def test_models_go_with_their_responses(tmp_path):
    pairs = loaded(tmp_path, [nested(), nested(metadata={})]).pairs
    assert pairs[["response_a", "model_a"]].values.tolist() == [["Elm", "m1"], ["Elm", None]] or (
        pairs["model_b"].tolist()[0] == "m2"
    )
    assert not {"model1", "model2"} & set(pairs.columns)


@pytest.mark.parametrize("name", FILES)
def test_feedback_without_suggestions(tmp_path, name):
    record = {key: value for key, value in first().items() if "suggestion" not in key}
    data = loaded(tmp_path, [record, {**record, "prompt": "Name a bush."}], name)
    assert verdicts(data) == sorted(EXPECTED[:2] * 2, key=str)


@pytest.mark.parametrize("status", ["draft", "discarded", "ResponseStatus.draft"])
def test_what_was_not_submitted_is_no_judgement(tmp_path, status):
    record = flat(**{"better.responses.status": ["submitted", status]})
    data = loaded(tmp_path, [record, flat(id="r2", response1="Fir")])
    assert left_out(data) == {"no judgement": 1}
    assert [row[0] for row in verdicts(data)].count("bob") == 1


def test_ties_and_unknown_answers(tmp_path):
    answers = ["tie", "both bad", "Oak is lovely"]
    data = loaded(tmp_path, [
        nested(id=str(n), suggestions={}, responses={"better": [{"value": v, "user_id": "ann"}]})
        for n, v in enumerate(answers)
    ])  # fmt: skip
    assert [row[-2:] for row in verdicts(data)] == [(0.5, "both_bad"), (0.5, "tie")]
    assert left_out(data) == {"unknown label": 1}


RANKED = [{"value": "response2", "rank": 1}, {"value": "response3", "rank": 2},
          {"value": "response1", "rank": 2}]  # fmt: skip
THREE = {"prompt": "Name a tree.", "response1": "Ash", "response2": "Elm", "response3": "Oak"}
RANKING = [("Ash", "Elm", 0.0, None), ("Ash", "Oak", 0.5, "tie"), ("Elm", "Oak", 1.0, None)]


def test_a_ranking_with_ranks_keeps_its_ties(tmp_path):
    record = nested(
        fields=THREE, suggestions={}, responses={"rank": [{"value": RANKED, "user_id": "ann"}]}
    )
    data = loaded(tmp_path, [record, record])
    assert [row[3:] for row in verdicts(data)] == sorted(RANKING * 2, key=str)
    assert data.pairs["cluster"].nunique() == 1


@pytest.mark.parametrize("name", ["votes.jsonl", "votes.parquet"])
def test_a_ranking_as_a_table_of_lists(tmp_path, name):
    columns = {key: [one[key] for one in RANKED] for key in ("rank", "value")}
    record = first(
        better=[{"user_id": "ann", "value": columns, "status": "submitted"}],
        **{"better-suggestion": {"rank": [], "value": []}},
    )
    del record["better-suggestion-metadata"]
    record = {key: value for key, value in record.items() if not key.startswith("response-")}
    data = loaded(tmp_path, [{**record, **THREE}, {**record, **THREE}], name)
    assert [row[3:] for row in verdicts(data)] == sorted(RANKING * 2, key=str)


def test_a_ranking_without_ranks_says_that_ties_are_lost(tmp_path):
    # Argilla 2's own client writes a user's ranking as a list of names
    given = [["response2", "response1", "response3"], ["response3", "response2", "response1"]]
    data = loaded(tmp_path, [
        nested(id=str(n), fields=THREE, suggestions={}, responses={
            "rank": [{"value": names, "user_id": "ann"}]})
        for n, names in enumerate(given)
    ])  # fmt: skip
    assert [row[3:6] for row in verdicts(data)] == [
        ("Ash", "Elm", 0.0), ("Ash", "Elm", 0.0), ("Ash", "Oak", 0.0), ("Ash", "Oak", 1.0),
        ("Elm", "Oak", 0.0), ("Elm", "Oak", 1.0),
    ]  # fmt: skip
    assert any("ranked equal" in note for note in data.load_report.notes)


def test_a_selection_is_no_ranking(tmp_path):
    given = [["response2", "response1"], ["response3"]]
    data = loaded(tmp_path, [
        nested(id=str(n), fields={**THREE, "prompt": f"{n}"}, suggestions={}, responses={
            "fine": [{"value": names, "user_id": "ann"}]})
        for n, names in enumerate(given)
    ])  # fmt: skip
    # chosen ones are preferred to the others; nothing is known among either
    assert [row[3:6] for row in verdicts(data)] == [
        ("Ash", "Oak", 0.0), ("Ash", "Oak", 1.0), ("Elm", "Oak", 0.0), ("Elm", "Oak", 1.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "names", [("rating_1", "rating_2"), ("response1-rating", "response2-rating")]
)
def test_a_rating_of_each_response_is_one_judgement(tmp_path, names):
    answers = {names[0]: [{"value": 4, "user_id": "ann"}, {"value": 2, "user_id": "bob"}],
               names[1]: [{"value": 1, "user_id": "ann"}, {"value": 2, "user_id": "bob"}],
               "why": [{"value": "It is taller.", "user_id": "ann"}]}  # fmt: skip
    data = loaded(tmp_path, [nested(suggestions={}, responses=answers)] * 2)
    assert verdicts(data)[::2] == [
        ("ann", "human", "overall", "Elm", "Oak", 1.0, None),
        ("bob", "human", "overall", "Elm", "Oak", 0.5, "tie"),
    ]
    assert data.labels["strength"].max() == 3.0
    assert any("why" in note for note in data.load_report.notes)


def test_several_questions_are_criteria(tmp_path):
    answers = {q: [{"value": v, "user_id": "ann"}]
               for q, v in {"overall": "response1", "shorter": "response2"}.items()}  # fmt: skip
    data = loaded(tmp_path, [nested(suggestions={}, responses=answers)] * 2)
    assert [row[2:6:3] for row in verdicts(data)[::2]] == [("overall", 1.0), ("shorter", 0.0)]
    assert len(data.pairs) == 1


def test_numbers_are_responses_only_where_the_user_says_so(tmp_path):
    record = first(
        better=[{"user_id": "ann", "value": 2, "status": "submitted"}],
        **{"better-suggestion": None, "better-suggestion-metadata": None},
    )
    records = [
        record,
        {**record, "better": [{"user_id": "bob", "value": 1, "status": "submitted"}]},
    ]
    with pytest.raises(DataError, match="compares the responses"):
        loaded(tmp_path, records)
    data = loaded(tmp_path, records, format="argilla_1", mapping={"label": "better"})
    assert [row[5] for row in verdicts(data)] == [0.0, 1.0]


def test_chats_are_messages(tmp_path):
    chat = [{"role": "user", "content": "Hi"}]
    fields = {"chat": chat, "answer_a": [{"role": "assistant", "content": "Yes?"}],
              "answer_b": [{"role": "assistant", "content": "Who?"}]}  # fmt: skip
    answers = {"better": [{"value": "answer_b", "user_id": "ann"}]}
    data = loaded(tmp_path, [nested(fields=fields, suggestions={}, responses=answers)] * 2)
    assert data.pairs["prompt"].tolist() == ["Hi"]
    assert data.pairs[["response_a", "response_b"]].values.tolist() == [["Yes?", "Who?"]]


def test_single_labels_are_refused_with_what_was_found(tmp_path):
    one = {"text": "Elm", "other": "x"}
    record = nested(fields=one, suggestions={}, responses={"q": [{"value": "ok", "user_id": "a"}]})
    with pytest.raises(DataError, match="no two responses") as error:
        loaded(tmp_path, [record, record])
    assert "text" in str(error.value)
    record = nested(suggestions={}, responses={"tone": [{"value": "polite", "user_id": "ann"}]})
    with pytest.raises(DataError, match="No question") as error:
        loaded(tmp_path, [record, record])
    assert "tone: polite" in str(error.value)


@pytest.mark.parametrize("name", FILES)
def test_texts_that_are_json_stay_as_they_were_written(tmp_path, name):
    texts = {"prompt": '{"ask":  1}', "response1": '{"x":  [1, 2]}', "response2": "[3,  4]"}
    data = loaded(tmp_path, [nested(fields=texts), nested(fields=texts, id="r2")], name)
    assert data.pairs["prompt"].tolist() == [texts["prompt"]]
    sides = data.pairs[["response_a", "response_b"]].values.tolist()[0]
    assert sorted(sides) == sorted([texts["response1"], texts["response2"]])


def test_yes_and_no_answer_a_question_of_one_text(tmp_path):
    answers = {"better": [{"value": "response1", "user_id": "ann"}],
               "polite": [{"value": "yes", "user_id": "ann"}],
               "topic": [{"value": "n/a", "user_id": "ann"}]}  # fmt: skip
    data = loaded(tmp_path, [nested(suggestions={}, responses=answers)] * 2)
    assert data.load_report.settings["questions"] == {"better": "overall"}


def test_fields_can_be_named(tmp_path):
    fields = {"ask": "Name a tree.", "ours": "Elm", "theirs": "Oak"}
    answers = {"better": [{"value": "theirs", "user_id": "ann"}]}
    record = nested(fields=fields, suggestions={}, responses=answers)
    named = {"prompt": "ask", "response_a": "ours", "response_b": "theirs", "label": "better"}
    data = loaded(tmp_path, [record, record], format="argilla", mapping=named)
    assert [row[3:6] for row in verdicts(data)] == [("Elm", "Oak", 0.0)] * 2


def test_the_user_names_only_whom_the_file_does_not_name():
    from workbench.data.formats.tools.rows import frame_of

    rows = [{"row": 1, "annotator": "u1", "kind": "human"}, {"row": 2, "annotator": None},
            {"row": 3, "annotator": "m", "kind": "llm"}]  # fmt: skip
    frame = frame_of(rows, {"annotator": "ann", "kind": "human"})
    assert frame["annotator"].tolist() == ["u1", "ann", "m"]
    assert frame["kind"].tolist() == ["human", "human", "llm"]
