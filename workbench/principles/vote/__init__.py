"""Voting on principles: which response each one selects, pair by pair."""
