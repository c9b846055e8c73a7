"""Stated reasons beside the factors that the regression finds."""
