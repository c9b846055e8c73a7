"""A built-in model that needs no server: it computes its answers from features of the text.

It simulates a judge and is none. Its name begins with ``offline:`` wherever its numbers show.
"""

from __future__ import annotations

import bisect
import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from workbench.errors import ConfigError
from workbench.llm.fence import unfenced
from workbench.llm.offline_features import FEATURES, features, pointed
from workbench.llm.offline_words import apart, quoted, told_of
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import OFFLINE, Request

_NUMBERED = re.compile(r"^\s*(\d+)[.)]\s*(.+)$", re.MULTILINE)
_WORDS = re.compile(r"[^\W_]+")
_TIE = 0.06
_SAME = 0.02
_FOLLOWS = 3.0


@dataclass(frozen=True)
class Persona:
    """What an offline model likes: known weights, to be found again.

    Attributes
    ----------
    weights : mapping of str to float
        By feature (:data:`workbench.llm.offline_features.FEATURES`, each from 0 to 1), on
        the logit of preferring the response.
    position : float
        On the logit of preferring what stands first.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    position: float = 0.0


PERSONAS = {
    "offline:plain": Persona(
        {"overlap": 3.0, "steps": 2.0, "repetition": -2.0, "apologies": -2.0, "warm": 1.0}
    ),
    "offline:long": Persona({"words": 6.0, "lists": 3.0, "bold": 1.5}, position=0.8),
    "offline:short": Persona({"words": -6.0, "questions": -1.0}, position=-0.4),
}
"""The built-in models by name, with what they like."""


_SIDE = "response "


class OfflineModel:
    """A deterministic model that judges, grades, scores, proposes and votes by text features.

    Parameters
    ----------
    name : str
        One of :data:`PERSONAS`.

    Attributes
    ----------
    base_url : str
        The name: it stands in a request's key.

    Raises
    ------
    ConfigError
        Another name.

    Notes
    -----
    A verdict is drawn with the probability that the weights give, by a digest of the
    request: the same request has the same answer. Where the request holds principles, most
    of those that tell the two apart decide, and not the weights. Texts are measured, never
    obeyed.

    Examples
    --------
    >>> OfflineModel("offline:long").persona.position
    0.8
    """

    def __init__(self, name: str = "offline:plain") -> None:
        if name not in PERSONAS:
            raise ConfigError(
                "There is no such offline model.",
                found=name,
                expected=f"one of {', '.join(PERSONAS)}",
                fix=f"Name one of them; other models are asked at an endpoint, not {OFFLINE}...",
            )
        self.base_url, self.persona = name, PERSONAS[name]

    async def ask(self, request: Request) -> Reply:
        """Return the reply to a request; it costs nothing."""
        if request.inputs is not None:
            vectors = [[*features(text).values()] for text in request.inputs]
            return Reply("", vectors, "embeddings", usage=Usage(0, 0, 1))
        texts = unfenced(str(request.messages[-1]["content"]))
        task = request.about.get("task", "")
        logprobs = None
        if task == "judge":
            value, logprobs = self._verdict(request, texts)
        elif task == "propose":
            value = self._proposals(request, texts)
        elif task == "listwise":
            value = self._best(request, texts)
        elif task == "spot":
            value = _spotted(request, texts)
        elif task == "name":
            value = {"property": _property(texts)}
        else:
            value = self._filled(request, texts)
        text = json.dumps(value, ensure_ascii=False)
        return Reply(text, value, "json_schema", "stop", logprobs, usage=Usage(0, 0, 1))

    def _verdict(
        self, request: Request, texts: Mapping[str, str]
    ) -> tuple[dict[str, Any], tuple[dict[str, Any], ...] | None]:
        schema = request.schema or {}
        allowed = schema.get("properties", {}).get("verdict", {}).get("enum", ["A", "B"])
        prompt = texts.get("prompt", "")
        # by place in the message, whatever they are called and however verdicts are listed
        labels = [name.removeprefix(_SIDE) for name in texts if name.startswith(_SIDE)]
        one, other = labels if len(labels) == 2 else ("A", "B")
        sides = [features(texts.get(f"response {s}", ""), prompt) for s in (one, other)]
        logit = self.persona.position + _leaning(self.persona, texts.get("principles", ""), sides)
        first = 1.0 / (1.0 + math.exp(-logit))
        tie = _TIE * 4.0 * first * (1.0 - first) if "tie" in allowed else 0.0
        mass = {one: first * (1.0 - tie), other: (1.0 - first) * (1.0 - tie), "tie": tie}
        verdict = _drawn(mass, _uniform(request))
        value = {"verdict": verdict}
        if "reason" in schema.get("properties", {}):
            value = {"reason": f"By its text features ({self.base_url}).", **value}
        if not request.sampling.top_logprobs:
            return value, None
        top = {name: math.log(p) for name, p in mass.items() if p > 0.0}
        head = json.dumps(value, ensure_ascii=False).rpartition(f'"{verdict}"')[0] + '"'
        return value, (
            {"token": head, "logprob": 0.0, "top": {}},
            {"token": verdict, "logprob": top[verdict], "top": top},
            {"token": '"}', "logprob": 0.0, "top": {}},
        )

    def _proposals(self, request: Request, texts: Mapping[str, str]) -> dict[str, Any]:
        """Name the features in which the selected response differs most."""
        prompt = texts.get("prompt", "")
        a, b = (features(texts.get(f"response {side}", ""), prompt) for side in "AB")
        sign = -1.0 if request.about.get("preferred") == "B" else 1.0
        by_size = sorted(FEATURES, key=lambda name: (-abs(a[name] - b[name]), name))
        said = [
            _SAID[name][0 if sign * (a[name] - b[name]) > 0 else 1]
            for name in by_size
            if name in _SAID and a[name] != b[name]
        ]
        most = int(request.about.get("most", 3))
        return {"principles": [f"Select the response that {text}" for text in said[:most]]}

    def _best(self, request: Request, texts: Mapping[str, str]) -> dict[str, Any]:
        """Choose a response by its weights, with a lean to the first place."""
        prompt, mass = texts.get("prompt", ""), dict[str, float]()
        for name, text in texts.items():
            if name.startswith(_SIDE):
                found = features(text, prompt)
                logit = sum(w * found[one] for one, w in self.persona.weights.items())
                mass[name.removeprefix(_SIDE)] = logit + self.persona.position * (not mass)
        top = max(mass.values())
        weights = {name: math.exp(logit - top) for name, logit in mass.items()}
        total = sum(weights.values())
        shares = {name: weight / total for name, weight in weights.items()}
        return {"best": _drawn(shares, _uniform(request))}

    def _filled(self, request: Request, texts: Mapping[str, str]) -> Any:
        fields = request.about.get("fields", {})
        principles = dict(_NUMBERED.findall(texts.get("principles", "")))
        return _value(request.schema or {}, "", _Measured(texts, {**principles, **fields}))


class _Measured:
    """Texts with their features, and what each field of a schema is about."""

    def __init__(self, texts: Mapping[str, str], fields: Mapping[str, str]) -> None:
        prompt = texts.get("prompt", "")
        self.fields = fields
        self.texts = {
            name.removeprefix("response").strip() or "alone": text
            for name, text in texts.items()
            if name.startswith("response")
        } or {"alone": prompt}
        alone = self.texts.keys() == {"alone"}
        self.sides = {
            side: features(text, "" if alone and "response" not in texts else prompt)
            for side, text in self.texts.items()
        }

    def amount(self, name: str) -> float:
        """Return how much there is of what a field is about, of the side that it names."""
        side = next((s for s in self.sides if name.rstrip("_").endswith(f"_{s.lower()}")), None)
        return self._measured(self._about(name), side or next(iter(self.sides)))

    def compared(self, name: str) -> float:
        """Return how much more of it the first response has than the second."""
        about = self._about(name)
        amounts = [self._measured(about, side) for side in ("A", "B") if side in self.sides]
        return amounts[0] - amounts[1] if len(amounts) == 2 else 0.0

    def _measured(self, about: str, side: str) -> float:
        words = quoted(about)
        return told_of(words, self.texts[side]) if words else pointed(about)(self.sides[side])

    def _about(self, name: str) -> str:
        return self.fields.get(name) or self.fields.get(name.rpartition("_")[0]) or name


def _spotted(request: Request, texts: Mapping[str, str]) -> dict[str, Any]:
    """Say of each field the first option one of whose words stands in the last text."""
    text = _words_of([*texts.values(), ""][max(len(texts) - 1, 0)])
    words: Mapping[str, Mapping[str, list[str]]] = request.about.get("words", {})
    parts = (request.schema or {}).get("properties", {})
    return {
        field: next(
            (
                option
                for option, some in words.get(field, {}).items()
                if any(_words_of(word) in text for word in some)
            ),
            parts[field]["enum"][0],
        )
        for field in parts
    }


def _words_of(text: str) -> str:
    return f" {' '.join(_WORDS.findall(text.lower()))} "


def _property(texts: Mapping[str, str]) -> str:
    """Name what the responses called MORE have more of: words, or else a feature."""
    more, less = (
        [text for name, text in sorted(texts.items()) if name.startswith(side)]
        for side in ("MORE", "LESS")
    )
    pairs = list(zip(more, less, strict=False))
    named, sure = apart(pairs)
    measured = [(features(one), features(other)) for one, other in pairs]
    leads = {
        name: sum((a[name] > b[name]) - (a[name] < b[name]) for a, b in measured)
        for name in FEATURES
        if name in _SAID
    }
    best = max(leads, key=lambda name: (abs(leads[name]), name))
    # length brings words of every kind: where it leads in all pairs, it is the property
    by_length = abs(leads["words"]) == len(pairs) > 0 and _much_longer(pairs)
    if by_length or (not sure and abs(leads[best]) * 2 >= len(pairs)):
        name = "words" if by_length else best
        return _SAID[name][0 if leads[name] > 0 else 1]
    return named


def _much_longer(pairs: list[tuple[str, str]]) -> bool:
    lengths = [sum(map(len, side)) + 1 for side in zip(*pairs, strict=True)]
    return max(lengths) >= 2 * min(lengths)


def _leaning(persona: Persona, principles: str, sides: list[dict[str, float]]) -> float:
    """Return the logit that the texts give: by the principles where there are some."""
    first, second = sides
    if not principles:
        return sum(w * (first[name] - second[name]) for name, w in persona.weights.items())
    measures = [pointed(text) for _, text in _NUMBERED.findall(principles)]
    signs = [math.copysign(1.0, d) for m in measures if abs(d := m(first) - m(second)) > _SAME]
    return _FOLLOWS * sum(signs) / max(len(signs), 1)


def _value(schema: Mapping[str, Any], name: str, texts: _Measured) -> Any:
    """Return a value that a schema allows, from what its fields are about."""
    if "anyOf" in schema:
        return _value(schema["anyOf"][0], name, texts)
    if "enum" in schema:
        return _chosen(schema["enum"], name, texts)
    kind = schema.get("type")
    if kind == "object":
        parts = schema.get("properties", {})
        return {key: _value(part, key, texts) for key, part in parts.items()}
    if kind in ("integer", "number"):
        low, high = float(schema.get("minimum", 0)), float(schema.get("maximum", 3))
        value = low + texts.amount(name) * (high - low)
        return round(value) if kind == "integer" else value
    if kind == "boolean":
        return texts.amount(name) > 0.0
    if kind == "array":
        return []
    return None if kind == "null" else "by its text features"


def _chosen(options: list[Any], name: str, texts: _Measured) -> Any:
    if {"A", "B"} <= set(options):
        difference = texts.compared(name)
        level = next((one for one in ("neither", "tie", "both") if one in options), "A")
        return "A" if difference > _SAME else "B" if difference < -_SAME else level
    # an ordered scale: the more there is of it, the further to the right
    return options[min(int(texts.amount(name) * len(options)), len(options) - 1)]


def _uniform(request: Request) -> float:
    digest = hashlib.blake2b(request.key(OFFLINE).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2.0**64


def _drawn(mass: Mapping[str, float], luck: float) -> str:
    names = list(mass)
    at = bisect.bisect_right(list(accumulate(mass.values())), luck)
    return names[min(at, len(names) - 1)]


_SAID = {
    "words": ("is longer and more detailed", "is shorter and more concise"),
    "lists": ("has a list", "has no list"),
    "bold": ("puts words in bold", "uses no bold"),
    "headings": ("has headings", "has no headings"),
    "questions": ("asks the user a question", "asks no question"),
    "exclamations": ("sounds enthusiastic", "sounds calm, without exclamation"),
    "hedges": ("is cautious and hedges", "does not hedge"),
    "certain": ("sounds confident", "sounds less certain"),
    "apologies": ("admits its limits", "does not apologize or refuse"),
    "warm": ("is warm and friendly", "is matter-of-fact, not warm"),
    "sources": ("refers to sources", "gives no references"),
    "steps": ("explains step by step", "does not go step by step"),
    "long_words": ("uses more technical words", "uses simple words"),
    "overlap": ("keeps to what was asked", "goes beyond what was asked"),
    "repetition": ("repeats itself more: repetitive", "is non-repetitive"),
}
