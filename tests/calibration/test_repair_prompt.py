"""A prompt that is repaired by principles is asked about pairs that they have not seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import workbench as wb
from workbench.errors import ConfigError, DesignError
from workbench.judges.templates import find_template

BRIEF = wb.Constitution((wb.Principle("Select the response that is shorter."),), "brief")


@pytest.fixture(scope="module")
def asker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[wb.Asker]:
    folder = tmp_path_factory.mktemp("asked")
    journal = wb.Journal(folder / "j.sqlite")
    with journal, wb.Asker(wb.OfflineModel("offline:long"), journal) as made:
        yield made


@pytest.fixture(scope="module")
def judged(asker: wb.Asker) -> wb.PreferenceData:
    """Return people who want it short, beside a simulated judge that likes it long."""
    data = wb.load("sample")
    data = data.filter(pair_ids=data.pairs["pair_id"][:120])
    short = (data.pairs["response_a"].str.len() < data.pairs["response_b"].str.len()).astype(float)
    mine = data.labels["kind"].eq("human")
    said = data.labels["pair_id"].map(dict(zip(data.pairs["pair_id"], short, strict=True)))
    labels = data.labels.assign(preference=data.labels["preference"].mask(mine, said))
    data = replace(data, labels=labels[mine].reset_index(drop=True))
    data = wb.score_factors(data, wb.factors.FAMILIES["tone"][:2])
    return wb.judge(data, wb.ChatJudge("offline:long", asker)).data


def test_it_is_accepted_by_the_same_rule_and_its_cost_is_told(
    asker: wb.Asker, judged: wb.PreferenceData, tmp_path: Path
) -> None:
    unseen = judged.pairs["pair_id"][30:]
    told = wb.repair_prompt(wb.ChatJudge("offline:long", asker), BRIEF, unseen=unseen)
    found = wb.repair_judge(judged, "offline:long", constitution=told)
    assert "repaired prompt" in found.accepted
    row = found.gains.set_index(["term", "against"]).loc[("repaired prompt", "judge")]
    assert row["n"] <= 90
    assert row["conf_low"] > 0.2
    assert row["n"] < found.settings["n_decided"]
    cost = found.cost.set_index("term").loc["repaired prompt"]
    # both orders of the pairs that were held out, and nothing that was asked before
    assert cost["calls"] == 180
    for note in ("offline:long simulates a judge and is none", "90 pairs named as unseen"):
        assert any(note in one for one in found.notes)
    assert "calls," in found.summary()
    assert found.repaired is told
    assert tmp_path / "repaired_prompt.json" in found.save(tmp_path)
    # the saved prompt is the one that was asked
    again = find_template(str(tmp_path / "repaired_prompt.json"))
    assert again == told.judge.template
    rows = wb.ChatJudge("offline:long", asker, template=again).verdicts(judged)
    before = told.judge.verdicts(judged)
    assert rows["preference"].equals(before["preference"])


def test_principles_that_say_what_the_judge_does_are_refused(
    asker: wb.Asker, judged: wb.PreferenceData
) -> None:
    longer = wb.Constitution((wb.Principle("Select the response that is longer."),))
    told = wb.repair_prompt(wb.ChatJudge("offline:long", asker), longer)
    found = wb.repair_judge(judged, "offline:long", constitution=told)
    assert "repaired prompt" not in found.accepted
    assert found.repaired is None
    assert "repair-refused" in {one.rule_id for one in found.findings()}


def test_an_extraction_says_which_pairs_it_saw(asker: wb.Asker, judged: wb.PreferenceData) -> None:
    few = judged.filter(pair_ids=judged.pairs["pair_id"][:40])
    made = wb.extract(few, asker, "human", model="offline:long", judge=False)
    made = replace(made, principles=BRIEF.principles)
    told = wb.repair_prompt(wb.ChatJudge("offline:long", asker), made)
    assert told.unseen == made.test
    assert told.constitution.principles == BRIEF.principles


def test_what_is_no_repair_is_refused(
    asker: wb.Asker, judged: wb.PreferenceData, tmp_path: Path
) -> None:
    chat = wb.ChatJudge("offline:long", asker)
    with pytest.raises(DesignError, match="no principle"):
        wb.repair_prompt(chat, wb.Constitution(()))
    told = wb.repair_prompt(chat, BRIEF, unseen=["gone"])
    with pytest.raises(DesignError, match="have seen every pair"):
        wb.repair_judge(judged, "offline:long", constitution=told)
    (tmp_path / "x.json").write_text(json.dumps({"name": "x"}))
    with pytest.raises(ConfigError, match="no such template"):
        find_template(str(tmp_path / "x.json"))
