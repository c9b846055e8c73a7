"""Marks that tokens carry: how vocabularies write spaces, bytes and the ends of texts."""

from __future__ import annotations

import re
from collections.abc import Sequence

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_ESCAPED = re.compile(r"\\x([0-9a-fA-F]{2})")
_SPECIAL = re.compile(
    r"<s>|</s>|<bos>|<eos>|<pad>|<unk>|<\|[^|<>]{1,40}\|>|<｜[^｜<>]{1,40}｜>|\[(?:BOS|EOS|CLS|SEP)\]"
)


def _alphabet() -> dict[str, int]:
    """Return the byte that each letter of a byte-level vocabulary stands for (GPT-2)."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(0x100) if byte not in plain]
    letters = {chr(byte): byte for byte in plain}
    return letters | {chr(0x100 + k): byte for k, byte in enumerate(others)}


_BYTE_OF = _alphabet()
_BYTE_LEVEL = "ĠĊĉč"
"""Blank, line feed, tabulator and carriage return, as byte-level vocabularies write them."""


def plain_token(token: str) -> str:
    """Return the text of a token that is still written as its vocabulary has it.

    Understood are byte-level marks (``Ġ`` for a blank: GPT-2, Llama 3, Qwen), those of
    SentencePiece (``▁``, and ``<0x0A>`` for a byte). A token without them is its own text.

    Examples
    --------
    >>> plain_token('Ġ"'), plain_token("▁A"), plain_token("<0x41>"), plain_token("A")
    (' "', ' A', 'A', 'A')
    """
    if token.isascii() and token[:1] not in "<b":
        return token
    return _marked(token).decode("utf-8", "replace")


def plain_tokens(tokens: Sequence[str], text: str) -> list[str]:
    """Return the texts of a reply's tokens; as they are where they make up the text so.

    Examples
    --------
    >>> plain_tokens(["I", "Ġsay"], "I say"), plain_tokens(["Ġ", "!"], "Ġ!")
    (['I', ' say'], ['Ġ', '!'])
    """
    if "".join(tokens).strip() == text.strip():
        return list(tokens)
    return [plain_token(token) for token in tokens]


def begins(tokens: Sequence[str], text: str) -> list[int | None] | None:
    """Return the character of a text at which each token begins.

    Parameters
    ----------
    tokens : sequence of str
        Those of the text, and those that were made after it.
    text : str

    Returns
    -------
    list of int or None, or None
        None for a token that is no part of the text, such as a mark of its beginning; and
        for all where the tokens do not make up the text.

    Examples
    --------
    >>> begins(["<s>", "▁Sky", "?", "▁yes"], "Sky?"), begins(["Sea"], "Sky?")
    ([None, 0, 3, None], None)
    """
    data = text.encode("utf-8", "surrogatepass")
    for how in (_as_it_is, _marked, _byte_level):
        found = _aligned([how(token) for token in tokens], tokens, data)
        if found is not None:
            at = _characters(text)
            return [None if byte is None else at[byte] for byte in found]
    return None


def _as_it_is(token: str) -> bytes:
    if token.startswith("bytes:"):
        # how OpenAI writes a part of a letter
        return bytes(int(two, 16) for two in _ESCAPED.findall(token))
    return token.encode("utf-8", "surrogatepass")


def _marked(token: str) -> bytes:
    if token.isascii() and "<0x" not in token:
        return _as_it_is(token)
    if any(mark in token for mark in _BYTE_LEVEL):
        return _byte_level(token)
    if (byte := _BYTE.fullmatch(token)) is not None:
        return bytes([int(byte[1], 16)])
    return _as_it_is(token.replace("▁", " "))


def _byte_level(token: str) -> bytes:
    if all(one in _BYTE_OF for one in token):
        return bytes(_BYTE_OF[one] for one in token)
    return _as_it_is(token)


def _aligned(parts: list[bytes], tokens: Sequence[str], data: bytes) -> list[int | None] | None:
    """Return the byte at which each part begins, laid on the data one after the other."""
    at = 0
    found: list[int | None] = []
    for part, token in zip(parts, tokens, strict=True):
        if not at and not data.startswith(part) and part.startswith(b" "):
            # SentencePiece puts a blank before the first word
            part = part[1:]
        if at < len(data) and data.startswith(part, at):
            found.append(at)
            at += len(part)
        elif at == len(data) or _SPECIAL.fullmatch(token):
            found.append(None)
        else:
            return None
    return found if at == len(data) else None


def _characters(text: str) -> list[int]:
    """Return the character to which each byte of a text belongs."""
    return [
        k for k, one in enumerate(text) for _ in range(len(one.encode("utf-8", "surrogatepass")))
    ]
