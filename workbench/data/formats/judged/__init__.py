"""Layouts of judges and benchmarks: what a judge said of two responses, and known answers."""

LAYOUTS = {
    "fastchat": ("fastchat", "FORMAT"),
    "fastchat_reviews": ("reviews", "FORMAT"),
    "arena_hard": ("arena_hard", "FORMAT"),
    "alpaca_eval": ("alpaca_eval", "FORMAT"),
    "llmbar": ("llmbar", "FORMAT"),
    "judgebench": ("judgebench", "FORMAT"),
    "cobbler": ("cobbler", "FORMAT"),
    "evalbiasbench": ("evalbiasbench", "FORMAT"),
    "prometheus_eval": ("prometheus_eval", "FORMAT"),
    "reward_scores": ("reward_scores", "FORMAT"),
    "reward_bench": ("reward_bench", "FORMAT"),
    "rm_bench": ("rm_bench", "FORMAT"),
    "ppe_correctness": ("ppe_correctness", "FORMAT"),
    "leaderboard": ("refused", "LEADERBOARD"),
    "model_answers": ("refused", "ANSWERS"),
    "autoj_output": ("refused", "VERDICTS"),
}
"""Module of this room and name in it of each layout, in the order in which they are tried."""
