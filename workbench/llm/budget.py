"""What a run may spend, and what it has spent."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from workbench.errors import ConfigError
from workbench.llm.reply import Usage
from workbench.llm.request import OFFLINE, Request

_CHARACTERS_A_TOKEN = 3.0
"""Fewer than English text has, so that an estimate errs on the dear side."""

_TOKENS_A_MESSAGE = 8


@dataclass(frozen=True)
class Price:
    """Price of a model, in the user's currency per million tokens."""

    prompt: float
    completion: float

    def of(self, usage: Usage) -> float:
        """Return what tokens cost.

        Examples
        --------
        >>> Price(2.0, 8.0).of(Usage(500_000, 250_000))
        3.0
        """
        return (self.prompt * usage.prompt_tokens + self.completion * usage.completion_tokens) / 1e6


def read_prices(path: Path) -> dict[str, Price]:
    """Read a price table: TOML with a table a model, ``prompt`` and ``completion``.

    Raises
    ------
    ConfigError
        The file cannot be read, or a price is no number of at least 0.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _bad_prices(path, str(error)) from None
    return {model: _price(path, model, row) for model, row in table.items()}


def _price(path: Path, model: str, row: Any) -> Price:
    prices = []
    for name in ("prompt", "completion"):
        price = row.get(name) if isinstance(row, dict) else None
        if not isinstance(price, int | float) or isinstance(price, bool) or not 0 <= price < 1e9:
            raise _bad_prices(path, f"[{model!r}] {row!r}")
        prices.append(float(price))
    return Price(*prices)


def _bad_prices(path: Path, found: str) -> ConfigError:
    return ConfigError(
        "The price table cannot be read.",
        where=path.name,
        found=found,
        expected='a table a model, such as ["gpt-x"] with prompt = 2.0 and completion = 8.0, in '
        "currency per million tokens",
        fix="Correct that entry.",
    )


def expected_usage(request: Request) -> Usage:
    """Return an estimate of a call's tokens that errs on the dear side: no tokenizer is asked.

    Examples
    --------
    >>> expected_usage(Request("m", ({"role": "user", "content": "x" * 300},))).prompt_tokens
    108
    """
    return _guessed(request, _size(request))


def _guessed(request: Request, size: int) -> Usage:
    if request.model.startswith(OFFLINE):
        # what is built in takes no tokens
        return Usage()
    texts = len(request.inputs or ()) + len(request.messages)
    prompt = int(size / _CHARACTERS_A_TOKEN) + _TOKENS_A_MESSAGE * texts
    return Usage(prompt, request.sampling.max_tokens if request.inputs is None else 0)


def _size(request: Request) -> int:
    """Return the bytes of what is asked."""
    texts = [*(request.inputs or ()), *(str(one["content"]) for one in request.messages)]
    # a text may hold half of a pair of surrogates, which no encoding has
    return sum(
        len(text) if text.isascii() else len(text.encode("utf-8", "replace")) for text in texts
    )


class SpentError(Exception):
    """No call may be begun any more: a limit would be crossed, or asking was stopped."""


class Call:
    """One call on the way; what it took is told before it ends.

    Attributes
    ----------
    usage : Usage or None
        None where nobody knows: the call counts as its estimate.
    """

    usage: Usage | None = None

    def took(self, usage: Usage) -> None:
        """Tell what the server billed; no token at all means that it did not say."""
        if usage.prompt_tokens or usage.completion_tokens:
            self.usage = usage

    def unpaid(self) -> None:
        """Tell that the server answered nothing, and bills nothing."""
        self.usage = Usage()


class Held(NamedTuple):
    """What was set aside for a call."""

    model: str
    size: int
    guessed: Usage


class Amount(NamedTuple):
    """What is spent, or may be, in each way that a limit counts.

    Examples
    --------
    >>> Amount(calls=2.0)
    Amount(calls=2.0, tokens=0.0, cost=0.0)
    """

    calls: float = 0.0
    tokens: float = 0.0
    cost: float = 0.0


@dataclass
class _Kind:
    """Calls of one model and length of reply: those on the way, and what others took at most."""

    calls: int = 0
    size: int = 0
    guessed: Usage = field(default_factory=lambda: Usage(calls=0))
    tokens_a_byte: float | None = None
    completion: int = 0

    def reserved(self, size: int = 0, guessed: Usage | None = None) -> tuple[float, float]:
        """Return the tokens to set aside for the calls on the way, and for one more."""
        if self.tokens_a_byte is None:
            held = self.guessed if guessed is None else self.guessed + guessed
            return held.prompt_tokens, held.completion_tokens
        calls = self.calls + (guessed is not None)
        return self.tokens_a_byte * (self.size + size), self.completion * calls

    def one(self, size: int, guessed: Usage) -> Usage:
        """Return what one call is expected to take."""
        if self.tokens_a_byte is None:
            return guessed
        return Usage(math.ceil(self.tokens_a_byte * size), self.completion)

    def learn(self, size: int, usage: Usage) -> None:
        if usage.prompt_tokens or usage.completion_tokens:
            calls = max(usage.calls, 1)
            rate = usage.prompt_tokens / calls / max(size, 1)
            self.tokens_a_byte = max(self.tokens_a_byte or 0.0, rate)
            self.completion = max(self.completion, math.ceil(usage.completion_tokens / calls))


@dataclass
class Budget:
    """Limits of a run; None is no limit.

    A call is begun only if the limits hold even if every call on the way takes what is
    expected of it: the most tokens a byte of prompt and the longest reply that were billed
    for calls of its kind, and the estimate of :func:`expected_usage` before the first. So
    ``max_calls`` is never passed, and the others by at most the replies on the way, each at
    the most that was seen.

    Attributes
    ----------
    prices : mapping of str to Price
    max_cost : float or None
        In the currency of the prices.
    max_calls, max_tokens : int or None
    spent : dict of str to Usage
        By model; every call that was sent is in it, answered or not.

    Raises
    ------
    ConfigError
        A limit on cost without the price of a model.

    Examples
    --------
    >>> budget = Budget(max_calls=1)
    >>> one = Request("m", ({"role": "user", "content": "Hi"},))
    >>> budget.begin(one), budget.begin(one)
    (Held(model='m', size=2, guessed=Usage(prompt_tokens=8, completion_tokens=1024, calls=1)), None)
    """

    prices: Mapping[str, Price] = field(default_factory=dict)
    max_cost: float | None = None
    max_calls: int | None = None
    max_tokens: int | None = None
    spent: dict[str, Usage] = field(default_factory=dict)
    _kinds: dict[tuple[str, int], _Kind] = field(default_factory=dict)

    def check(self, models: Iterable[str]) -> None:
        """Refuse a limit on cost where a price is not known."""
        lacking = sorted(set(models) - set(self.prices))
        if self.max_cost is not None and lacking:
            raise ConfigError(
                "A limit on cost needs the price of every model.",
                found=f"no price of {', '.join(lacking)}",
                expected="a price table that has them (--prices FILE)",
                fix="Add the model to the table, or limit calls or tokens instead.",
            )

    def cost(self, usage: Mapping[str, Usage]) -> float:
        """Return what the tokens of models cost; NaN where a price is not known."""
        if any(model not in self.prices for model in usage):
            return float("nan")
        return sum(self.prices[model].of(tokens) for model, tokens in usage.items())

    def begin(self, request: Request) -> Held | None:
        """Set a call's expected tokens aside; None where a limit would be crossed."""
        size = _size(request)
        guessed = _guessed(request, size)
        kind = self._kind(request.model, guessed.completion_tokens)
        if self.crossed(self._wanted(kind, request.model, size, guessed)):
            return None
        kind.calls, kind.size, kind.guessed = (
            kind.calls + 1,
            kind.size + size,
            kind.guessed + guessed,
        )
        return Held(request.model, size, guessed)

    def end(self, held: Held, usage: Usage | None) -> Usage:
        """Book what a call took in the place of what was expected; None where nobody knows.

        Returns what was booked.
        """
        model, size, guessed = held
        kind = self._kind(model, guessed.completion_tokens)
        self.forget(held)
        if usage is None:
            usage = kind.one(size, guessed)
        else:
            kind.learn(size, usage)
        sent = Usage(usage.prompt_tokens, usage.completion_tokens, max(usage.calls, 1))
        self.spent[model] = self.spent.get(model, Usage(calls=0)) + sent
        return sent

    def forget(self, held: Held) -> None:
        """Set nothing aside for a call any more: it ended, or was not sent.

        Parameters
        ----------
        held : Held
        """
        model, size, guessed = held
        kind = self._kind(model, guessed.completion_tokens)
        kind.calls, kind.size = kind.calls - 1, kind.size - size
        kind.guessed = Usage(
            kind.guessed.prompt_tokens - guessed.prompt_tokens,
            kind.guessed.completion_tokens - guessed.completion_tokens,
            kind.guessed.calls - guessed.calls,
        )

    def _kind(self, model: str, longest: int) -> _Kind:
        return self._kinds.setdefault((model, longest), _Kind())

    def limits(self) -> Amount:
        """Return the limits, infinite where there is none."""
        given = (self.max_calls, self.max_tokens, self.max_cost)
        return Amount(*(math.inf if one is None else one for one in given))

    def crossed(self, wanted: Amount) -> bool:
        """Return whether a limit would be crossed if so much in all were spent."""
        return any(one > most for one, most in zip(wanted, self.limits(), strict=True))

    def expected(self, held: Held) -> Usage:
        """Return what a call on the way is expected to take.

        Parameters
        ----------
        held : Held
        """
        return self._kind(held.model, held.guessed.completion_tokens).one(held.size, held.guessed)

    def _wanted(self, kind: _Kind, model: str, size: int, guessed: Usage) -> Amount:
        """Return what will be spent with the calls on the way and one more."""
        calls = 1 + sum(used.calls for used in self.spent.values())
        calls += sum(one.calls for one in self._kinds.values())
        if self.max_tokens is None and self.max_cost is None:
            return Amount(calls)
        held = {name: [float(u.prompt_tokens), float(u.completion_tokens)]
                for name, u in self.spent.items()}  # fmt: skip
        held.setdefault(model, [0.0, 0.0])
        for (name, _), one in self._kinds.items():
            more = one.reserved(size, guessed) if one is kind else one.reserved()
            known = held.setdefault(name, [0.0, 0.0])
            known[0], known[1] = known[0] + more[0], known[1] + more[1]
        return Amount(calls, sum(map(sum, held.values())), self._cost(held))

    def _cost(self, tokens: Mapping[str, list[float]]) -> float:
        prices = self.prices
        return sum(
            (prices[model].prompt * prompt + prices[model].completion * completion) / 1e6
            for model, (prompt, completion) in tokens.items()
            # what an earlier run used of a model without a price cannot be reckoned
            if model in prices
        )
