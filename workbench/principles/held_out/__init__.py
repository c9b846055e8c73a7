"""Testing a constitution on pairs that neither proposed nor selected it."""
