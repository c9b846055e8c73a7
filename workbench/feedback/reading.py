"""Conversations read for feedback: signals of their turns, and the pairs that follow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from workbench.feedback.conversations import Conversation, Exchange
from workbench.feedback.signals import (
    DISSATISFIED,
    ENDED,
    FOREIGN,
    LEFT,
    NONE,
    SATISFIED,
    Signal,
    rule_signal,
    words_of,
)

PAIR = "a pair"
ONE_ANSWER = "the user says nothing after an answer"
NOT_ENGLISH = "what the user says is not English: the rules are"
CONTENT = "no sign of dissatisfaction"
LEFT_OFF = "left after a complaint, without a word"
NEVER = "dissatisfied, and not satisfied afterwards"
OTHER = "satisfied only after something else was talked of"
SAME = "the earlier and the later answer are the same, or one is empty"
UNASKED = "no reply of the model on it"

_SHOWN = 160
_APOLOGY = frozenset({"sorry", "apologize", "apologise", "apologies", "apology"})
_APOLOGY_WORDS = 25


class Turn(NamedTuple):
    """What was found on one answer.

    Attributes
    ----------
    conversation, cluster : str
    turn : int
        Number of the answer.
    rule : Signal
    model : str or None
        The model's signal; None where it was not asked or not read.
    reply : str
        Beginning of what the user said.
    """

    conversation: str
    cluster: str
    turn: int
    rule: Signal
    model: str | None
    reply: str


class Found(NamedTuple):
    """One conversation: what came of it, and what it is like.

    Attributes
    ----------
    name, cluster : str
    outcome : str
    turns : int
        Answers.
    request_words, answer_words : int
        Of the first request and answer.
    model_name : str or None
    """

    name: str
    cluster: str
    outcome: str
    turns: int
    request_words: int
    answer_words: int
    model_name: str | None


ModelSignal = Callable[[str, int], str | None]


@dataclass
class Read:
    """What conversations gave, added up one by one; texts are held of pairs alone.

    Attributes
    ----------
    turns : list of Turn
    conversations : list of Found
    pairs : list of dict
    by : str
        Whose signals make pairs: ``rule``, ``model`` or ``both``.
    """

    by: str = "rule"
    turns: list[Turn] = field(default_factory=list)
    conversations: list[Found] = field(default_factory=list)
    pairs: list[dict[str, Any]] = field(default_factory=list)

    def take(self, some: Iterable[Conversation], model: ModelSignal | None = None) -> Read:
        """Read conversations."""
        for one in some:
            self._take(one, model)
        return self

    def _take(self, one: Conversation, model: ModelSignal | None) -> None:
        cluster = one.name if one.user is None else f"user {one.user}"
        rules = rule_signals(one)
        heard = [None if model is None else model(one.name, e.number) for e in one.exchanges]
        self.turns += [
            Turn(one.name, cluster, e.number, rule, said, (e.reply or "")[:_SHOWN])
            for e, rule, said in zip(one.exchanges, rules, heard, strict=True)
        ]
        signals = [self._counts(rule, said) for rule, said in zip(rules, heard, strict=True)]
        outcome, pairs = _pairs_of(one, rules, signals, cluster)
        if None in signals and outcome not in (PAIR, ONE_ANSWER):
            outcome = UNASKED
        self.pairs += pairs
        first = one.exchanges[0]
        self.conversations.append(
            Found(one.name, cluster, outcome, len(one.exchanges), len(words_of(first.request)),
                  len(words_of(first.answer)), one.model)
        )  # fmt: skip

    def _counts(self, rule: Signal, model: str | None) -> str | None:
        """Return the signal that counts for pairs; None where it is not known."""
        if rule.rule in (ENDED, LEFT) or self.by == "rule":
            return rule.signal
        if self.by == "model" or model is None:
            return model
        return rule.signal if rule.signal == model else NONE


def rule_signals(one: Conversation) -> list[Signal]:
    """Return what rules say of each answer of a conversation.

    Examples
    --------
    >>> from workbench.feedback.conversations import Rows, conversations
    >>> said = [("user", "Name a river"), ("assistant", "Etna"), ("user", "that's wrong"),
    ...         ("assistant", "The Po")]
    >>> one = [{"role": r, "content": c} for r, c in said]
    >>> [s.rule for s in rule_signals(next(conversations([one], Rows("memory"))))]
    ['complaint', 'left after a complaint']
    """
    found: list[Signal] = []
    requests: list[str] = []
    for exchange in one.exchanges:
        requests.append(exchange.request)
        signal = rule_signal(exchange.reply, requests, one.language)
        if signal.rule == ENDED and found and found[-1].signal == DISSATISFIED:
            signal = Signal(NONE, LEFT)
        found.append(signal)
    return found


def _pairs_of(
    one: Conversation, rules: list[Signal], signals: list[str | None], cluster: str
) -> tuple[str, list[dict[str, Any]]]:
    """Return what became of a conversation, and its pairs: one for each run of complaints."""
    if all(exchange.reply is None for exchange in one.exchanges):
        return ONE_ANSWER, []
    pairs, same, k = [], False, 0
    while k < len(signals):
        if signals[k] != DISSATISFIED:
            k += 1
            continue
        end = next((e for e in range(k, len(signals)) if signals[e] != DISSATISFIED), len(signals))
        if end < len(signals) and signals[end] == SATISFIED:
            pair = _pair(one, k, end, rules, cluster)
            same = same or pair is None
            pairs += [] if pair is None else [pair]
        k = end + 1
    if pairs:
        return PAIR, pairs
    return _why_none(rules, signals, same), []


def _why_none(rules: list[Signal], signals: list[str | None], same: bool) -> str:
    if same:
        return SAME
    if DISSATISFIED not in signals:
        told = [rule.rule for rule in rules if rule.rule not in (ENDED, LEFT)]
        return NOT_ENGLISH if told and set(told) == {FOREIGN} else CONTENT
    first = signals.index(DISSATISFIED)
    if SATISFIED in signals[first:]:
        return OTHER
    return LEFT_OFF if rules[-1].rule == LEFT else NEVER


def _pair(
    one: Conversation, start: int, end: int, rules: list[Signal], cluster: str
) -> dict[str, Any] | None:
    earlier, later = one.exchanges[start], one.exchanges[end]
    a, b = earlier.answer.strip(), later.answer.strip()
    if not a or not b or a == b:
        return None
    return {
        "conversation": one.name, "cluster": cluster, "user": one.user, "model": one.model,
        "turn": earlier.number, "later_turn": later.number, "corrections": end - start,
        "prompt": earlier.prompt, "prompt_messages": earlier.before, "earlier": earlier.answer,
        "later": later.answer, "complaint": _shown(earlier), "praise": _shown(later),
        "rule": rules[start].rule, "apologises": apologises(later.answer),
        "apologised": apologises(earlier.answer),
    }  # fmt: skip


def _shown(exchange: Exchange) -> str:
    return (exchange.reply or "")[:_SHOWN]


def apologises(answer: str) -> bool:
    """Tell whether an answer begins with an apology: in its first 25 words.

    Examples
    --------
    >>> apologises("I apologize for the confusion."), apologises("The Po.")
    (True, False)
    """
    return bool(_APOLOGY.intersection(words_of(answer[:400])[:_APOLOGY_WORDS]))
