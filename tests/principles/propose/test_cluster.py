"""Clusters: what is said in other words stands together, whatever the order."""

from __future__ import annotations

import numpy as np
import pytest

from workbench.errors import DesignError
from workbench.principles.principle import Principle
from workbench.principles.propose.cluster import cluster, text_vectors

SAID = {
    "short": ("is shorter", "is short", "is the shorter one", "is short and shorter"),
    "emoji": ("uses emoji", "uses more emoji", "has emoji"),
    "sources": ("cites sources", "cites its sources"),
}
PRINCIPLES = [Principle(f"Select the response that {x}") for group in SAID.values() for x in group]


@pytest.mark.parametrize("method", ["agglomerative", "kmeans"])
def test_paraphrases_stand_together(method):
    found = cluster(PRINCIPLES, 3, method=method)
    assert found.labels.tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2]
    assert len(found.representatives) == 3
    frame = found.to_frame()
    assert all(row.representative in set(frame[frame["cluster"] == row.cluster]["principle"])
               for row in frame.itertuples())  # fmt: skip


@pytest.mark.parametrize("method", ["agglomerative", "kmeans"])
@pytest.mark.parametrize("representative", ["medoid", "random"])
def test_the_order_of_the_principles_changes_nothing(method, representative):
    options = {"method": method, "representative": representative, "seed": 3}
    one = cluster(PRINCIPLES, 3, **options)
    turned = np.random.default_rng(0).permutation(len(PRINCIPLES))
    other = cluster([PRINCIPLES[k] for k in turned], 3, **options)
    assert (other.labels == one.labels[turned]).all()
    assert other.representatives == one.representatives


def test_the_medoid_is_the_nearest_to_the_others_by_brute_force():
    found = cluster(PRINCIPLES, 3)
    vectors = text_vectors([one.text for one in PRINCIPLES]).toarray()[:4]
    near = (vectors @ vectors.T).sum(axis=1)
    assert found.representatives[0] == PRINCIPLES[int(near.argmax())]


def test_as_many_clusters_as_principles_join_nothing():
    found = cluster(PRINCIPLES, 20)
    assert found.representatives == tuple(PRINCIPLES)
    assert "no more principles" in found.note


def test_given_embeddings_are_used():
    vectors = np.array([[1.0, 0], [0, 1], [1, 0.1], [0, 1], [0, 1], [1, 0], [0, 2], [3, 0], [0, 1]])
    found = cluster(PRINCIPLES, 2, vectors=vectors)
    together = found.labels == found.labels[0]
    assert together.tolist() == [True, False, True, False, False, True, False, True, False]


def test_nothing_to_cluster_is_refused():
    with pytest.raises(DesignError, match="nothing to cluster"):
        cluster([], 2)
    with pytest.raises(DesignError, match="nothing to cluster"):
        cluster([PRINCIPLES[0]] * 2, 2)
    with pytest.raises(DesignError, match="method"):
        cluster(PRINCIPLES, 2, method="guess")
