"""Log-probabilities of many pairs, part by part: where a model is loaded, an engine says."""
