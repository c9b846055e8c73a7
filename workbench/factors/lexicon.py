"""Phrase lists of the tone factors, and stop words.

A phrase matches on whole words, case ignored, with nothing but white space between them.
The lists are short on purpose: each member is unmistakable, and they are part of the
factors' definitions. No two phrases of a list can overlap, so each match counts once.
"""

from __future__ import annotations

HEDGES = (
    "perhaps", "maybe", "might", "possibly", "probably", "presumably", "apparently",
    "seemingly", "arguably", "somewhat", "roughly", "it seems", "it appears", "i think",
    "i believe", "i guess", "i suppose", "in my opinion", "kind of", "sort of", "tends to",
    "it depends", "not sure", "not certain", "could be", "may be", "as far as i know",
)  # fmt: skip

APOLOGIES = (
    "sorry", "i apologize", "i apologise", "apologies", "forgive me",
    "i regret", "pardon me", "my mistake",
)  # fmt: skip

REFUSALS = (
    "i cannot", "i can't", "i can not", "i'm unable", "i am unable", "i'm not able",
    "i am not able", "i won't", "i will not", "as an ai", "as a language model",
    "i must decline",
)  # fmt: skip

POLITENESS = (
    "please", "thank you", "thanks", "you're welcome", "happy to help",
    "glad to help", "feel free", "i appreciate", "kindly", "let me know", "hope this helps",
    "hope that helps", "my pleasure",
)  # fmt: skip

CERTAINTY = (
    "certainly", "definitely", "absolutely", "undoubtedly", "clearly", "obviously", "surely",
    "of course", "without doubt", "without a doubt", "no doubt", "always", "never",
    "guaranteed", "in fact", "indeed", "must be",
)  # fmt: skip

FIRST_PERSON = (
    "i", "me", "my", "mine", "myself", "i'm", "i've", "i'd", "i'll", "we", "us", "our",
    "ours", "ourselves", "we're", "we've", "we'd", "we'll",
)  # fmt: skip

SECOND_PERSON = (
    "you", "your", "yours", "yourself", "yourselves", "you're", "you've", "you'd", "you'll",
)  # fmt: skip

PHRASES = {
    "hedges": HEDGES,
    "apologies": APOLOGIES,
    "refusals": REFUSALS,
    "politeness": POLITENESS,
    "certainty": CERTAINTY,
    "first_person": FIRST_PERSON,
    "second_person": SECOND_PERSON,
}
"""Phrases by factor."""

_STOP = (
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be",
    "been", "but", "by", "can", "could", "did", "do", "does", "for", "from", "had", "has",
    "have", "he", "her", "him", "his", "how", "i", "if", "in", "into", "is", "it", "its",
    "just", "like", "may", "me", "more", "most", "my", "no", "not", "of", "on", "one",
    "only", "or", "other", "our", "out", "over", "she", "should", "so", "some", "such",
    "than", "that", "the", "their", "them", "then", "there", "these", "they", "this",
    "those", "to", "too", "up", "us", "very", "was", "we", "were", "what", "when", "where",
    "which", "who", "why", "will", "with", "would", "you", "your",
)  # fmt: skip

STOP_WORDS = frozenset(_STOP)
"""Words too common to say what a text is about."""
