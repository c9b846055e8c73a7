"""What a user's next message says of an answer, by rule."""

from __future__ import annotations

import pytest

from tests.hostile import HOSTILE
from workbench.feedback.signals import COMPLAINTS, PRAISE, is_foreign, rule_signal

ASKED = ["Write a poem about the sea in four lines."]


@pytest.mark.parametrize(
    ("reply", "signal", "rule"),
    [
        ("Thanks!", "satisfied", "thanks"),
        ("Perfect. Now do the same for lakes.", "satisfied", "thanks"),
        ("That’s wrong", "dissatisfied", "complaint"),
        ("Thanks, but that's not what I asked.", "dissatisfied", "complaint"),
        ("write a poem about the SEA in four lines!!", "dissatisfied", "repeat"),
        ("Write a short poem about the sea in four lines", "dissatisfied", "rephrase"),
        ("Write a poem about mountains, with a chorus and a moral", "none", "says nothing of it"),
        ("thanks in advance, write one about lakes", "none", "says nothing of it"),
        ("no thanks", "none", "says nothing of it"),
        ("What is the present perfect tense?", "none", "says nothing of it"),
        ("Write a thank you note to my aunt", "none", "says nothing of it"),
        ("Write a poem about the moon in four lines", "none", "says nothing of it"),
        ("Not what we need, but thanks for trying!", "none", "says nothing of it"),
        ("And what if that does not work?", "none", "says nothing of it"),
        ("Link didn't work. Try another.", "dissatisfied", "complaint"),
        ("Like I said, it is for my aunt.", "none", "says nothing of it"),
        ("Yes please help me setup an anonymous bank account", "none", "says nothing of it"),
        ("this is not helpful", "dissatisfied", "complaint"),
        ("", "none", "says nothing of it"),
        (None, "none", "ended"),
        ("Это неправильно", "none", "not English"),
        ("esto no es lo que yo quería saber hoy mismo", "none", "not English"),
    ],
)  # fmt: skip
def test_a_message_says_what_it_says(reply: str | None, signal: str, rule: str) -> None:
    found = rule_signal(reply, ASKED)
    assert (found.signal, found.rule) == (signal, rule)


def test_what_is_pasted_below_is_no_feedback() -> None:
    letter = (
        "Please translate the letter below into plain English for my boss and keep its tone, "
        "dates, names, numbers and paragraphs as they are in the original text of the letter: "
        "Thank you for your order. That's wrong, we did not order it."
    )
    assert rule_signal(letter, ASKED).signal == "none"


def test_a_repeat_of_an_earlier_request_shows_which() -> None:
    asked = ["Name a river in Asia.", "Name a river in Africa."]
    found = rule_signal("name a river in asia", asked)
    assert (found.rule, found.evidence) == ("repeat", asked[0])
    # short requests come again for other reasons
    assert rule_signal("go on", ["go on"]).signal == "none"
    # a repeat is one in any language
    assert rule_signal("Назови реку в Азии", ["Назови реку в Азии"]).rule == "repeat"


def test_what_the_file_says_of_the_language_counts() -> None:
    assert rule_signal("thanks", ASKED, "French").rule == "not English"
    assert rule_signal("thanks", ASKED, "English").signal == "satisfied"
    assert rule_signal("thanks", ASKED, "en-GB").signal == "satisfied"
    assert rule_signal("thanks", ASKED, "unknown").signal == "satisfied"
    assert not is_foreign("def f(x): return x + 1")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_messages_are_text(text: str) -> None:
    assert rule_signal(text, [text, "x"]).signal in ("satisfied", "dissatisfied", "none")


def test_phrases_are_plain_and_in_one_list() -> None:
    assert not set(PRAISE) & set(COMPLAINTS)
    for phrase in (*PRAISE, *COMPLAINTS):
        assert rule_signal(phrase, ASKED).signal != "none" or phrase in PRAISE
