"""What was asked: criteria that turn labels, trade-offs, and groups that turn weights."""
