"""What reasons say of factors: phrases, negations, and of which response they speak."""

from __future__ import annotations

import pytest

from tests.hostile import HOSTILE
from workbench.errors import ConfigError
from workbench.explain.rationales.reading import read_by_lexicon
from workbench.explain.rationales.texts import reason_in
from workbench.factors.catalog import STYLE
from workbench.factors.words.said import SAID, Said, read_lexicon

NAMES = ["words", "bold", "politeness", "bullets"]


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        ("Response A is more detailed.", 1),
        ("Response B is more detailed.", -1),
        ("Response A is not as detailed as Response B.", -1),
        ("Compared to Assistant 1, Assistant 2 is thorough.", -1),
        ("The first answer is concise.", -1),
        ("Answer 2 is too long, but correct.", -1),
        ("A is longer than B.", 1),
        ("Output (a) is detailed.", 1),
        ("Output (b) is detailed, unlike output (a).", -1),
        ("The response a user wants is detailed", 0),
        ("Assistant 2's answer lacks depth.", 1),
        ("Both responses are detailed.", 0),
        ("Response A and Response B are detailed.", 0),
        ("Response A is detailed. Response B is detailed.", 0),
        ("Response B is not less detailed than A.", -1),
        ("Response A is not only detailed but right.", 1),
        ("The answer was as long as needed", 0),
        ("Response A is right, while response B is brief", 1),
        ("I chose the second one. It is comprehensive.", -1),
    ],
)
def test_who_is_said_to_have_more(text: str, claim: int) -> None:
    found = read_by_lexicon([text], NAMES)
    assert found.claim[0, 0] == claim
    assert not found.claim[0, 1:].any()


def test_a_negated_phrase_names_its_factor_and_says_less() -> None:
    found = read_by_lexicon(["Response A has no bullet points"], NAMES)
    assert found.named.tolist() == [[False, False, False, True]]
    assert found.claim[0, 3] == -1
    assert found.hits.to_dict("records") == [
        {"factor": "bullets", "phrase": "bullet points", "says": "more", "hits": 1}
    ]


def test_praise_and_blame_that_name_no_response() -> None:
    found = read_by_lexicon(["Detailed and polite", "too wordy", "more concise"], NAMES)
    assert found.leaning[:, 0].tolist() == [1, -1, -1]
    assert not found.claim.any()


def test_words_within_words_are_not_named() -> None:
    found = read_by_lexicon(["belong, along, in the long-term, emboldened", None, ""], NAMES)
    assert not found.named.any()


def test_every_text_factor_has_phrases_and_none_is_empty() -> None:
    assert set(SAID) == {spec.name for spec in STYLE}
    for said in SAID.values():
        assert said.phrases
        assert all(one == one.lower().strip() and one for one in said.phrases)
        assert len(said.more) + len(said.less) + len(said.about) == len(set(said.phrases))


def test_own_words_stand_in_place_of_those_that_ship() -> None:
    own = {"words": Said(more=("beefy",)), "warmth": Said(more=("warm",), less=("cold",))}
    found = read_by_lexicon(["Response A is beefy and cold, long too"], ["words", "warmth"], own)
    assert found.claim.tolist() == [[1, -1]]
    assert read_by_lexicon(["It keeps to step by step."], ["step_by_step"]).named.all()


def test_a_broken_lexicon_is_told(tmp_path) -> None:
    for text in ("words = 3", "[words]\nmany = ['x']", "[words]\nmore = 'long'", "[words"):
        path = tmp_path / "own.toml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match="lexicon cannot be used"):
            read_lexicon(path)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_reasons_are_text(text: str) -> None:
    found = read_by_lexicon([text, f"Response A is detailed. {text}"], NAMES)
    assert found.named[1, 0]
    reason_in(text, judged=True)


def test_replies_in_json_hold_their_reason() -> None:
    both = '{"reason": "A is polite.", "verdict": "A"}\n---\n{"reason": "B", "verdict": "B"}'
    assert reason_in(both, judged=True) == "A is polite.\nB"
    assert reason_in('```json\n{"verdict": "tie"}\n```', judged=True) is None
    assert reason_in("A: 3.25\nB: 1.5", judged=True) is None
    assert reason_in('{"reason": 3}', judged=True) is None
    assert reason_in("{" * 5000, judged=True) is None
