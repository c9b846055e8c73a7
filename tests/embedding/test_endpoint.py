"""Embeddings of an endpoint: in order, asked once, and clear where it has none."""

from __future__ import annotations

import numpy as np
import pytest

import workbench as wb
from tests.llm_server import serving
from workbench.embedding import EndpointEmbedding, embed_pairs
from workbench.errors import DesignError, JudgeError
from workbench.llm import client
from workbench.llm.asker import Asker, Planner
from workbench.llm.budget import Budget
from workbench.llm.endpoint import Endpoint
from workbench.llm.journal import Journal
from workbench.principles.principle import Principle
from workbench.principles.propose.cluster import cluster

TEXTS = [f"Select the response that {x * 3} {k}" for k in range(90) for x in "ah"]


def counted(texts):
    return [[float(text.count(x)) for x in "abcdefgh"] for text in texts]


@pytest.fixture
def journal(tmp_path):
    with Journal(tmp_path / "j") as opened:
        yield opened


def test_vectors_are_in_order_and_asked_for_once(journal, monkeypatch):
    monkeypatch.setattr(client, "_FIRST_WAIT_S", 0.01)
    with serving(faults={"429": 0.3, "500": 0.2}) as server:
        for _ in range(2):
            with Asker(Endpoint(server.url, attempts=20), journal) as asker:
                found = EndpointEmbedding(asker, "e")(TEXTS)
                (spent,) = asker.spending()
        assert sum(server.answered.values()) == 3
    assert found.dtype == np.float32
    assert found.tolist() == counted(TEXTS)
    assert (spent.answered, spent.usage["e"].prompt_tokens) == (3, 180)


def test_equal_texts_are_sent_once_and_texts_without_words_never(journal):
    with serving() as server, Asker(Endpoint(server.url), journal) as asker:
        found = EndpointEmbedding(asker, "e", longest=3)(["aab", "", "aabbb", "  ", "h"])
        (spent,) = asker.spending()
    assert found.tolist() == counted(["aab", "", "aab", "", "h"])
    assert spent.usage["e"].prompt_tokens == 2


def test_long_texts_are_divided_among_requests(journal):
    with serving() as server, Asker(Endpoint(server.url), journal) as asker:
        EndpointEmbedding(asker, "e")([f"{k}" + "a" * 15_000 for k in range(30)])
        assert sum(server.answered.values()) == 3


def test_clusters_take_them(journal):
    with serving() as server, Asker(Endpoint(server.url), journal) as asker:
        some = [Principle(text) for text in TEXTS[:20]]
        vectors = EndpointEmbedding(asker, "e")(TEXTS[:20])
    found = cluster(some, 2, vectors=vectors.astype(float))
    assert len({*found.labels[0::2]}) == len({*found.labels[1::2]}) == 1


@pytest.mark.parametrize(("model", "said"), [("unknown", "does not exist"), ("broken", "vectors")])
def test_an_endpoint_without_embeddings_says_so(journal, model, said):
    with serving() as server, Asker(Endpoint(server.url), journal) as asker:
        with pytest.raises(JudgeError, match=said) as error:
            EndpointEmbedding(asker, model)(TEXTS[:5])
        assert server.url in str(error.value)


def test_a_plan_collects_them(journal):
    planner = Planner("http://127.0.0.1:1/v1", journal)
    with pytest.raises(DesignError, match="no embeddings yet"):
        EndpointEmbedding(planner, "e")(TEXTS)
    assert [len(one.inputs) for one in planner.open["embed"]] == [64, 64, 52]


def test_a_budget_that_ends_is_taken_up_and_nothing_is_paid_twice(journal):
    with serving() as server:
        poor = Asker(Endpoint(server.url, concurrency=1), journal, budget=Budget(max_calls=1))
        with poor, pytest.raises(DesignError, match="no embeddings yet"):
            EndpointEmbedding(poor, "e")(TEXTS)
        with Asker(Endpoint(server.url), journal) as two:
            assert EndpointEmbedding(two, "e")(TEXTS).tolist() == counted(TEXTS)
        assert sorted(server.answered.values()) == [1, 1, 1]


def test_what_a_folder_keeps_is_asked_of_nobody(journal, tmp_path):
    data = wb.load("sample")
    with serving() as server, Asker(Endpoint(server.url), journal) as asker:
        own = EndpointEmbedding(asker, "e")
        first = embed_pairs(data, own, folder=tmp_path)
        with Journal(tmp_path / "other") as empty, Asker(Endpoint(server.url), empty) as again:
            second = embed_pairs(data, EndpointEmbedding(again, "e"), folder=tmp_path)
            assert again.spending() == []
    assert second.vectors.tobytes() == first.vectors.tobytes()
    rows = data.pairs.set_index("pair_id").loc[first.pair_ids]
    wanted = np.array(counted(rows["response_a"])) - np.array(counted(rows["response_b"]))
    assert np.array_equal(first.differences(), wanted)
