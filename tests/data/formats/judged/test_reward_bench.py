"""RewardBench 1 (pairs) and 2 (lists, expanded to pairs)."""

import json

import pyarrow as pa
import pytest

from workbench.data.formats.judged.reward_bench import FORMAT
from workbench.data.formats.training import trl
from workbench.data.load import load
from workbench.errors import DataError


def one(i=0, **changed):
    return {
        "prompt": f"question {i}",
        "chosen": f"good {i}",
        "chosen_model": "gpt4",
        "rejected": f"bad {i}",
        "rejected_model": "alpaca",
        "subset": "alpacaeval-easy",
        "id": i,
        **changed,
    }


def two(i=0, **changed):
    return {
        "id": str(i),
        "prompt": f"question {i}",
        "chosen": [f"good {i}"],
        "rejected": [f"bad {i}.{k}" for k in range(3)],
        "num_correct": 1,
        "num_incorrect": 3,
        "total_completions": 4,
        "models": ["a", "b", "c", "d"],
        "subset": "Math",
        "additional_metadata": {"category": "x", "method": None},
        **changed,
    }


def read(records, **options):
    return FORMAT.translate(pa.Table.from_pylist(records), 1, options)


def test_recognised_before_trl():
    assert FORMAT.recognise(list(one()), [one()])
    assert FORMAT.recognise(list(two()), [two()])
    assert not trl.FORMAT.recognise(list(two()), [two()])
    assert not FORMAT.recognise(["prompt", "chosen", "rejected"], [])


def test_models_and_verdict_follow_the_shuffled_sides():
    frame = read([one(i) for i in range(40)])
    assert 0 < frame["preference"].sum() < 40
    for i, row in enumerate(frame.itertuples()):
        good, bad = ("a", "b") if row.preference == 1.0 else ("b", "a")
        assert getattr(row, f"response_{good}") == f"good {i}"
        assert getattr(row, f"model_{good}") == "gpt4"
        assert getattr(row, f"model_{bad}") == "alpaca"
    assert set(frame["scenario"]) == {"alpacaeval-easy"}
    assert frame["source_id"].tolist()[:2] == ["0", "1"]
    assert frame[["annotator", "kind"]].iloc[0].tolist() == ["gold", "objective"]


def test_lists_become_all_pairs_of_one_prompt():
    frame = read([two(0), two(1, chosen=["good 1", "fine 1"], num_correct=2)])
    assert frame["row"].tolist() == [1] * 3 + [2] * 6
    assert frame["best_of_n"].tolist() == ["0"] * 3 + ["1"] * 6
    first = frame["preference"] == 1.0
    chosen = frame["response_a"].where(first, frame["response_b"])
    rejected = frame["response_b"].where(first, frame["response_a"])
    pairs = set(zip(chosen, rejected, strict=True))
    assert pairs == {("good 0", f"bad 0.{k}") for k in range(3)} | {
        (good, f"bad 1.{k}") for good in ("good 1", "fine 1") for k in range(3)
    }
    assert "not the benchmark" in frame.attrs["settings"]["expansion"]
    assert frame["additional_metadata.category"].tolist() == ["x"] * 9
    assert "model_a" not in frame


def test_pairs_of_one_prompt_share_a_cluster(tmp_path):
    path = tmp_path / "bench.jsonl"
    path.write_text("\n".join(json.dumps(two(i)) for i in range(4)))
    data = load(path)
    assert (data.load_report.format, len(data)) == ("reward_bench", 12)
    assert data.pairs["cluster"].nunique() == 4
    assert "not the benchmark" in data.load_report.settings["expansion"]


def test_lists_as_json_text():
    record = two()
    frame = read(
        [
            {
                **record,
                "chosen": json.dumps(record["chosen"]),
                "rejected": json.dumps(record["rejected"]),
            }
        ]
    )
    assert len(frame) == 3


@pytest.mark.parametrize(
    "changed", [{"chosen": []}, {"rejected": None}, {"prompt": None}, {"rejected": ["x", None]}]
)
def test_broken_lists_are_counted(changed):
    frame = read([two(0), two(1, **changed), two(2)])
    assert frame["problem"].fillna("").tolist() == ["", "", "", "unparseable", "", "", ""]
    assert frame["row"].tolist() == [1, 1, 1, 2, 3, 3, 3]
    assert frame["found"][3].startswith(next(iter(changed)))


@pytest.mark.parametrize("changed", [{"chosen": 3}, {"chosen": "one text"}, {"rejected": {"a": 1}}])
def test_lists_of_a_wrong_type_are_counted(changed):
    assert read([two(**changed)])["problem"].tolist() == ["unparseable"]


@pytest.mark.parametrize("column", ["prompt", "chosen", "rejected"])
def test_missing_texts_are_counted(column):
    frame = read([one(0), one(1, **{column: None})])
    assert frame["problem"].fillna("").tolist() == ["", "unparseable"]


def test_a_missing_column_is_named():
    record = one()
    del record["prompt"]
    with pytest.raises(DataError, match="prompt"):
        read([record])
