"""Verdicts that arrive: intervals that may be looked at again and again."""
