"""Characters, words and phrases of texts, many texts at a time."""
