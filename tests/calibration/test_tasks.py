"""Pairs for labelling tools and back: round trips, hostile texts, refusals."""

from __future__ import annotations

import csv
import io
import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.hostile import HOSTILE
from workbench.calibration.tasks.tasks import tasks_of
from workbench.errors import ConfigError, DataError, DesignError

ODD = ["=HYPERLINK(\"http://x\")", "<script>alert(1)</script>", "@SUM(A1)", "a\r\n\tb", "-1+1",
       "</Choices>\"'&", "{{ x }} $left", "'=1", "  spaced  "]  # fmt: skip


@pytest.fixture(scope="module")
def data() -> wb.PreferenceData:
    """Return twelve pairs: hostile texts left or right, a prompt without text, one judge."""
    n = 12
    pairs = pd.DataFrame({"prompt": [f"prompt {k}" for k in range(n)]})
    pairs["response_a"] = [ODD[k % len(ODD)] for k in range(n)]
    pairs["response_b"] = [f"plain {k}" for k in range(n)]
    pairs.loc[3, "prompt"] = None
    labels = pd.DataFrame({"pair": np.arange(n), "annotator": "judge", "kind": "llm"})
    return wb.PreferenceData.from_tables(pairs, labels.assign(preference=1.0))


def label_studio(tasks: list[dict], said: dict[str, str], **changed) -> list[dict]:
    """Return what Label Studio exports as JSON: our tasks, each with an annotation."""
    return [
        {
            "id": k, "data": task["data"], "predictions": [], "annotations": [{
                "id": 100 + k, "completed_by": {"id": 7, "email": "ann@x.org"},
                "was_cancelled": False, "lead_time": 3.5, "result": [{
                    "from_name": "preference", "to_name": "prompt", "type": "choices",
                    "value": {"choices": [said[task["data"]["task_id"]]]},
                }], **changed,
            }],
        }
        for k, task in enumerate(tasks)
    ]  # fmt: skip


def label_studio_min(tasks: list[dict], said: dict[str, str]) -> list[dict]:
    return [
        {**task["data"], "id": k, "preference": said[task["data"]["task_id"]], "annotator": 7,
         "annotation_id": 100 + k, "created_at": "x", "updated_at": "x", "lead_time": 1.0}
        for k, task in enumerate(tasks)
    ]  # fmt: skip


def argilla(records: list[dict], said: dict[str, str]) -> list[dict]:
    return [
        {**record, "status": "completed", "_server_id": f"s{k}",
         "responses": {"preference": [{"value": said[record["id"]], "user_id": "u-1"}]}}
        for k, record in enumerate(records)
    ]  # fmt: skip


def exported(place: Path, tool: str, said: dict[str, str]) -> tuple[Path, str]:
    """Return an export with these answers, and the annotator's name in it."""
    if tool == "csv":
        path = place / "csv" / "tasks.csv"
        rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))
        out = place / "filled.csv"
        with out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(
                {**row, "preference": said[row["task_id"]], "annotator": "ann"} for row in rows
            )
        return out, "ann"
    if tool == "argilla":
        records = json.loads((place / "argilla" / "records.json").read_text(encoding="utf-8"))
        answers, name = argilla(records, said), "u-1"
    else:
        tasks = json.loads((place / "label-studio" / "tasks.json").read_text(encoding="utf-8"))
        make = label_studio if tool == "label-studio" else label_studio_min
        answers, name = make(tasks, said), "ann@x.org" if tool == "label-studio" else "7"
    (place / "export.json").write_text(json.dumps(answers), encoding="utf-8")
    return place / "export.json", name


@pytest.mark.parametrize("tool", ["label-studio", "label-studio-min", "argilla", "csv"])
def test_answers_come_back_on_the_same_pairs_with_their_sides(data, tmp_path, tool):
    """People prefer the plain response, wherever it stood; one pair is a tie."""
    ids = data.pairs["pair_id"].tolist()
    wb.write_tasks(data, ids, tmp_path)
    tasks = tasks_of(data, ids).set_index("task_id")
    said = {name: "left" if str(row["left"]).startswith("plain") else "right"
            for name, row in tasks.iterrows()}  # fmt: skip
    tied = tasks.index[5]
    said[tied] = "tie"
    path, name = exported(tmp_path, tool, said)
    more = wb.with_answers(data, path)
    mine = more.labels[more.labels["annotator"].eq(name)].set_index("pair_id").loc[ids]
    assert (mine["kind"] == "human").all()
    plain_is_a = data.pairs.set_index("pair_id")["response_a"].str.startswith("plain").loc[ids]
    wanted = plain_is_a.astype(float)
    wanted[tasks.loc[tied, "pair_id"]] = 0.5
    assert mine["preference"].tolist() == wanted.tolist()
    assert mine["order_shown"].tolist() == [{"a": "ab", "b": "ba"}[x] for x in tasks["left_is"]]
    assert "12 kept" in more.load_report.notes[-1]
    # the same file again adds nothing, and says so
    again = wb.with_answers(more, path)
    assert len(again.labels) == len(more.labels)
    assert again.load_report.left_out["already there"].count == 12


def test_sides_are_drawn_by_the_seed_and_the_pair_alone_and_recorded(data, tmp_path):
    ids = data.pairs["pair_id"].tolist()
    first = tasks_of(data, ids)
    assert set(first["left_is"]) == {"a", "b"}
    assert tasks_of(data, ids[::-1])["task_id"].tolist() == first["task_id"].tolist()[::-1]
    assert tasks_of(data, ids, seed=1)["left_is"].tolist() != first["left_is"].tolist()
    paths = wb.write_tasks(data, ids, tmp_path, "csv")
    key = pd.read_csv(paths[0])
    assert key["left_is"].tolist() == first["left_is"].tolist()
    same = [path.read_bytes() for path in paths]
    wb.write_tasks(data, ids, tmp_path, "csv")
    assert [path.read_bytes() for path in paths] == same
    many = tasks_of(wb.load("sample"), wb.load("sample").pairs["pair_id"])
    assert abs(many["left_is"].eq("a").mean() - 0.5) < 0.05


def test_nothing_of_the_data_runs_in_a_tool(data, tmp_path):
    wb.write_tasks(data, data.pairs["pair_id"], tmp_path)
    config = (tmp_path / "label-studio" / "config.xml").read_text(encoding="utf-8")
    root = ET.fromstring(config)  # noqa: S314
    assert {tag.tag for tag in root.iter()} == {"View", "Header", "Text", "Choices", "Choice"}
    assert {tag.get("value") for tag in root.iter("Text")} == {"$prompt", "$left", "$right"}
    cells = csv.reader(io.StringIO((tmp_path / "csv" / "tasks.csv").read_text(encoding="utf-8"),
                                   newline=""))  # fmt: skip
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
                   for row in cells for cell in row)  # fmt: skip
    settings = json.loads((tmp_path / "argilla" / "settings.json").read_text(encoding="utf-8"))
    assert not any(field["settings"]["use_markdown"] for field in settings["fields"])
    whole = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.json"))
    assert "judge" not in whole


def test_hostile_texts_come_through_every_tool(tmp_path):
    texts = list(HOSTILE)
    pairs = pd.DataFrame({"prompt": [f"p {k}" for k in range(len(texts))], "response_a": texts})
    pairs["response_b"] = "plain"
    labels = pd.DataFrame({"pair": [0], "annotator": "judge", "kind": "llm", "preference": 1.0})
    data = wb.PreferenceData.from_tables(pairs, labels)
    ids = data.pairs["pair_id"].tolist()
    wb.write_tasks(data, ids, tmp_path)
    said = dict.fromkeys(tasks_of(data, ids)["task_id"], "left")
    for tool in ("label-studio", "argilla", "csv"):
        more = wb.with_answers(data, exported(tmp_path, tool, said)[0])
        assert len(more.labels) == 1 + len(ids)


def test_unknown_tasks_other_texts_and_no_answers_are_told(data, tmp_path):
    ids = data.pairs["pair_id"].tolist()
    tasks = tasks_of(data, ids)
    table = tasks[["task_id", "left"]].assign(preference="left", annotator="ann")
    table.loc[0, "task_id"] = "0000-ab"
    table.loc[1, "task_id"] = "garbage"
    table.loc[2, "left"] = "something else"
    table.loc[3, "preference"] = ""
    table.loc[4, "preference"] = "blue"
    table.loc[5, "annotator"] = None
    table.to_csv(tmp_path / "a.csv", index=False)
    more = wb.with_answers(data, tmp_path / "a.csv")
    counts = {reason: left.count for reason, left in more.load_report.left_out.items()}
    assert counts == {"unknown pair": 2, "another text was shown": 1, "no judgement": 1,
                      "unknown label": 1}  # fmt: skip
    report = more.load_report
    assert report.rows_kept + sum(counts.values()) == report.rows_read
    assert more.labels["annotator"].eq("unnamed").sum() == 1
    table.assign(annotator="judge").to_csv(tmp_path / "b.csv", index=False)
    with pytest.raises(DataError, match="name of an annotator who is none"):
        wb.with_answers(data, tmp_path / "b.csv")
    table.assign(task_id="x-ab").to_csv(tmp_path / "c.csv", index=False)
    with pytest.raises(DataError, match="No answer can be used"):
        wb.with_answers(data, tmp_path / "c.csv")
    pd.DataFrame({"x": [1], "y": [2]}).to_csv(tmp_path / "d.csv", index=False)
    with pytest.raises(DataError, match="no answers to tasks"):
        wb.with_answers(data, tmp_path / "d.csv")


def test_answers_without_a_name_or_task_and_changed_ones_may_be_read_again(data, tmp_path):
    tasks = tasks_of(data, data.pairs["pair_id"].tolist())
    table = tasks[["task_id"]].assign(preference="left", annotator=None)
    table.loc[0, "task_id"] = None
    table.to_csv(tmp_path / "a.csv", index=False)
    more = wb.with_answers(data, tmp_path / "a.csv")
    assert len(more.labels) == 12 + 11
    assert more.load_report.left_out["unknown pair"].count == 1
    table.loc[1, "preference"] = "right"
    table.to_csv(tmp_path / "a.csv", index=False)
    again = wb.with_answers(more, tmp_path / "a.csv")
    # what was said first stays, and that is told
    pd.testing.assert_frame_equal(again.labels, more.labels)
    counts = {reason: left.count for reason, left in again.load_report.left_out.items()}
    assert counts == {"unknown pair": 2, "already there": 10,
                      "already there with another answer": 1}  # fmt: skip
    # Label Studio's CSV, a row of which is broken
    rows = [
        {
            **row,
            "id": k,
            "annotator": 7,
            "annotation_id": k,
            "preference": "left",
            "created_at": "x",
            "updated_at": "x",
            "lead_time": 1.0,
        }
        for k, row in enumerate(tasks.drop(columns=["pair_id", "left_is"]).to_dict("records"))
    ]
    pd.DataFrame([*rows, {"id": 99, "prompt": "lost"}]).to_csv(tmp_path / "b.csv", index=False)
    told = wb.with_answers(data, tmp_path / "b.csv").load_report
    assert told.notes[-1].startswith("answers from b.csv: 12 kept; left out: 1 ")


def test_suggestions_of_models_and_skipped_tasks_are_no_answers(data, tmp_path):
    ids = data.pairs["pair_id"].tolist()
    wb.write_tasks(data, ids, tmp_path)
    tasks = json.loads((tmp_path / "label-studio" / "tasks.json").read_text(encoding="utf-8"))
    said = {task["data"]["task_id"]: "left" for task in tasks}
    export = label_studio(tasks, said)
    export[0]["annotations"][0]["was_cancelled"] = True
    export[1]["predictions"] = [
        {"model_version": "m", "result": export[1]["annotations"][0]["result"]}
    ]
    export[2]["annotations"] = []
    (tmp_path / "export.json").write_text(json.dumps(export), encoding="utf-8")
    more = wb.with_answers(data, tmp_path / "export.json")
    assert len(more.labels) == 12 + 10
    told = {reason: left.count for reason, left in more.load_report.left_out.items()}
    assert told == {"no judgement": 2, "suggested by a model": 1}


def test_pairs_that_cannot_be_shown_are_refused(data, tmp_path):
    ids = data.pairs["pair_id"].tolist()
    bare = replace(data, pairs=data.pairs.assign(response_b=None))
    for bad, kind, message in (
        (lambda: wb.write_tasks(bare, ids, tmp_path), DataError, "no text that could be shown"),
        (lambda: wb.write_tasks(data, ["x"], tmp_path), DataError, "no such pairs"),
        (lambda: wb.write_tasks(data, ids[:1] * 2, tmp_path), DataError, "no such pairs"),
        (lambda: wb.write_tasks(data, [], tmp_path), DataError, "no such pairs"),
        (lambda: wb.write_tasks(data, ids, tmp_path, "excel"), ConfigError, "no such labelling"),
        (lambda: wb.write_tasks(data, ids, tmp_path, seed=-1), DesignError, "Option seed"),
    ):
        with pytest.raises(kind, match=message):
            bad()
    assert not list(tmp_path.iterdir())


def test_prompts_that_differ_stand_above_their_responses(tmp_path):
    pairs = pd.DataFrame({"prompt": ["one?", "same"], "prompt_b": ["two?", None],
                          "response_a": ["1", "x"], "response_b": ["2", "y"]})  # fmt: skip
    labels = pd.DataFrame({"pair": [0, 1], "annotator": "judge", "preference": 1.0})
    data = wb.PreferenceData.from_tables(pairs, labels)
    apart = data.pairs["prompt_b"].notna().to_numpy()
    shown = tasks_of(data, data.pairs["pair_id"].tolist())[apart].iloc[0]
    assert {shown["left"], shown["right"]} == {"one?\n\n1", "two?\n\n2"}
    assert shown["prompt"] == ""
