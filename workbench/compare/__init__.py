"""Annotators and scenarios side by side: contrasts, similarity, concordance, pooling."""

from workbench.compare.contrast import Contrast, contrast

__all__ = ["Contrast", "contrast"]
