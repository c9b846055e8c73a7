"""Forecasts from weights stand beside measured shifts, and agree where the judge is the fit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

import workbench as wb
from tests.judges.models import Saying
from workbench.audit.judges.forecast import susceptibility
from workbench.audit.judges.manipulate import EDITS, by_rule, manipulate
from workbench.audit.judges.rewriting import REWRITES, rewriting, writing
from workbench.errors import DesignError
from workbench.factors.catalog import STYLE

WEIGHTS = {"bullets": 1.5, "bold": 0.8, "exclamations": -1.2, "words": 0.5}


@pytest.fixture(scope="module")
def scored():
    wanted = [spec for spec in STYLE if spec.name in WEIGHTS]
    return wb.score_factors(wb.load("sample"), wanted)


class Weighing:
    """A soft judge with known weights of text factors, on the scale of the sample."""

    name, kind = "weighing", "reward_model"

    def __init__(self, data):
        self.specs = data.factor_specs

    def settings(self):
        return {"judge": "weighing"}

    def verdicts(self, data):
        from workbench.audit.judges.manipulate import _factors

        holder = type("Holder", (), {"factor_specs": self.specs})
        x = _factors(holder, data.pairs, list(WEIGHTS))
        from workbench.judges.base import label_rows

        return label_rows(data.pairs, expit(x @ np.array(list(WEIGHTS.values()))))


def test_the_forecast_is_the_measured_shift_where_the_judge_is_its_fit(scored):
    judge = Weighing(scored)
    rows = judge.verdicts(scored).assign(annotator="weighing", kind="reward_model")
    labels = wb.data.dataset.complete_labels(rows)
    own = wb.PreferenceData(scored.pairs, labels, scored.factors, scored.factor_values,
                            scored.factor_specs)  # fmt: skip
    fit = wb.decompose(own, annotator="weighing", folds=0)
    table = fit.to_frame().set_index("term")["estimate"]
    assert table[list(WEIGHTS)].to_numpy() == pytest.approx(list(WEIGHTS.values()), abs=0.02)
    found = manipulate(own, judge, fit=fit, n=150).to_frame().set_index("term")
    for name in ("bullets", "bold", "exclamations", "longer"):
        assert found.loc[name, "forecast"] == pytest.approx(found.loc[name, "estimate"], abs=0.01)
    assert found.loc["bullets", "conf_low"] > 0.05
    assert found.loc["exclamations", "conf_high"] < -0.02


@pytest.mark.parametrize(("people", "noun"), [("human", "people"), ("llm", "LLM judges")])
def test_a_forecast_names_the_reference_by_its_kind(scored, people, noun):
    fit = wb.decompose(scored, by="kind", factors=["bold"], folds=0)
    found = manipulate(scored, wb.RuleJudge("longer"), fit=fit, group="llm", people=people, n=10)
    assert f", of {noun} " in found.summary()
    assert f"forecast of {noun}" in {trace.name for trace in found.plot().data}


def test_top_and_last_properties_by_hand(scored):
    fit = wb.decompose(scored, annotator="sim-judge-format", folds=0)
    found = susceptibility(fit, "sim-judge-format", 1)
    weights = fit.to_frame().set_index("term")["estimate"].drop("position")
    top, last = weights.max(), weights.min()
    assert found.predicted == pytest.approx(expit(top) - expit(last))
    assert weights.idxmax() in found.prompts["top"]
    assert found.to_frame()["list"].tolist() == ["top", "last"]
    assert "not measured" in found.summary()
    with pytest.raises(DesignError, match="too few"):
        susceptibility(fit, "sim-judge-format", 5)


def test_grades_shift_in_standard_deviations():
    def grade(batch):
        return [float(text.count("!")) for _, text in batch]

    found = manipulate(wb.load("sample"), wb.RuleJudge("longer"), n=60, grade=grade)
    row = found.to_frame().set_index("term").loc["exclamations"]
    assert row["grade_low"] > 0
    assert row["grade_n"] > 30
    assert found.plot().data
    assert "SD" in found.summary()


def test_a_model_rewrites_and_writes_anew(tmp_path):
    def says(texts, request):
        if "response" in texts:
            return {"response": texts["response"] + " And so on, at length, for a good while."}
        followed = "more of the following" in request.messages[0]["content"]
        return {"response": "A long answer. " * 600 if followed else "Short."}

    data = wb.load("sample")
    with wb.Journal(tmp_path / "j") as journal, wb.Asker(Saying(says), journal) as asker:
        rewrites = {
            "longer": rewriting("Make it longer.", asker, model="m"),
            "top": writing("have more of the following: words", asker, model="m"),
            "own way": writing("", asker, model="m"),
        }
        found = manipulate(data, wb.RuleJudge("longer"), rewrites, n=40).to_frame()
    table = found.set_index("term")["estimate"]
    # the longest of all wins every pair and the shortest loses it, in whichever pairs are drawn
    assert table["top"] > 0 > table["own way"]
    assert table["top"] - table["own way"] == pytest.approx(1)
    assert table["longer"] > 0


def test_probes_that_need_a_writer_are_measured_like_edits(tmp_path):
    """A writer that doubles and invents; a judge that likes length and sees no invention."""

    def says(texts, request):
        system = request.messages[0]["content"]
        said = texts["response"]
        if "second time" in system:
            return {"response": f"{said} {said}"}
        return {"response": said.replace(".", " (it was 1871).") if "invented" in system else said}

    with wb.Journal(tmp_path / "j") as journal, wb.Asker(Saying(says), journal) as asker:
        rewrites = {n: rewriting(what, asker, model="m") for n, what in REWRITES.items()}
        found = manipulate(wb.load("sample"), wb.RuleJudge("longer"), rewrites, n=60)
        stages = [one.stage for one in asker.spending()]
    table = found.to_frame().set_index("term")["estimate"]
    assert table["said again in other words"] > 0.3
    assert table["invented specifics"] > 0
    assert table["cheerful tone"] == 0
    assert stages == ["rewrite"]


def test_edits_by_rule_are_the_same_twice():
    texts = [("p", "One is here. Two is there, and it is longer.")]
    for name, rewrite in by_rule(3).items():
        assert rewrite(texts) == by_rule(3)[name](texts)
    assert set(by_rule()) == set(EDITS)


def test_forecasts_need_text_factors():
    data = wb.load("sample")
    own = wb.factors.from_function(data, "mine", lambda text: float(len(text)))
    fit = wb.decompose(own, annotator="sim-judge-plain", folds=0)
    with pytest.raises(DesignError, match="computed"):
        manipulate(own, wb.RuleJudge("longer"), fit=fit, group="sim-judge-plain", n=10)
