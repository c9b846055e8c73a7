"""Commands that say who disagrees with whom."""
