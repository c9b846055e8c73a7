"""What few labels of people and many verdicts of judges tell together."""
