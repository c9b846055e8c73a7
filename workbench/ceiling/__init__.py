"""How much of the labels can be predicted here, and which part of it the factors reach."""
