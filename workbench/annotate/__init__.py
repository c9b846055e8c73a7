"""Annotation runs: judges and rubrics asked of a model, in a folder that can be taken up again."""
