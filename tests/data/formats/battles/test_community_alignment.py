"""Community Alignment: the choice of one of four, turn by turn."""

import pyarrow as pa

from workbench.data.formats.battles.community_alignment import FORMAT

from .conftest import verdicts


def conversation(person="p1", choice="response_b", then=None, **changed):
    record = {"conversation_id": f"c-{person}", "annotator_id": person, "assigned_lang": "en"}
    for turn, asked, chosen in (("first", "A day?", choice), ("second", "A book?", then)):
        record[f"{turn}_turn_prompt"] = asked if turn == "first" or then else None
        record[f"{turn}_turn_preferred_response"] = chosen
        for letter in "abcd":
            said = f"{turn} {letter}" if turn == "first" or then else None
            record[f"{turn}_turn_response_{letter}"] = said
    return record | {"annotator_age": "18-30"} | changed


def read(records, **options):
    return FORMAT.translate(pa.Table.from_pylist(records), 1, options)


def test_a_choice_of_four_is_three_pairs(read_file):
    name, frame = read_file([conversation(then="response_a"), conversation("p2")])
    assert name == "community_alignment"
    first = [("first a", "first b", 0.0), ("first b", "first c", 1.0), ("first b", "first d", 1.0)]
    then = [("second a", f"second {x}", 1.0) for x in "bcd"]
    assert verdicts(frame) == sorted(first * 2 + then)
    assert frame["annotator"].tolist() == ["p1"] * 6 + ["p2"] * 3
    assert frame["cluster"].tolist() == ["c-p1"] * 6 + ["c-p2"] * 3
    assert "order_shown" not in frame
    assert set(frame["annotator_age"]) == {"18-30"}
    assert set(frame["kind"]) == {"human"}


def test_the_chosen_reply_is_in_the_next_prompt(read_file):
    _, frame = read_file([conversation(then="response_a")] * 2)
    later = frame[frame["turn"] == 2]
    want = "user: A day?\n\nassistant: first b\n\nuser: A book?"
    assert set(later["prompt"]) == {want}


def test_a_turn_without_a_choice_is_no_judgement():
    frame = read([conversation(choice=None), conversation("p2", "response_x")])
    assert frame["problem"].tolist() == ["no judgement", "unknown label"]
    assert frame["found"][1] == "first_turn_preferred_response: response_x"


def test_fewer_replies_are_fewer_pairs():
    assert len(read([conversation(first_turn_response_d=None)])) == 2


def test_no_turn_at_all():
    frame = read([conversation(first_turn_prompt=None)])
    assert frame["problem"].tolist() == ["no judgement"]
