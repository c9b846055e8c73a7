"""Two judges, two runs or two models on the same pairs."""
