"""Pairs as files that a labelling tool opens, and its answers as labels."""
