"""Proposing principles: what a model says of single pairs, joined into clusters."""
