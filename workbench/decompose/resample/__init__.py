"""Refits to resampled clusters, and the intervals of what they draw."""
