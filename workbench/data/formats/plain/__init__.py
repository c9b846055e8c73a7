"""Plain tables: which column is what, and what their verdicts say."""
