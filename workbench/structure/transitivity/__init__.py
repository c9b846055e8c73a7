"""May these items be ranked: cycles within people, between shares, and on held-out labels."""
