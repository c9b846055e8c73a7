"""Factors that a model scores by a rubric, and how far its scores can be trusted."""
