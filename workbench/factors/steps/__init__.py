"""Factors of the steps of an agent: its calls of tools, and what came of them."""
