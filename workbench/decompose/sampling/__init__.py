"""Posteriors of many logistic regressions: exact draws, and close moments without drawing."""
