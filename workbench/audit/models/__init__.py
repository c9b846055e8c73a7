"""Audits of trained models: whether they rank as their preferences say, and how sure."""
