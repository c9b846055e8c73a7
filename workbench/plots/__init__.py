"""Figures of tidy tables; they know columns, not how the numbers were made."""
