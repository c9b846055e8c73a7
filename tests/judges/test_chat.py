"""The pairwise judge: orders, votes, soft preferences, failures, hostile texts."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.hostile import HOSTILE
from tests.judges.models import Saying
from workbench.data.dataset import PreferenceData
from workbench.errors import ConfigError, DesignError
from workbench.judges.soft import first_preferred
from workbench.judges.templates import TEMPLATES, Template, find_template
from workbench.llm.asker import Asker, Planner
from workbench.llm.budget import Budget
from workbench.llm.fence import unfenced
from workbench.llm.journal import Journal
from workbench.llm.reply import Reply


def pairs(*responses: tuple[str, str], **columns) -> PreferenceData:
    a, b = zip(*responses, strict=True)
    table = pd.DataFrame({"prompt": [f"p{k}" for k in range(len(a))], "response_a": a,
                          "response_b": b, **columns})  # fmt: skip
    labels = pd.DataFrame({"pair": range(len(a)), "annotator": "ann", "preference": 1.0})
    return PreferenceData.from_tables(table, labels)


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "j.sqlite") as opened:
        yield opened


def labels_of(data, model, journal, **options) -> pd.DataFrame:
    with Asker(model, journal, budget=options.pop("budget", None)) as asker:
        rows = wb.ChatJudge("m", asker, **options).verdicts(data)
    return rows.set_index(["pair_id", "order_shown"]).sort_index()


def longer(texts, request):
    a, b = len(texts["response A"]), len(texts["response B"])
    return {"verdict": "A" if a > b else "B" if b > a else "tie"}


def first(texts, request):
    return {"verdict": "A"}


def test_verdicts_are_of_the_data_s_sides_in_both_orders(journal):
    data = pairs(("long answer", "short"), ("a", "bb"), ("same", "size"))
    rows = labels_of(data, Saying(longer), journal)
    for pair, expected in zip(data.pairs["pair_id"], (1.0, 0.0, 0.5), strict=True):
        assert rows.loc[pair, "preference"].tolist() == [expected, expected]
    assert rows.loc[(data.pairs["pair_id"][2], "ab"), "reason"] == "tie"


def test_a_judge_of_the_first_place_contradicts_itself(journal):
    rows = labels_of(pairs(("x", "y")), Saying(first), journal)
    assert rows["preference"].tolist() == [1.0, 0.0]


def test_exchanging_the_sides_flips_the_labels(journal):
    data, turned = pairs(("long answer", "short")), pairs(("short", "long answer"))
    one, other = (labels_of(d, Saying(longer), journal) for d in (data, turned))
    assert (one["preference"].to_numpy() == 1 - other["preference"].to_numpy()).all()


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_one_order_asks_half(journal, order):
    model = Saying(first)
    rows = labels_of(pairs(("x", "y")), model, journal, orders=order)
    assert len(model.asked) == 1
    assert rows["preference"].tolist() == [1.0 if order == "ab" else 0.0]


def test_most_samples_win_and_equal_counts_are_a_tie(journal):
    said = {"p0": ["A", "B", "A"], "p1": ["A", "B", "tie"], "p2": ["A", None, "B"]}

    def says(texts, request):
        word = said[texts["prompt"]][request.replicate]
        return {"verdict": word} if word else Reply("?", None, reason="unreadable: no")

    data = pairs(("a", "b"), ("c", "d"), ("e", "f"))
    rows = labels_of(data, Saying(says), journal, samples=3, orders="ab").droplevel(1)
    rows = rows.loc[data.pairs["pair_id"]]
    assert rows["preference"].tolist() == [1.0, 0.5, 0.5]
    assert rows["strength"].tolist() == pytest.approx([2 / 3, 1 / 3, 0.0])
    assert rows["failure"].tolist()[2].startswith("unreadable")


def test_a_failure_is_no_verdict_and_keeps_its_raw_text(journal):
    def says(texts, request):
        return Reply("I would rather not.", None, reason="unreadable: no JSON")

    rows = labels_of(pairs(("x", "y")), Saying(says), journal)
    assert rows["preference"].isna().all()
    assert rows["raw"].tolist() == ["I would rather not."] * 2
    data = wb.judge(pairs(("x", "y")), wb.ChatJudge("m", Planner("fake:model", journal))).data
    lost = data.labels[data.labels["annotator"] == "m"]
    assert lost["reason"].tolist() == ["failed"] * 2


def test_what_the_budget_left_open_is_not_asked(journal):
    data = pairs(("x", "y"), ("u", "v"))
    rows = labels_of(data, Saying(first), journal, budget=Budget(max_calls=3))
    assert rows["preference"].notna().sum() == 3
    assert rows.loc[rows["preference"].isna(), "reason"].tolist() == ["not asked"]


@pytest.mark.parametrize("template", [*TEMPLATES])
def test_hostile_texts_stay_inside_their_fence(journal, template):
    """They reach the model as they are, and what is read is what the model said."""
    responses = [(text, f"plain {k}") for k, text in enumerate(HOSTILE)]
    data = pairs(*responses, reference_answer=list(HOSTILE))
    seen = []

    def says(texts, request):
        seen.append((texts["response A"], texts["response B"]))
        return {"verdict": "B"}

    model = Saying(says)
    rows = labels_of(data, model, journal, template=template)
    assert set(seen) == {*responses, *((b, a) for a, b in responses)}
    assert rows.xs("ab", level=1)["preference"].eq(0.0).all()
    assert rows.xs("ba", level=1)["preference"].eq(1.0).all()
    for request in model.asked:
        system = request.messages[0]["content"]
        assert not any(text in system for text in HOSTILE if len(text) > 9)


def test_a_reference_answer_is_shown_where_there_is_one(journal):
    model = Saying(first)
    data = pairs(("x", "y"), ("u", "v"), reference_answer=["right", None])
    labels_of(data, model, journal, orders="ab")
    shown = [request.messages[1]["content"] for request in model.asked]
    assert "<<<reference answer" in shown[0]
    assert "right" in shown[0]
    assert "<<<reference answer" not in shown[1]


def test_a_conversation_of_many_turns_is_shown_whole(tmp_path, journal):
    asked = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"},
             {"role": "user", "content": "2+2?"}]  # fmt: skip
    record = {"prompt": asked, "chosen": [{"role": "assistant", "content": "4"}],
              "rejected": [{"role": "assistant", "content": "5"}]}  # fmt: skip
    (tmp_path / "turns.jsonl").write_text(json.dumps(record) + "\n")
    model = Saying(first)
    labels_of(wb.load(tmp_path / "turns.jsonl"), model, journal, orders="ab")
    texts = unfenced(model.asked[0].messages[1]["content"])
    assert texts["prompt"] == "user: Hi\n\nassistant: Yes?\n\nuser: 2+2?"
    assert {texts["response A"], texts["response B"]} == {"4", "5"}


def tokens(**top: float) -> tuple:
    head = {"token": '{"verdict": "', "logprob": 0.0, "top": {}}
    logs = {name: math.log(p) for name, p in top.items()}
    best = max(logs, key=logs.get)
    return (head, {"token": best, "logprob": logs[best], "top": logs})


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        ({"A": 0.6, "B": 0.2}, 0.75),
        ({"A": 0.5, "B": 0.3, "tie": 0.2}, 0.6),
        ({"A": 0.5, " a": 0.1, '"B': 0.2, "Maybe": 0.1}, 0.75),
        ({"A": 0.9, "the": 0.01}, 0.9 / 0.905),
        ({"A": 0.9, "the": 0.1}, math.nan),
        ({"the": 0.5, "a tie": 0.4}, math.nan),
    ],
)
def test_soft_preferences_by_hand(top, expected):
    found = first_preferred(Reply('{"verdict": "A"}', {"verdict": "A"}, logprobs=tokens(**top)))
    assert found == pytest.approx(expected, nan_ok=True)


def test_missing_log_probabilities_are_missing_not_certain(journal):
    rows = labels_of(pairs(("x", "y")), Saying(first), journal, soft=True)
    assert rows["preference"].isna().all()
    assert rows["reason"].tolist() == ["no log-probabilities"] * 2


def test_soft_preferences_turn_with_the_order(journal):
    def says(texts, request):
        lean = {"A": 0.8, "B": 0.2}
        return Reply('{"verdict": "A"}', {"verdict": "A"}, logprobs=tokens(**lean))

    model = Saying(says)
    rows = labels_of(pairs(("x", "y")), model, journal, soft=True)
    assert rows["preference"].tolist() == pytest.approx([0.8, 0.2])
    assert all(request.sampling.top_logprobs == 20 for request in model.asked)


def test_a_template_of_the_user_s_own(tmp_path, journal):
    path = tmp_path / "mine.txt"
    path.write_text("# no ties\n# A heading\nBe strict.\n\nQ: {prompt}\n1: {response_a}\n"
                    "2: {response_b} (JSON such as {} stays)")  # fmt: skip
    template = find_template(str(path))
    assert template.system == "# A heading\nBe strict."
    assert template.schema()["properties"]["verdict"]["enum"] == ["A", "B"]
    model = Saying(first)
    labels_of(pairs(("x", "y")), model, journal, template=str(path))
    assert "(JSON such as {} stays)" in model.asked[0].messages[1]["content"]


@pytest.mark.parametrize(
    "user", ["{prompt} {response_a}", "{response_a} {response_b} {response_b}",
             "{response_a} {response_b} {verdict}", "nothing"],
)  # fmt: skip
def test_a_template_without_its_places_is_refused(user):
    with pytest.raises(ConfigError, match="response_a"):
        Template("bad", "Judge.", user)


def test_options_that_cannot_be_are_refused(journal):
    planner = Planner("u", journal)
    for options in ({"orders": "aa"}, {"samples": 0}, {"soft": True, "samples": 2}):
        with pytest.raises(DesignError):
            wb.ChatJudge("m", planner, **options)
    with pytest.raises(ConfigError, match="no such template"):
        wb.ChatJudge("m", planner, template="nowhere")
    table = pd.DataFrame({"x_a": [1.0], "x_b": [2.0]})
    labels = pd.DataFrame({"pair": [0], "annotator": "a", "preference": [1.0]})
    with pytest.raises(DesignError, match="no text"):
        wb.ChatJudge("m", planner).verdicts(PreferenceData.from_tables(table, labels))


def test_grades_are_asked_once_a_response(journal):
    data = pairs(("good", "bad"), ("bad", "worse"), ("bad", "bad "))
    object.__setattr__(data, "pairs", data.pairs.assign(prompt="the same"))
    grades = {"good": 9, "bad": 4, "worse": 1, "bad ": 4}
    model = Saying(lambda texts, request: {"grade": grades[texts["response"]]})
    with Asker(model, journal) as asker:
        rows = wb.GradeJudge("m", asker).verdicts(data)
    assert rows["preference"].tolist() == [1.0, 1.0, 0.5]
    assert rows["strength"].tolist() == [5.0, 3.0, 0.0]
    assert len(model.asked) == 4


def test_a_grade_that_fails_takes_the_pair_with_it(journal):
    def says(texts, request):
        bad = texts["response"] == "bad"
        return Reply("none", None, reason="unreadable: x") if bad else {"grade": 5}

    with Asker(Saying(says), journal) as asker:
        rows = wb.GradeJudge("m", asker).verdicts(pairs(("good", "bad"), ("x", "y")))
    assert rows["reason"].tolist() == ["failed", "tie"]
    assert np.isnan(rows["preference"][0])
    assert rows["raw"][0] == 'A: {"grade": 5}\nB: none'


@pytest.mark.parametrize(
    "change", [{"backwards": True}, {"labels": ("1", "2")}, {"labels": ("K4", "W9")}]
)
def test_other_labels_and_listings_mean_the_same(change, tmp_path):
    """The offline model goes by the texts: shown otherwise it leans the same way."""
    from dataclasses import replace

    data = wb.load("sample").filter(kinds=["human"])
    data = data.filter(pair_ids=data.pairs["pair_id"][:150])
    plain = TEMPLATES["workbench"]
    with wb.Journal(tmp_path / "j") as journal, wb.Asker(wb.OfflineModel(), journal) as asker:
        first, other = (
            wb.ChatJudge("offline:plain", asker, template=one, soft=True).verdicts(data)[
                "preference"
            ]
            for one in (plain, replace(plain, **change))
        )
    assert other.to_numpy() == pytest.approx(first.to_numpy(), abs=1e-9)
    said = replace(plain, **change).messages(
        {"prompt": "p", "response_a": "x", "response_b": "y", "reference": None}
    )[0]["content"]
    label = change.get("labels", ("A", "B"))[0]
    assert f'"{label}" is the response that stands first' in said
