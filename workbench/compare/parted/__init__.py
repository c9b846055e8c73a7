"""Contrasts of fits over parts: what the clusters of each part do to both fits."""
