"""Fits to data in parts: sums over parts, whatever the number of labels."""
