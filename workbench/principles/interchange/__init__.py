"""Votes and constitutions as other tools write and read them."""
