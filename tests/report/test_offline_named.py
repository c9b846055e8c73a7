"""Numbers of the offline model are named as such in a report, and people's are not."""

from __future__ import annotations

import pandas as pd
import pytest

import workbench as wb
from workbench.data.dataset import PreferenceData
from workbench.report.data_card import simulated


@pytest.fixture
def data() -> PreferenceData:
    pairs = pd.DataFrame({"prompt": ["p", "q"], "response_a": ["a", "c"], "response_b": ["b", "d"]})
    labels = pd.DataFrame({"pair": [0, 1], "annotator": "ann", "preference": [1.0, 0.0]})
    return PreferenceData.from_tables(pairs, labels)


def test_a_judge_and_factors_of_the_offline_model_are_named(data, tmp_path):
    assert simulated(data, []) is None
    with wb.Journal(tmp_path / "j") as journal, wb.Asker(wb.OfflineModel(), journal) as asker:
        judged = wb.judge(data, wb.ChatJudge("offline:plain", asker))
        scored = wb.score_rubric(data, "values", asker, model="offline:plain")
    for found in (judged, scored):
        said = simulated(found.data, [])
        assert said.startswith("Offline model.")
        assert "real people" not in said
        page = wb.report([found], data=found.data).html()
        assert "Offline model. Annotators and factors" in page
        # what it used stands in the report
        assert "prompt_tokens" in page
