"""What a factor is, and the factors that are computed from texts and from an agent's steps."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from workbench.factors.coding import Coding


@dataclass(frozen=True)
class FactorSpec:
    """A property on which two responses can differ.

    Attributes
    ----------
    name : str
        Column name.
    meaning : str
        The precise definition, in one or two sentences.
    family : str
        ``length``, ``structure``, ``tone``, ``lexical``, ``prompt``, ``agent`` or ``user``.
    scale : str
        Unit of the raw value: ``count``, ``share``, ``characters``, ``score``.
    coding : Coding
        How A minus B becomes a number.
    source : str
        How it is computed: ``text``, ``steps``, ``column`` or ``function``.

    Examples
    --------
    Every text factor says what it counts; its coding can be exchanged.

    >>> from dataclasses import replace
    >>> bold = next(spec for spec in STYLE if spec.name == "bold")
    >>> bold.meaning, bold.coding.transform
    ('Spans **...** or __...__ within a line, outside fenced code.', 'relative')
    >>> replace(bold, coding=Coding("sign")).coding.transform
    'sign'
    """

    name: str
    meaning: str
    family: str
    scale: str
    coding: Coding = field(default_factory=Coding)
    source: str = "text"

    def to_dict(self) -> dict[str, Any]:
        """Return the specification as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> FactorSpec:
        """Rebuild a specification from :meth:`to_dict`."""
        return cls(**{**record, "coding": Coding.from_dict(record["coding"])})


_COUNT = Coding("relative")
_VALUE = Coding("difference")

_COUNTS = {
    "length": {
        "characters": "Characters, line ends included.",
        "words": "Runs of letters and digits; an apostrophe or hyphen between two of them joins.",
        "sentences": "Runs of . ! or ? before white space or the end; at least 1 if there is a "
        "word.",
        "tokens": "Each run of letters and digits counts 1 per started 6 characters; every other "
        "character that is not white space counts 1.",
    },
    "structure": {
        "headers": "Lines that start with 1 to 6 # and a space after any indentation, outside "
        "fenced code.",
        "bullets": "Lines that start with -, * or + and a space after any indentation, outside "
        "fenced code.",
        "numbered_items": "Lines that start with 1 to 3 digits, . or ) and a space after any "
        "indentation, outside fenced code.",
        "bold": "Spans **...** or __...__ within a line, outside fenced code.",
        "tables": "Markdown tables: their delimiter rows such as |---|---|, outside fenced code.",
        "code_blocks": "Blocks of fenced code: from a line that starts with ``` or ~~~ to the "
        "next one with nothing but as many of the same mark, or to the end of the text.",
        "links": "Markdown links [text](target) and bare http(s) addresses, outside fenced code.",
        "paragraphs": "Blocks of lines between blank lines.",
    },
    "tone": {
        "hedges": "Phrases that soften a claim: perhaps, might, it seems, ...",
        "apologies": "Phrases of apology: sorry, I apologize, ...",
        "refusals": "Phrases of refusal: I cannot, I'm unable, as an AI, ...",
        "politeness": "Phrases of courtesy: please, thank you, you're welcome, ...",
        "certainty": "Phrases of conviction: certainly, definitely, without doubt, ...",
        "first_person": "The words I, me, my, we, us, our and their forms.",
        "second_person": "The words you, your and their forms.",
        "questions": "Question marks, outside fenced code.",
        "exclamations": "Exclamation marks, outside fenced code.",
        "emojis": "Emojis and pictographs; a joined sequence, a skin tone or a flag makes one.",
    },
    "lexical": {
        "numbers": "Runs of digits; a point or comma between two of them joins.",
        "citations": "Numbers in square brackets, (Name, year) and 'et al.'.",
    },
}

_VALUES = {
    "lexical": {
        "type_token_ratio": "Distinct words (case ignored) / words; 0 without words.",
        "word_length": "Mean characters of a word; 0 without words.",
        "readability": "Flesch reading ease, 206.835 - 1.015 words/sentences - 84.6 "
        "syllables/words, a syllable being a run of vowels, at least 1 a word; 0 without words.",
        "repeated_trigrams": "Share of the runs of three words that came before in the text.",
        "non_latin_share": "Share of the letters that are not of the Latin script.",
    },
    "prompt": {
        "prompt_overlap": "Share of the response's distinct words, stop words aside, that the "
        "prompt has too.",
        "echo": "Share of the prompt's distinct runs of three words that the response repeats.",
        "tfidf_cosine": "Cosine of the TF-IDF vectors of prompt and response; the smoothed idf "
        "and the vocabulary are those of the data's distinct prompts.",
    },
}

_STEPS = {
    "tool_calls": "Calls of tools: tool_calls, function_call, parts tool_use, or a line Action: "
    "with an Action Input: below it.",
    "distinct_tools": "Different tools that are called.",
    "tool_errors": "Results of tools that say so: is_error or a status error, JSON with a filled "
    "error, errors, exception or traceback, or a text that begins with an error or traceback.",
    "tool_retries": "Calls of a tool with the same arguments as an earlier call for the same "
    "errand.",
    "parallel_calls": "Calls beyond the first one of an assistant's turn.",
    "plan_items": "Lines that start with 1 to 3 digits, . or ) and a space, said up to the first "
    "call; 0 without a call.",
    "steps": "Turns of the assistant.",
    "spoken_words": "Words that the assistant says, calls and results of tools aside.",
    "argument_characters": "Mean characters of a call's arguments as JSON; 0 without a call.",
}

_SCALES = {
    "argument_characters": "characters",
    "characters": "characters",
    "word_length": "characters",
    "readability": "score",
}


def _build() -> dict[str, tuple[FactorSpec, ...]]:
    families: dict[str, tuple[FactorSpec, ...]] = {}
    for table, coding, scale in ((_COUNTS, _COUNT, "count"), (_VALUES, _VALUE, "share")):
        for family, factors in table.items():
            specs = tuple(
                FactorSpec(name, meaning, family, _SCALES.get(name, scale), coding)
                for name, meaning in factors.items()
            )
            families[family] = families.get(family, ()) + specs
    return families


_TEXT = _build()

STYLE = tuple(spec for specs in _TEXT.values() for spec in specs)
"""All text factors."""

AGENT = tuple(
    FactorSpec(name, meaning, "agent", _SCALES.get(name, "count"), _COUNT, "steps")
    for name, meaning in _STEPS.items()
)
"""Factors of an agent's steps: they need responses that call tools."""

FAMILIES = {**_TEXT, "agent": AGENT}
"""Text factors and those of an agent's steps by family."""

_REDUNDANT = ("characters", "tokens", "sentences", "paragraphs", "word_length", "tfidf_cosine")

CORE = tuple(spec for spec in STYLE if spec.name not in _REDUNDANT)
"""Text factors without those that mostly repeat another one (tokens repeat words): the
default of the main job, so that single weights can be told apart."""

CORE_STEPS = tuple(
    spec for spec in AGENT if spec.name not in ("steps", "spoken_words", "argument_characters")
)
"""Step factors that do not mostly repeat another one: with :data:`CORE` the default where
responses call tools."""
