"""Sentences of the generated sample: prompts and building blocks of replies.

COURTESIES to HEADINGS vary what no simulated annotator cares for. Only the sentences of
HEDGED, APOLOGIES, QUESTIONS and EXCLAMATIONS hold what their name says, each exactly once;
the others hold none of it, so that planted counts are exact.
"""

from __future__ import annotations

PROMPTS = {
    "advice": (
        ("How do I {0} when {1}?", "What is a sensible way to {0} if {1}?",
         "A friend wants to {0}, but {1}. What would you tell them?",
         "Help me make a plan to {0}. One difficulty: {1}."),
        ("save for a first flat", "learn to cook at home", "prepare for a job interview",
         "run a first ten kilometres", "sleep better", "study for final exams",
         "move to a new city", "start a vegetable garden", "ask for a raise",
         "spend less time on the phone", "plan a family reunion", "train an old dog",
         "learn the piano", "choose a bicycle for commuting", "cut food waste"),
        ("time is short", "money is tight", "the family disagrees", "work is stressful",
         "earlier attempts failed"),
    ),
    "coding": (
        ("Write a Python function that {0}. It must work {1}.",
         "My code should {0}, and it has to work {1}. How?",
         "Explain how to {0} {1}, with an example.",
         "Review this idea: I want to {0} {1}."),
        ("reads a large log file", "merges two sorted lists", "counts words in a text",
         "validates e-mail addresses", "caches slow function calls", "parses dates",
         "retries a failed request", "finds duplicate files", "groups records by key",
         "samples rows from a table", "computes a moving average", "renames many files",
         "formats a report", "rounds money amounts", "tests a command line tool"),
        ("with little memory", "on Windows and Linux", "without extra packages",
         "for millions of rows", "with missing values"),
    ),
    "summaries": (
        ("Summarise a report on {0} for {1}.",
         "Give the main points of an article about {0} to {1}.",
         "Rewrite a long note about {0} so that {1} can use it.",
         "What should {1} take from a study of {0}?"),
        ("city cycling lanes", "remote work", "school lunches", "urban heat", "bee colonies",
         "public libraries", "water prices", "night trains", "solar roofs", "food labels",
         "vaccination campaigns", "house insulation", "river floods", "recycling habits",
         "noise at night"),
        ("a busy manager", "a class of pupils", "the town council", "a newspaper reader",
         "a new colleague"),
    ),
}  # fmt: skip
"""By scenario: templates, first slots, second slots."""

OPENINGS = {
    "advice": (
        "The plan below starts small and grows from week to week.",
        "Two habits matter more than everything else here.",
        "This is a common situation, and a simple plan goes a long way.",
        "Start from what already works and change one thing at a time.",
        "Here is a plan that fits into an ordinary week.",
    ),
    "coding": (
        "The function below does the work in a single pass.",
        "Python's standard library covers most of this task.",
        "The main risk is memory, so the solution streams its input.",
        "A small function with a clear name is enough here.",
        "The code separates reading, checking and writing.",
    ),
    "summaries": (
        "The report makes three points and rests on two years of data.",
        "The main message is short, and the details follow below.",
        "In brief, the study compares costs with benefits over time.",
        "The text argues for a gradual change with regular checks.",
        "Here is the gist, followed by the evidence.",
    ),
}

SENTENCES = {
    "advice": (
        "Write the goal on paper and put a date next to it.",
        "Set aside half an hour on two fixed days and protect that time.",
        "Track progress in a notebook so that small gains become visible.",
        "Tell one person about the plan, since shared goals are harder to drop.",
        "Remove one obstacle each week instead of waiting for a perfect start.",
        "Keep the first steps easy enough to finish on a bad day.",
        "Compare this month with the last one rather than with other people.",
        "Decide in advance what to skip when the week gets crowded.",
        "Rest is part of the plan, and a missed day is no reason to stop.",
        "Prices and schedules change, so check them again before committing.",
        "A short list of alternatives keeps the decision calm.",
        "Review the plan after four weeks and adjust the pace.",
        "Put the tools where they are seen every morning.",
        "Reward the routine itself, because results arrive late.",
    ),
    "coding": (
        "The loop reads one record at a time and keeps only a running total.",
        "Type hints document what goes in and what comes out.",
        "The check for empty input comes first and returns early.",
        "A dictionary maps each key to the list of its records.",
        "The generator yields results as soon as they are ready.",
        "Errors name the line and the value, which makes them easy to fix.",
        "The tests cover an empty file, a single row and a broken row.",
        "Sorting costs more than one pass, so the code avoids it.",
        "The context manager closes the file even when an error occurs.",
        "Constants at the top keep the limits in one place.",
        "The helper is pure, so calling it twice gives the same result.",
        "Decimal numbers avoid the rounding that floats bring.",
        "Logging goes to standard error and leaves the output clean.",
        "The complexity is linear in the number of records.",
    ),
    "summaries": (
        "Costs fell in the second year after a slow start.",
        "Most households saw the change as useful once it was explained.",
        "The sample covers towns of every size in four regions.",
        "Effects differ between districts, and the authors say why.",
        "The largest gain came from better timing rather than more money.",
        "Critics point to the short period and the missing control group.",
        "The authors ask for open data and yearly reviews.",
        "Younger readers respond to examples, older ones to numbers.",
        "Savings appear within eighteen months in two of three cases.",
        "Local groups carried much of the work without pay.",
        "The report closes with a list of six practical steps.",
        "Maintenance takes a fifth of the budget and is often forgotten.",
        "Trust in the project rose after the results were published.",
        "A table in the annex gives the figures for each town.",
    ),
}

POINTS = {
    "advice": (
        ("Budget", "write down fixed costs before anything else"),
        ("Schedule", "reserve two evenings and keep them free"),
        ("First step", "choose the smallest task and finish it today"),
        ("Support", "find one person who has done it before"),
        ("Review", "look back after a month and change one thing"),
        ("Fallback", "keep a cheaper option in reserve"),
        ("Energy", "do the hard part in the morning"),
    ),
    "coding": (
        ("Input", "accept any iterable of strings"),
        ("Memory", "hold one chunk at a time"),
        ("Errors", "raise a ValueError with the row number"),
        ("Tests", "include an empty and a broken file"),
        ("Speed", "avoid a second pass over the data"),
        ("Naming", "say what is returned, not how"),
        ("Limits", "read them from one constant"),
    ),
    "summaries": (
        ("Aim", "compare the cost of action with the cost of waiting"),
        ("Method", "two surveys and the records of forty towns"),
        ("Result", "a modest gain that lasts"),
        ("Weakness", "no control group in the first year"),
        ("Next step", "publish the figures every spring"),
        ("Audience", "councils with a small budget"),
        ("Cost", "about the price of one road repair"),
    ),
}

HEDGED = (
    "Perhaps a shorter version is enough at first.",
    "The effect might be smaller in practice.",
    "This is probably the cheapest option.",
    "It seems that timing matters most.",
    "Maybe the second approach fits better.",
    "The numbers could be different in other places.",
    "I think the simple route has the better odds.",
    "A second opinion is possibly worth the effort.",
)
"""One hedge each."""

APOLOGIES = (
    "I'm sorry that the answer has to stay general.",
    "I apologize for the missing details on local rules.",
    "Sorry for the length of this reply.",
)
"""One apology each."""

QUESTIONS = (
    "Which of these points matters most to you?",
    "How much time is there each week?",
    "What has been tried before?",
    "Is there a fixed deadline?",
)
"""One question mark each."""

EXCLAMATIONS = (
    "That alone makes a real difference!",
    "The first success comes sooner than expected!",
    "Good luck with it!",
    "It is worth the effort!",
)
"""One exclamation mark each."""

COURTESIES = (
    "Thank you for the clear request.",
    "Let me know how it goes.",
    "Thanks for the background.",
)

CERTAINTIES = (
    "This is certainly within reach.",
    "The order of the steps is clearly the key.",
    "There is no doubt about the first point.",
)

REFUSALS = ("I cannot check local details from here.", "I'm unable to see the full material.")

SOURCES = (
    "More is at https://example.org/guide in a longer form.",
    "See [the handbook](https://example.org/handbook) for details.",
    "A table of 12 cases stands in the annex [3].",
)

HEADINGS = ("## Overview", "## In short", "# Answer")

CODE = (
    "```python\ndef total(rows):\n    result = 0\n    for row in rows:\n        result += row\n"
    "    return result\n```",
    "```python\ndef chunks(items, size):\n    # yield slices of one size\n"
    "    for start in range(0, len(items), size):\n        yield items[start : start + size]\n```",
    "```python\nfrom collections import Counter\n\n\ndef most_common(words, n=10):\n"
    "    return Counter(words).most_common(n)\n```",
)

SIMULATED_FAULTS = (
    "[simulated unreadable reply] The verdict is",
    '[simulated unreadable reply] {"winner": ',
    "[simulated unreadable reply]",
)
"""Raw replies of simulated judges that could not be read."""
