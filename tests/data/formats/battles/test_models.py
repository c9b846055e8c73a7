"""Battles of models without texts: every row is one."""

import pyarrow as pa
import pytest

from workbench.data.formats.battles.models import FORMAT
from workbench.errors import DataError


def battle(winner="model_a", a="m1", b="m2", **more):
    return {"model_a": a, "model_b": b, "winner": winner, **more}


def read(records, **options):
    return FORMAT.translate(pa.Table.from_pylist(records), 1, options)


def test_read_alike_from_every_kind_of_file(read_file):
    records = [battle(), battle("model_b"), battle("tie"), battle(), battle("m2")]
    name, frame = read_file(records)
    assert name == "battles"
    assert frame["preference"].tolist() == [1.0, 0.0, 0.5, 1.0, 0.0]
    # who judged, and what was shown first, is not in the file
    assert set(frame["kind"]) == {"unknown"}
    assert frame["annotator"].isna().all()
    assert frame["order_shown"].isna().all()


def test_rows_that_are_equal_in_all_they_hold_are_two_battles(load_file):
    data = load_file([battle(), battle("model_b"), battle("tie"), battle(), battle()])
    assert len(data) == len(data.labels) == 5
    assert sorted(data.labels["preference"]) == [0.0, 0.5, 1.0, 1.0, 1.0]
    assert set(data.labels["annotator"]) == {"unnamed"}


def test_an_index_column_changes_nothing(load_file):
    data = load_file([{"": i, **battle()} for i in range(3)])
    assert data.load_report.format == "battles"
    assert (len(data), data.labels["preference"].tolist()) == (3, [1.0] * 3)


def test_left_and_right_are_models(read_file):
    records = [
        {"left": "m1", "right": "m2", "winner": "left", "worker": "w1"},
        {"left": "m1", "right": "m2", "winner": "right", "worker": "w2"},
    ]
    name, frame = read_file(records)
    assert name == "battles"
    assert frame["model_a"].tolist() == ["m1", "m1"]
    assert frame["preference"].tolist() == [1.0, 0.0]
    assert frame["annotator"].tolist() == ["w1", "w2"]
    assert set(frame["kind"]) == {"human"}


def clean_battle(winner="model_a", judge="arena_user_3"):
    return battle(
        winner, judge=judge, turn=1, anony=True, language="English", tstamp=1682351591.1322
    )


def test_battles_of_the_arena_name_visitors_and_the_order(read_file):
    name, frame = read_file([clean_battle(), clean_battle(), clean_battle("tie (bothbad)")])
    assert name == "battles"
    assert frame["reason"].fillna("").tolist() == ["", "", "both_bad"]
    assert frame["cluster"].tolist() == frame["annotator"].tolist() == ["arena_user_3"] * 3
    assert (set(frame["order_shown"]), set(frame["kind"])) == ({"ab"}, {"human"})
    assert "anony" in frame


def test_the_file_s_id_of_an_item_joins_its_rows():
    frame = read([
        battle(question_id=7, judge="p1"), battle(question_id=7, judge="p2"),
        battle(question_id=8, judge="p1"),
    ])  # fmt: skip
    assert frame["item"].tolist() == ["7", "7", "8"]
    # an id of a prompt is what was drawn together
    assert frame["cluster"].tolist() == ["7", "7", "8"]


def test_a_turn_of_a_question_is_an_item_of_its_own():
    frame = read([battle(question_id=7, turn=1), battle(question_id=7, turn=2)])
    assert frame["item"].tolist() == ["7, turn 1", "7, turn 2"]


def test_an_id_of_a_vote_joins_nothing(load_file):
    data = load_file([battle(vote_id=1), battle(vote_id=2), battle(vote_id=2)])
    # the same vote twice is one
    assert len(data) == len(data.labels) == 2
    assert data.load_report.left_out["duplicate"].count == 1


def test_a_running_number_is_no_id_of_a_vote():
    assert read([battle(id=0), battle(id=1)])["row_id"].isna().all()
    assert read([battle(id="a9f")])["row_id"].tolist() == ["a9f"]


def test_unread_winners_are_told_and_asked_for_where_only_ties_are_left():
    frame = read([battle(), battle("won1"), battle("won1")])
    assert "'won1' in 2 rows" in frame.attrs["notes"][0]
    with pytest.raises(DataError, match="not known"):
        read([battle("tie"), battle("won1")])


def test_a_shard_in_which_nobody_voted_is_of_battles(format_of):
    assert format_of([battle(None), battle(None)]) == "battles"


def test_what_else_a_table_says_of_a_judgement():
    frame = read([
        battle(judge="gpt-4o", criterion="style", weight=3, order_shown="BA", scenario="maths"),
    ])  # fmt: skip
    row = frame.iloc[0]
    assert (row.annotator, row.kind, row.criterion) == ("gpt-4o", "llm", "style")
    assert (row.weight, row.order_shown, row.scenario) == (3, "ba", "maths")


def test_the_user_says_who_judged():
    row = read([battle()], annotator="panel", kind="human").iloc[0]
    assert (row.annotator, row.kind) == ("panel", "human")


def test_nobody_voted_and_failed_and_nameless():
    frame = read([battle(None), battle("error"), battle("model_q"), battle(a=None), battle()])
    wanted = ["no judgement", "", "unknown label", "unparseable", ""]
    assert frame["problem"].fillna("").tolist() == wanted
    assert frame["reason"][1] == "failed"


def test_votes_on_images():
    record = {"prompt": "a fox", "left_model": "m1", "right_model": "m2", "vote_type": "leftvote",
              "left_image": {"bytes": b"1"}, "right_image": {"bytes": b"2"}}  # fmt: skip
    frame = read([record, {**record, "vote_type": "bothbad_vote"}])
    assert frame["preference"].tolist() == [1.0, 0.5]
    assert frame["media_a"].nunique() == 1
    assert frame["media_a"][0] != frame["media_b"][0]
    # with a prompt and images the rows are of one pair
    assert frame["item"].isna().all()


@pytest.mark.parametrize(
    "record",
    [
        battle(response_a="x", response_b="y"),
        battle(output_1="x", output_2="y"),
        battle(1),
        {"model_a": "m1", "model_b": "m2", "wins_a": 3, "wins_b": 1},
        {"model": "m1", "winner": "model_a"},
    ],
)
def test_other_tables_are_left_to_other_formats(format_of, record):
    assert format_of([record, record]) != "battles"
