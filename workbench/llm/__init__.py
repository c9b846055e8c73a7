"""Calls of language models at any OpenAI-compatible endpoint, of which none is lost."""
