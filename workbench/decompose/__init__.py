"""Preferences as weights on factors, and tests of how annotators differ."""

from workbench.decompose.contrast import Contrast, contrast
from workbench.decompose.decomposition import Decomposition, decompose

__all__ = ["Contrast", "Decomposition", "contrast", "decompose"]
