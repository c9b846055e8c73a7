"""Measuring principles: strengths, adjusted and joint effects, groups."""
