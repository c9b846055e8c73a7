"""Curated pairs in the layouts that trainers read."""
