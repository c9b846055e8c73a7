"""Which values choices hold to: as they come in choices, and each at the others' place."""
