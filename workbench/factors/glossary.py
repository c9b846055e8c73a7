"""What each factor of the catalogue counts, shown on two tiny texts."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from workbench.factors.catalog import AGENT, STYLE


class Example(NamedTuple):
    """Two texts and the value that a factor has on each.

    Attributes
    ----------
    a, b : str
    value_a, value_b : float
        Raw values, before they are coded as a difference.
    prompt : str
        What both answer, where the factor looks at it.
    """

    a: str
    b: str
    value_a: float
    value_b: float
    prompt: str = ""


_CALL, _OTHER = (f"Action: {tool}\nAction Input: " for tool in ("find", "buy"))

EXAMPLES = {
    "characters": Example("Yes.", "Yes, it is.", 4, 11),
    "words": Example("Yes.", "It's a well-known fact.", 1, 4),
    "sentences": Example("It rains.", "It rains. Stay in!", 1, 2),
    "tokens": Example("Yes.", "Extraordinary!", 2, 4),
    "headers": Example("Steps", "# Steps", 0, 1),
    "bullets": Example("tea, milk", "- tea\n- milk", 0, 2),
    "numbered_items": Example("Boil, then pour.", "1. Boil\n2. Pour", 0, 2),
    "bold": Example("Never mix them.", "**Never** mix them.", 0, 1),
    "tables": Example("a: 1", "| a | b |\n|---|---|\n| 1 | 2 |", 0, 1),
    "code_blocks": Example("x = 1", "```\nx = 1\n```", 0, 1),
    "links": Example("See the manual.", "See [the manual](https://example.org).", 0, 1),
    "paragraphs": Example("One. Two.", "One.\n\nTwo.", 1, 2),
    "hedges": Example("It is the cause.", "Perhaps it is the cause.", 0, 1),
    "apologies": Example("That is wrong.", "Sorry, that is wrong.", 0, 1),
    "refusals": Example("Here it is.", "I cannot share it.", 0, 1),
    "politeness": Example("Send it.", "Please send it.", 0, 1),
    "certainty": Example("It works.", "It definitely works.", 0, 1),
    "first_person": Example("The plan is good.", "I like my plan.", 0, 2),
    "second_person": Example("Save the file.", "You can save your file.", 0, 2),
    "questions": Example("Tell me more.", "Which one?", 0, 1),
    "exclamations": Example("Well done.", "Well done!", 0, 1),
    "emojis": Example("Well done.", "Well done 🎉", 0, 1),
    "numbers": Example("a few cups", "2.5 cups, 3 times", 0, 2),
    "citations": Example("It is known.", "It is known [1] (Smith, 2020).", 0, 2),
    "type_token_ratio": Example("no, no, no", "one two three", 1 / 3, 1),
    "word_length": Example("a cat", "cats sleep", 2, 4.5),
    "readability": Example("The cat sat.", "Feline relaxation occurred.", 119.19, -78.21),
    "repeated_trigrams": Example("a b c d e f", "a b c a b c", 0, 0.25),
    "non_latin_share": Example("da", "да", 0, 1),
    "prompt_overlap": Example("Bake bread.", "Try soup.", 0.5, 0, "Which bread is easy?"),
    "echo": Example("To boil an egg, wait.", "Wait.", 2 / 3, 0, "How to boil an egg"),
    "tfidf_cosine": Example("green tea", "black coffee", 1, 0, "Green tea?"),
    "tool_calls": Example("Tea is 3.", f"{_CALL}tea", 0, 1),
    "distinct_tools": Example(f"{_CALL}a\n{_CALL}b", f"{_CALL}a\n{_OTHER}b", 1, 2),
    "tool_errors": Example(
        f"{_CALL}tea\nObservation: 3", f"{_CALL}tea\nObservation: Error: busy", 0, 1
    ),
    "tool_retries": Example(f"{_CALL}a\n{_CALL}b", f"{_CALL}a\n{_CALL}a", 0, 1),
    "parallel_calls": Example(f"{_CALL}a", f"{_CALL}a\n{_CALL}b", 0, 1),
    "plan_items": Example(f"{_CALL}tea", f"1. Look\n2. Buy\n{_CALL}tea", 0, 2),
    "steps": Example("Tea is 3.", f"{_CALL}a\nObservation: 3\nFinal Answer: 3", 1, 2),
    "spoken_words": Example(f"{_CALL}tea", f"Thought: I will look.\n{_CALL}tea", 0, 3),
    "argument_characters": Example(f"{_CALL}tea", f"{_CALL}green tea", 3, 9),
}
"""By factor. The numbers are what the factor gives; a test computes each of them again."""


def glossary() -> pd.DataFrame:
    """Return what every factor of the catalogue counts, with its example.

    Returns
    -------
    DataFrame
        ``factor, family, meaning, unit, text_a, value_a, text_b, value_b, prompt``, in the
        order of the catalogue.

    Examples
    --------
    >>> glossary().set_index("factor").loc["bold", "text_b"]
    '**Never** mix them.'
    """
    rows = []
    for spec in (*STYLE, *AGENT):
        shown = EXAMPLES[spec.name]
        rows.append(
            {
                "factor": spec.name,
                "family": spec.family,
                "meaning": spec.meaning,
                "unit": spec.scale,
                "text_a": shown.a,
                "value_a": float(shown.value_a),
                "text_b": shown.b,
                "value_b": float(shown.value_b),
                "prompt": shown.prompt,
            }
        )
    return pd.DataFrame(rows)
