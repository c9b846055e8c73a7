"""Example files of the documented layouts beside their right reading, where these lie."""

import json

import pandas as pd
import pytest

from tests.conftest import SHARED
from workbench.data.load import load
from workbench.errors import DataError

from .conftest import recognised, side_texts

CASES = (SHARED / "cases" / "formats").resolve()
NAMES = (
    "arena_55k", "arena_100k", "arena_140k", "chatbot_arena_conversations", "evalica_csv",
    "search_arena_24k", "vision_arena", "ppe_human", "mtbench_human", "community_alignment",
    "prism_utterances", "coval_rankings", "pickapic", "hpdv2_train", "imagereward", "rlhf_v",
    "cobbler_ranks",
)  # fmt: skip
PREFERENCES = {"a": 1.0, "b": 0.0}


def expected(name):
    path = CASES / name / "expected.json"
    if not path.is_file():
        pytest.skip("example files of the layouts are not beside the project (../shared/cases)")
    return json.loads(path.read_text())


@pytest.mark.parametrize("name", NAMES)
def test_read_as_expected(name):
    right = expected(name)
    found, container = recognised(CASES / name / right["main_file"])
    frame = found.translate(container.table, 1, {"seed": 0})
    left = list(right["verdicts"])
    for row in frame[frame["problem"].isna()].to_dict("records"):
        hit = next((verdict for verdict in left if agrees(row, verdict)), None)
        assert hit is not None, row
        left.remove(hit)
    assert left == []
    assert (frame["problem"] == "no judgement").sum() == right["rows_without_label"]
    orders = set(frame["order_shown"].dropna()) if "order_shown" in frame else set()
    assert orders == (set() if right["orders"] == "unknown" else {"ab"})


def agrees(row, verdict):
    """Tell whether a judgement is the one expected, on whichever sides its texts stand."""
    sides = [
        all(part in text for part in verdict[key].split("|"))
        for key, text in (("a", side_texts(row, "a")), ("b", side_texts(row, "b")))
    ]
    turned = [
        all(part in text for part in verdict[key].split("|"))
        for key, text in (("a", side_texts(row, "b")), ("b", side_texts(row, "a")))
    ]
    if not all(sides) and not all(turned):
        return False
    preference = row["preference"] if all(sides) else 1 - row["preference"]
    criterion = row.get("criterion")
    return (
        preference == PREFERENCES.get(verdict["pref"], 0.5)
        and (row["reason"] == "both_bad") == (verdict["pref"] == "bad")
        and row["annotator"] == verdict["annotator"]
        and ("overall" if pd.isna(criterion) else criterion) == verdict["criterion"]
    )


@pytest.mark.parametrize("name", NAMES)
def test_pairs_and_clusters_as_expected(name):
    right = expected(name)
    data = load(CASES / name / right["main_file"])
    assert len(data) == right["pairs"]
    assert len(data.labels) == right["labels"]
    assert set(data.labels["criterion"]) == set(right["criteria"])
    kinds = data.annotators.set_index("annotator")["kind"].to_dict()
    assert kinds == right["annotators"]
    if right["clusters"] is not None:
        assert data.pairs["cluster"].nunique() == right["clusters"]


def test_safety_ratings_are_refused():
    right = expected("dices")
    with pytest.raises(DataError, match="no comparison"):
        load(CASES / "dices" / right["main_file"])


@pytest.mark.parametrize("file", ["battles.csv", "battles_index.csv"])
def test_200_battles_stay_200(file):
    path = (SHARED / "cases" / "battles-without-text" / file).resolve()
    if not path.is_file():
        pytest.skip("example files are not beside the project (../shared/cases)")
    data = load(path)
    assert data.load_report.format == "battles"
    assert len(data) == len(data.labels) == 200
