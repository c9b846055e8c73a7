"""Layouts of ratings, rankings and crowds, from which a recorded rule makes pairs."""

LAYOUTS = {
    "dissection": ("dissection", "FORMAT"),
    "ultrafeedback": ("ultrafeedback", "FORMAT"),
    "helpsteer2_preference": ("voted", "HELPSTEER2"),
    "helpsteer3_preference": ("voted", "HELPSTEER3"),
    "multipref": ("multipref", "FORMAT"),
    "shp": ("pair_layouts", "SHP"),
    "webgpt": ("scored_pairs", "WEBGPT"),
    "unified_feedback": ("scored_pairs", "UNIFIED"),
    "pku_saferlhf": ("pair_layouts", "PKU"),
    "prometheus_preference": ("pair_layouts", "PROMETHEUS"),
    "pandalm": ("pair_layouts", "PANDALM"),
    "auto_j": ("pair_layouts", "AUTO_J"),
    "lfqa": ("pair_layouts", "LFQA"),
    "summarize_comparisons": ("summaries", "COMPARISONS"),
    "summarize_axes": ("summaries", "AXES"),
    "oasst": ("oasst", "MESSAGES"),
    "oasst_trees": ("oasst", "TREES"),
    "langsmith": ("langsmith", "FORMAT"),
    "counts": ("counts", "FORMAT"),
    "single_labels": ("single_labels", "FORMAT"),
    "ranked_lists": ("ranked_lists", "FORMAT"),
    "ratings": ("ratings", "FORMAT"),
}
"""Module of this room and name in it of each layout, in the order in which they are tried."""
