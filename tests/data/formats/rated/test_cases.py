"""The shared examples of layouts read as their right reading says."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import workbench as wb
from tests.conftest import SHARED

FORMATS = SHARED / "cases" / "formats"
NAMES = (
    "helpsteer2", "helpsteer2_preference", "helpsteer3_preference", "nectar", "ultrafeedback_raw",
    "shp", "webgpt", "summarize_comparisons", "oasst_messages", "pku_saferlhf",
    "prometheus_preference", "distilabel_ultrafeedback", "unified_feedback", "multipref", "pandalm",
    "btl_counts", "langsmith_pairwise", "beavertails",
)  # fmt: skip
# people whom a file does not name are nobody's repeats; and mixed is no kind
UNNAMED = {"votes": "unnamed", "annotator": "unnamed"}
KIND = {"mixed": "unknown"}
SIDES = {"a": 1.0, "b": 0.0, "tie": 0.5, "bad": 0.5}


@pytest.fixture(params=NAMES)
def case(request) -> tuple[Path, dict[str, Any]]:
    folder = FORMATS / request.param
    if not folder.is_dir():
        pytest.skip("the examples of layouts are not beside the project (../shared/cases)")
    expected = json.loads((folder / "expected.json").read_text())
    return folder / expected["main_file"], expected


def _has(text: str, parts: str) -> bool:
    return all(part in text for part in parts.split("|"))


def _matches(row: Any, verdict: dict[str, Any]) -> bool:
    """Tell whether a label is this verdict, whichever side the reader calls A."""
    texts = [f"{row[f'response_{side}']} {row[f'model_{side}']}" for side in "ab"]
    preferred = SIDES[verdict["pref"]]
    for a, b, wanted in ((0, 1, preferred), (1, 0, 1 - preferred)):
        if _has(texts[a], verdict["a"]) and _has(texts[b], verdict["b"]):
            close = (row["preference"] > 0.5) == (wanted > 0.5)
            same = close and (row["preference"] < 0.5) == (wanted < 0.5)
            return bool(same) and _as_said(row, verdict)
    return False


def _as_said(row: Any, verdict: dict[str, Any]) -> bool:
    who = UNNAMED.get(verdict["annotator"], verdict["annotator"])
    said = row["annotator"] == who and row["criterion"] == verdict["criterion"]
    for name in ("strength", "weight"):
        said &= not verdict[name] or row[name] == verdict[name]
    return bool(said and (row["reason"] == "both_bad") == (verdict["pref"] == "bad"))


def test_a_case_reads_as_expected(case):
    path, expected = case
    if expected["must_refuse"]:
        with pytest.raises(wb.DataError, match="no comparison"):
            wb.load(path)
        return
    data = wb.load(path)
    labels = data.labels.merge(data.pairs, on="pair_id")
    assert len(data.pairs) == expected["pairs"]
    judged = labels[labels["criterion"].isin(expected["criteria"])]
    assert len(judged) == expected["labels"]
    left = list(expected["verdicts"])
    for row in judged.to_dict("records"):
        found = next((verdict for verdict in left if _matches(row, verdict)), None)
        assert found is not None, row
        left.remove(found)
    assert left == []
    kinds = dict(zip(data.annotators["annotator"], data.annotators["kind"], strict=True))
    assert kinds == {
        UNNAMED.get(who, who): KIND.get(kind, kind) for who, kind in expected["annotators"].items()
    }
    if expected["clusters"] is not None:
        assert data.pairs["cluster"].nunique() == expected["clusters"]
    # no layout of these tells which response was shown first
    assert labels["order_shown"].isna().all()


def test_further_criteria_of_the_cases():
    if not FORMATS.is_dir():
        pytest.skip("the examples of layouts are not beside the project (../shared/cases)")
    for name in ("helpsteer2", "ultrafeedback_raw"):
        expected = json.loads((FORMATS / name / "expected.json").read_text())
        counts = Counter(wb.load(FORMATS / name / expected["main_file"]).labels["criterion"])
        # of UltraFeedback the mean decides beside its four aspects
        counts.pop("overall", None)
        assert counts.total() == expected["labels_all_criteria"]


def test_the_count_table_is_120_battles():
    file = SHARED / "cases" / "count_table" / "counts.csv"
    if not file.is_file():
        pytest.skip("the examples are not beside the project (../shared/cases)")
    labels = wb.load(file).labels
    assert labels["weight"].sum() == 120
    assert pd.isna(labels.loc[labels["preference"] == 0.5, "reason"]).all()
