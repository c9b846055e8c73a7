"""Which pairs to have labelled next."""
