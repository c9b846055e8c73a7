"""CoBBLEr's folder: counts of wins by judge, joined by position with instructions and texts."""

from __future__ import annotations

import json

import workbench as wb
from tests.data.formats.judged.conftest import of_model, said
from workbench.data.formats.judged.cobbler import FORMAT, RULE


def put(folder, name, rows):
    (folder / name).write_text(json.dumps(rows))


def test_rows_are_joined_by_position(tmp_path):
    texts = [
        {"instruction": f"Q {k}", "reference": f"R {k}", **{m: f"{m} on Q {k}" for m in "xyz"}}
        for k in (1, 2)
    ]
    put(tmp_path, "normalized_human_ranking.json", texts)
    put(tmp_path, "nC2_preferences_oak.json", [{"x": 4, "y": 2, "z": 0}, {"x": 1, "y": 1, "z": 3}])
    put(tmp_path, "nC2_preferences_elm.json", [{"x": 0, "y": 2, "z": 4}, {"x": 4, "y": 0, "z": 2}])
    put(tmp_path, "other.json", [{"a": 1}])
    data = wb.load(tmp_path)
    assert (len(data.pairs), len(data.labels)) == (6, 12)
    assert data.load_report.settings["rule"] == RULE
    rows = said(data).to_dict("records")
    assert {(row["annotator"], row["kind"]) for row in rows} == {("oak", "llm"), ("elm", "llm")}
    wins = {
        (row["annotator"], row["prompt"], *sorted((row["model_a"], row["model_b"]))): of_model(
            row, min(row["model_a"], row["model_b"])
        )
        for row in rows
    }
    assert [wins["oak", "Q 1", *pair] for pair in ("xy", "xz", "yz")] == [1, 1, 1]
    assert [wins["oak", "Q 2", *pair] for pair in ("xy", "xz", "yz")] == [0.5, 0, 0]
    assert [wins["elm", "Q 1", *pair] for pair in ("xy", "xz", "yz")] == [0, 0, 0]
    assert data.labels["order_shown"].isna().all()
    assert data.pairs["cluster"].nunique() == 2
    for row in rows:
        for side in "ab":
            assert row[f"response_{side}"] == f"{row[f'model_{side}']} on {row['prompt']}"


def test_counts_without_texts_are_judgements_on_models(tmp_path):
    put(tmp_path, "nC2_preferences_oak.json", [{"x": 4, "y": 2}, {"x": None, "y": 1}])
    put(tmp_path, "texts.json", [{"instruction": "Q", "x": "one", "y": "two"}])
    data = wb.load(tmp_path)
    assert len(data.labels) == 1
    assert data.pairs["response_a"].isna().all()
    assert data.load_report.left_out["unparseable"].count == 1


def test_another_folder_is_none_of_theirs(tmp_path):
    put(tmp_path, "texts.json", [{"instruction": "Q"}])
    assert FORMAT.of_folder(tmp_path) is None
