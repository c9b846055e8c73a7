"""Judges: what turns pairs into labels."""
