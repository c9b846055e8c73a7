"""What a file supports, by kinds of files; sizes against power analyses made elsewhere."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import workbench as wb
from workbench.cli.main import app
from workbench.doctor import sizes


def table(n: int, **more: object) -> pd.DataFrame:
    rows = pd.DataFrame({
        "prompt": [f"question number {k}, about {k * k}" for k in range(n)],
        "response_a": [f"{'word ' * (k % 7 + 1)}{k}" for k in range(n)],
        "response_b": [f"{'term ' * (k % 5 + 1)}{k}" for k in range(n)],
        "label": ["ab"[k % 2] for k in range(n)],
    })  # fmt: skip
    return rows.assign(**more)


def states(found: wb.Checkup) -> dict[str, str]:
    return {one.verb: one.state for one in found.checks}


def test_the_sample_supports_nearly_everything():
    found = wb.doctor(wb.load("sample"))
    assert states(found) == {
        **dict.fromkeys(
            ("decompose", "contrast", "held-out", "ratings", "principles", "audit-judge",
             "agreement", "strength", "curate", "audit-model", "people", "transitivity",
             "rationales"),
            "yes"),
        "scenarios": "too small", "length-control": "needs more",
        "values": "needs more",
    }  # fmt: skip
    assert found.facts["people"] == 12
    assert found.facts["by_two"] == found.facts["pairs"] == 2000
    assert "21 of 14,321 rows left out" in found.lost
    assert found["decompose"].n == wb.load("sample").pairs["cluster"].nunique()
    assert "<pre>" in found._repr_html_()
    assert len(found.to_frame()) == 16


def test_twelve_pairs_are_too_small_and_say_for_what():
    found = wb.doctor(wb.load(table(12), annotator="ann", kind="human"))
    for verb in ("decompose", "held-out", "principles", "audit-model"):
        one = found[verb]
        assert (one.state, one.n) == ("too small", 12)
        assert one.needed is not None
        assert one.needed > 100
    assert found["decompose"].detectable == pytest.approx(2 * 2.8 / math.sqrt(12))
    assert "needs 126" in str(found["decompose"])
    # of four pairs no share can be told from one half
    none = wb.doctor(wb.load(table(4), annotator="ann", kind="human"))["audit-model"]
    assert math.isnan(none.detectable)
    assert "finds" not in str(none)


def test_a_single_annotator_can_be_weighed_and_not_compared():
    found = wb.doctor(wb.load(table(300), annotator="ann", kind="human"))
    assert found["decompose"].state == "yes"
    assert found["contrast"].state == "needs more"
    assert "second annotator" in found["contrast"].lacking
    assert found["agreement"].state == "needs more"
    assert "judge" in found["audit-judge"].lacking
    assert found.facts["labels_a_person"] == {"least": 300, "median": 300.0, "most": 300}


def test_two_people_alone_are_compared_by_name():
    both = pd.concat([table(300, annotator=name) for name in ("ann", "bob")])
    found = wb.doctor(wb.load(both, kind="human"))
    assert found["contrast"].state == "yes"
    assert "--reference" in found["contrast"].also
    assert (found["agreement"].state, found["agreement"].n) == ("yes", 300)
    assert found.facts["by_two_people"] == 300


def test_battles_without_text_are_rated():
    names = ["m1", "m2", "m3"]
    rows = [(a, b, w) for a in names for b in names if a != b for w in ("model_a", "model_b")]
    battles = pd.DataFrame(rows * 60, columns=["model_a", "model_b", "winner"])
    found = wb.doctor(wb.load(battles))
    assert found["ratings"].state == "yes"
    assert found["ratings"].n == 480
    for verb in ("decompose", "principles", "curate", "audit-model", "length-control"):
        assert found[verb].state == "needs more"
        assert "text" in found[verb].lacking
    few = wb.doctor(wb.load(battles.head(12)))
    # (2.8 x 2 x sqrt(2) x 400 / ln 10 / 100)^2 = 189.3
    assert (few["ratings"].state, few["ratings"].needed) == ("too small", 190)


def test_columns_without_text_are_factors():
    rng = np.random.default_rng(0)
    rows = pd.DataFrame({
        "prompt": [f"p{k}" for k in range(200)], "glow_a": rng.normal(size=200),
        "glow_b": rng.normal(size=200), "label": rng.choice(["a", "b"], 200),
    })  # fmt: skip
    found = wb.doctor(wb.load(rows, annotator="eye", kind="human"))
    assert found["decompose"].state == "yes"
    assert found["curate"].state == "needs more"


def test_a_model_against_one_baseline_is_length_controlled():
    rows = table(250, model_a="base", model_b="mine", annotator="judge", kind="llm")
    found = wb.doctor(wb.load(rows))
    assert (found["length-control"].state, found["length-control"].n) == ("yes", 250)


def test_rankings_are_pairs_of_one_prompt():
    rows = [
        {"prompt": f"q {k} {k * k}", "response_a": f"a{k}", "response_b": f"bb{k}",
         "response_c": f"ccc{k}", "ranking": "B>A=C", "annotator": "ann"}
        for k in range(150)
    ]  # fmt: skip
    data = wb.load(pd.DataFrame(rows), mapping={"label": "ranking"}, kind="human")
    found = wb.doctor(data)
    assert found.facts["pairs"] == 450
    assert (found["decompose"].state, found["decompose"].n) == ("yes", 150)


def test_several_criteria_are_counted_under_the_fullest():
    two = pd.concat([table(200, criterion="tone"), table(150, criterion="facts")])
    found = wb.doctor(wb.load(two, mapping={"criterion": "criterion"}, annotator="ann"))
    assert any("'tone'" in note and "--criterion" in note for note in found.notes)
    assert found["decompose"].n == 200


def test_a_judge_beside_people_is_audited_where_they_overlap():
    judge = table(250, annotator="gpt", kind="llm")
    people = table(220, annotator="ann", kind="human")
    found = wb.doctor(wb.load(pd.concat([judge, people])))
    assert (found["audit-judge"].state, found["audit-judge"].n) == ("yes", 220)
    assert "both orders" in found["audit-judge"].also


def test_sizes_are_those_of_power_analyses():
    power = pytest.importorskip("statsmodels.stats.power")
    share = power.NormalIndPower(ddof=0).solve_power(
        effect_size=0.2, alpha=0.05, power=0.8, ratio=0
    )
    assert sizes.SHARE.needed == pytest.approx(share, abs=1)
    # Hsieh, Bloch and Larsen (1998), equation 1: one standard normal covariate, P = 1/2
    hsieh = (1.959964 + 0.841621) ** 2 / (0.25 * 0.5**2)
    assert sizes.WEIGHT.needed == pytest.approx(hsieh, abs=1)


def test_a_weight_of_the_detectable_size_is_found_four_times_of_five():
    rng = np.random.default_rng(3)
    n, runs = 300, 400
    x = rng.normal(size=(runs, n))
    weight = sizes.WEIGHT.found_by(n)
    y = rng.random((runs, n)) < 1 / (1 + np.exp(-weight * x))
    b = np.zeros(runs)
    for _ in range(12):
        p = 1 / (1 + np.exp(-b[:, None] * x))
        information = (p * (1 - p) * x * x).sum(axis=1)
        b += ((y - p) * x).sum(axis=1) / information
    assert np.mean(np.abs(b) * np.sqrt(information) > 1.96) == pytest.approx(0.8, abs=0.06)


def test_the_command_says_it_as_text_and_as_json(tmp_path):
    file = tmp_path / "votes.csv"
    table(60).to_csv(file, index=False)
    flags = ["doctor", str(file), "--annotator", "ann", "--kind", "human"]
    done = CliRunner().invoke(app, flags)
    assert done.exit_code == 0, done.output
    assert "too small   decompose: 60 prompts" in done.stdout
    told = json.loads(CliRunner().invoke(app, [*flags, "--json"]).stdout)
    found = wb.doctor(wb.load(file, annotator="ann", kind="human"))
    assert {**told, "load_report": None} == {**found.to_dict(), "load_report": None}
    several = CliRunner().invoke(app, [*flags, str(file)])
    assert several.exit_code == 0, several.output
    # codes are asked for, as everywhere
    table(30).replace({"label": {"a": 1, "b": 2}}).to_csv(file, index=False)
    assert "--verdict 1=" in CliRunner().invoke(app, flags).stderr


def test_one_label_a_person_says_nothing_of_people_and_two_models_have_no_cycle():
    rows = table(30, annotator=[f"ann {k}" for k in range(30)], kind="human")
    rows = rows.assign(model_a=["x", "y"] * 15, model_b=["y", "x"] * 15)
    found = wb.doctor(wb.load(rows))
    one = found["people"]
    assert (one.state, one.n, one.needed) == ("needs more", 1, 2)
    assert "with one each" in one.lacking
    assert found["transitivity"].lacking.startswith("names of three models")
    few = wb.doctor(wb.load(rows.assign(annotator=[f"ann {k % 6}" for k in range(30)])))["people"]
    assert (few.state, few.n, few.needed) == ("too small", 5, 10)
    chain = rows.assign(model_a=["x", "y"] * 15, model_b=["y", "z"] * 15)
    assert wb.doctor(wb.load(chain))["transitivity"].lacking.startswith("three models that all met")


def test_reasons_and_lists_are_counted_where_they_stand():
    more = {"rationale": [None, "It is longer."] * 30, "values_a": "['care', 'duty']",
            "values_b": ["['duty']", "[]"] * 30, "theory_moral_a": "['soft', 'hard']",
            "theory_moral_b": ["['hard']", "[]"] * 30}  # fmt: skip
    found = wb.doctor(wb.load(table(60, annotator="ann", kind="human", **more)))
    reasons, lists = found["rationales"], found["values"]
    assert (reasons.state, reasons.n) == ("yes", 30)
    assert reasons.command == "workbench rationales DATA --column rationale"
    assert "rationale (30)" in reasons.also
    assert (lists.state, lists.n, lists.command) == ("yes", 60, "workbench values DATA")
    # care stands in A of all, duty in A alone of every second
    assert "2 of 2 names tell 10 pairs apart or more; theories: moral" in lists.also
    few = wb.doctor(wb.load(table(12, annotator="ann", traits_a="x; y", traits_b="y",
                                  rationale="It is longer.")))  # fmt: skip
    assert (few["rationales"].state, few["rationales"].needed) == ("too small", 20)
    assert few["values"].command.endswith("--column traits")
    none = wb.doctor(wb.load(table(12, annotator="ann", note_a="", note_b="")))
    for verb in ("rationales", "values"):
        assert none[verb].state == "needs more"
        assert none[verb].lacking
