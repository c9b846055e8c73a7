"""Factors: properties on which two responses can differ."""

from workbench.factors.catalog import AGENT, CORE, FAMILIES, STYLE, FactorSpec
from workbench.factors.coding import Coding
from workbench.factors.columns import column_factors, from_columns, from_function
from workbench.factors.dissection import (
    PROPERTIES,
    SCENARIOS,
    SUBSETS,
    dissection_factors,
    in_subsets,
    only_subsets,
    rating_problems,
    subsets,
)
from workbench.factors.listed import from_lists
from workbench.factors.ngrams import ngram_factors
from workbench.factors.score import prompt_words, score_factors
from workbench.factors.steps.values import step_values
from workbench.factors.text import text_values
from workbench.factors.words.vocabulary import PromptWords, Vocabulary

__all__ = [
    "AGENT",
    "CORE",
    "FAMILIES",
    "PROPERTIES",
    "SCENARIOS",
    "STYLE",
    "SUBSETS",
    "Coding",
    "FactorSpec",
    "PromptWords",
    "Vocabulary",
    "column_factors",
    "dissection_factors",
    "from_columns",
    "from_function",
    "from_lists",
    "in_subsets",
    "ngram_factors",
    "only_subsets",
    "prompt_words",
    "rating_problems",
    "score_factors",
    "step_values",
    "subsets",
    "text_values",
]
