"""Rows that stand twice, and prompts that are nearly equal."""
