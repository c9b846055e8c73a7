"""Several judges as one annotator: combined, held against its best member, and what it costs."""
