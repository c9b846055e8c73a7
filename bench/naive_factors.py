"""The text factors as a plain `re` loop over texts: the baseline, and the tests' oracle."""

from __future__ import annotations

import math
import re
from collections import Counter

from workbench.factors.lexicon import PHRASES, STOP_WORDS

WORD = re.compile(r"[^\W_]+(?:['’\-][^\W_]+)*")
SENTENCE_END = re.compile(r"[.!?]+(?=\s|\Z)")
PIECE = re.compile(r"[^\W_]+")
MARK = re.compile(r"[^\w\s]|_")
HEADER = re.compile(r"^[^\S\n]*#{1,6} ", re.M)
BULLET = re.compile(r"^[^\S\n]*[-*+] ", re.M)
NUMBERED = re.compile(r"^[^\S\n]*[0-9]{1,3}[.)] ", re.M)
BOLD = re.compile(r"\*\*[^*\n]+\*\*|__[^_\n]+__")
LINK = re.compile(r"\[[^\]\n]*\]\([^)\s]+\)|https?://[^\s)\]]+")
BAR = r"[^\S\n]*:?-+:?[^\S\n]*"
TABLE = re.compile(rf"^[^\S\n]*\|?{BAR}(?:\|{BAR})+\|?[^\S\n]*$", re.M)
FENCE = re.compile(r"\s*(?:(`{3,})[^`]*|(~{3,}).*)")
PARAGRAPH = re.compile(r"\n\s*\n")
NUMBER = re.compile(r"[0-9]+(?:[.,][0-9]+)*")
CITATION = re.compile(
    r"\[[0-9]{1,3}(?:, ?[0-9]{1,3})*\]|\([A-Z][^()0-9\n]{0,60} [0-9]{4}[a-z]?\)|\bet al\."
)
VOWELS = re.compile(r"[aeiouy]+")
EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}|(?<!\u200d)[\u231a\u231b\u23e9-\u23fa\u2600-\u27bf\u2b05-\u2b07"
    "\u2b1b\u2b1c\u2b50-\u2b55\U0001f300-\U0001f3fa\U0001f400-\U0001faff]"
)
LATIN = re.compile(
    "[A-Za-z\u00aa\u00ba\u00c0-\u024f\u0250-\u02af\u1e00-\u1eff\u2c60-\u2c7f\ua720-\ua7ff"
    "\uab30-\uab6f\ufb00-\ufb06\uff21-\uff3a\uff41-\uff5a]"
)
BEFORE, AFTER = r"(?<![^\W_])(?<![^\W_]['’\-])", r"(?![^\W_])(?!['’\-][^\W_])"
PHRASE = {
    name: re.compile(
        BEFORE
        + "(?:"
        + "|".join(phrase.replace(" ", r"\s+").replace("'", "['’]") for phrase in phrases)
        + ")"
        + AFTER
    )
    for name, phrases in PHRASES.items()
}


def idf_of(prompts: list[str]) -> dict[str, float]:
    """Return the smoothed inverse document frequency of each word of the distinct prompts."""
    distinct = set(prompts)
    df = Counter(word for text in distinct for word in set(words_of(text)))
    return {word: math.log((1 + len(distinct)) / (1 + n)) + 1 for word, n in df.items()}


def words_of(text: str) -> list[str]:
    """Return the words of a text in lower case."""
    return [word.replace("’", "'") for word in WORD.findall(text.lower())]


def without_code(text: str) -> tuple[str, int]:
    """Return a text with each block of fenced code cut out, and the number of blocks."""
    kept: list[str] = []
    blocks, opened = 0, ""
    for line in text.split("\n"):
        if opened:
            mark = line.strip()
            if mark.startswith(opened) and not mark.strip(opened[0]):
                opened = ""
        elif match := FENCE.fullmatch(line):
            opened = match[1] or match[2]
            blocks += 1
            kept.append("")
        else:
            kept.append(line)
    return "\n".join(kept), blocks


def naive_values(text: str, prompt: str, idf: dict[str, float]) -> dict[str, float]:
    """Return every text factor of one response."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    words = words_of(text)
    n = len(words)
    plain, code_blocks = without_code(text)
    lower = text.lower()
    sentences = max(len(SENTENCE_END.findall(text)), int(n > 0))
    syllables = sum(max(len(VOWELS.findall(word)), 1) for word in words)
    letters = [c for c in text if c.isalpha()]
    runs = list(zip(words, words[1:], words[2:], strict=False))
    asked = words_of(prompt)
    asked_runs = set(zip(asked, asked[1:], asked[2:], strict=False))
    content = set(words) - STOP_WORDS
    blocks = [block for block in PARAGRAPH.split(text) if block.strip()]
    values: dict[str, float] = {
        "characters": len(text),
        "words": n,
        "sentences": sentences,
        "tokens": sum((len(run) + 5) // 6 for run in PIECE.findall(text)) + len(MARK.findall(text)),
        "headers": len(HEADER.findall(plain)),
        "bullets": len(BULLET.findall(plain)),
        "numbered_items": len(NUMBERED.findall(plain)),
        "bold": len(BOLD.findall(plain)),
        "tables": len(TABLE.findall(plain)),
        "code_blocks": code_blocks,
        "links": len(LINK.findall(plain)),
        "paragraphs": len(blocks),
        "questions": plain.count("?"),
        "exclamations": plain.count("!"),
        "emojis": len(EMOJI.findall(text)),
        "numbers": len(NUMBER.findall(text)),
        "citations": len(CITATION.findall(plain)),
        "type_token_ratio": len(set(words)) / n if n else 0.0,
        "word_length": sum(map(len, words)) / n if n else 0.0,
        "readability": 206.835 - 1.015 * n / sentences - 84.6 * syllables / n if n else 0.0,
        "repeated_trigrams": 1 - len(set(runs)) / len(runs) if runs else 0.0,
        "non_latin_share": sum(not LATIN.match(c) for c in letters) / len(letters)
        if letters
        else 0.0,
        "prompt_overlap": len(content & set(asked)) / len(content) if content else 0.0,
        "echo": len(asked_runs & set(runs)) / len(asked_runs) if asked_runs else 0.0,
        "tfidf_cosine": _cosine(Counter(words), Counter(asked), idf),
    }
    for name, pattern in PHRASE.items():
        values[name] = len(pattern.findall(lower))
    return values


def _cosine(said: Counter[str], asked: Counter[str], idf: dict[str, float]) -> float:
    a = {word: count * idf[word] for word, count in said.items() if word in idf}
    b = {word: count * idf[word] for word, count in asked.items() if word in idf}
    size = math.sqrt(sum(v * v for v in a.values()) * sum(v * v for v in b.values()))
    return sum(value * b.get(word, 0.0) for word, value in a.items()) / size if size else 0.0
