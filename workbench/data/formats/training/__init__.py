"""Layouts that models are trained on: chosen and rejected."""

LAYOUTS = {
    "trl": ("trl", "FORMAT"),
    "trl-unpaired": ("trl", "UNPAIRED"),
}
"""Module of this room and name in it of each layout, in the order in which they are tried."""
