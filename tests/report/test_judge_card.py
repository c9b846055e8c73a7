"""Cards of judges: every number has its source, nothing is passed over, hostile text is text."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.calibration.few_planted import planted
from tests.hostile import HOSTILE
from workbench.cli.main import app
from workbench.report.cards.card import SECTIONS, card_schema
from workbench.report.cards.rows import numbers_of
from workbench.results import Result


@pytest.fixture(scope="module")
def data() -> wb.PreferenceData:
    return wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])


@pytest.fixture(scope="module")
def results(data: wb.PreferenceData) -> list[Any]:
    board = wb.judge_board(data, replicates=50)
    return [board, wb.calibrate_verdicts(data, factors=["words"], by="scenario")]


def test_a_card_has_every_number_of_the_judge_and_none_of_others(
    data: wb.PreferenceData, results: list[Any]
) -> None:
    card = wb.judge_card(*results, judge="sim-reward", data=data).to_dict()
    by_section = {one["section"]: one for one in card["measured"]}
    assert set(by_section) == {"agreement", "audit", "calibration"}
    assert {one["section"] for one in card["not_measured"]} == set(SECTIONS) - set(by_section)
    board = results[0].estimates.set_index("term").loc["sim-reward"]
    told = {one["measure"]: one for one in by_section["agreement"]["numbers"]}
    assert told["agreement"]["estimate"] == pytest.approx(board["estimate"])
    assert told["agreement read"]["conf_low"] == pytest.approx(board["agreement_read_low"])
    for one in card["measured"]:
        assert one["dataset"] == data.digest
        assert one["level"] == 0.95
        for number in one["numbers"]:
            known = number["conf_low"] is not None and number["conf_high"] is not None
            assert known or number["reason"]
    assert "sim-judge" not in json.dumps(card)
    assert card["judge"] == {"name": "sim-reward", "kind": "reward_model", "n_labels": 2000,
                             "n_pairs": 2000, "asked": None}  # fmt: skip


def test_a_card_holds_to_its_schema_and_is_the_same_again(
    data: wb.PreferenceData, results: list[Any]
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    one, two = (wb.judge_card(*r, judge="sim-reward", data=data)
                for r in (results, results[::-1]))  # fmt: skip
    jsonschema.Draft202012Validator(card_schema()).validate(json.loads(one.to_json()))
    assert one.to_json() == two.to_json()
    assert one.to_markdown() == two.to_markdown()


def test_a_prompt_is_told_by_its_digest(results: list[Any]) -> None:
    settings = {"name": "sim-reward", "model": "m-1", "prompt": "Which is better?\n" * 30}
    made = replace(results[1], settings={**results[1].settings, "judge": settings})
    asked = wb.judge_card(made, judge="sim-reward").record["judge"]["asked"]
    assert asked["model"] == "m-1"
    assert asked["prompt"].startswith("blake2b:")


def test_hostile_names_are_text(data: wb.PreferenceData, results: list[Any]) -> None:
    plain = wb.judge_card(results[1], judge="sim-reward", data=data)
    for text in HOSTILE:
        record = json.loads(plain.to_json())
        record["judge"] |= {"name": text, "kind": text, "asked": {text: text}}
        for one in (record["measured"][0], record["measured"][0]["numbers"][0]):
            one |= {key: text for key in ("title", "result", "measure", "method") if key in one}
        record["not_measured"][0]["reason"] = text
        told = wb.JudgeCard(record).to_markdown()
        assert not re.search(r"(?<!\\)<", told)
        assert "\x1b" not in told
        assert len(told.splitlines()) == len(plain.to_markdown().splitlines())
        assert json.loads(wb.JudgeCard(record).to_json())["judge"]["name"] == text


def test_what_says_nothing_of_the_judge_is_refused(
    data: wb.PreferenceData, results: list[Any]
) -> None:
    with pytest.raises(wb.DesignError, match="No result says anything"):
        wb.judge_card(judge="sim-reward")
    with pytest.raises(wb.DesignError, match="No result says anything"):
        wb.judge_card(*results, judge="nobody")
    with pytest.raises(wb.DesignError, match="no judge 'nobody'"):
        wb.judge_card(*results, judge="nobody", data=data)


def test_the_command_writes_both_files(tmp_path: Path) -> None:
    flags = ["--judge", "sim-reward", "--factors", "words", "--out", str(tmp_path), "--quiet"]
    done = CliRunner().invoke(app, ["judge-card", "sample", *flags])
    assert done.exit_code == 0, done.output
    card = json.loads((tmp_path / "card.json").read_text(encoding="utf-8"))
    sections = {one["section"] for one in card["measured"]}
    assert sections == {"agreement", "contrast", "audit", "calibration"}
    told = (tmp_path / "card.md").read_text(encoding="utf-8")
    assert told.startswith(("# Judge sim\\-reward", "# Judge sim-reward"))
    assert "## Not measured" in told


def test_a_card_names_each_result_and_has_no_rank_of_one(data: wb.PreferenceData) -> None:
    fits = [wb.decompose(data, annotator=who, factors=["words"], folds=0)
            for who in ("sim-reward", "human")]  # fmt: skip
    board = wb.judge_board(data, judges=["sim-reward"], replicates=50)
    card = wb.judge_card(board, wb.contrast(*fits), judge="sim-reward", data=data)
    assert all(one["result"] for one in card.record["measured"])
    agreement = next(one for one in card.record["measured"] if one["section"] == "agreement")
    assert "rank" not in {one["measure"] for one in agreement["numbers"]}
    assert "&#" not in card.to_markdown().split("## ")[1]


def test_every_result_that_fills_a_section_exists() -> None:
    for _, types in SECTIONS.values():
        for path in types:
            module, name = path.rsplit(".", 1)
            assert issubclass(getattr(import_module(f"workbench.{module}"), name), Result)


def test_no_two_numbers_have_one_name_or_one_number_two(
    data: wb.PreferenceData, results: list[Any]
) -> None:
    fits = [wb.decompose(data, annotator=who, factors=["words"], folds=0)
            for who in ("sim-reward", "human")]  # fmt: skip
    few = wb.few_labels(data, ["sim-reward"], factors=["words"], by="scenario")
    given = [*results, wb.contrast(*fits), few, wb.compare_annotators(data)]
    card = wb.judge_card(*given, judge="sim-reward", data=data).record
    for one in card["measured"]:
        times = Counter(number["measure"] for number in one["numbers"])
        assert max(times.values()) == 1, times.most_common(3)
    told = Counter(number["table"] for one in card["measured"] for number in one["numbers"])
    assert told["observed"] == 0
    found = {one["section"]: one["numbers"] for one in card["measured"]}
    names = {number["measure"] for number in found["few-labels"]}
    assert {"rating, sim-model-a, all", "win rate, sim-model-a, all"} <= names
    assert "agreement, all, bias" not in names
    assert any(number["measure"] == "sim-judge-format minus sim-reward"
               for number in found["compared"])  # fmt: skip
    assert not any("sim-judge-format minus sim-judge" in number["measure"]
                   for number in found["compared"])  # fmt: skip
    gains = [number for number in found["calibration"] if number["table"] == "reliability"]
    assert gains
    assert all(number["method"] for number in gains)


def test_a_judge_that_is_called_like_a_model_keeps_its_rows() -> None:
    data = planted(0, N=200, judges={"k": 0.9})
    found = wb.correct_rates(data, "k")
    assert {one["measure"] for one in numbers_of(found, "k")} > {"k", "l", "m", "k, people"}
    # a table on one judge may have groups of its own
    grouped = replace(found, estimates=found.estimates.assign(group="corrected"))
    assert len(numbers_of(grouped, "k")) == len(numbers_of(found, "k"))
    few = {one["measure"] for one in numbers_of(wb.few_labels(data), "k")}
    assert {"win rate, k, all", "win rate, l, all"} <= few


def test_results_without_a_place_are_named(data: wb.PreferenceData, results: list[Any]) -> None:
    fit = wb.decompose(data, annotator="sim-reward", factors=["words"], folds=0)
    card = wb.judge_card(results[1], fit, judge="sim-reward", data=data)
    assert card.record["passed_over"] == [fit.heading or "Decomposition"]
    assert "Results without a place here" in card.to_markdown()


def test_the_command_takes_whom_the_data_have_for_reference(tmp_path: Path) -> None:
    data = planted(0, n=200, N=300)
    kind = data.labels["kind"].where(data.labels["kind"].ne("human"), "unknown")
    labels = data.labels.assign(kind=kind, annotator=data.labels["annotator"].replace("human", "x"))
    folder = wb.save(replace(data, labels=labels), tmp_path / "data")

    def run(*flags: str) -> Any:
        return CliRunner().invoke(app, ["judge-card", str(folder), "--judge", "good", *flags,
                                        "--quiet"])  # fmt: skip

    done = run("--json")
    assert done.exit_code == 0, done.output
    sections = {one["section"] for one in json.loads(done.stdout)["measured"]}
    assert sections >= {"agreement", "contrast", "calibration"}
    own = run("--reference", "good")
    assert own.exit_code == 1
    assert "good is the reference itself, or a part of it" in own.stderr
    with pytest.raises(wb.DesignError, match="Calibration: nobody labelled"):
        wb.judge_card(judge="good", failed={"calibration": "nobody labelled"})
