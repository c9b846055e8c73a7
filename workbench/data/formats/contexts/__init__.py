"""Layouts of more than two responses to one question: criteria, two prompts, values of actions."""

LAYOUTS = {
    "rpr": ("rpr", "FORMAT"),
    "dove": ("dove", "FORMAT"),
    "daily_dilemmas": ("daily_dilemmas", "FORMAT"),
}
"""Module of this room and name in it of each layout, in the order in which they are tried."""
