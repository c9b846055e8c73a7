"""Requests of one run that several processes share: journals read as one, a leased budget."""
