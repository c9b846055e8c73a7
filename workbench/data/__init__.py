"""Preference data: the data model, readers, splits and storage."""
