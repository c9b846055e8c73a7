"""What a response's length does to a judge beside its being right."""
