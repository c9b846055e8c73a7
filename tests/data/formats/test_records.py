"""Every format: whatever stands in a file, each record is read or counted."""

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.formats.battles import arena
from workbench.data.formats.judged import alpaca_eval, reward_bench
from workbench.data.formats.records import metadata, names, numbers, sided, texts
from workbench.data.formats.tools import annotated_pairs
from workbench.data.formats.training import trl
from workbench.data.load_report import REASONS
from workbench.data.reading.record_tables import table_of

COLUMNS = {
    "trl": (trl.FORMAT, ["prompt", "chosen", "rejected", "margin", "score_chosen", "tags"]),
    "reward_bench 1": (reward_bench.FORMAT, ["prompt", "chosen", "rejected", "chosen_model",
                                             "rejected_model", "subset", "id"]),
    "reward_bench 2": (reward_bench.FORMAT, ["prompt", "chosen", "rejected", "num_correct",
                                             "num_incorrect", "subset", "id"]),
    "alpaca_eval": (alpaca_eval.FORMAT, ["instruction", "output_1", "output_2", "preference",
                                         "annotator", "generator_1", "dataset"]),
    "arena chats": (arena.FORMAT, ["model_a", "model_b", "winner", "judge", "conversation_a",
                                   "conversation_b", "conv_metadata", "question_id"]),
    "arena turns": (arena.FORMAT, ["model_a", "model_b", "prompt", "response_a", "response_b",
                                   "winner_model_a", "winner_model_b", "winner_tie"]),
}  # fmt: skip

message = st.fixed_dictionaries({"role": st.just("assistant"), "content": st.text(max_size=4)})
plain = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(), st.text(max_size=5),
    st.sampled_from(["model_a", "tie", "[", '["x"]', '[{"role": "user", "content": "x"}]']),
)  # fmt: skip
anything = st.one_of(
    plain,
    st.lists(st.one_of(plain, message), max_size=3),
    st.dictionaries(st.sampled_from(["a", "text", "role", "content"]), plain, max_size=2),
)


@pytest.mark.parametrize("name", COLUMNS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_values_are_read_or_counted(name, data):
    found, columns = COLUMNS[name]
    record = st.fixed_dictionaries(dict.fromkeys(columns, anything))
    records = data.draw(st.lists(record, min_size=1, max_size=4))
    frame = found.translate(table_of(records)[0], 11, {})
    assert set(frame["row"]) == set(range(11, 11 + len(records)))
    problem = frame["problem"].dropna()
    assert set(problem) <= set(REASONS)
    assert frame.loc[problem.index, "found"].notna().all()
    readable = frame[frame["problem"].isna()]
    preference = readable["preference"].dropna()
    assert preference.between(0, 1).all()
    assert readable[["response_a", "response_b"]].notna().all(axis=None)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(
            anything,
            st.fixed_dictionaries(
                {
                    "prompt": anything,
                    "response_a": st.one_of(anything, st.fixed_dictionaries({"text": anything})),
                    "response_b": st.fixed_dictionaries({"text": st.text(max_size=3)}),
                    "annotations": st.dictionaries(
                        st.sampled_from("xyz"),
                        st.one_of(anything, st.fixed_dictionaries({"pref": anything})),
                        max_size=3,
                    ),
                    "metadata": anything,
                }
            ),
        ),
        min_size=1,
        max_size=3,
    ),
    anything,
)
def test_any_document_is_read_or_counted(comparisons, about):
    document = {"annotators": {"x": about, "y": {"name": about}}, "comparisons": comparisons}
    records = annotated_pairs.records_of(document)
    assert len(records) >= len(comparisons)
    frame = annotated_pairs.FORMAT.translate(table_of(records)[0], 1, {})
    assert frame["row"].tolist() == list(range(1, len(records) + 1))
    assert frame["found"].notna().sum() == frame["problem"].notna().sum()


@pytest.mark.parametrize("name", COLUMNS)
def test_a_table_without_rows_gives_no_judgement(name):
    found, columns = COLUMNS[name]
    assert (
        len(found.translate(pa.table({c: pa.array([], pa.string()) for c in columns}), 1, {})) == 0
    )


def test_batches_give_what_the_whole_gives():
    starts = [f"\n\nHuman: q{i}\n\nAssistant:" for i in range(20)]
    records = [
        {"chosen": f"{start} x", "rejected": f"{start} y", "is_code": None if i % 3 else True}
        for i, start in enumerate(starts)
    ]
    table = pa.Table.from_pylist(records)
    whole = trl.FORMAT.translate(table, 1, {})
    parts = [trl.FORMAT.translate(table.slice(i, 6), i + 1, {}) for i in range(0, 20, 6)]
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), whole)


def test_columns_of_any_type_as_text_names_and_numbers():
    table = pa.table(
        {
            "mixed": pa.array(["a", None]).dictionary_encode(),
            "count": [1, 2],
            "list": [["a", "b"], None],
            "parsed": ["1.5", "many"],
        }
    )
    assert texts(table, "mixed").fillna("-").tolist() == ["a", "-"]
    assert texts(table, "count").isna().all()
    assert names(table, "count").tolist() == ["1", "2"]
    assert names(table, "list").fillna("-").tolist() == ["a b", "-"]
    assert numbers(table, "parsed").tolist()[0] == 1.5
    assert pd.isna(numbers(table, "parsed")[1])
    assert pd.isna(numbers(table, "list")).all()
    assert pd.isna(numbers(table, "nowhere")).all()


def test_what_cannot_be_kept_as_metadata_is_named():
    table = pa.table({"chat": [[{"role": "user"}]], "when": pa.array([0], pa.timestamp("s")),
                      "flag": [True], "id": [7]})  # fmt: skip
    frame, left_out = metadata(table, {"id"})
    assert left_out == ["chat"]
    assert frame["flag"].tolist() == [1.0]
    assert frame["when"].tolist() == ["1970-01-01 00:00:00"]


def test_only_names_with_a_counterpart_are_sided():
    frame = pd.DataFrame(columns=["m.len_a.x", "m.len_b.x", "m.plan_a.x", "top_a_x", "top_b_x"])
    assert list(sided(frame)) == ["m.len.x_a", "m.len.x_b", "m.plan_a.x", "top_a_x", "top_b_x"]
