"""Layouts that models are trained on: chosen and rejected."""

LAYOUTS = {
    "trl-stepwise": ("single", "STEPWISE"),
    "trl-unpaired": ("unpaired", "FORMAT"),
    "hh_rlhf": ("known_sets", "HH"),
    "ultrafeedback_binarized": ("known_sets", "ULTRAFEEDBACK"),
    "tulu3_preference": ("known_sets", "TULU"),
    "skywork_reward": ("known_sets", "SKYWORK"),
    "orca_pairs": ("known_sets", "ORCA"),
    "distilabel_pairs": ("known_sets", "DISTILABEL"),
    "trl": ("trl", "FORMAT"),
    "nemo_aligner": ("nemo_aligner", "FORMAT"),
    "text-lines": ("nemo_aligner", "TEXT_LINES"),
    "demonstrations": ("single", "DEMONSTRATIONS"),
}
"""Module of this room and name in it of each layout, in the order in which they are tried."""
