"""Which pairs go to people, and which to a judge."""
