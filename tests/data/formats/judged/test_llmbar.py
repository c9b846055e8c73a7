"""LLMBar: 1 and 2 by construction, evaluators' verdicts in both orders, and the folder."""

from __future__ import annotations

import gzip
import json
import math
import re

import pytest

import workbench as wb
from tests.data.formats.judged.conftest import of_text, said
from workbench.data.formats.judged.llmbar import FORMAT


def item(k=0, label=1, **changed):
    return {
        "input": f"Say {k}.",
        "output_1": f"one {k}",
        "output_2": f"two {k}",
        "label": label,
        **changed,
    }


def judged(k, label, *winners, before=()):
    last = {
        f"swap = {swap}": {"completion": [f"So {winner}.", "stop"], "winner": winner}
        for swap, winner in zip((False, True), winners, strict=True)
    }
    return item(k, label, results=[*before, last])


def rated(k, *scores):
    last = {f"score_{side}": [score, "stop"] for side, score in enumerate(scores, start=1)}
    derived = {"swap = False": {"winner": "2"}, "swap = True": {"winner": "1"}}
    return item(k, results=[{**last, **derived}])


def for_first(row):
    """Return the preference for output 1."""
    return of_text(row, "one")


def test_labels_are_objective_and_need_no_mapping(written):
    data = wb.load(written([item(0, 1), item(1, 2), item(2, 2)]))
    assert data.load_report.format == "llmbar"
    rows = said(data).to_dict("records")
    assert [for_first(row) for row in rows] == [1, 0, 0]
    assert {(row["annotator"], row["kind"]) for row in rows} == {("gold", "objective")}


@pytest.mark.parametrize("labels", [(0, 1), (1, 3), ("a", "b")])
def test_other_codes_are_not_llmbar(labels):
    records = [item(k, label) for k, label in enumerate(labels)]
    assert not FORMAT.recognise(list(records[0]), records)


def test_winners_are_outputs_in_both_orders(written):
    check_winners(
        written([judged(0, 1, "1", "2"), judged(1, 2, "2", "2"), judged(2, 1, None, "1")])
    )


def test_results_begin_with_what_came_before_the_verdict(tmp_path):
    before = [["What counts?", "stop"]]
    path = tmp_path / "result.json"
    path.write_text(json.dumps([
        judged(0, 1, "1", "2", before=before), judged(1, 2, "2", "2", before=before),
        judged(2, 1, None, "1", before=before),
    ]))  # fmt: skip
    check_winners(path)


def check_winners(path):
    rows = said(wb.load(path)).query("annotator != 'gold'").to_dict("records")
    wins = [for_first(row) for row in rows]
    assert [None if math.isnan(x) else x for x in wins] == [1, 0, 0, 0, None, 1]
    first = [row["response_a"] if row["order_shown"] == "ab" else row["response_b"] for row in rows]
    assert first == ["one 0", "two 0", "one 1", "two 1", "one 2", "two 2"]
    assert [row["raw"] for row in rows if row["reason"] == "failed"] == ["So None."]


def test_ratings_of_either_output_are_one_judgement(tmp_path):
    path = tmp_path / "result.json"
    path.write_text(json.dumps([rated(0, "8", "3"), rated(1, "7", "7"), rated(2, "9", "Sure")]))
    rows = [row for row in said(wb.load(path)).to_dict("records") if row["annotator"] != "gold"]
    assert [row["reason"] for row in rows][1:] == ["tie", "failed"]
    assert for_first(rows[0]) == 1
    assert rows[0]["strength"] == 5
    assert rows[2]["raw"] == "Sure"
    assert all(row["order_shown"] not in ("ab", "ba") for row in rows)


def put(path, records, packed=False):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(records).encode()
    path.write_bytes(gzip.compress(text) if packed else text)


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_joins_data_sets_and_evaluators(tmp_path, packed):
    end = ".json.gz" if packed else ".json"
    for name in ("Natural", "Adversarial/Manual"):
        base = tmp_path / name
        put(base / f"dataset{end}", [item(0, 1, input=name), item(1, 2, input=name)], packed)
        for judge in ("m/CoT", "m/Swap"):
            put(base / "evaluators" / judge / f"result{end}",
                [{**judged(0, 1, "1", "1"), "input": name},
                 {**judged(1, 2, "1", "2"), "input": name}], packed)  # fmt: skip
    data = wb.load(tmp_path)
    assert (len(data.pairs), len(data.labels)) == (4, 4 + 4 * 4)
    assert set(data.labels["annotator"]) == {"gold", "m/CoT", "m/Swap"}
    assert data.labels["kind"].value_counts().to_dict() == {"llm": 16, "objective": 4}
    assert set(data.pairs["scenario"]) == {"Natural", "Adversarial/Manual"}
    alone = wb.load(tmp_path / "Natural")
    assert len(alone.labels) == 10


def test_a_data_set_without_evaluators_is_no_folder_of_theirs(tmp_path):
    put(tmp_path / "dataset.json", [item()])
    assert FORMAT.of_folder(tmp_path) is None


def test_every_judgement_of_the_real_folder(shared_data):
    """Its evaluators' statistics are the golden numbers: correct and equal shares."""
    folder = shared_data / "llmbar" / "LLMBar" / "Natural"
    if not folder.is_dir():
        pytest.skip("LLMBar is absent")
    data = wb.load(folder)
    judged = said(data)
    gold = judged[judged["annotator"].eq("gold")].groupby("pair_id")["preference"].first()
    right = judged["pair_id"].map(gold)
    judged["right"] = (judged["preference"] - 0.5) * (right - 0.5) > 0
    checked = 0
    for path in sorted(folder.glob("evaluators/*/*/statistics.json")):
        name = path.parent.relative_to(folder / "evaluators").as_posix()
        own = judged[judged["annotator"].eq(name)]
        if own["order_shown"].isna().any():
            continue  # ratings: the two winners of the file are derived from them
        stated = json.loads(path.read_text())
        both = own.groupby("pair_id")["right"].sum()
        one, other, always = (
            int(re.match(r"\d+", stated[f"correct_{key}"])[0]) for key in ("False", "True", "both")
        )
        assert own["right"].sum() == one + other, name
        assert (both == 2).sum() == always, name
        checked += 1
    assert checked > 20
