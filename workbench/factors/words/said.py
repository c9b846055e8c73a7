"""What people call a factor when they say why they prefer a response.

A phrase matches on whole words, case ignored. ``more`` says that a response has more of the
factor, ``less`` that it has less, ``about`` names it without saying which. The lists are short on
purpose: what they find, they find rightly, and what nobody finds is not counted as silence of the
whole language. The factors are measures of text; a phrase names the nearest of them ("relevant" the
words shared with the prompt), and need not mean what the measure counts.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import ConfigError


@dataclass(frozen=True)
class Said:
    """Phrases that name a factor.

    Attributes
    ----------
    more, less, about : tuple of str
        Lower case.

    Examples
    --------
    >>> "concise" in SAID["words"].less
    True
    """

    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    about: tuple[str, ...] = ()

    @property
    def phrases(self) -> tuple[str, ...]:
        """All phrases.

        Examples
        --------
        >>> Said(more=("long",), about=("length",)).phrases
        ('long', 'length')
        """
        return (*self.more, *self.less, *self.about)


_LENGTH = Said(
    more=(
        "detailed", "more details", "more detail", "details", "in detail", "in depth", "in-depth",
        "depth", "comprehensive", "comprehensively", "thorough", "thoroughly", "longer", "long",
        "lengthy", "verbose", "verbosity", "wordy", "elaborate", "elaborates", "elaborated",
        "extensive",
    ),
    less=(
        "concise", "concisely", "conciseness", "brief", "briefer", "brevity", "short", "shorter",
        "succinct", "succinctly", "to the point", "terse",
    ),
    about=("length", "level of detail", "levels of detail", "amount of detail"),
)  # fmt: skip

_RELEVANT = Said(
    more=(
        "relevant", "on topic", "on-topic", "addresses the question", "addresses the prompt",
        "answers the question", "sticks to the question",
    ),
    less=("off topic", "off-topic", "irrelevant", "unrelated"),
    about=("relevance", "relevancy"),
)  # fmt: skip

_EASY = (
    "readable", "easy to read", "easier to read", "easy to understand", "easier to understand",
    "easy to follow", "easier to follow", "simple language", "plain language",
)  # fmt: skip

SAID: dict[str, Said] = {
    "characters": _LENGTH,
    "words": _LENGTH,
    "sentences": _LENGTH,
    "tokens": _LENGTH,
    "headers": Said(("heading", "headings", "headers", "section titles", "subheadings")),
    "bullets": Said(("bullet points", "bullet point", "bullets", "bulleted", "bullet list",
                     "bulleted list")),
    "numbered_items": Said(("numbered list", "numbered lists", "numbered steps", "numbered points",
                            "numbered", "enumerated")),
    "bold": Said(("bold", "bolded", "boldface", "bold text")),
    "tables": Said(("table", "tables")),
    "code_blocks": Said(("code block", "code blocks", "code snippet", "code snippets",
                         "code example", "code examples")),
    "links": Said(("link", "links", "hyperlink", "hyperlinks", "url", "urls")),
    "paragraphs": Said(about=("paragraph", "paragraphs", "paragraphing")),
    "hedges": Said(("hedges", "hedging", "hedged", "tentative", "noncommittal", "cautious")),
    "apologies": Said(("apologizes", "apologises", "apologized", "apology", "apologies",
                       "apologetic")),
    "refusals": Said(("refuses", "refused", "refusal", "declines to", "declined to",
                      "refuses to answer")),
    "politeness": Said(
        ("polite", "politely", "politeness", "courteous", "courtesy", "respectful"),
        ("rude", "impolite", "curt"),
    ),
    "certainty": Said(("confident", "confidently", "confidence", "assertive", "decisive",
                       "overconfident")),
    "first_person": Said(("first person", "first-person")),
    "second_person": Said(("second person", "second-person", "addresses the user directly",
                           "addresses the reader directly")),
    "questions": Said(("asks a question", "asks questions", "asking questions",
                       "follow-up question", "follow-up questions", "clarifying question",
                       "clarifying questions", "asks for clarification")),
    "exclamations": Said(("exclamation", "exclamation mark", "exclamation marks", "enthusiastic",
                          "enthusiasm")),
    "emojis": Said(("emoji", "emojis", "emoticons")),
    "numbers": Said(("statistics", "numbers", "figures", "numerical", "data points")),
    "citations": Said(("cites", "cited", "citation", "citations", "references", "sources")),
    "type_token_ratio": Said(about=("vocabulary", "word choice", "wording")),
    "word_length": Said(("long words", "complex words", "jargon", "technical terms"),
                        ("simple words", "short words")),
    "readability": Said(
        _EASY,
        ("hard to read", "difficult to read", "hard to follow", "difficult to follow",
         "complex language", "convoluted", "jargon"),
        ("readability",),
    ),
    "repeated_trigrams": Said(("repetitive", "repetition", "repetitious", "repeats itself",
                               "redundant", "redundancy")),
    "non_latin_share": Said(("another language", "different language", "foreign language",
                             "wrong language")),
    "prompt_overlap": _RELEVANT,
    "tfidf_cosine": _RELEVANT,
    "echo": Said(("restates the question", "repeats the question", "restates the prompt",
                  "echoes")),
}  # fmt: skip
"""By text factor."""

IGNORED = (
    "as long as", "so long as", "long term", "long-term", "short term", "short-term", "in short",
    "in brief", "no longer", "before long", "code of conduct", "at length", "in other words",
    "long run", "confidence interval", "confidence intervals",
)  # fmt: skip
"""Phrases that hold a word of the lists and do not name its factor."""


def said_of(name: str) -> Said:
    """Return the phrases of a factor: those of a text factor, or its name as words.

    Examples
    --------
    >>> said_of("emojis").more[0], said_of("step_by_step").more
    ('emoji', ('step by step',))
    """
    own = name.replace("_", " ").replace("-", " ").strip().lower()
    return SAID.get(name) or Said(more=(own,) if own else ())


def read_lexicon(path: str | Path) -> dict[str, Said]:
    r"""Return the phrases of a TOML file: a table a factor, with more, less and about.

    Raises
    ------
    ConfigError
        No such file, or another content.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "own.toml"
    ...     _ = path.write_text('[warmth]\nmore = ["warm", "kind"]\n')
    ...     read_lexicon(path)
    {'warmth': Said(more=('warm', 'kind'), less=(), about=())}
    """
    where = Path(path)
    try:
        tables = tomllib.loads(where.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise _unusable(where, str(error)) from None
    found = {}
    for name, table in tables.items():
        lists = table if isinstance(table, dict) else {"": table}
        for key, phrases in lists.items():
            fine = isinstance(phrases, list) and all(isinstance(one, str) for one in phrases)
            if key not in ("more", "less", "about") or not fine:
                raise _unusable(where, f"[{name}] {key} = {phrases!r}"[:200])
        found[name] = Said(**{k: tuple(one.strip().lower() for one in v) for k, v in lists.items()})
    return found


def _unusable(path: Path, found: str) -> ConfigError:
    return ConfigError(
        "The lexicon cannot be used.",
        where=path.name,
        found=found,
        expected='a TOML file with a table a factor: [words] more = ["long"], less = ["brief"]',
        fix="Correct that entry.",
    )
