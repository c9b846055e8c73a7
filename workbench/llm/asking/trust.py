"""What of a reply is not believed: usage beyond reason, text that is none."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workbench.llm.reply import Reply, Usage

_HALF = re.compile(r"[\ud800-\udfff]")
_TEMPLATE_TOKENS = 20_000
"""More than a server adds to a prompt by itself."""

IMAGE_CHARACTERS = 16_384
"""Characters that an image counts as, where it is judged whether a usage is beyond reason."""

_TIMES = 10
_MOST_TOKENS = 10_000_000


def believed(usage: Usage, body: Mapping[str, Any], characters: int) -> Usage:
    """Return a usage; without its tokens, as one that is not known, where it is beyond reason.

    A prompt has at most four tokens a character (its bytes), and what the server adds. A
    reply has at most ten times the tokens that it was allowed, thinking counted in.

    Examples
    --------
    >>> believed(Usage(50, 10), {"max_tokens": 1024}, 900)
    Usage(prompt_tokens=50, completion_tokens=10, calls=1)
    >>> believed(Usage(50, 10**9), {"max_tokens": 1024}, 900)
    Usage(prompt_tokens=0, completion_tokens=0, calls=1)
    """
    most = body.get("max_tokens", body.get("max_completion_tokens"))
    longest = _TIMES * most if isinstance(most, int) else _MOST_TOKENS
    fine = (
        type(usage.prompt_tokens) is type(usage.completion_tokens) is int
        and 0 <= usage.prompt_tokens <= 4 * characters + _TEMPLATE_TOKENS
        and 0 <= usage.completion_tokens <= longest
    )
    return usage if fine else replace(usage, prompt_tokens=0, completion_tokens=0)


def whole(reply: Reply) -> Reply:
    """Return a reply; a failure where its text holds half a character.

    Half of a pair of code units (a lone surrogate) is no text: no file can hold it.

    Examples
    --------
    >>> whole(Reply("yes", "yes")).failed, whole(Reply("y" + chr(0xD800), "y")).reason
    (False, 'unreadable: half a character in the text')
    """
    # a value may hold what its text only writes as an escape
    escaped = "\\ud" in reply.text.lower()
    texts = reply.text + (json.dumps(reply.value, ensure_ascii=False) if escaped else "")
    if texts.isascii() or _HALF.search(texts) is None:
        return reply
    text = _HALF.sub("\ufffd", reply.text)
    return replace(reply, text=text, value=None, reason="unreadable: half a character in the text")
