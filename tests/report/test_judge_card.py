"""Cards of judges: every number has its source, nothing is passed over, hostile text is text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import workbench as wb
from tests.hostile import HOSTILE
from workbench.cli.main import app
from workbench.report.cards.card import SECTIONS, card_schema


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
