"""Constitutions are edited without losing anything, compared, and written for people and judges."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from workbench.data.dataset import PreferenceData
from workbench.errors import ConfigError, DataError, DesignError
from workbench.judges.templates import find_template
from workbench.principles.constitution import Constitution, compare, read_constitution
from workbench.principles.principle import Principle
from workbench.principles.traits import GROUP_OF, TRAITS, model_traits
from workbench.principles.vote.votes import Vote, Votes

BRIEF, KIND = Principle("Select the response that is brief"), Principle("Be kind", pinned=True)
BOTH = Constitution((BRIEF, KIND), "mine", {"model": "m"})


def texts(one: Constitution) -> list[str]:
    return [p.text for p in one.principles]


def test_editing_returns_another_and_leaves_the_first():
    edited = BOTH.add("Be right").reword(BRIEF.text, "Be short").move("Be right", 1)
    assert texts(edited) == ["Be right", "Be short", "Be kind"]
    assert texts(edited.drop("Be short")) == ["Be right", "Be kind"]
    assert edited.principles[2].pinned
    assert not edited.pin("Be kind", False).principles[2].pinned
    assert texts(BOTH) == [BRIEF.text, KIND.text]
    assert edited.digest != BOTH.digest


def test_impossible_edits_are_refused():
    with pytest.raises(DesignError, match="twice"):
        BOTH.add("be  KIND.")
    for edit in (BOTH.drop, BOTH.pin):
        with pytest.raises(DesignError, match="no such principle"):
            edit("Be nothing")
    with pytest.raises(DataError, match="cannot be used"):
        BOTH.add(" ")


def test_json_and_markdown_come_back(tmp_path):
    (tmp_path / "c.json").write_text(json.dumps(BOTH.to_dict()))
    assert read_constitution(tmp_path / "c.json") == BOTH
    odd = Constitution((Principle("Use *bold* # and [links](x) <b> 1. 2."), KIND), "odd_name")
    (tmp_path / "c.md").write_text(odd.to_markdown())
    assert texts(read_constitution(tmp_path / "c.md")) == texts(odd)
    assert "<b>" not in odd.to_markdown()


@pytest.mark.parametrize(
    ("name", "text"),
    [("c.json", "{"), ("c.json", '{"principles": [{"txt": "x"}]}'), ("c.txt", "\n# only\n"),
     ("c.json", "[]")],
)  # fmt: skip
def test_what_is_no_constitution_is_refused(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match="constitution cannot be read"):
        read_constitution(tmp_path / name)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_constitution(tmp_path / "nowhere.txt")


def test_the_judge_prompt_is_a_template_of_the_judge(tmp_path):
    path = tmp_path / "judge.txt"
    path.write_text(BOTH.add("Use {prompt} and {x}").to_judge_prompt())
    template = find_template(str(path))
    assert "1. Select the response that is brief" in template.system
    assert "3. Use (prompt) and (x)" in template.system
    shown = template.messages({"prompt": "p", "response_a": "a", "response_b": "b"})
    assert shown[1]["content"].count("<<<") == 6


def test_two_constitutions_side_by_side():
    other = Constitution((Principle("Select the response that is briefer"), Principle("Sing")))
    votes = Votes(
        np.array(["p", "q", "r"]),
        (BRIEF, other.principles[0]),
        np.array([[1, 1], [1, -1], [1, 4]], np.int8)[:, :, None],
    )
    table = compare(BOTH, other, votes)
    assert table["status"].tolist() == ["reworded", "only in one", "only in other"]
    assert table.loc[0, ["agree", "n"]].tolist() == [0.5, 2]
    assert table.loc[1, "agree"] != table.loc[1, "agree"]
    assert compare(BOTH, BOTH)["similarity"].tolist() == [1.0, 1.0]


def test_the_standard_traits_are_about_forty_and_each_says_another_thing():
    assert 38 <= len(TRAITS) <= 48
    assert len({one.id for one in TRAITS}) == len(TRAITS) == len(GROUP_OF)
    assert all(one.text.startswith("Select the response that ") for one in TRAITS)
    assert all(len(one.text.split()) <= 15 for one in TRAITS)


def test_traits_of_a_model_are_those_that_its_own_responses_show():
    """By hand: x stands on A, B, A, A; the trait is voted for x, x, the other, neither."""
    pairs = pd.DataFrame({"prompt": list("pqrst"), "response_a": "a", "response_b": "b",
                          "model_a": ["x", "y", "x", "x", "y"],
                          "model_b": ["y", "x", "z", "y", "z"]})  # fmt: skip
    labels = pd.DataFrame({"pair": range(5), "annotator": "ann", "preference": 0.0})
    data = PreferenceData.from_tables(pairs, labels)
    codes = np.array([Vote.A, Vote.B, Vote.B, Vote.NEITHER, Vote.A], np.int8)[:, None, None]
    votes = Votes(data.pairs["pair_id"].to_numpy(), TRAITS[:1], codes)
    row = model_traits(data, votes, "x").to_frame().iloc[0]
    assert (row["estimate"], row["n"]) == (pytest.approx((2 - 1) / 4), 4)
    against_y = model_traits(data, votes, "x", "y").to_frame().iloc[0]
    assert (against_y["estimate"], against_y["n"]) == (pytest.approx(2 / 3), 3)
    with pytest.raises(DesignError, match="x, y, z"):
        model_traits(data, votes, "w")
