"""What a run may spend, and what it has spent."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import ConfigError
from workbench.llm.reply import Usage
from workbench.llm.request import Request

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
    texts = [*(request.inputs or ()), *(str(one["content"]) for one in request.messages)]
    bytes_of = sum(len(text.encode()) for text in texts)
    prompt = int(bytes_of / _CHARACTERS_A_TOKEN) + _TOKENS_A_MESSAGE * len(texts)
    return Usage(prompt, request.sampling.max_tokens if request.inputs is None else 0)


@dataclass
class Budget:
    """Limits of a run; None is no limit.

    A call is begun only if the limits hold even if every call on the way takes its
    expected tokens.

    Attributes
    ----------
    prices : mapping of str to Price
    max_cost : float or None
        In the currency of the prices.
    max_calls, max_tokens : int or None
    spent : dict of str to Usage
        By model.

    Raises
    ------
    ConfigError
        A limit on cost without the price of a model.
    """

    prices: Mapping[str, Price] = field(default_factory=dict)
    max_cost: float | None = None
    max_calls: int | None = None
    max_tokens: int | None = None
    spent: dict[str, Usage] = field(default_factory=dict)
    _under_way: dict[str, Usage] = field(default_factory=dict)

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

    def begin(self, request: Request) -> bool:
        """Set a call's expected tokens aside; False where a limit would be crossed."""
        expected = expected_usage(request)
        model = request.model
        after = {name: self._total(name) for name in {*self.spent, *self._under_way, model}}
        after[model] = after[model] + expected
        calls = sum(usage.calls for usage in after.values())
        tokens = sum(u.prompt_tokens + u.completion_tokens for u in after.values())
        crossed = (
            (self.max_calls is not None and calls > self.max_calls)
            or (self.max_tokens is not None and tokens > self.max_tokens)
            or (self.max_cost is not None and self.cost(after) > self.max_cost)
        )
        if not crossed:
            self._under_way[model] = self._under_way.get(model, Usage(calls=0)) + expected
        return not crossed

    def end(self, request: Request, usage: Usage) -> None:
        """Book what a call took in the place of what was expected."""
        expected, model = expected_usage(request), request.model
        waiting = self._under_way[model]
        self._under_way[model] = Usage(
            waiting.prompt_tokens - expected.prompt_tokens,
            waiting.completion_tokens - expected.completion_tokens,
            waiting.calls - expected.calls,
        )
        self.spent[model] = self.spent.get(model, Usage(calls=0)) + usage

    def _total(self, model: str) -> Usage:
        nothing = Usage(calls=0)
        return self.spent.get(model, nothing) + self._under_way.get(model, nothing)
