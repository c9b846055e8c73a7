"""What data support: which verbs, which of them need what more, what they are too small for."""
