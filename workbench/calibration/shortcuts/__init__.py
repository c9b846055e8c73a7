"""What solves a benchmark without reading it."""
