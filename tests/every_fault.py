"""A server that does all the odd things that servers do, each to a few of the requests.

What it does hangs on what is asked, and on whether that was asked before: a request that is
asked again after a crash meets the same, so that runs can be compared.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.llm_server import logit
from tests.odd_server import Answer, OddServer, bad, done
from workbench.llm.fence import unfenced

MOVED = "/moved/chat/completions"
TOO_LONG = "This model's maximum context length is 8192 tokens. However, you requested 9000."
PAGE = Answer(b"<html><title>Bad gateway</title></html>", headers={"content-type": "text/html"})
DEEP = b'{"choices": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"


@dataclass(frozen=True)
class Kind:
    """One odd thing.

    Attributes
    ----------
    made : callable
        What is sent, of the text that answers well.
    fails : str or None
        Words of the failure; None where it is an answer nevertheless.
    paid : bool
        The model was at work.
    once : bool
        Only the first time that it is asked.
    mended : bool
        Not with the next seed.
    """

    made: Callable[[str], Answer]
    fails: str | None = None
    paid: bool = True
    once: bool = False
    mended: bool = False


def _always(answer: Answer) -> Callable[[str], Answer]:
    return lambda text: answer


def _said(form: str, **choice: Any) -> Callable[[str], Answer]:
    """Return completions with a text around the verdict, and with other fields."""
    return lambda text: _with(done(form.replace("TEXT", text)), **choice)


def _with(answer: Answer, message: Mapping[str, Any] | None = None, **choice: Any) -> Answer:
    first = answer.body["choices"][0]
    first |= choice
    first["message"] |= message or {}
    return answer


def _unbilled(text: str) -> Answer:
    answer = done(text)
    del answer.body["usage"]
    return answer


# as things go wrong once
_HICCUPS = {
    "429": bad(429, "slow down", {"retry-after": "0.05"}),
    "429 until a date": bad(429, "slow down", {"retry-after": "Sat, 01 Jan 2000 00:00:00 GMT"}),
    "500": bad(500, "internal error"),
    "503": bad(503, "overloaded"),
    "503 with a wait": bad(503, "overloaded", {"retry-after": "0.05"}),
    "502 page": replace(PAGE, status=502),
    "200 page": PAGE,
    "error in a 200": bad(200, "Provider returned error", code=502),
    "200 without a reply": Answer({"detail": "Not Found"}),
    "empty body": Answer(b""),
    "slow": Answer(done().body, pause_s=0.1),
    "304": Answer(b"", 304),
    "odd 400": bad(400, "Upstream closed the connection"),
    "reset once": Answer({"choices": []}, reset=True),
    "bad gzip once": Answer(b"no gzip", headers={"content-encoding": "gzip"}),
    "wrong length once": Answer({"choices": []}, length=500),
}
# as one pair is refused for good, unpaid
_REFUSALS = {
    "context": (bad(400, TOO_LONG), TOO_LONG),
    "filter": (bad(400, "filtered due to the content management policy"), "content management"),
    "flagged": (bad(403, "Your input was flagged"), "Your input was flagged"),
    "413": (bad(413, "request entity too large"), "request entity too large"),
    "reset": (Answer({"choices": []}, reset=True), "no reply after"),
    "bad gzip": (Answer(b"no gzip", headers={"content-encoding": "gzip"}), "no reply after"),
    "wrong length": (Answer({"choices": []}, length=500), "no reply after"),
    "always 500": (bad(500, "the worker crashed"), "the worker crashed"),
    "always 304": (Answer(b"", 304), "status 304"),
}
# as a model answers, paid, and says nothing, whatever the seed
_UNREADABLE: dict[str, tuple[Callable[[str], Answer], str]] = {
    "deep JSON": (_always(Answer(DEEP)), ""),
    "broken JSON": (_always(Answer(b'{"choices": [{"mess')), "no choice"),
    "a list": (_always(Answer([1, 2])), "no choice"),
    "lone surrogate": (_said("\ud83d TEXT"), "half a character"),
    "contradiction": (_said('```json\nTEXT\n```\nNo: {"verdict": "tie"}'), "different values"),
    "duplicate keys": (_always(done('{"verdict": "A", "verdict": "B"}')), "stands twice"),
    "cut": (_said('{"verdict": "', finish_reason="length"), "cut off at max_tokens"),
    "broken off": (_said("TEXT", finish_reason="error"), "broke off"),
    "filtered": (_said("TEXT", finish_reason="content_filter"), "content filter cut"),
    "refusal": (_said("TEXT", message={"content": None, "refusal": "I can't."}), "refused"),
    "open thinking": (_said("<think>Hm, TEXT"), "before its thinking does"),
    "blank": (_always(done(" \n")), "the reply is empty"),
}
# as it does with one seed and not with the next
_MENDED: dict[str, Callable[[str], Answer]] = {
    "prose": _said("I would rather not say."),
    "half a text": lambda text: done(text[: len(text) // 2]),
    "no choice": lambda text: Answer({"choices": [], "usage": {"prompt_tokens": 5}}),
}
# as a model answers well, in ways of its own
_WAYS: dict[str, Callable[[str], Answer]] = {
    "thinking": _said('<think>{"verdict": "tie"}?</think>TEXT'),
    "lone end of thinking": _said('{"verdict": "tie"}?</think>TEXT'),
    "reasoning beside": _said("TEXT", message={"reasoning_content": '{"verdict": "tie"}'}),
    "fenced": _said("Here you are:\n```json\nTEXT\n```"),
    "parts": lambda text: done([{"type": "text", "text": text[:5]},
                                {"type": "text", "text": text[5:]}]),
    "padded": _said("TEXT" + " \n" * 50, finish_reason="length"),
    "usage beyond reason": lambda text: done(text, prompt_tokens=10**12),
    "negative usage": lambda text: done(text, completion_tokens=-5),
    "no usage": _unbilled,
    "odd charset": lambda text: replace(
        done(text), headers={"content-type": "application/json; charset=rot13"}
    ),
    "203": lambda text: replace(done(text), status=203),
    "moved": lambda text: Answer({}, 307, {"location": MOVED}),
}  # fmt: skip

KINDS: dict[str, Kind] = {
    **{name: Kind(_always(one), None, False, True) for name, one in _HICCUPS.items()},
    **{name: Kind(_always(one), words, False) for name, (one, words) in _REFUSALS.items()},
    **{name: Kind(made, words) for name, (made, words) in _UNREADABLE.items()},
    **{name: Kind(made, mended=True) for name, made in _MENDED.items()},
    **{name: Kind(made) for name, made in _WAYS.items()},
}
FINE = Kind(done)


def digest_of(body: Mapping[str, Any], *fields: str) -> str:
    """Return what a request is known by: its messages, and other fields of it."""
    text = json.dumps([body["messages"], *(body[name] for name in fields)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


class FaultyServer(OddServer):
    """Answers well, but for a share of the requests, drawn over all kinds.

    Parameters
    ----------
    share : float
        Of the requests.
    salt : str
        Another one draws other requests.
    latency_s : float

    Attributes
    ----------
    seen, paid : Counter of str
        Calls, and calls for which the model was at work, by the digest of the request.
    """

    def __init__(self, share: float, salt: str = "", latency_s: float = 0.0) -> None:
        super().__init__(lambda body, number: Answer({}))
        self.share, self.salt, self.latency_s = share, salt, latency_s
        self.forget()

    def forget(self) -> None:
        """Begin anew."""
        self.seen: Counter[str] = Counter()
        self.paid: Counter[str] = Counter()
        self.bodies.clear()
        self.headers.clear()

    def kind(self, body: Mapping[str, Any]) -> str | None:
        """Return what happens to a request; None where it is answered well."""
        place = _uniform(f"{digest_of(body)} {self.salt}") / self.share
        return None if place >= 1.0 else list(KINDS)[int(place * len(KINDS))]

    def answer(self, path: str, body: Any, number: int) -> Answer:
        """Return what is sent for a call."""
        digest = digest_of(body, "seed")
        with self.lock:
            self.seen[digest] += 1
            again = self.seen[digest] > 1
        name = self.kind(body)
        kind = FINE if name is None else KINDS[name]
        over = (kind.once and again) or (kind.mended and body["seed"]) or (
            name == "moved" and path == MOVED
        )  # fmt: skip
        kind = FINE if over else kind
        time.sleep(self.latency_s)
        answer = kind.made(json.dumps({"verdict": _verdict(body, digest)}))
        if kind.paid and answer.status < 300:
            with self.lock:
                self.paid[digest] += 1
        return answer


def _verdict(body: Mapping[str, Any], digest: str) -> str:
    texts = unfenced(body["messages"][-1]["content"])
    a, b = (texts.get(f"response {name}", "") for name in "AB")
    return "A" if _uniform(digest) < 1.0 / (1.0 + math.exp(-logit(a, b))) else "B"


def _uniform(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2.0**64
