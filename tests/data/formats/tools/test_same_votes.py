"""The same votes, written as each tool writes them, are the same judgements when read."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.data.formats.tools.tool_votes import loaded, verdicts

WORDS = st.text(st.sampled_from("abcxyz éß'\"\n,[{"), min_size=3, max_size=12).map(
    lambda text: f"w{text.strip()}w"
)
VOTES = st.tuples(
    WORDS, st.lists(WORDS, min_size=2, max_size=2, unique=True),
    st.dictionaries(st.sampled_from(["ann", "bob", "cyd"]), st.sampled_from([0, 1, "tie"]),
                    min_size=1),
)  # fmt: skip


def argilla(prompt, texts, votes):
    names = {0: "reply1", 1: "reply2", "tie": "tie"}
    return {
        "id": "r",
        "fields": {"prompt": prompt, "reply1": texts[0], "reply2": texts[1]},
        "metadata": {},
        "suggestions": {},
        "responses": {"q": [{"value": names[v], "user_id": who} for who, v in votes.items()]},
    }


def argilla_flat(prompt, texts, votes):
    names = {0: "reply1", 1: "reply2", "tie": "tie"}
    return {
        "id": "r", "prompt": prompt, "reply1": texts[0], "reply2": texts[1],
        "q.responses": [names[v] for v in votes.values()],
        "q.responses.users": list(votes),
        "q.responses.status": ["submitted"] * len(votes),
    }  # fmt: skip


def label_studio(prompt, texts, votes):
    names = {0: "left", 1: "right", "tie": "tie"}
    return {
        "id": 1,
        "data": {"prompt": prompt, "reply1": texts[0], "reply2": texts[1]},
        "annotations": [
            {"completed_by": who, "was_cancelled": False, "result": [
                {"from_name": "pw", "to_name": "reply1,reply2", "type": "pairwise",
                 "value": {"selected": names[vote]}}]}
            for who, vote in votes.items()
        ],
    }  # fmt: skip


@pytest.mark.parametrize("write", [argilla, argilla_flat, label_studio])
@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "parquet"])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sets=st.lists(VOTES, min_size=2, max_size=4))
def test_votes_arrive_unchanged(write, ending, sets):
    planted = []
    for _, texts, votes in sets:
        for who, vote in votes.items():
            value, reason = (0.5, "tie") if vote == "tie" else (1.0 - vote, None)
            first, second = texts
            if first > second:
                first, second, value = second, first, 1 - value
            planted.append((who, "human", "overall", first, second, value, reason))
    with TemporaryDirectory() as folder:
        data = loaded(Path(folder), [write(*one) for one in sets], f"votes.{ending}")
    assert verdicts(data) == sorted(planted, key=str)
    assert set(data.pairs["prompt"]) == {prompt for prompt, _, _ in sets}
