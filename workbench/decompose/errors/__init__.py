"""Errors of fits by clusters, their intervals and tests."""
