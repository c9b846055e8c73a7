"""Who preferred which, when, and what a reader wrote down."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.data.dataset import PreferenceData
from workbench.data.on_view.dates import dates_of
from workbench.data.on_view.tags import MOST_TAGS, Tagged, of_jsonl, tagged, tags_table, to_jsonl
from workbench.data.on_view.verdicts import verdicts_of
from workbench.errors import DataError

NAN = float("nan")


def _of(*rows, **more):
    """Data of one pair, of labels (annotator, kind, preference, ...)."""
    names = ["annotator", "kind", "preference", *more.pop("columns", [])]
    labels = pd.DataFrame([dict(zip(names, row, strict=True)) for row in rows]).assign(pair=0)
    pairs = pd.DataFrame({"prompt": ["p"], "response_a": ["x"], "response_b": ["y"]})
    return PreferenceData.from_tables(pairs, labels)


def _told(data):
    found = verdicts_of(data, data.pairs["pair_id"][0])
    return found.a, found.b, found.neither


def test_people_are_counted_and_judges_named():
    data = _of(
        ("ann", "human", 1.0), ("bob", "human", 1.0), ("cat", "human", 0.0),
        ("dan", "human", 0.5), ("gpt", "llm", 0.0), ("rm", "reward_model", 0.0),
    )  # fmt: skip
    assert _told(data) == (
        ("2 of 4 people: ann, bob",),
        ("1 of 4 people: cat; gpt, rm",),
        ("tie: dan",),
    )


def test_a_judge_that_turns_with_the_order_stands_on_both_sides():
    data = _of(
        ("gpt", "llm", 1.0, "ab"), ("gpt", "llm", 0.0, "ba"), ("one", "llm", 1.0, "ab"),
        ("one", "llm", 1.0, "ba"), columns=["order_shown"],
    )  # fmt: skip
    assert _told(data) == (("gpt (1 of 2), one (2 of 2)",), ("gpt (1 of 2)",), ())


def test_ties_and_failed_verdicts_are_told_with_their_reasons():
    data = _of(
        ("ann", "human", 0.5, "both_bad"), ("gpt", "llm", NAN, "failed"),
        ("gpt2", "llm", NAN, "not_applicable"), ("bob", "human", 0.5, "tie"),
        columns=["reason"],
    )  # fmt: skip
    assert _told(data) == (
        (),
        (),
        ("tie (both bad): ann; tie: bob; no verdict (failed): gpt; "
         "no verdict (not applicable): gpt2",),
    )  # fmt: skip


def test_criteria_stand_apart_where_there_are_several():
    data = _of(
        ("ann", "human", 1.0, "help"), ("ann", "human", 0.0, "safety"), columns=["criterion"]
    )
    assert _told(data) == (("help: ann",), ("safety: ann",), ())


def test_shares_of_votes_and_probabilities_are_told():
    data = _of(("crowd", "human", 0.7, 10), ("rm", "reward_model", 0.2, 1), columns=["n_votes"])
    assert _told(data) == (("crowd (7 of 10 votes)",), ("rm (80%)",), ())


def test_many_names_are_cut_and_counted():
    data = _of(*((f"p{k:02}", "human", 1.0) for k in range(30)))
    (line,), _, _ = _told(data)
    assert line == "30 of 30 people: p00, p01, p02, p03, p04, p05 and 24 more"


@pytest.mark.parametrize(
    "values",
    [
        ["2024-05-01T10:00:00Z", "2024-05-02"],
        [1714557600, 1714608000],
        [1714557600000.0, 1714608000000.0],
        ["1714557600", "1714608000"],
        pd.to_datetime(["2024-05-01 10:00", "2024-05-02 00:00"]),
    ],
)
def test_times_are_read_as_the_file_writes_them(values):
    pairs = pd.DataFrame({"prompt": ["p", "q"], "tstamp": values})
    labels = pd.DataFrame({"pair": [0, 1], "annotator": "a", "preference": 1.0})
    found = dates_of(PreferenceData.from_tables(pairs, labels))
    assert [str(day.date()) for day in found] == ["2024-05-01", "2024-05-02"]
    assert found[0].hour == 10


def test_a_pair_has_the_time_of_its_first_label():
    pairs = pd.DataFrame({"prompt": ["p", "q", "r"]})
    times = ["2024-05-03", "2024-05-01", "2024-05-02"]
    labels = pd.DataFrame(
        {"pair": [0, 0, 2], "annotator": list("abc"), "preference": 1.0, "judged_at": times}
    )
    found = dates_of(PreferenceData.from_tables(pairs, labels))
    assert [None if pd.isna(day) else str(day.date()) for day in found] == [
        "2024-05-01",
        None,
        "2024-05-02",
    ]


@pytest.mark.parametrize("values", [["soon", "late"], [1, 2], [True, False]])
def test_a_column_of_another_content_holds_no_times(values):
    pairs = pd.DataFrame({"prompt": ["p", "q"], "time": values})
    labels = pd.DataFrame({"pair": [0, 1], "annotator": "a", "preference": 1.0})
    assert dates_of(PreferenceData.from_tables(pairs, labels)) is None


def test_an_empty_note_is_not_kept():
    kept = tagged({}, "p", ["a"], "n")
    assert tagged(kept, "p", [], " ") == {}
    assert tagged(kept, "q", ["b"]) == {"p": Tagged(("a",), "n"), "q": Tagged(("b",))}


@pytest.mark.parametrize(
    ("tags", "note"),
    [(["x" * 61], ""), ([str(k) for k in range(MOST_TAGS + 1)], ""), ([], "x" * 4_001)],
)
def test_more_than_is_kept_is_refused(tags, note):
    with pytest.raises(DataError, match="More was written down"):
        tagged({}, "p", tags, note)


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=9),
        st.builds(
            Tagged,
            st.lists(
                st.text(min_size=1, max_size=9).map(str.strip).filter(bool), max_size=4, unique=True
            ).map(tuple),
            st.text(max_size=30).map(str.strip),
        ).filter(lambda one: one != Tagged()),
        max_size=4,
    )
)
def test_what_is_kept_comes_back_from_its_file(kept):
    assert of_jsonl(to_jsonl(kept)) == kept


@pytest.mark.parametrize(
    "line", ["{", "[]", "1", '{"tags": []}', '{"pair_id": 1}', '{"pair_id": "p", "tags": "a"}',
             '{"pair_id": "p", "note": 1}', '{"pair_id": "p", "tags": [1]}', "[" * 99_999],
)  # fmt: skip
def test_a_line_that_is_none_is_named_by_its_number(line):
    with pytest.raises(DataError, match="line 2") as caught:
        of_jsonl(f'{{"pair_id": "p"}}\n{line}\n')
    assert len(str(caught.value)) < 500


def test_the_list_names_the_pairs_that_the_data_have():
    data = _of(("ann", "human", 1.0))
    kept = {data.pairs["pair_id"][0]: Tagged(("=1+1", "b"), "n"), "gone": Tagged(("c",))}
    table = tags_table(kept, data)
    assert table[["tags", "note", "prompt"]].values.tolist() == [["=1+1; b", "n", "p"]]
