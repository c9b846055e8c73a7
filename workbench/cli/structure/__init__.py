"""Commands on the structure of disagreement and of preference."""
