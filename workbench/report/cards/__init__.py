"""Cards: what was measured of one judge, and what was not."""
