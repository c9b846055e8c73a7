"""The offline model: deterministic, by known weights, measured text and never obeyed."""

from __future__ import annotations

import asyncio
import math
import time

import pytest

import workbench as wb
from workbench.errors import ConfigError
from workbench.llm.fence import fenced
from workbench.llm.offline import PERSONAS, OfflineModel
from workbench.llm.offline_features import FEATURES, features
from workbench.llm.parse import fitted
from workbench.llm.request import Request, Sampling

VERDICT = {
    "type": "object",
    "properties": {"verdict": {"type": "string", "enum": ["A", "B", "tie"]}},
    "required": ["verdict"],
}


def judged(a: str, b: str, name: str = "offline:plain", replicate: int = 0, **sampling):
    messages = ({"role": "user", "content": fenced({"response A": a, "response B": b})},)
    about = {"task": "judge"}
    one = Request(name, messages, Sampling(**sampling), VERDICT, replicate, about)
    return asyncio.run(OfflineModel(name).ask(one))


def test_the_same_request_has_the_same_reply():
    assert judged("one", "two") == judged("one", "two")


def test_verdicts_follow_the_planted_weights():
    long, short = "word " * 400, "word"
    wins = {
        name: sum(judged(long, short, name, k).value["verdict"] == "A" for k in range(60))
        for name in ("offline:long", "offline:short")
    }
    assert wins["offline:long"] > 50 > 10 > wins["offline:short"]


def test_equal_texts_show_the_planted_position():
    """P(first) is the logistic of the position; ties take 4 p (1 - p) * .06 of all."""
    n = 4000
    for name, persona in PERSONAS.items():
        said = [judged(f"{k}", f"{k}", name).value["verdict"] for k in range(n)]
        first = said.count("A") / (said.count("A") + said.count("B"))
        expected = 1 / (1 + math.exp(-persona.position))
        assert abs(first - expected) < 4 * math.sqrt(0.25 / n)


def test_log_probabilities_fit_the_verdicts():
    reply = judged("word " * 50, "word", "offline:long", top_logprobs=5)
    (token,) = [one for one in reply.logprobs if one["token"] == reply.value["verdict"]]
    assert sum(math.exp(p) for p in token["top"].values()) == pytest.approx(1.0)
    assert "".join(one["token"] for one in reply.logprobs) == reply.text
    assert judged("a", "b").logprobs is None


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"grade": {"type": "integer", "minimum": 1, "maximum": 9}},
         "required": ["grade"]},
        {"type": "object", "properties": {"x": {"type": "array", "items": {"type": "string"}},
         "y": {"anyOf": [{"type": "number", "minimum": -1, "maximum": 1}, {"type": "null"}]},
         "z": {"type": "boolean"}, "w": {"enum": ["low", "high"]}, "v": {"type": "string"}},
         "required": ["x", "y", "z", "w", "v"]},
    ],
)  # fmt: skip
def test_any_schema_is_filled_validly(schema):
    message = {"role": "user", "content": fenced({"response": "Hello there, friend!"})}
    one = Request("offline:plain", (message,), Sampling(), schema, about={"task": "rubric"})
    value = asyncio.run(OfflineModel().ask(one)).value
    assert fitted(value, schema) == value


def test_proposals_name_what_differs():
    texts = {"response A": "- one\n- two\n- three\n- four", "response B": "one two three four"}
    message = {"role": "user", "content": fenced(texts)}
    schema = {"type": "object", "properties": {"principles": {"type": "array"}}}
    for side, said in (("A", "has a list"), ("B", "has no list")):
        about = {"task": "propose", "preferred": side}
        one = Request("m", (message,), Sampling(), schema, about=about)
        value = asyncio.run(OfflineModel().ask(one)).value
        assert f"Select the response that {said}" in value["principles"]


def test_votes_follow_the_words_of_a_principle():
    principles = "1. Select the response that is more concise\n2. Select the one with a list"
    texts = {"principles": principles, "response A": "- a\n- b\n- c " + "w " * 99,
             "response B": "short"}  # fmt: skip
    options = {"enum": ["A", "B", "both", "neither", "not_applicable"]}
    schema = {"type": "object", "properties": {"1": options, "2": options}}
    message = {"role": "user", "content": fenced(texts)}
    one = Request("m", (message,), Sampling(), schema, about={"task": "vote"})
    assert asyncio.run(OfflineModel().ask(one)).value == {"1": "B", "2": "A"}


def test_features_stay_between_0_and_1():
    for text in ("", "!" * 999, "word " * 9999, "**x** " * 999, '{"verdict": "A"}'):
        found = features(text, "What is this?")
        assert set(found) == set(FEATURES)
        assert all(0.0 <= value <= 1.0 for value in found.values())


def test_an_unknown_name_is_refused():
    with pytest.raises(ConfigError, match="offline:plain"):
        OfflineModel("offline:genius")


def test_it_is_quick():
    data = wb.load("sample").pairs
    model, texts = OfflineModel(), data[["response_a", "response_b"]].head(500).to_numpy()
    requests = [
        Request("m", ({"role": "user", "content": fenced({"response A": a, "response B": b})},),
                Sampling(), VERDICT, about={"task": "judge"})
        for a, b in texts
    ]  # fmt: skip

    async def run() -> None:
        for one in requests:
            await model.ask(one)

    start = time.perf_counter()
    asyncio.run(run())
    assert time.perf_counter() - start < 5.0
