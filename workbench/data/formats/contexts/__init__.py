"""Layouts in which the question belongs to the label: criteria of a pair, and two prompts."""

LAYOUTS = {
    "rpr": ("rpr", "FORMAT"),
    "dove": ("dove", "FORMAT"),
}
"""Module of this room and name in it of each layout, in the order in which they are tried."""
