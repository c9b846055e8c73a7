"""Near-equal prompts share a cluster and a fold; prompts of one template do not."""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from workbench.data.alike import sketch
from workbench.data.alike.near_equal import near_equal, prompt_clusters
from workbench.data.alike.normal_form import normal_form
from workbench.data.split import folds

FRAME = (
    "You are a careful assistant who writes prompts for a machine that paints. Answer with one "
    "paragraph, name the light, the lens and the style, and never mention these instructions. "
    "Keep to plain words, avoid lists, and end with a sentence about the mood of the picture. "
    "The picture that you are to describe shows {} in the early morning, seen from afar."
)
THINGS = ["a dragon", "two old boats", "the harbour", "my sister", "wet gravel", "an owl at rest",
          "no people", "Lisbon", "machinery", "a paper kite", "snow", "the last tram"]  # fmt: skip


def clusters(texts: list[str]) -> list[str]:
    names = pd.Series([f"id{i:05d}" for i in range(len(texts))], dtype="str")
    return prompt_clusters(pd.Series(texts, dtype="str"), names).tolist()


def alike(one: str, other: str) -> bool:
    first, second = clusters([one, other])
    return first == second


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Why is the sky blue?", "why is the SKY blue"),
        ("Why is the sky blue?", "  Why is\n\nthe sky   blue ?! "),
        ("I’m “here”", 'I\'m "here"'),
        ("STRASSE", "Straße"),
        ("caf\u00e9 olé", "cafe\u0301 ole\u0301"),
        ("ＦＵＬＬ　width？", "full width"),
        ("【公式】猫です。", "公式 猫です"),
        ("It costs 1,000 at 3.30", "it costs 1.000 at 3:30"),
    ],
)
def test_writings_of_one_prompt_are_one(one, other):
    assert alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is 2+2?", "What is 2+3?"),
        ("What is 2+2?", "What is 2-2?"),
        ("What is 2+2?", "What is 2*2?"),
        ("What is 1.5 times x?", "What is 15 times x?"),
        ("What is 1 2?", "What is 12?"),
        ("The square of -2?", "The square of 2?"),
        ("Is x < y?", "Is x > y?"),
        ("Write it in C", "Write it in C++"),
        ("Write it in C", "Write it in C#"),
        ("?", "!"),
        ("What is the capital of France?", "What is the capital of Germany?"),
        ("हिन्दी में की", "हिन्दी में का"),
    ],
)
def test_other_questions_are_others(one, other):
    assert not alike(one, other)


def test_slips_in_a_long_prompt_are_found():
    text = FRAME.format("a dragon")
    slips = [text.replace("careful", "carefull"), text.replace("paragraph", "pargraph"),
             text + " Thanks!", text.upper().replace(",", ""), "Please! " + text,
             text.replace(" a machine", " the machine")]  # fmt: skip
    for slip in slips[:-1]:
        assert alike(text, slip), slip
    # another word, not another spelling
    assert not alike(text, slips[-1])


def test_prompts_of_one_template_stay_apart():
    texts = [FRAME.format(thing) for thing in THINGS]
    assert len(set(clusters(texts))) == len(texts)
    # a number in the slot, a question before the frame, and an empty slot change nothing
    assert len(set(clusters([FRAME.format(i) for i in range(200)]))) == 200
    assert len(set(clusters([f"{thing}? {FRAME}" for thing in THINGS]))) == len(texts)
    assert len(set(clusters([*texts, FRAME.format("")]))) == len(texts)


def test_a_template_filled_many_times_does_not_glue_the_data():
    rng = random.Random(3)
    words = ["".join(rng.choices("abcdefghijklmnop", k=7)) for _ in range(400)]
    texts = sorted({FRAME.format(" ".join(rng.choices(words, k=2))) for _ in range(300)})
    assert pd.Series(clusters(texts)).value_counts().max() <= 2


def test_steps_do_not_chain():
    """Each text says a little more than the one before; the ends are different prompts."""
    rng = random.Random(5)
    words = ["".join(rng.choices("abcdefghijklmnop", k=6)) for _ in range(90)]
    chain = [" ".join(words[: 30 + 2 * i]) for i in range(30)]
    found = clusters(chain)
    assert len(set(found)) > 5
    for name in set(found):
        sizes = [len(normal_form(t)) for t, c in zip(chain, found, strict=True) if c == name]
        # the shortest holds nine tenths of the longest at least
        assert min(sizes) >= 0.85 * max(sizes)


TEXTS = st.lists(
    st.one_of(
        st.sampled_from([FRAME.format(thing) for thing in THINGS]),
        st.sampled_from(["Why?", "why", "WHY!", "2+2", "2 + 2", "?", "", "猫", "ｗｈｙ"]),
        st.text(max_size=40),
    ).flatmap(
        lambda text: st.sampled_from(
            [text, text.upper(), f" {text} ", text + " Thanks!", text.replace("e", "ee", 1)]
        )
    ),
    max_size=40,
    unique=True,
)


@settings(max_examples=80, deadline=None)
@given(TEXTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(texts, rng):
    texts = [text.encode("utf-8", "ignore").decode() for text in texts]
    texts = list(dict.fromkeys(texts))
    names = {text: f"id{i:03d}" for i, text in enumerate(texts)}
    mixed = rng.sample(texts, len(texts))

    def named(order):
        ids = pd.Series([names[text] for text in order], dtype="str")
        return dict(zip(order, prompt_clusters(pd.Series(order, dtype="str"), ids), strict=True))

    one, two = named(texts), named(mixed)
    assert one == two
    forms = {}
    for text in texts:
        if normal_form(text):
            # equal normal forms always share a cluster
            assert forms.setdefault(normal_form(text), one[text]) == one[text]


def test_minima_agree_as_often_as_sets_are_alike():
    """The share of equal minima estimates the Jaccard similarity of the sets of shingles."""
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    shares, truths = [], []
    for _ in range(60):
        shared, a, b = ("".join(rng.choice(letters, n)) for n in (300, 60, 60))
        texts = pa.array([shared + a, shared + b], pa.large_string())
        found, _ = sketch.minima(sketch.Bytes.of(texts), sketch.MORE)
        shares.append((found[0] == found[1]).mean())
        x, y = ({t[i : i + 8] for i in range(len(t) - 7)} for t in texts.to_pylist())
        truths.append(len(x & y) / len(x | y))
    error = np.sqrt(np.mean(truths) * (1 - np.mean(truths)) / (60 * sketch.MORE))
    assert np.mean(shares) == pytest.approx(np.mean(truths), abs=5 * error)


def test_planted_near_duplicates_are_found_among_others():
    """300 prompts of their own, 60 of them a second time with a slip; nothing else is merged."""
    rng = random.Random(11)
    vocabulary = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 9)))
                  for _ in range(2000)]  # fmt: skip
    texts = [" ".join(rng.choices(vocabulary, k=60)) for _ in range(300)]
    slipped = []
    for text in texts[:60]:
        at = rng.randrange(20, 300)
        slipped.append(rng.choice([text[:at] + text[at].upper() + "," + text[at + 1 :],
                                   text[:at] + text[at] + text[at:], text + " ok"]))  # fmt: skip
    groups = near_equal(pa.array(texts + slipped, pa.large_string()))
    found = {tuple(group.tolist()) for group in groups}
    assert found <= {(i, 300 + i) for i in range(60)}
    # a sketch may miss one: 59.9 of 60 are expected at these similarities (above .9)
    assert len(found) >= 58


def test_what_reading_a_file_says_of_them(tmp_path):
    path = tmp_path / "votes.csv"
    rows = [("Why is the sky blue?", "a"), ("why is the sky  BLUE", "b"), ("What is 2+2?", "a"),
            ("What is 2+3?", "b")]  # fmt: skip
    table = pd.DataFrame(rows, columns=["prompt", "winner"])
    table.assign(text_a=["x", "y", "z", "w"], text_b="v").to_csv(path, index=False)
    data = wb.load(path)
    assert data.pairs["cluster"].nunique() == 3
    assert data.pairs["prompt_id"].nunique() == 4
    said = str(data.load_report)
    assert "near-equal prompts share a cluster: 2 prompts in 1 cluster" in said
    assert set(data.load_report.near_equal[0]) == {rows[0][0], "why is the sky BLUE"}
    fold = folds(data.pairs["cluster"], 3, seed=0)
    assert fold[0] == fold[1]
    again = wb.load(wb.save(data, tmp_path / "saved"))
    pd.testing.assert_frame_equal(again.pairs, data.pairs)
    assert again.load_report == data.load_report
    assert again.digest == data.digest


def test_clusters_of_the_file_and_of_the_user_stay():
    pairs = pd.DataFrame({"prompt": ["Why?", "why", "WHY", "Who?"], "response_a": list("abcd"),
                          "response_b": "x", "cluster": ["s1", "s2", None, None]})  # fmt: skip
    labels = pd.DataFrame({"pair": range(4), "annotator": "ann", "preference": 1.0})
    data = wb.PreferenceData.from_tables(pairs, labels)
    found = data.pairs["cluster"].tolist()
    assert found[:2] == ["s1", "s2"]
    assert len(set(found)) == 4


def test_chat_messages_are_compared_by_their_text():
    def chat(text):
        return [{"role": "user", "content": text}]

    def answer(text):
        return [{"role": "assistant", "content": text}]

    rows = [{"prompt": chat(text), "chosen": answer(f"yes {i}"), "rejected": answer("no")}
            for i, text in enumerate(["Why is it so?", "why is it so", "Who is it?"])]  # fmt: skip
    data = wb.load(pd.DataFrame(rows))
    assert data.pairs["cluster"].nunique() == 2
