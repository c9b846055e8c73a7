"""Factors that nobody named: found in embeddings, named, and tested where they were not found."""

from __future__ import annotations

from workbench.discover.dictionary import Dictionary
from workbench.discover.discover import discover
from workbench.discover.result import Discovery
from workbench.discover.training import learn_dictionary

__all__ = ["Dictionary", "Discovery", "discover", "learn_dictionary"]
