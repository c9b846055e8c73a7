"""Single predictions: exact shares of the factors, pairs that a fit gets wrong."""
