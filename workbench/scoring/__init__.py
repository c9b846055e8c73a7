"""Log-likelihoods of responses under causal language models."""
