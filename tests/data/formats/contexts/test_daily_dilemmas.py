"""DailyDilemmas: two rows a dilemma become a pair, and each model's choice a label."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

import workbench as wb


def actions(n: int = 6) -> list[dict[str, Any]]:
    """Rows of the layout; the texts are made up."""
    return [
        {"idx": i, "dilemma_situation": f"Situation {i}?", "action_type": kind,
         "action": f"{kind} {i}", "values_names": str([f"v{i}", kind]),
         "mft": "['Care', nan]", "model_resp_one_clean": "to_do",
         "model_resp_two_clean": "not_to_do" if i % 2 else "to_do", "topic_group": "home"}
        for i in range(n) for kind in ("to_do", "not_to_do")
    ]  # fmt: skip


def load(place: Path, rows: list[dict[str, Any]]) -> wb.PreferenceData:
    path = place / "actions.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return wb.load(path)


def test_choices_become_labels_whatever_side_the_action_is_on(tmp_path: Path) -> None:
    data = load(tmp_path, actions())
    assert data.load_report is not None
    assert data.load_report.format == "daily_dilemmas"
    assert (len(data.pairs), len(data.labels)) == (6, 12)
    assert set(data.labels["kind"]) == {"llm"}
    both = data.labels.merge(data.pairs, on="pair_id")
    did = both["preference"].where(both["action_type_a"].eq("to_do"), 1 - both["preference"])
    even = both["prompt"].str.extract(r"(\d+)")[0].astype(int) % 2 == 0
    assert did[both["annotator"].eq("one")].eq(1).all()
    assert (
        did[both["annotator"].eq("two")].eq(even[both["annotator"].eq("two")].astype(float)).all()
    )
    assert both["values_a"].str.contains("to_do").all()
    assert set(data.pairs["scenario"]) == {"home"}


def test_lists_of_json_are_those_of_csv(tmp_path: Path) -> None:
    rows = actions()
    lists = [{**row, "values_names": [f"v{row['idx']}", row["action_type"]],
              "mft": ["Care", None]} for row in rows]  # fmt: skip
    one, other = load(tmp_path, rows), load(tmp_path, lists)
    first, second = (wb.factors.from_lists(data, "values").factors for data in (one, other))
    pd.testing.assert_frame_equal(first, second)
    wb.save(other, tmp_path / "saved")
    again = wb.factors.from_lists(wb.load(tmp_path / "saved"), "values").factors
    pd.testing.assert_frame_equal(second, again)


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    one = load(tmp_path, actions())
    rows = actions()
    other = load(tmp_path, [*rows[::-1]])
    key = ["pair_id", "annotator"]
    first, second = (d.labels.set_index(key)["preference"].sort_index() for d in (one, other))
    pd.testing.assert_series_equal(first, second)


def test_what_cannot_be_used_is_counted(tmp_path: Path) -> None:
    rows = actions()
    rows[1]["action_type"] = "to_do"  # the same action twice
    rows[2]["model_resp_one_clean"] = "both"
    rows[4]["model_resp_one_clean"] = None
    rows[7]["action"] = " "
    data = load(tmp_path, rows[:-1])  # the last dilemma has one action
    assert data.load_report is not None
    left = {why: one["count"] for why, one in data.load_report.to_dict()["left_out"].items()}
    assert left == {"no judgement": 1, "unparseable": 3}
    failed = data.labels[data.labels["preference"].isna()]
    assert failed["raw"].tolist() == ["both"]
    assert len(data.pairs) == 3
