"""What the likelihoods of single tokens, and of whole responses, say of a model."""
