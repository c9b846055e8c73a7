"""Rubric factors: planted scores come back, orders that contradict count as no difference."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import cohen_kappa_score

import workbench as wb
from tests.hostile import HOSTILE
from tests.judges.models import Saying
from workbench.agreement import weighted_kappa
from workbench.data.dataset import PreferenceData
from workbench.errors import ConfigError, DesignError
from workbench.factors import Coding, dissection_factors
from workbench.factors.rubric.definition import (
    RUBRICS,
    Rubric,
    RubricFactor,
    find_rubric,
    read_rubric,
)
from workbench.factors.rubric.quality import combined
from workbench.llm.asker import Asker, Planner
from workbench.llm.budget import Budget
from workbench.llm.journal import Journal
from workbench.llm.reply import Reply

MINE = Rubric("mine", (RubricFactor("x", "How many x."), RubricFactor("y", "How many y.")))


def pairs(*responses: tuple[str, str], **columns) -> PreferenceData:
    a, b = zip(*responses, strict=True)
    table = pd.DataFrame({"prompt": [f"p{k}" for k in range(len(a))], "response_a": a,
                          "response_b": b} | columns)  # fmt: skip
    labels = pd.DataFrame({"pair": range(len(a)), "annotator": "ann", "preference": 1.0})
    return PreferenceData.from_tables(table, labels)


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "j.sqlite") as opened:
        yield opened


def score(data, model, journal, rubric=MINE, budget=None, **options):
    with Asker(model, journal, budget=budget) as asker:
        return wb.score_rubric(data, rubric, asker, model="m", **options)


def counts(texts, request):
    """Score each side by how often it holds the letter that the factor is named after."""
    value = {}
    for name in request.schema["properties"]:
        letter = request.about["fields"][name.partition("_")[0]][0]
        side = {"a": "response A", "b": "response B"}.get(name.rpartition("_")[2], "response")
        value[name] = min(texts[side].count(letter), 3)
    return value


@pytest.mark.parametrize("pairwise", [True, False])
@pytest.mark.parametrize("per_call", [1, 10])
def test_planted_scores_come_back(journal, pairwise, per_call):
    data = pairs(("xx", "xyyy"), ("", "y"), ("xxxxx", "xx"))
    found = score(data, Saying(counts), journal, pairwise=pairwise, factors_per_call=per_call)
    values = found.data.factor_values
    assert values[["x_a", "x_b"]].to_numpy().tolist() == [[2, 1], [0, 0], [3, 2]]
    assert values[["y_a", "y_b"]].to_numpy().tolist() == [[0, 3], [0, 1], [0, 0]]
    assert np.sign(found.data.factors["y"]).tolist() == [-1, -1, 0]
    assert found.data.factor_specs["x"]["source"] == "rubric m"


def test_exchanging_the_sides_flips_the_factors(journal):
    one = score(pairs(("xx", "y"), ("x", "")), Saying(counts), journal).data.factors
    other = score(pairs(("y", "xx"), ("", "x")), Saying(counts), journal).data.factors
    assert (one[["x", "y"]].to_numpy() == -other[["x", "y"]].to_numpy()).all()


def test_orders_that_contradict_are_counted_and_are_no_difference(journal):
    """The first place is scored higher on the pairs that hold a !."""

    def says(texts, request):
        value = counts(texts, request)
        if "!" in texts["response A"] + texts["response B"]:
            value |= {"f1_a": 3, "f1_b": 0}
        return value

    data = pairs(*[("xx!" if k < 3 else "xx", "x") for k in range(10)])
    found = score(data, Saying(says), journal)
    rows = found.to_frame().set_index(["group", "term"])
    row = rows.loc[("order-inconsistent", "x")]
    assert (row["estimate"], row["n"]) == (pytest.approx(0.3), 10)
    assert row["conf_low"] < 0.3 < row["conf_high"]
    assert rows.loc[("order-inconsistent", "y"), "estimate"] == 0.0
    assert (found.data.factors["x"] == 0).tolist() == [True] * 3 + [False] * 7
    assert found.data.factor_values["x_a"].tolist()[:3] == [1.5] * 3


def test_one_order_says_nothing_of_the_other(journal):
    model = Saying(counts)
    found = score(pairs(("xx", "y")), model, journal, orders="ba")
    assert len(model.asked) == 1
    assert found.to_frame().empty
    assert found.data.factor_values["x_a"].tolist() == [2.0]


def test_what_failed_or_was_not_asked_is_missing_and_counted(journal):
    def says(texts, request):
        if "fail" in texts["response A"] + texts["response B"]:
            return Reply("no idea", None, reason="unreadable: no JSON")
        return counts(texts, request)

    data = pairs(("x", "y"), ("x fail", "y"), ("xx", "y"))
    found = score(data, Saying(says), journal, budget=Budget(max_calls=5))
    assert found.data.factors["x"].isna().tolist() == [False, True, True]
    coverage = found.coverage.set_index("factor")
    assert coverage.loc["x", ["pairs", "scored", "failed_replies"]].tolist() == [3, 1, 2]
    assert found.failures[["reason", "count", "raw"]].to_numpy().tolist() == [
        ["unreadable", 2, "no idea"]
    ]
    assert found.spending["open"].tolist() == [1]
    assert "unreadable" in found.summary()


def test_repeats_are_averaged_and_their_agreement_is_known(journal):
    def says(texts, request):
        return {name: (3 if request.replicate else 1) if name == "f1_a" else 0
                for name in request.schema["properties"]}  # fmt: skip

    data = pairs(*[(f"{k}", f"{k}!") for k in range(12)])
    found = score(data, Saying(says), journal, repeats=2, orders="ab")
    assert found.data.factor_values["x_a"].tolist() == [2.0] * 12
    rows = found.to_frame().set_index(["group", "term"])
    assert rows.loc[("repeat agreement", "x"), "estimate"] == 0.5
    assert rows.loc[("repeat agreement", "y"), "estimate"] == 1.0


def test_agreement_with_what_people_rated(journal):
    data = pairs(("xx", "x"), ("", "xxx"), ("x", "x"), ("xx", "xx"), x_a=[2, 0, 1, 3],
                 x_b=[1, 3, 0, None])  # fmt: skip
    found = score(data, Saying(counts), journal).to_frame().set_index(["group", "term"])
    model, people = [2, 0, 1, 2, 1, 3, 1], [2, 0, 1, 3, 1, 3, 0]
    oracle = cohen_kappa_score(model, people, weights="quadratic")
    row = found.loc[("kappa with given ratings", "x")]
    assert (row["estimate"], row["n"]) == (pytest.approx(oracle), 7)
    same = found.loc[("same direction as given ratings", "x")]
    assert (same["estimate"], same["n"]) == (pytest.approx(2 / 3), 3)
    assert ("kappa with given ratings", "y") not in found.index


def test_kappa_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    for _ in range(20):
        x, y = rng.integers(0, 4, (2, 60)).astype(float)
        oracle = cohen_kappa_score(x, y, weights="quadratic")
        found = weighted_kappa(x, y, np.arange(60), 0.95)
        assert found["estimate"] == pytest.approx(oracle)
        assert found["conf_low"] < found["estimate"] < found["conf_high"]
    assert np.isnan(weighted_kappa(np.ones(4), np.ones(4), np.arange(4), 0.95)["estimate"])


def test_a_missing_order_is_missing_not_the_other_order():
    values = np.array([[[[[2.0], [np.nan]], [[1.0], [1.0]]]]])
    scores, inconsistent, compared = combined(values)
    assert np.isnan(scores[0, 0, 0])
    assert not inconsistent.any()
    assert not compared.any()


def test_a_factor_can_compare_instead_of_scoring(journal):
    rubric = Rubric("c", (RubricFactor("x", "More x.", compare=True),))

    def says(texts, request):
        a, b = texts["response A"].count("x"), texts["response B"].count("x")
        return {"f1": "A" if a > b else "B" if b > a else "tie"}

    found = score(pairs(("xx", "x"), ("x", "xx"), ("x", "x")), Saying(says), journal, rubric)
    assert np.sign(found.data.factors["x"]).tolist() == [1, -1, 0]
    with pytest.raises(DesignError, match="pairwise"):
        score(pairs(("x", "y")), Saying(says), journal, rubric, pairwise=False)


@pytest.mark.parametrize("pairwise", [True, False])
def test_hostile_texts_are_scored_not_obeyed(journal, pairwise):
    data = pairs(*[(text, "x") for text in HOSTILE])
    model = Saying(counts)
    found = score(data, model, journal, pairwise=pairwise)
    expected = [min(text.count("x"), 3) for text in HOSTILE]
    assert found.data.factor_values["x_a"].tolist() == expected
    for request in model.asked:
        assert not any(text in request.messages[0]["content"] for text in HOSTILE if len(text) > 9)


def test_what_is_kept_is_found_again_and_gives_the_same_bytes(journal):
    data = pairs(("xx", "y"), ("x", "yy"))
    whole = score(data, Saying(counts), journal)
    model = Saying(counts)
    again = score(data, model, journal)
    assert not model.asked
    assert again.to_dict() == whole.to_dict()
    planner = Planner("fake:model", journal)
    planned = wb.score_rubric(data, MINE, planner, model="m")
    assert planned.to_dict() == whole.to_dict()


def facts(**known):
    nothing = {"intent_clear": True, "feelings": False, "constraints": [], "stances": [],
               "mistakes": []}  # fmt: skip
    return {**nothing, **known}


QUERIES = {
    "p0": facts(),
    "p1": facts(intent_clear=False, constraints=["in verse", "short"]),
    "p2": facts(feelings=True, stances=["cats are best"], mistakes=["2+2=5"]),
}


def dissected(texts, request):
    """Answer each round of the 29 properties by fixed rules."""
    names = list(request.schema["properties"])
    if request.about["task"] == "facts":
        return QUERIES[texts["prompt"]]
    if "errors" in names:
        found = [{"severity": "Severe", "what": "?"}] * texts["response"].count("wrong")
        return {"checkable": "poem" not in texts["response"], "errors": found}
    value = {}
    for name, form in request.schema["properties"].items():
        side = texts["response A" if name.endswith("_a") else "response B"]
        good = "good" in side
        if "enum" in form:
            value[name] = form["enum"][-1 if good else 0]
        elif name.startswith("f"):
            value[name] = 2 if good else 1
        else:
            value[name] = (3 if name.startswith("constraint1") else 1) if good else 0
    return value


def test_the_29_properties_in_two_rounds(journal):
    """Equal to what the ratings, written down by hand, are coded to."""
    data = pairs(("good", "wrong"), ("plain", "good poem"), ("good wrong", "plain"))
    model = Saying(dissected)
    found = score(data, model, journal, "dissection")
    rounds = [request for request in model.asked if "clarify_a" in request.schema["properties"]
              or "empathy_a" in request.schema["properties"]]  # fmt: skip
    assert {r.about["pair_id"] for r in rounds} == set(data.pairs["pair_id"][1:])
    good = {"harmless": [2, 1, 1, 2, 2, 1], "repetitive": [2, 1, 1, 2, 2, 1],
            "relevant": [2, 1, 1, 2, 2, 1]}  # fmt: skip
    table = pd.DataFrame(
        {
            "pair_id": data.pairs["pair_id"].repeat(2),
            "side": list("ababab"),
            **good,
            "no severe errors": [0, 1, 0, "n/a", 1, 0],
            "clarify intent": [None, None, 0, 1, None, None],
            "show empathetic": [None, None, None, None, 1, 0],
            # in verse 3, short 1, on average
            "satisfy constraints": [None, None, 0, 2, None, None],
            "support stances": [None, None, None, None, 2, -2],
            "correct mistakes": [None, None, None, None, 3, 0],
            "intent_clear": ["yes", "yes", "no", "no", "yes", "yes"],
            "feelings": ["no", "no", "no", "no", "yes", "yes"],
            "constraints": ["", "", "in verse; short", "in verse; short", "", ""],
            "stances": ["", "", "", "", "cats are best", "cats are best"],
            "mistakes": ["", "", "", "", "2+2=5", "2+2=5"],
        }
    )
    oracle = dissection_factors(data, table).factors
    for name in oracle.columns:
        assert found.data.factors[name].tolist() == pytest.approx(
            oracle[name].tolist(), nan_ok=True
        ), name
    assert set(found.data.factor_names) == {f.name for f in RUBRICS["dissection"].factors}
    assert found.data.factor_specs["clear"]["source"] == "rubric m"
    assert found.data.pairs["constraints"].tolist()[1] == "in verse; short"


def test_facts_that_nobody_could_tell_are_missing_not_no(journal):
    def says(texts, request):
        if request.about["task"] == "facts" and texts["prompt"] == "p1":
            return Reply("?", None, reason="unreadable: no JSON")
        return dissected(texts, request)

    data = pairs(("good", "bad"), ("good", "bad"), ("good", "bad"))
    found = score(data, Saying(says), journal, "dissection")
    assert found.data.factors["show empathetic"].isna().tolist() == [False, True, False]
    assert found.data.factors["clear"].notna().all()
    assert found.coverage.set_index("factor").loc["show empathetic", "failed_replies"] == 1


def test_a_reference_answer_is_shown_to_who_looks_for_mistakes(journal):
    model = Saying(dissected)
    score(pairs(("good", "bad"), reference_answer=["42"]), model, journal, "dissection")
    shown = [r for r in model.asked if "errors" in r.schema["properties"]]
    assert len(shown) == 2
    assert all("<<<reference answer" in r.messages[1]["content"] for r in shown)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no factor"),
        ("[factors.x]\n", "without a meaning"),
        ('[factors.x]\nmeaning = "m"\ncolour = 1', "colour"),
        ('[factors.x]\nmeaning = "m"\nmaximum = 0', "empty scale"),
        ('[factors.x]\nmeaning = "m"\nminimum = true', "minimum = True"),
        ('[factors.x]\nmeaning = "m"\nsees = "all"', "sees = 'all'"),
        ('[factors.x]\nmeaning = " "', "no name or meaning"),
        ('speed = 3\n[factors.x]\nmeaning = "m"', "speed"),
        ("factors = 3", "factors"),
        ("[factors", "Expected"),
    ],
)
def test_a_rubric_that_cannot_be_used_says_what_is_wrong(tmp_path, text, said):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said) as error:
        read_rubric(path)
    assert "mine" in str(error.value)


def test_a_rubric_file_is_read_whole(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'name = "n"\n[factors."two words"]\nmeaning = "m"\nminimum = 1\nmaximum = 5\n'
        'sees = "query"\ncoding = "sign"\nfamily = "own"'
    )
    (factor,) = find_rubric(str(path)).factors
    assert factor == RubricFactor("two words", "m", 1, 5, "query", False, "own", Coding("sign"))
    with pytest.raises(ConfigError, match="dissection, profile, values"):
        find_rubric("nowhere")


def test_options_out_of_range_are_refused(journal):
    data, planner = pairs(("x", "y")), Planner("u", journal)
    for options in ({"orders": "aa"}, {"repeats": 0}, {"factors_per_call": 0}, {"level": 1.0}):
        with pytest.raises(DesignError):
            wb.score_rubric(data, MINE, planner, model="m", **options)
