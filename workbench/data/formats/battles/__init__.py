"""Layouts of battles: arenas, conversations and images, voted on by visitors or raters."""

LAYOUTS = {
    "arena": ("arena", "FORMAT"),
}
"""Module of this room and name in it of each layout, in the order in which they are tried."""
