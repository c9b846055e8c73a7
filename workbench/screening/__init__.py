"""Screening of many factors: chosen on some prompts, tested on the rest."""
