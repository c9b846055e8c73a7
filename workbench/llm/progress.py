"""How far the calls of a run are, and what they used."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from workbench.llm.asking.bends import told
from workbench.llm.budget import Budget
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request
from workbench.llm.sending.distinct import Distinct


@dataclass(frozen=True)
class Progress:
    """How far one stage is.

    Attributes
    ----------
    stage : str
    requests : int
        Distinct requests.
    kept, answered, failed : int
        From the journal (answers and paid failures); answered now; failed now.
    attempts : int
        Calls made now, retries included.
    limit : float
        Calls that may be on the way at once, as far as the server bears it.
    seconds : float
        Since the stage began.
    spent : mapping of str to Usage
        By model, of the whole run.
    cost : float
        Of the whole run; NaN where a price is not known.
    stopped : str or None
        What ended the stage early.
    """

    stage: str
    requests: int
    kept: int = 0
    answered: int = 0
    failed: int = 0
    attempts: int = 0
    limit: float = float("nan")
    seconds: float = 0.0
    spent: Mapping[str, Usage] = field(default_factory=dict)
    cost: float = float("nan")
    stopped: str | None = None

    @property
    def open(self) -> int:
        """Requests without a reply yet.

        Examples
        --------
        >>> Progress("judge", requests=5, kept=1, failed=1).open
        3
        """
        return self.requests - self.kept - self.answered - self.failed

    def to_dict(self) -> dict[str, Any]:
        """Return the progress as plain JSON values."""
        tokens = sum(self.spent.values(), Usage(calls=0))
        return {
            "stage": self.stage,
            "requests": self.requests,
            "kept": self.kept,
            "answered": self.answered,
            "failed": self.failed,
            "open": self.open,
            "attempts": self.attempts,
            "limit": self.limit,
            "seconds": self.seconds,
            "calls": tokens.calls,
            "prompt_tokens": tokens.prompt_tokens,
            "completion_tokens": tokens.completion_tokens,
            "cost": self.cost,
            "stopped": self.stopped,
        }


@dataclass(frozen=True)
class Spending:
    """What the replies of one stage used: the same whether they were asked now or kept.

    Attributes
    ----------
    stage : str
    requests : int
        Distinct requests.
    answered, failed, open : int
    failures : mapping of str to int
        Failed requests by reason.
    usage : mapping of str to Usage
        Tokens and paid calls, by model.
    cost : float
        In the currency of the prices; NaN where a price is not known.
    bends : mapping of str to int
        What was changed in requests because the server wants it, with how many of each.
    """

    stage: str
    requests: int
    answered: int
    failed: int
    open: int
    failures: Mapping[str, int]
    usage: Mapping[str, Usage]
    cost: float
    bends: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the spending as plain JSON values, for the settings of a result."""
        return {
            "stage": self.stage,
            "requests": self.requests,
            "answered": self.answered,
            "failed": self.failed,
            "open": self.open,
            "failures": dict(self.failures),
            "usage": {
                model: {
                    "calls": used.calls,
                    "prompt_tokens": used.prompt_tokens,
                    "completion_tokens": used.completion_tokens,
                }
                for model, used in sorted(self.usage.items())
            },
            "cost": self.cost,
            **({"bends": dict(self.bends)} if self.bends else {}),
        }

    def summary(self) -> str:
        """Return the spending in one line.

        Examples
        --------
        >>> used = {"m": Usage(900, 100, 9)}
        >>> spent = Spending("judge", 10, 8, 1, 1, {"unreadable": 1}, used, 0.5)
        >>> spent.summary().partition(", 900")[0]
        'judge: 10 requests (8 answered, 1 failed: 1 unreadable, 1 open), 9 paid calls'
        """
        total = sum(self.usage.values(), Usage(calls=0))
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in self.failures.items())
        failed = f"{self.failed:,} failed" + (f": {reasons}" if reasons else "")
        cost = "no prices" if math.isnan(self.cost) else f"cost {self.cost:,.4f}"
        return (
            f"{self.stage}: {self.requests:,} requests ({self.answered:,} answered, {failed}, "
            f"{self.open:,} open), {total.calls:,} paid calls, {total.prompt_tokens:,} prompt and "
            f"{total.completion_tokens:,} completion tokens, {cost}"
            + (f"; asked as the server wants it: {told(self.bends)}" if self.bends else "")
        )


def spending_frame(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Return spending, as :meth:`Spending.to_dict` gives it, as a table: one row a stage.

    Examples
    --------
    >>> one = Spending("judge", 2, 2, 0, 0, {}, {"m": Usage(9, 1, 2)}, 0.5)
    >>> spending_frame([one.to_dict()])["calls"].tolist()
    [2]
    """
    rows = []
    for record in records:
        used = record["usage"].values()
        rows.append(
            {
                **{name: record[name] for name in _COUNTS},
                **{name: sum(one[name] for one in used) for name in _TOKENS},
                "cost": math.nan if record["cost"] is None else record["cost"],
            }
        )
    return pd.DataFrame(rows, columns=[*_COUNTS, *_TOKENS, "cost"])


_COUNTS = ("stage", "requests", "answered", "failed", "open")
_TOKENS = ("calls", "prompt_tokens", "completion_tokens")


class Ledger:
    """Counts of requests and replies of a run, by stage.

    Examples
    --------
    >>> ledger = Ledger()
    >>> asked = {"k": Request("m", ({"role": "user", "content": "Hi"},))}
    >>> ledger.add("greeting", asked, {"k": Reply("?", None, reason="unreadable: no JSON")})
    >>> ledger.spending(Budget())[0].failures
    {'unreadable': 1}
    """

    def __init__(self) -> None:
        self._stages: dict[str, _Counts] = {}

    def add(self, stage: str, asked: Mapping[str, Request], replies: Mapping[str, Reply]) -> None:
        """Add requests by key, and the replies that there are, to a stage.

        Each request counts once, and so does its first reply.
        """
        self._stages.setdefault(stage, _Counts()).add(asked, replies)

    def spending(self, budget: Budget) -> list[Spending]:
        """Return what each stage used, at the prices of a budget."""
        return [counts.spent(stage, budget) for stage, counts in self._stages.items()]


class _Counts:
    """Counts of one stage: neither a request nor a reply is held."""

    def __init__(self) -> None:
        self._asked, self._replied = Distinct(), Distinct()
        self._failed = 0
        self._failures: dict[str, int] = {}
        self._usage: dict[str, Usage] = {}
        self._bends: Counter[str] = Counter()

    def add(self, asked: Mapping[str, Request], replies: Mapping[str, Reply]) -> None:
        self._asked.add(list(asked))
        for new, (key, reply) in zip(
            self._replied.add(list(replies)), replies.items(), strict=True
        ):
            if new:
                model = asked[key].model
                self._usage[model] = self._usage.get(model, Usage(calls=0)) + reply.usage
                self._bends.update(reply.form)
                if reply.reason is not None:
                    self._failed += 1
                    # the detail after a colon differs from reply to reply
                    reason = reply.reason.partition(":")[0]
                    self._failures[reason] = self._failures.get(reason, 0) + 1

    def spent(self, stage: str, budget: Budget) -> Spending:
        return Spending(
            stage,
            requests=self._asked.count,
            answered=self._replied.count - self._failed,
            failed=self._failed,
            open=self._asked.count - self._replied.count,
            failures=dict(sorted(self._failures.items())),
            usage=dict(self._usage),
            cost=budget.cost(self._usage),
            bends=dict(sorted(self._bends.items())),
        )
