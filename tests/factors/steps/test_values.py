"""Steps of agents: hand-counted trajectories in each layout, and planted weights recovered."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from workbench.data.formats.messages import as_messages
from workbench.errors import DesignError
from workbench.factors import AGENT, FAMILIES, step_values
from workbench.factors.steps.values import call_share
from workbench.report.main_job import ensure_factors

NAMES = [spec.name for spec in AGENT]


def ask(text="Find tea."):
    return {"role": "user", "content": text}


def call(*calls, said=""):
    return {
        "role": "assistant",
        "content": said,
        "tool_calls": [
            {"id": f"c{k}", "type": "function", "function": {"name": n, "arguments": a}}
            for k, (n, a) in enumerate(calls)
        ],
    }


def result(text):
    return {"role": "tool", "tool_call_id": "c0", "content": text}


def say(text):
    return {"role": "assistant", "content": text}


OPENAI = [
    call(("find", '{"q": "tea", "n": 3}'), ("shops", "{}"), said="Plan:\n1. Look\n2. Buy it"),
    result('{"error": "timeout"}'),
    result('{"error": null, "shops": ["a"]}'),
    call(("find", '{"n":3,"q":"tea"}')),
    result("Tea costs 3."),
    call(("buy", '{"shop":"a"}'), said="I buy it."),
    result('Traceback (most recent call last):\n  File "x"\nKeyError: 1'),
    say("1. It failed\n2. Sorry"),
]
# by hand: calls find, shops, find, buy; the second find repeats the first (the order of keys
# says nothing); two results say that they failed; {} {"n":3,"q":"tea"} twice, {"shop":"a"}
EXPECTED = {
    "tool_calls": 4, "distinct_tools": 3, "tool_errors": 2, "tool_retries": 1,
    "parallel_calls": 1, "plan_items": 2, "steps": 4,
    "spoken_words": 6 + 3 + 5, "argument_characters": (2 + 2 * 17 + 12) / 4,
}  # fmt: skip

ANTHROPIC = [
    {"role": "assistant", "content": [
        {"type": "thinking", "thinking": "1. not said"},
        {"type": "text", "text": "Plan:\n1. Look\n2. Buy it"},
        {"type": "tool_use", "id": "u1", "name": "find", "input": {"q": "tea", "n": 3}},
        {"type": "tool_use", "id": "u2", "name": "shops", "input": {}},
    ]},
    {"role": "user", "content": [
        {"type": "tool_result", "tool_use_id": "u1", "is_error": True, "content": "busy"},
        {"type": "tool_result", "tool_use_id": "u2", "content": [{"type": "text", "text": "a"}]},
    ]},
    {"role": "assistant", "content": [
        {"type": "tool_use", "id": "u3", "name": "find", "input": {"n": 3, "q": "tea"}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "u3", "content": "3"}]},
    {"role": "assistant", "content": [
        {"type": "text", "text": "I buy it."},
        {"type": "tool_use", "id": "u4", "name": "buy", "input": {"shop": "a"}}]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "u4", "content": [
        {"type": "text", "text": '{"Traceback": "KeyError"}'}]}]},
    {"role": "assistant", "content": "1. It failed\n2. Sorry"},
]  # fmt: skip

REACT = """Thought: I look.
Action: find
Action Input: {"q": "tea"}
Observation: Error: busy
Thought: Again.
Action: find
Action Input: {"q":"tea"}
Observation: {"price": 3}
Final Answer: It costs 3."""


@pytest.mark.parametrize("messages", [OPENAI, ANTHROPIC], ids=["openai", "anthropic"])
def test_a_trajectory_is_counted_as_by_hand_in_both_layouts(messages):
    read = as_messages(json.dumps(messages))
    assert step_values([read]).iloc[0].to_dict() == EXPECTED


def test_react_text_is_turns_calls_and_observations():
    found = step_values([[say(REACT)]]).iloc[0].to_dict()
    assert found == {
        "tool_calls": 2, "distinct_tools": 1, "tool_errors": 1, "tool_retries": 1,
        "parallel_calls": 0, "plan_items": 0, "steps": 3, "spoken_words": 2 + 1 + 3,
        "argument_characters": 11,
    }  # fmt: skip


def test_the_older_function_call_and_sharegpt_are_calls():
    made = {"name": "f", "arguments": "{}"}
    old = [{"role": "assistant", "content": None, "function_call": made},
           {"role": "function", "name": "f", "content": "Error: no"}]  # fmt: skip
    share = [{"from": "function_call", "value": '{"name": "f", "arguments": {}}'},
             {"from": "observation", "value": '{"errors": ["no"]}'}]  # fmt: skip
    names = ["tool_calls", "tool_errors"]
    read = [as_messages(json.dumps(one)) for one in (old, share)]
    assert step_values(read, names=names).to_numpy().tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize(
    ("text", "failed"),
    [('{"error": ""}', 0), ('{"error": false}', 0), ('{"errors": []}', 0), ("no errors found", 0),
     ("An error-free day", 0), ('{"log": "Error: x"}', 0), ("ValueError: x", 1),
     ("  error : x", 1), ("{'error'", 0), ("", 0)],
)  # fmt: skip
def test_only_a_result_that_says_so_is_an_error(text, failed):
    assert step_values([[call(("f", "{}")), result(text)]])["tool_errors"][0] == failed


def test_a_call_of_the_same_errand_before_the_response_is_retried():
    tried, again = call(("f", '{"x":1}')), [call(("f", '{"x": 1}'))]
    before = [[ask(), tried, result("Error: x")], [ask(), tried, ask("Again")], []]
    assert step_values([again] * 3, before)["tool_retries"].tolist() == [1, 0, 0]


def test_odd_messages_are_read_without_a_fault():
    odd = [
        [{"role": "assistant", "tool_calls": "x"}],
        [{"role": "assistant", "tool_calls": [None, {"function": None}, {"function": {}}]}],
        [{"role": "assistant", "content": [{"type": "tool_use"}, {"type": 3}, "x"]}],
        [{"role": "tool", "content": None}, {"role": "user", "content": [{"type": "tool_result"}]}],
        [{"role": "assistant", "content": [3, None]}, {"role": 3, "content": 3}],
        [say("Action:" + " " * 50_000 + "x"), say("Action: \n" * 20_000)],
        [call(("f", "[" * 100_000))],
        [],
    ]
    assert np.isfinite(step_values(odd).to_numpy()).all()
    assert step_values(odd)["tool_calls"].tolist() == [0, 2, 1, 0, 0, 0, 1, 0]


def agents(n=500, seed=0, errors=-0.8, retries=-0.6, calls=0.0):
    """Simulated pairs of an agent's runs, and labels by planted weights on coded differences."""
    rng = np.random.default_rng(seed)

    def run():
        work = []
        for k in range(rng.integers(1, 5)):
            asked = call(("find", json.dumps({"q": f"tea {k}"})))
            work += [asked, result("3 found")]
            for _ in range(rng.binomial(2, 0.3)):
                work += [asked, result("3 found")]
            if rng.random() < 0.4:
                work += [call(("open", f'{{"page": {k}}}')), result('{"error": "busy"}')]
        return [*work, say("Tea costs 3.")]

    rows = [{"prompt": [ask(f"Errand {k}: find tea.")], "a": run(), "b": run()} for k in range(n)]
    both = [step_values([row[side] for row in rows]) for side in "ab"]
    z = sum(
        weight * relative(both[0][name], both[1][name])
        for name, weight in zip(NAMED, (calls, errors, retries), strict=True)
    )  # fmt: skip
    won = rng.random(n) < 1 / (1 + np.exp(-z))
    return pd.DataFrame(
        {
            "prompt": [json.dumps(r["prompt"]) for r in rows],
            "response_a": [json.dumps(r["prompt"] + r["a"]) for r in rows],
            "response_b": [json.dumps(r["prompt"] + r["b"]) for r in rows],
            "winner": np.where(won, "A", "B"),
        }
    )


def relative(a, b):
    """The coding of counts, by hand: (a - b) / (a + b), scaled to a root mean square of 1."""
    x = np.where(a + b > 0, (a - b) / np.maximum(a + b, 1), 0.0)
    return x / np.sqrt(np.mean(x**2))


NAMED = ["tool_calls", "tool_errors", "tool_retries"]


@pytest.fixture(scope="module")
def simulated():
    specs = [spec for spec in FAMILIES["agent"] if spec.name in NAMED]
    return wb.score_factors(wb.load(agents(900)), specs)


def test_planted_weights_of_errors_and_retries_are_recovered(simulated):
    table = wb.decompose(simulated).to_frame().set_index("term")
    for name, planted in (("tool_errors", -0.8), ("tool_retries", -0.6), ("tool_calls", 0.0)):
        row = table.loc[name]
        assert abs(row["estimate"] - planted) < 3 * row["std_error"], name
    assert (table.loc[["tool_errors", "tool_retries"], "conf_high"] < 0).all()


def test_sides_and_the_order_of_rows_change_nothing_but_signs():
    frame = agents(40)
    turned = frame.rename(columns={"response_a": "response_b", "response_b": "response_a"})
    turned["winner"] = turned["winner"].map({"A": "B", "B": "A"})
    one, other = (
        wb.score_factors(wb.load(f), FAMILIES["agent"]) for f in (frame, turned[::-1])
    )  # fmt: skip
    a, b = (
        d.factors.assign(prompt=d.pairs["prompt"]).set_index("prompt").sort_index()[NAMES]
        for d in (one, other)
    )
    swapped = (
        one.pairs.set_index("prompt")["response_a"].sort_index()
        != other.pairs.set_index("prompt")["response_a"].sort_index()
    )
    sign = np.where(swapped, -1.0, 1.0)[:, None]
    np.testing.assert_allclose(a.to_numpy(), sign * b.to_numpy(), atol=1e-12)


def test_steps_come_by_themselves_where_responses_call_tools_and_nowhere_else():
    found = ensure_factors(wb.load(agents(30)))
    assert {"words", "tool_errors", "tool_retries"} <= set(found.factor_names)
    assert not {"steps", "spoken_words"} & set(found.factor_names)
    plain = wb.load("sample")
    assert call_share(plain) == 0
    assert not set(NAMES) & set(ensure_factors(plain).factor_names)
    with pytest.raises(DesignError, match="No response calls a tool"):
        wb.score_factors(plain, FAMILIES["agent"])


def test_a_text_that_speaks_of_calls_makes_none():
    pairs = pd.DataFrame({"prompt": ["?"], "response_a": ['The field "tool_calls" holds them.'],
                          "response_b": ["Action Input: is a line of ReAct."],
                          "winner": ["A"]})  # fmt: skip
    assert call_share(wb.load(pairs)) == 0


def test_a_missing_response_has_no_values_and_text_beside_chats_is_one_turn():
    pairs = pd.DataFrame({"response_a": [REACT, REACT], "response_b": ["Tea is 3.", None]})
    labels = pd.DataFrame({"pair": [0, 1], "annotator": "x", "preference": [1.0, 0.0]})
    data = wb.score_factors(wb.PreferenceData.from_tables(pairs, labels), FAMILIES["agent"])
    b = data.factor_values[[f"{name}_b" for name in ("tool_calls", "steps", "spoken_words")]]
    assert b.iloc[0].tolist() == [0, 1, 3]
    assert b.iloc[1].isna().all()


def test_text_and_step_factors_are_computed_together_in_any_order():
    data = wb.load(agents(10))
    by = {spec.name: spec for family in FAMILIES.values() for spec in family}
    names = ["tool_errors", "words", "tool_calls", "bold"]
    both = wb.score_factors(data, [by[name] for name in names])
    alone = [wb.score_factors(data, by[name]).factor_values for name in names]
    assert both.factor_names == names
    for name, one in zip(names, alone, strict=True):
        assert both.factor_values[f"{name}_a"].equals(one[f"{name}_a"])
    with pytest.raises(DesignError, match="not known"):
        step_values([[]], names=["words"])


def test_parts_that_are_no_objects_are_said_by_nobody():
    odd = {"role": "assistant", "content": [None, 1, {"type": "text", "text": "two words"}]}
    assert step_values([[odd]], names=["spoken_words"]).iloc[0, 0] == 2
