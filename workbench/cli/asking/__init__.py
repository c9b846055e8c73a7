"""Commands that say what models can be asked."""
