"""Layouts of battles: arenas, conversations and images, voted on by visitors or raters."""

LAYOUTS = {
    "mt_bench_human": ("mt_bench", "FORMAT"),
    "arena": ("arena", "FORMAT"),
    "prism": ("prism", "FORMAT"),
    "community_alignment": ("community_alignment", "FORMAT"),
    "coval": ("coval", "FORMAT"),
    "pick_a_pic": ("pick_a_pic", "FORMAT"),
    "hpdv2": ("hpd", "FORMAT"),
    "image_reward": ("image_reward", "FORMAT"),
    "rlhf_v": ("rlhf_v", "FORMAT"),
    "battles": ("models", "FORMAT"),
    "win_counts": ("win_counts", "FORMAT"),
    "single_ratings": ("uncompared", "RATINGS"),
    "chats": ("uncompared", "CHATS"),
}
"""Module of this room and name in it of each layout, in the order in which they are tried."""
