"""Reports: one HTML file that needs nothing else, with its numbers as JSON and CSV."""
