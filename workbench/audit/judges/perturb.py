"""Deterministic changes of a response that keep its meaning, or break it on purpose."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

Edit = Callable[[str, int], str | None]
"""From a text and a seed to the changed text; None where it does not apply."""

_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")
_NAME = re.compile(r"(?<![.!?]\s)(?<!^)\b[A-Z][a-z]+\b", re.MULTILINE)
_CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_NEGATION = re.compile(r"\b(?:not|no|never|none|nothing|without|cannot)\b|n't\b", re.IGNORECASE)
_FORMATTED = re.compile(r"```|\$\$|\\\(|\\begin|^\s*\||<[a-z/][^>]*>", re.MULTILINE)
_VERB = re.compile(r"\b(is|are|was|were|can|should|will|does|has)\b")

FILLER = (
    "This is said here for the sake of completeness.",
    "That is the matter as it was asked about here.",
    "These lines go on in the same way as before.",
    "The text continues in this manner for a while.",
)
"""Sentences that say nothing: what stands where a cue would stand."""


def sentences(text: str) -> list[str]:
    """Return the sentences of a text.

    Examples
    --------
    >>> sentences("One. Two! Three?")
    ['One.', 'Two!', 'Three?']
    """
    return [part for part in _SENTENCE.split(text.strip()) if part]


def plain(text: str) -> bool:
    """Tell whether a text is prose: no code, formula, table or mark-up to break.

    Examples
    --------
    >>> plain("Just words."), plain("```x = 1```")
    (True, False)
    """
    return not _FORMATTED.search(text)


def preserved(before: str, after: str) -> bool:
    """Tell whether numbers, names, code and negations of a text are all there, no new ones.

    Repetition of what is there counts as preserved; headings count as layout.

    Examples
    --------
    >>> preserved("He has 3 cats.", "He has 3 cats. He has 3 cats.")
    True
    >>> preserved("He has 3 cats.", "He has 4 cats."), preserved("It is so.", "It is not so.")
    (False, False)
    >>> preserved("He met Ann.", "He met Bob.")
    False
    """
    bare = re.sub(r"^#+ .*$", "", after, flags=re.MULTILINE)
    old, new = _meaning(before), _meaning(bare)
    same = set(old) == set(new) and all(new[key] >= count for key, count in old.items())
    said = Counter(re.findall(r"\w+", before.lower()))
    kept = Counter(re.findall(r"\w+", bare.lower()))
    names = {word.lower() for word in _NAME.findall(before)}
    fresh = {word.lower() for word in re.findall(r"\b[A-Z][a-z]+\b", bare)} - set(said)
    return same and not fresh and all(kept[name] >= said[name] for name in names)


def _meaning(text: str) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for kind, pattern in (("number", _NUMBER), ("code", _CODE)):
        found.update((kind, match) for match in pattern.findall(text))
    found.update(("negation", match.lower()) for match in _NEGATION.findall(text))
    return found


def neutral(length: int, seed: int) -> str:
    """Return neutral words of exactly so many characters: the placebo of a cue.

    Examples
    --------
    >>> len(neutral(37, 0)), len(neutral(200, 1))
    (37, 200)
    """
    start = seed % len(FILLER)
    text = " ".join(FILLER[(start + k) % len(FILLER)] for k in range(length // 40 + 2))
    return text[: length - 1] + "." * (length > 0)


def pad(text: str, factor: float, seed: int) -> str | None:
    """Return a text made longer by sentences of its own, said again.

    Examples
    --------
    >>> pad("One is here. Two is there.", 2.0, 0)
    'One is here. Two is there. One is here. Two is there.'
    """
    parts = sentences(text)
    if not parts or not plain(text):
        return None
    goal, added = factor * len(text) - len(parts[0]) / 2, [parts[seed % len(parts)]]
    while len(text) + sum(len(part) + 1 for part in added) < goal:
        added.append(parts[(seed + len(added)) % len(parts)])
    return " ".join([text.strip(), *added])


def bullets(text: str, seed: int) -> str | None:
    """Return the sentences of a text as a list."""
    parts = sentences(text)
    if len(parts) < 2 or not plain(text) or re.search(r"^\s*([-*•#]|\d+[.)])", text, re.MULTILINE):
        return None
    return "\n".join(f"- {part}" for part in parts)


def bold(text: str, seed: int) -> str | None:
    """Return a text with some of its longer words in bold."""
    words = sorted(set(re.findall(r"\b[a-z]{6,}\b", text)), key=lambda w: _key(seed, w))
    if not words or not plain(text) or "**" in text:
        return None
    for word in words[:4]:
        text = re.sub(rf"\b{word}\b", f"**{word}**", text, count=1)
    return text


def headers(text: str, seed: int) -> str | None:
    """Return a text with a heading above its first and its second half."""
    parts = sentences(text)
    if len(parts) < 2 or not plain(text) or "#" in text:
        return None
    half = (len(parts) + 1) // 2
    return f"## Answer\n\n{' '.join(parts[:half])}\n\n## Details\n\n{' '.join(parts[half:])}"


def strip_markdown(text: str, seed: int) -> str | None:
    """Return a text without its marks of bold, headings and lists."""
    if not plain(text):
        return None
    bare = re.sub(r"\*\*([^*\n]+)\*\*", r"\1", text)
    bare = re.sub(r"^#{1,6}\s+|^\s*[-*•]\s+", "", bare, flags=re.MULTILINE)
    return bare if bare != text else None


def typos(text: str, share: float, seed: int) -> str | None:
    """Return a text with two neighbouring letters exchanged in a share of its longer words."""
    words = text.split(" ")
    eligible = [k for k, w in enumerate(words) if re.fullmatch(r"[a-z]{5,}[.,]?", w)]
    if not eligible:
        return None
    rng = np.random.default_rng([seed, 1])
    for k in rng.choice(eligible, max(1, round(share * len(eligible))), replace=False):
        word, at = words[k], 1 + int(rng.integers(0, len(words[k].rstrip(".,")) - 2))
        words[k] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    changed = " ".join(words)
    return changed if changed != text else None


def spaces(text: str, seed: int) -> str | None:
    """Return a text with doubled spaces between its sentences and a line at its end."""
    return re.sub(r"(?<=[.!?]) (?=\S)", "  ", text) + "\n" if plain(text) else None


def lower(text: str, seed: int) -> str | None:
    """Return a text without capital letters."""
    return text.lower() if plain(text) and text != text.lower() else None


def emoji(text: str, seed: int) -> str | None:
    """Return a text with three emoji at its end."""
    return f"{text} \N{SPARKLES}\N{SMILING FACE WITH SMILING EYES}\N{WHITE HEAVY CHECK MARK}"


def hedge(text: str, seed: int) -> str | None:
    """Return a text that begins with a hedge."""
    return f"I am no expert and may be wrong, but I think that it may be so. {text}"


def truncated(text: str, share: float) -> str | None:
    """Return the first part of a text, by words; None where nothing would be left or lost.

    Examples
    --------
    >>> truncated("one two three four", 0.5)
    'one two'
    """
    words = text.split()
    kept = int(share * len(words))
    return " ".join(words[:kept]) if 0 < kept < len(words) else None


def shuffled_words(text: str, seed: int) -> str | None:
    """Return the words of a text in another order."""
    return _shuffled(text.split(), [seed, 2])


def shuffled_sentences(text: str, seed: int) -> str | None:
    """Return the sentences of a text in another order; None where there are too few.

    Examples
    --------
    >>> shuffled_sentences("One is here. Two is there.", 0)
    'Two is there. One is here.'
    """
    return _shuffled(sentences(text), [seed, 5])


def _shuffled(parts: list[str], seed: list[int]) -> str | None:
    changed = " ".join(parts[k] for k in np.random.default_rng(seed).permutation(len(parts)))
    return changed if changed != " ".join(parts) else None


def wrong_number(text: str, seed: int) -> str | None:
    """Return a text with every number changed.

    Examples
    --------
    >>> wrong_number("It has 12 legs.", 0) != "It has 12 legs."
    True
    """
    if not _NUMBER.search(text):
        return None
    return _NUMBER.sub(lambda m: str(int(re.sub(r"\D", "", m[0]) or 0) + 7 + seed % 11), text)


def negated(text: str, seed: int) -> str | None:
    """Return a text whose sentences say the opposite.

    Examples
    --------
    >>> negated("The sky is blue.", 0), negated("It is not so.", 0)
    ('The sky is not blue.', 'It is so.')
    """
    parts = []
    for one in sentences(text):
        if _NEGATION.search(one):
            parts.append(re.sub(r"\b(?:not|never)\s", "", one, count=1))
        else:
            parts.append(_VERB.sub(r"\1 not", one, count=1))
    changed = " ".join(parts)
    return changed if changed != " ".join(sentences(text)) else None


def other_names(text: str, seed: int) -> str | None:
    """Return a text whose names have changed places with others."""
    names = sorted(set(_NAME.findall(text)))
    if not names:
        return None
    pool = ["Arkwell", "Bromley", "Casterton", "Dunmere", "Eastholm", "Farrow"]
    turned = {name: pool[(seed + k) % len(pool)] for k, name in enumerate(names)}
    return re.sub(r"\b[A-Z][a-z]+\b", lambda m: turned.get(m[0], m[0]), text)


def without_end(text: str, seed: int) -> str | None:
    """Return a text without its last sentence."""
    parts = sentences(text)
    return " ".join(parts[:-1]) if len(parts) >= 3 else None


def seed_of(seed: int, *parts: str) -> int:
    """Return a number from a seed and texts, the same everywhere.

    Examples
    --------
    >>> seed_of(0, "a") == seed_of(0, "a"), seed_of(0, "a") == seed_of(1, "a")
    (True, False)
    """
    return int.from_bytes(_key(seed, *parts)[:4], "big")


def _key(seed: int, *parts: str) -> bytes:
    text = "\0".join([str(seed), *parts]).encode("utf-8", "replace")
    return hashlib.blake2b(text, digest_size=8).digest()


def most_off_topic(prompts: Sequence[str], texts: Sequence[str]) -> list[int]:
    """Return for each prompt which text of another prompt is least like it.

    Parameters
    ----------
    prompts, texts : sequence of str
        Text k answers prompt k.

    Notes
    -----
    By the cosine of TF-IDF vectors of prompt and text; of equal ones the longest text.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    kind = TfidfVectorizer(stop_words="english").fit([*prompts, *texts])
    like = (kind.transform(prompts) @ kind.transform(texts).T).toarray()
    same = np.array([[p == q for q in prompts] for p in prompts])
    length = np.array([len(text) for text in texts])
    like = np.where(same, np.inf, np.round(like, 9)) - 1e-12 * length
    return [int(k) for k in like.argmin(axis=1)]
