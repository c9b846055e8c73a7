"""Layouts of tools' own files: annotation tools, evaluation logs."""

LAYOUTS = {
    "annotated_pairs": ("annotated_pairs", "FORMAT"),
    "argilla": ("argilla", "NESTED"),
    "argilla_flat": ("argilla", "FLAT"),
    "argilla_1": ("argilla", "FIRST"),
    "label_studio": ("label_studio", "TASKS"),
    "label_studio_min": ("label_studio", "SHORT"),
    "prodigy": ("prodigy", "COMPARE"),
    "prodigy_choice": ("prodigy", "CHOICE"),
    "inspect": ("inspect_log", "FORMAT"),
    "promptfoo": ("promptfoo", "FORMAT"),
    "batch_replies": ("refused", "OPENAI_BATCH"),
    "openai_evals": ("refused", "OPENAI_EVALS"),
    "langfuse": ("refused", "LANGFUSE"),
    "phoenix": ("refused", "PHOENIX"),
    "labelbox": ("refused", "LABELBOX"),
}
"""Module of this room and name in it of each layout, in the order in which they are tried."""
