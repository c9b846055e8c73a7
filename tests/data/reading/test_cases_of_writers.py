"""Small files as their programs wrote them, beside their right reading: ../shared/cases."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from tests.conftest import SHARED

CASES = SHARED / "cases"
RIGHT: dict[str, tuple[int, list[float], dict[str, list[object]]]] = {
    "spark_csv/votes.csv": (
        3, [0.0, 1.0, 1.0],
        {"response_b": ['She said "no", then left.', 'It is "fine"', "No."]},
    ),
    "decimal_comma/votes.csv": (3, [1.0, 0.0, 1.0], {"score_a": [3.5, 1.25, 4.0]}),
    "decimal_comma/soft.csv": (3, [0.75, 0.25, 1.0], {}),
    "qualtrics_three_headers/survey.csv": (3, [1.0, 0.0, 1.0], {"words_a": [1, 1, 1]}),
    "mturk_workers/batch.csv": (4, [1.0] * 4, {}),
    "csv-header-line-end/hdr_newline.csv": (2, [1.0, 0.0], {"note more": ["n", "n"]}),
    "columns_and_data_json/table.json": (2, [1.0, 0.0], {}),
    "columns_and_data_json/default.json": (2, [1.0, 0.0], {}),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_a_file_is_read_as_its_program_meant_it(name: str) -> None:
    path: Path = CASES / name
    if not path.is_file():
        pytest.skip("the cases are not beside the project (../shared/cases)")
    labels, preferences, columns = RIGHT[name]
    data = wb.load(path)
    assert len(data.labels) == labels
    assert data.labels["preference"].tolist() == preferences
    for column, right in columns.items():
        assert data.pairs[column].tolist() == right


def test_rejected_assignments_and_unfinished_answers_are_told() -> None:
    if not CASES.is_dir():
        pytest.skip("the cases are not beside the project (../shared/cases)")
    batch = wb.load(CASES / "mturk_workers" / "batch.csv")
    assert set(batch.labels["annotator"]) == {"W1", "W2"}
    assert batch.load_report.left_out["no judgement"].count == 2
    survey = wb.load(CASES / "qualtrics_three_headers" / "survey.csv")
    assert any("Finished = False" in note for note in survey.load_report.notes)
