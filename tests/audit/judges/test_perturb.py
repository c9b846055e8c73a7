"""Changes of a response keep its meaning or break it, as they say, the same every time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hostile import HOSTILE
from workbench.audit.judges import perturb
from workbench.audit.judges.arms import Arm, Item
from workbench.audit.judges.probes import PROBES

TEXT = (
    "The height of Alderford is 123 metres. It has not changed since Ann Miller measured it. "
    "Walking there takes two hours."
)
CLEAN = Arm("Tell me about Alderford.", TEXT, "Alderford is a town. It is nice.")
BREAD = "Bread is made of flour. It takes an hour to bake."
ITEM = Item(CLEAN, BREAD, 7, ("<<<a>>>", "<<<end>>>"))


def test_padding_reaches_its_dose_with_own_sentences():
    for factor in (1.25, 1.5, 2.0, 4.0):
        padded = perturb.pad(TEXT, factor, 3)
        assert padded.startswith(TEXT)
        assert set(perturb.sentences(padded)) == set(perturb.sentences(TEXT))
        assert abs(len(padded) / len(TEXT) - factor) < 0.5
    assert perturb.pad("```code```", 2.0, 0) is None


@pytest.mark.parametrize("edit", [perturb.bullets, perturb.bold, perturb.headers, perturb.spaces])
def test_layout_keeps_the_words(edit):
    changed = edit(TEXT, 1)
    assert changed != TEXT
    bare = re.sub(r"[*#]|^- |## (Answer|Details)", "", changed, flags=re.MULTILINE)
    kept = [word for word in re.findall(r"\w+", bare) if word not in ("Answer", "Details")]
    assert kept == re.findall(r"\w+", TEXT)
    assert perturb.preserved(TEXT, changed)


def test_preservation_sees_numbers_names_negations_and_code():
    for broken in (
        TEXT.replace("123", "124"), TEXT.replace("Ann Miller", "Bob Miller"),
        TEXT.replace("has not changed", "has changed"), TEXT + " It is 7.", TEXT + " `x = 1`",
    ):  # fmt: skip
        assert not perturb.preserved(TEXT, broken)
    assert perturb.preserved(TEXT, "- " + "\n- ".join(perturb.sentences(TEXT)))


def test_corruptions_break_what_they_say():
    assert "123" not in perturb.wrong_number(TEXT, 0)
    assert "is not 123" in perturb.negated(TEXT, 0)
    assert "has changed" in perturb.negated(TEXT, 0)
    assert "Alderford" not in perturb.other_names(TEXT, 0)
    assert perturb.without_end(TEXT, 0) == " ".join(perturb.sentences(TEXT)[:-1])
    assert perturb.wrong_number("No digit here.", 0) is None
    assert perturb.without_end("One. Two.", 0) is None


def test_placebos_are_as_long_as_their_cues():
    for probe in PROBES:
        for variant in probe.variants:
            made = variant.treatment(ITEM)
            if made is None or made[1] is None or probe.dimension == "length":
                continue
            treated, control = made
            sizes = [len(arm.prompt + arm.target) for arm in (treated, control)]
            assert abs(sizes[0] - sizes[1]) < 20, (probe.id, variant.name)


def test_what_is_told_of_one_response_is_told_of_the_other_in_the_control():
    stance = next(probe for probe in PROBES if probe.dimension == "sycophancy")
    treated, control = stance.variants[0].treatment(ITEM)
    assert TEXT[:20] in treated.prompt
    assert ITEM.clean.other[:20] in control.prompt
    assert (treated.target, treated.other) == (control.target, control.other)


def test_the_escape_closes_the_place_of_the_template():
    escape = next(probe for probe in PROBES if probe.id == "X2").variants[0]
    treated = escape.treatment(ITEM)[0].target
    assert treated.index("<<<end>>>") < treated.index("Verdict") < treated.index("<<<a>>>")


@given(st.one_of(st.text(max_size=300), st.sampled_from(HOSTILE)), st.integers(0, 2**32))
def test_any_text_is_changed_the_same_way_twice_or_left_alone(text, seed):
    item = Item(Arm("Prompt", text, "Another response. It is here."), "Off topic.", seed)
    for probe in PROBES:
        for variant in probe.variants:
            once, twice = variant.treatment(item), variant.treatment(item)
            assert once == twice
            if once is not None and probe.category == "invariance" and once[1] is not None:
                assert once[0] != once[1]
