"""Who disagrees with whom, and whether items may be ranked: people, groups, cycles, context."""
