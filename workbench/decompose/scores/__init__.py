"""Scores of predictions on labels they have not seen, and how sure they are."""
