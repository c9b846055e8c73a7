"""Embeddings of an endpoint: in order, asked once, and clear where it has none."""

from __future__ import annotations

import pytest

from tests.llm_server import serving
from workbench.errors import DesignError, JudgeError
from workbench.llm import client
from workbench.llm.asker import Asker, Planner
from workbench.llm.endpoint import Endpoint
from workbench.llm.journal import Journal
from workbench.principles.principle import Principle
from workbench.principles.propose.cluster import cluster
from workbench.principles.propose.embed import embed

TEXTS = [f"Select the response that {x * 3} {k}" for k in range(90) for x in "ah"]


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "j") as opened:
        yield opened


def test_vectors_are_in_order_and_asked_for_once(journal, monkeypatch):
    monkeypatch.setattr(client, "_FIRST_WAIT_S", 0.01)
    with serving(faults={"429": 0.3, "500": 0.2}) as server:
        for _ in range(2):
            with Asker(Endpoint(server.url, attempts=20), journal) as asker:
                found = embed(TEXTS, asker, model="e")
                (spent,) = asker.spending()
        assert sum(server.answered.values()) == 3
    expected = [[text.count(x) for x in "abcdefgh"] for text in TEXTS]
    assert found.tolist() == expected
    assert (spent.answered, spent.usage["e"].prompt_tokens) == (3, 180)


def test_clusters_take_them(journal):
    with serving() as server, Asker(Endpoint(server.url), journal) as asker:
        some = [Principle(text) for text in TEXTS[:20]]
        found = cluster(some, 2, vectors=embed(TEXTS[:20], asker, model="e"))
    assert len({*found.labels[0::2]}) == len({*found.labels[1::2]}) == 1


@pytest.mark.parametrize(("model", "said"), [("unknown", "does not exist"), ("broken", "vectors")])
def test_an_endpoint_without_embeddings_says_so(journal, model, said):
    with serving() as server, Asker(Endpoint(server.url), journal) as asker:
        with pytest.raises(JudgeError, match=said) as error:
            embed(TEXTS[:5], asker, model=model)
        assert server.url in str(error.value)


def test_a_plan_collects_them(journal):
    planner = Planner("http://127.0.0.1:1/v1", journal)
    with pytest.raises(DesignError, match="no embeddings yet"):
        embed(TEXTS, planner, model="e")
    assert [len(one.inputs) for one in planner.open["embed"]] == [64, 64, 52]
