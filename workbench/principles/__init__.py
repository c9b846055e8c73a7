"""Principles: sentences that say which response to select, proposed, voted on and tested."""
