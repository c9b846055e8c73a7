"""The words of the field for who won."""

import pandas as pd
import pytest

from workbench.data.formats.battles.winners import are_winners, read_winners

A, B = "m-red", "m-blue"


def row(word):
    one = [pd.Series([value], dtype="str") for value in (word, A, B)]
    return read_winners(*one).iloc[0]


# the table of the layouts' documentation, and the buttons of the arena's own code
@pytest.mark.parametrize(
    ("words", "preference", "reason"),
    [
        (("model_a", "left", "leftvote", "A", "Model_A", A), 1.0, None),
        (("model_b", "right", "rightvote", "B", " model_b ", B), 0.0, None),
        (("tie", "Tie", "tievote", "draw", "Equally Good"), 0.5, "tie"),
        (("tie (bothbad)", "both_bad", "bothbad", "bothbad_vote", "neither"), 0.5, "both_bad"),
        (("both are bad",), 0.5, "both_bad"),
        (("both_good", "tie (bothgood)"), 0.5, "both_good"),
    ],
)
def test_words(words, preference, reason):
    for word in words:
        read = row(word)
        assert (read.preference, read.reason) == (preference, reason or read.reason), word
        assert pd.isna(read.reason) == (reason is None)
        assert pd.isna(read.problem)


def test_what_is_no_verdict():
    for word, reason in (("error", "failed"), ("tie (inconsistent)", "inconsistent")):
        read = row(word)
        assert pd.isna(read.preference)
        assert read.reason == reason
        assert pd.isna(read.problem)
    assert row("error").raw == "error"


@pytest.mark.parametrize("word", ["0", "1", "2", "model_c", "red", "A>B maybe"])
def test_codes_and_other_words_are_not_guessed(word):
    assert row(word).problem == "unknown label"
    assert not are_winners([word], [(A, B)])


def test_a_name_that_both_models_bear_tells_nothing():
    one = [pd.Series([value], dtype="str") for value in (A, A, A)]
    assert read_winners(*one)["problem"].tolist() == ["unknown label"]


@pytest.mark.parametrize(
    ("word", "preference"),
    [("M-RED", 1.0), ("m-blue ", 0.0), ("A>B", 1.0), ("[[B]]", 0.0), ("Response B", 0.0),
     ("model_2", 0.0), ("Tie.", 0.5)],
)  # fmt: skip
def test_the_vocabulary_of_every_table_and_names_in_any_case(word, preference):
    assert (row(word).preference, row(word).problem) == (preference, row("tie").problem)


@pytest.mark.parametrize(
    ("winner", "a", "b", "preference"),
    [("B", "B", "A", None), ("left", "right", "left", None), ("B", "A", "B", 0.0),
     ("A", "A", "A", None), ("gpt-x", "GPT-X", "gpt-x", 0.0), ("Gpt-X", "GPT-X", "gpt-x", None)],
)  # fmt: skip
def test_a_word_that_is_the_other_side_s_name_says_nothing(winner, a, b, preference):
    one = [pd.Series([value], dtype="str") for value in (winner, a, b)]
    read = read_winners(*one).iloc[0]
    assert read.problem == "unknown label" if preference is None else pd.isna(read.problem)
    assert preference is None or read.preference == preference
    assert preference is not None or "both sides" in read.found
