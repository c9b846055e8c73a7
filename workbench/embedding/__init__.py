"""Texts as vectors: offline, by an endpoint, by a local encoder, or from a file."""

from __future__ import annotations

from workbench.embedding.base import Embedding
from workbench.embedding.endpoint import EndpointEmbedding
from workbench.embedding.local import LocalEmbedding
from workbench.embedding.offline import OfflineEmbedding
from workbench.embedding.pairs import PairVectors, embed_pairs
from workbench.embedding.stored import StoredEmbedding

__all__ = [
    "Embedding",
    "EndpointEmbedding",
    "LocalEmbedding",
    "OfflineEmbedding",
    "PairVectors",
    "StoredEmbedding",
    "embed_pairs",
]
