"""Every layout beside its right reading, written by hand: ../shared/cases/formats."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from tests.conftest import SHARED

FOLDER = SHARED / "cases" / "formats"
CASES = sorted(path.parent for path in FOLDER.glob("*/expected.json"))
ASKED: dict[str, dict[str, Any]] = {
    # lines of text of which nothing says that they are pairs: read by name only
    "nemo_aligner": {"format": "nemo_aligner"},
}
"""Options without which a file is asked about."""

BESIDE = {
    # the mean of the known aspects decides, beside the 25 verdicts on single aspects
    "ultrafeedback_raw": 7,
}
"""Labels beside those that ``labels_all_criteria`` counts."""

UNNAMED = {"btl_counts", "helpsteer2_preference", "helpsteer3_preference", "wandb_table"}
"""Files that name nobody: their votes are of ``unnamed``, each its own judgement."""

KINDS: dict[str, dict[str, str]] = {
    "both_orders_rows": {"judge-x": "unknown"},
    "criteria_rows": {"ann1": "unknown"},
    "votes_without_annotator": {"unnamed": "unknown"},
}
"""Other kinds than expected: ``human`` is claimed only where the format says so."""

needs_cases = pytest.mark.skipif(
    not CASES, reason="the cases are not beside the project (../shared)"
)


def named(row: Any, side: str) -> str:
    """What names a side: its text, model and media."""
    parts = (row.get(f"{what}_{side}") for what in ("response", "model", "media"))
    return " ".join(str(part) for part in parts if isinstance(part, str))


def side_of(row: Any, verdict: dict[str, Any]) -> int:
    """1 where A of a label is ``a`` of an expected verdict, -1 where it is ``b``, else 0."""

    def has(side: str, key: str) -> bool:
        return all(part in named(row, side) for part in verdict[key].split("|"))

    if has("a", "a") and has("b", "b"):
        return 1
    return -1 if has("a", "b") and has("b", "a") else 0


def meant(row: Any, side: int) -> str:
    """What a label says of an expected verdict's sides."""
    if row["preference"] != row["preference"]:
        return "fail"
    if row["preference"] == 0.5:
        return "bad" if row["reason"] == "both_bad" else "tie"
    return "a" if (row["preference"] > 0.5) == (side > 0) else "b"


def agrees(row: Any, verdict: dict[str, Any]) -> bool:
    side = side_of(row, verdict)
    if not side or meant(row, side) != verdict["pref"]:
        return False
    if verdict["criterion"] and row["criterion"] != verdict["criterion"]:
        return False
    if verdict["order"]:
        order = verdict["order"] if side > 0 else verdict["order"][::-1]
        if row["order_shown"] != order:
            return False
    return all(
        verdict[key] is None or row[key] == pytest.approx(verdict[key])
        for key in ("strength", "weight")
    )


@needs_cases
@pytest.mark.parametrize("folder", CASES, ids=lambda path: path.name)
def test_a_layout_is_read_as_what_it_is(folder: Path) -> None:
    expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
    file = folder / expected["main_file"]
    if expected["must_refuse"]:
        with pytest.raises(wb.DataError) as refused:
            wb.load(file)
        assert refused.value.fix
        return
    data = wb.load(file, **ASKED.get(folder.name, {}))
    labels = data.labels.merge(data.pairs, on="pair_id", suffixes=("", "_of_pair"))
    rows = labels.to_dict("records")
    left = list(expected["verdicts"])
    unexpected = []
    for row in rows:
        hit = next((verdict for verdict in left if agrees(row, verdict)), None)
        if hit is None:
            unexpected.append((named(row, "a"), named(row, "b"), row["preference"]))
        else:
            left.remove(hit)
    if "labels_all_criteria" in expected:
        # the verdicts are of the criterion that decides; the others are read beside it
        assert len(rows) == expected["labels_all_criteria"] + BESIDE.get(folder.name, 0)
        assert left == []
        rows = [row for row in rows if row["criterion"] in expected["criteria"]]
    else:
        assert (unexpected, left) == ([], [])
        assert set(labels["criterion"]) == set(expected["criteria"])
    assert len(data.pairs) == expected["pairs"]
    assert sum(row["preference"] == row["preference"] for row in rows) == expected["labels"]
    assert sum(row["preference"] != row["preference"] for row in rows) == expected["failed"]
    if expected["clusters"] is not None:
        assert data.pairs["cluster"].nunique() == expected["clusters"]
    kinds = Counter(data.annotators["kind"])
    wanted = KINDS.get(folder.name, expected["annotators"])
    assert kinds == Counter("unknown" if kind == "mixed" else kind for kind in wanted.values())
    names = {"unnamed"} if folder.name in UNNAMED else set(wanted)
    assert set(data.annotators["annotator"]) == names
