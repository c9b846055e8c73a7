"""How many labels of people are needed, and what those that are there can find."""
