"""AnnotatedPairs 1.0 and 2.0 with the quirks of the programs that write them."""

import json
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from workbench.data.formats.tools.annotated_pairs import FORMAT, records_of
from workbench.data.load import load
from workbench.data.reading.record_tables import table_of

EXAMPLE = (
    Path(__file__).parents[4]
    / ".." / "shared" / "data" / "icai_synthetic" / "data" / "processed" / "example"
)  # fmt: skip


def annotators():
    return {
        "ba751e7b": {"name": "preferred_text", "description": "Default", "type": "unknown"},
        "2f45a6d0": {"description": "Select the shorter response.", "type": "principle"},
        "11111111": {"name": "Ann", "description": "", "type": "human"},
    }


def comparison(annotations=None, **changed):
    return {
        "id": "4b49a6e7",
        "prompt": "2+2?",
        "response_a": {"text": "4", "model": "X"},
        "response_b": {"text": "5", "model": "Y"},
        "annotations": {"ba751e7b": {"pref": "a"}} if annotations is None else annotations,
        "metadata": {"index": "3"},
        **changed,
    }


def document(*comparisons, **changed):
    return {
        "metadata": {"version": "2.0"},
        "annotators": annotators(),
        "comparisons": list(comparisons),
        **changed,
    }


def read(*comparisons, **options):
    records = records_of(document(*comparisons))
    return FORMAT.translate(table_of(records)[0], 1, options)


def test_one_row_for_each_annotator():
    votes = {"ba751e7b": {"pref": "a"}, "2f45a6d0": {"pref": "b"}, "11111111": {"pref": "a"}}
    frame = read(comparison(votes))
    assert frame["annotator"].tolist() == ["preferred_text", "Select the shorter response.", "Ann"]
    assert frame["kind"].tolist() == ["human", "llm", "human"]
    assert frame["preference"].tolist() == [1.0, 0.0, 1.0]
    row = frame.iloc[0]
    assert (row.prompt, row.response_a, row.response_b) == ("2+2?", "4", "5")
    assert (row.model_a, row.model_b, row.source_id, row["index"]) == ("X", "Y", "4b49a6e7", "3")


def test_kind_of_unknown_annotators_can_be_given():
    votes = {key: {"pref": "a"} for key in annotators()}
    assert read(comparison(votes), kind="llm")["kind"].tolist() == ["llm", "llm", "human"]


def test_version_1():
    old = comparison({"ba751e7b": {"pref": "text_b"}}, text_a="4", text_b="5")
    del old["response_a"], old["response_b"]
    row = read(old).iloc[0]
    assert (row.response_a, row.response_b, row.preference) == ("4", "5", 0.0)


def test_a_prompt_in_the_metadata():
    row = read(comparison(prompt=None, metadata={"prompt": "2+2?"})).iloc[0]
    assert row.prompt == "2+2?"
    assert read(comparison(prompt=None))["prompt"].isna().all()


def test_text_a_as_a_preference_in_version_2():
    assert read(comparison({"ba751e7b": {"pref": "text_a"}}))["preference"].tolist() == [1.0]


@pytest.mark.parametrize(
    ("vote", "reason"),
    [
        ({"pref": "irrelevant"}, "not_applicable"),
        ({"pref": None, "no_pref_reason": "not_applicable"}, "not_applicable"),
        ({"pref": None, "no_pref_reason": "invalid"}, "failed"),
        ({"pref": None, "no_pref_reason": "both"}, "both"),
        ({"pref": None, "no_pref_reason": "neither"}, "neither"),
        (
            {"pref": None, "no_pref_reason": "non_preference_annotation", "value": 3},
            "non_preference_annotation",
        ),
        ({"pref": None}, "unspecified"),
    ],
)
def test_a_verdict_that_is_none_keeps_its_reason(vote, reason):
    frame = read(comparison({"ba751e7b": vote}))
    assert frame["preference"].isna().all()
    assert frame["reason"].tolist() == [reason]
    assert "problem" not in frame or frame["problem"].isna().all()


def test_a_value_is_kept_as_written():
    vote = {"pref": None, "no_pref_reason": "non_preference_annotation", "value": 3}
    assert read(comparison({"ba751e7b": vote}))["raw"].tolist() == ["3"]


def test_further_fields_of_a_response_get_its_side():
    both = {
        "response_a": {"text": "4", "score": 0.5},
        "response_b": {"text": "5", "score": 0.25},
    }
    row = read(comparison(**both)).iloc[0]
    assert (row["score_a"], row["score_b"]) == (0.5, 0.25)


def test_names_that_are_not_unique_give_way_to_ids():
    doubled = {key: {"name": "same", "type": "human"} for key in ("k1", "k2")}
    votes = {"k1": {"pref": "a"}, "k2": {"pref": "b"}, "undeclared": {"pref": "a"}}
    records = records_of(document(comparison(votes), annotators=doubled))
    assert [record["annotator"] for record in records] == ["k1", "k2", "undeclared"]


def test_metadata_cannot_take_a_field_over():
    row = read(comparison(metadata={"pref": "b", "annotator": "me", "row": 7})).iloc[0]
    assert (row.preference, row.annotator, row["row"]) == (1.0, "preferred_text", 1)
    assert (row.source_pref, row.source_annotator, row.source_row) == ("b", "me", 7)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        3,
        "text",
        comparison(response_a=None),
        comparison(response_b={"text": None}),
        comparison(response_b={"text": 4}),
        comparison(response_a=["4"]),
        comparison(prompt=["2+2?"]),
        comparison(annotations={}),
        comparison(annotations=[]),
    ],
)
def test_broken_comparisons_are_counted(broken):
    frame = read(comparison(), broken, comparison())
    assert frame["problem"].fillna("").tolist() == ["", "unparseable", ""]
    assert isinstance(frame["found"][1], str)


@pytest.mark.parametrize("vote", [{"pref": "c"}, {"pref": 1}, {"pref": ["a"]}, "a vote", None])
def test_unknown_preferences_are_counted(vote):
    frame = read(comparison(), comparison({"ba751e7b": vote}))
    assert frame["problem"].fillna("").tolist() == ["", "unknown label"]


@pytest.mark.parametrize(
    "other", [None, [], {}, {"annotators": {}}, {"annotators": [], "comparisons": {}}]
)
def test_other_documents_are_not_taken(other):
    assert records_of(other) is None


def test_through_load(tmp_path):
    path = tmp_path / "pairs.json"
    votes = {key: {"pref": "a"} for key in annotators()}
    path.write_text(json.dumps(document(comparison(votes), comparison(response_a="6")), indent=4))
    data = load(path)
    assert data.load_report.format == "annotated_pairs"
    assert (len(data), len(data.labels)) == (2, 4)
    assert data.annotators["annotator"].tolist() == sorted(
        ["preferred_text", "Select the shorter response.", "Ann"]
    )


@pytest.mark.skipif(not EXAMPLE.exists(), reason="needs icai_synthetic in ../shared/data")
def test_the_example_of_icai_against_its_own_table():
    path = EXAMPLE / "example_ap.json"
    content = json.loads(path.read_text())
    data = load(path)
    votes = [c["annotations"][key] for c in content["comparisons"] for key in c["annotations"]]
    count = Counter(str(vote["pref"]) for vote in votes)
    assert len(data.labels) == len(votes)
    assert (data.labels["preference"] == 1.0).sum() == count["a"]
    assert data.labels["preference"].isna().sum() == count["None"]
    table = pd.read_csv(EXAMPLE / "example.csv").set_index("text_a")["preferred_text"]
    own = data.labels[data.labels["annotator"] == "preferred_text"].set_index("pair_id")
    for pair in data.pairs.itertuples():
        preferred = "text_a" if own.loc[pair.pair_id, "preference"] == 1.0 else "text_b"
        assert table[pair.response_a] == preferred
