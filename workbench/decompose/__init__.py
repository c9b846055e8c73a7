"""Preferences as weights on factors: the fit itself and its uncertainty."""

from workbench.decompose.decomposition import Decomposition, decompose

__all__ = ["Decomposition", "decompose"]
