"""Layouts of tools' own files: annotation tools, evaluation logs."""

LAYOUTS = {
    "annotated_pairs": ("annotated_pairs", "FORMAT"),
}
"""Module of this room and name in it of each layout, in the order in which they are tried."""
