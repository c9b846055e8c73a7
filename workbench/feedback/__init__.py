"""Conversations as preferences: what users say of the answers that they get."""
