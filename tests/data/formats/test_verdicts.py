"""What labels say: the words of the field, numbers that are asked for, and scales."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from workbench.data.formats.scales import Scale
from workbench.data.formats.verdict_words import UNKNOWN, meaning_of, ranking_of
from workbench.data.formats.verdicts import Wanted, checked_labels, read_column, read_labels
from workbench.errors import DataError

A = ("model_a", "model_1", "response_a", "response1", "response_1", "output_1", "left", "leftvote",
     "A", "[[A]]", "A>B", "B<A", "Answer A", "first", "Response A", "assistant_a", "m", "a ", "*A*",
     "prefers_a", "A wins", "the first response", "Response 1", "completion-a", "1>2",
     "B is worse than A", "A better than B", "option A", "ModelA")  # fmt: skip
B = ("model_b", "model_2", "right", "rightvote", "B", "[[B]]", "B>A", "A<B", "second", "M",
     "assistant_b", "Response_B", "b_preferred", "RESPONSE B", "Output (b)", "2>1")  # fmt: skip
TIES = ("tie", "Tie", "tievote", "A=B", "B=A", "[[C]]", "C", "draw", "same", "equal", "both",
        "Equally Good", "about the same", "no preference")  # fmt: skip
BOTH_BAD = ("tie (bothbad)", "both_bad", "bothbad_vote", "bothbad", "neither", "both are bad",
            "Tie (both bad)")  # fmt: skip
FAILED = ("error", "null", "None", "$ERROR$", "failed", "")
NOBODY = ("ignore", "cancelled", "draft", "discarded", "skipped")
UNREAD = ("?", "-", "1", "2", "-1", "A or B", "A and B", "model_c", "maybe", "yes", "apple",
          "a bit better", "accept", "better", "A>B>C")  # fmt: skip


@pytest.mark.parametrize("text", A)
def test_words_for_the_first_side(text):
    assert meaning_of(text)[:3] == ("a", 1.0, None)


@pytest.mark.parametrize("text", B)
def test_words_for_the_second_side(text):
    assert meaning_of(text)[:3] == ("b", 0.0, None)


@pytest.mark.parametrize(
    ("texts", "reason"), [(TIES, "tie"), (BOTH_BAD, "both_bad"), (("both good",), "both_good")]
)
def test_words_for_ties_keep_their_kind(texts, reason):
    for text in texts:
        assert (meaning_of(text).preference, meaning_of(text).reason) == (0.5, reason), text


def test_words_for_none():
    assert {meaning_of(text).reason for text in FAILED} == {"failed"}
    assert {meaning_of(text).problem for text in NOBODY} == {"no judgement"}
    # two orders that disagree are the data, the tie made of them is not
    assert meaning_of("tie (inconsistent)").problem == "derived"
    assert meaning_of("N/A").reason == "not_applicable"


@pytest.mark.parametrize("text", UNREAD)
def test_what_says_nothing_is_not_guessed(text):
    assert meaning_of(text) is UNKNOWN


@pytest.mark.parametrize(
    ("text", "side", "strength"),
    [
        ("A>>B", "a", 3), ("B<<A", "a", 3), ("[[B>>A]]", "b", 3), ("A<<B", "b", 3), ("B>A", "b", 1),
        ("A-is-clearly-better", "a", 2), ("B-is-slightly-better", "b", 1), ("a-is-better", "a", 1),
        ("Response 2 is much better than Response 1", "b", 3), ("A is a bit better", "a", 1),
    ],
)  # fmt: skip
def test_strength_is_no_second_label(text, side, strength):
    assert (meaning_of(text).side, meaning_of(text).strength) == (side, strength)
    assert math.isnan(meaning_of(side).strength)


def test_c_is_a_tie_of_two_and_the_third_of_three():
    assert meaning_of("C").reason == "tie"
    assert meaning_of("[[C]]", n=3).side == meaning_of("Response 3", n=3).side == "c"
    assert meaning_of("d", n=3) is UNKNOWN
    assert ranking_of("B > A = C", 3) == [1, 0, 1]
    assert ranking_of("A > B > A", 3) is None


@pytest.mark.parametrize(
    "codes", [[1, 2], [0, 1], ["0", "1"], [1, 2, 0], [-1, 1], [-3, 2, 0], [True, False], ["yes"]]
)
def test_codes_mean_nothing_by_themselves(codes):
    read = read_column(pd.Series(codes), Wanted())
    assert (read["problem"] == "unknown label").all()
    assert read["preference"].isna().all()


def test_probabilities_have_fractions_and_none_lies_outside():
    assert read_column(pd.Series([0.2, 1.0, 0]), Wanted())["preference"].tolist() == [0.2, 1.0, 0.0]
    for outside in (1.5, -0.1, 40):
        read = read_column(pd.Series([0.2, 1.0, 0, outside]), Wanted())
        assert read["preference"].isna().all()


def test_a_name_that_says_whose_it_is_reads_flags():
    for values in ([1, 0], [True, False], ["Yes", "no"], ["true", "FALSE"], [1.0, 0.0]):
        assert read_column(pd.Series(values), Wanted(one="a"))["side"].tolist() == ["a", "b"]
        assert read_column(pd.Series(values), Wanted(one="b"))["side"].tolist() == ["b", "a"]
    assert read_column(pd.Series([0.25]), Wanted(one="b"))["preference"].tolist() == [0.75]


def test_said_meanings_go_before_words_and_leave_the_other_words():
    labels = checked_labels({"1": "a", "2": "b:2", "A": "b", "-9": "no_judgement", "": "tie"})
    read = read_column(pd.Series([1, "2.0", "A", -9, None, "Tie", 7], dtype=object), Wanted(labels))
    assert read["side"].fillna("").tolist() == ["a", "b", "b", "", "", "", ""]
    assert read["strength"].tolist()[1] == 2
    assert read["problem"].fillna("").tolist()[3:] == ["no judgement", "", "", "unknown label"]
    assert read["reason"].fillna("").tolist()[4:6] == ["tie", "tie"]


def test_case_tells_values_apart_where_both_are_named():
    labels = checked_labels({"x": "a", "X": "b"})
    assert read_column(pd.Series(["x", "X"]), Wanted(labels))["side"].tolist() == ["a", "b"]


@pytest.mark.parametrize("labels", [["a"], {"1": "left"}, {"1": "a:much"}, {"1": "c"}, {"1": 1}])
def test_an_unknown_meaning_is_refused(labels):
    with pytest.raises(DataError, match="unknown meaning") as caught:
        checked_labels(labels)
    assert "--verdict 1=a" in caught.value.fix


@pytest.mark.parametrize(
    ("scale", "values", "preference", "strength"),
    [
        ("percent_a", [100, 0, 50, 75], [1, 0, 0.5, 0.75], None),
        ("percent_b", [100, 0, 50, 75], [0, 1, 0.5, 0.25], None),
        ("-3..3:b", [-3, 2, 0], [1, 0, 0.5], [3, 2, np.nan]),
        ("-3..3:a", [-3, 2, 0], [0, 1, 0.5], [3, 2, np.nan]),
        ("1..7:b", [1, 7, 4, 3], [1, 0, 0.5, 1], [3, 3, np.nan, 1]),
        ("margin_a", [0.25, -12, 0], [1, 0, 0.5], [0.25, 12, np.nan]),
        ("0..1:b", [0.25], [0.75], None),
        ("probability_a", [0.25], [0.25], None),
    ],
)
def test_scales(scale, values, preference, strength):
    read = read_column(pd.Series(values), Wanted(scale=Scale.parse(scale)))
    assert read["preference"].tolist() == preference
    if strength is not None:
        assert read["strength"].tolist() == pytest.approx(strength, nan_ok=True)
    assert str(Scale.parse(str(Scale.parse(scale)))) == str(Scale.parse(scale))


def test_a_number_off_its_scale_says_nothing_and_words_stay_words():
    column = pd.Series(["3", "-100", "tie", "4"])
    labels = checked_labels({"-100": "both_bad"})
    read = read_column(column, Wanted(labels, Scale.parse("-3..3:b")))
    assert read["reason"].fillna("").tolist() == ["", "both_bad", "tie", ""]
    assert read["problem"].fillna("").tolist() == ["", "", "", "unknown label"]


@pytest.mark.parametrize("text", ["-3..3", "3..-3:a", "0..1:c", "percent", "", "1..2..3:a", "a"])
def test_a_scale_that_does_not_say_whose_its_end_is_is_refused(text):
    with pytest.raises(DataError, match="does not say") as caught:
        Scale.parse(text)
    assert "-3..3:b" in caught.value.fix


def test_verdicts_on_known_pairs_are_p_of_a():
    """Verdicts of a further judge are documented to be P(A): 1 and 0 need no asking."""
    assert read_labels(pd.Series([1, 0]))["preference"].tolist() == [1.0, 0.0]
    assert read_labels(pd.Series([1, 2])).attrs["notes"]
