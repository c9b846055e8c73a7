"""Layouts of ratings, rankings and crowds, from which a recorded rule makes pairs."""

LAYOUTS = {
    "dissection": ("dissection", "FORMAT"),
    "ratings": ("ratings", "FORMAT"),
}
"""Module of this room and name in it of each layout, in the order in which they are tried."""
