"""The structure of disagreement: people, groups, cycles, context."""
