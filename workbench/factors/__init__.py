"""Factors: properties on which two responses can differ."""

from workbench.factors.catalog import CORE, FAMILIES, STYLE, FactorSpec
from workbench.factors.coding import Coding
from workbench.factors.columns import column_factors, from_columns, from_function
from workbench.factors.score import score_factors
from workbench.factors.text import text_values

__all__ = [
    "CORE",
    "FAMILIES",
    "STYLE",
    "Coding",
    "FactorSpec",
    "column_factors",
    "from_columns",
    "from_function",
    "score_factors",
    "text_values",
]
