"""Ratings of data in parts: sums over parts, whatever the number of battles."""
