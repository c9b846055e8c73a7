"""Whether a judge, or a refusal, depends on the group that a text speaks of."""
