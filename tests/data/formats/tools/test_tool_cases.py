"""The shared examples of tools' files, each against its right reading."""

from __future__ import annotations

import json
from collections import Counter

import pytest

import workbench as wb
from tests.conftest import SHARED
from workbench.errors import DataError

CASES = SHARED / "cases" / "formats"
NAMES = ("inspect_log", "promptfoo_select_best", "argilla_records", "label_studio",
         "prodigy_compare", "openai_batch_output")  # fmt: skip
SIDES = {"a": 1.0, "b": 0.0, "tie": 0.5}


@pytest.mark.parametrize("name", NAMES)
def test_a_shared_example_reads_right(name):
    folder = CASES / name
    if not folder.is_dir():
        pytest.skip("the shared examples are not beside the project")
    right = json.loads((folder / "expected.json").read_text())
    if right["must_refuse"]:
        with pytest.raises(DataError):
            wb.load(folder / right["main_file"])
        return
    data = wb.load(folder / right["main_file"])
    labels = data.labels.merge(data.pairs, on="pair_id")
    assert (len(data.pairs), len(labels)) == (right["pairs"], right["labels"])
    assert dict(zip(labels["annotator"], labels["kind"], strict=True)) == right["annotators"]
    assert set(labels["criterion"]) == set(right["criteria"])
    left_out = sum(entry.count for entry in data.load_report.left_out.values())
    assert left_out == right["rows_without_label"]
    orders = labels["order_shown"].notna().sum()
    assert orders == (right["orders"]["known"] if right["orders"] != "unknown" else 0)
    if right["clusters"] is not None:
        assert data.pairs["cluster"].nunique() == right["clusters"]
    found = Counter(_said(row, right["verdicts"]) for row in labels.to_dict("records"))
    assert found == Counter(
        (v["a"], v["b"], SIDES[v["pref"]], v["annotator"], v["order"]) for v in right["verdicts"]
    )


def _said(row, verdicts):
    """Return a label in the terms of the expected verdict on the same pair."""
    sides = [f"{row[f'response_{s}']} {row[f'model_{s}']}" for s in "ab"]
    order = row["order_shown"] if isinstance(row["order_shown"], str) else None
    for verdict in verdicts:
        wanted = [verdict[side].split("|") for side in "ab"]
        for turned in (False, True):
            shown = sides[::-1] if turned else sides
            if all(p in s for parts, s in zip(wanted, shown, strict=True) for p in parts):
                value = 1 - row["preference"] if turned else row["preference"]
                order = {"ab": "ba", "ba": "ab"}.get(order, order) if turned else order
                return verdict["a"], verdict["b"], value, row["annotator"], order
    return sides
