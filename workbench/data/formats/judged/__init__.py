"""Layouts of judges and benchmarks: what a judge said of two responses, and known answers."""

LAYOUTS = {
    "alpaca_eval": ("alpaca_eval", "FORMAT"),
    "reward_bench": ("reward_bench", "FORMAT"),
    "rm_bench": ("rm_bench", "FORMAT"),
}
"""Module of this room and name in it of each layout, in the order in which they are tried."""
