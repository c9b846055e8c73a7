"""One budget that several processes spend: each leases a part before it spends it."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from workbench.llm.budget import Amount, Budget, Price
from workbench.llm.journal import write_ahead
from workbench.llm.reply import Usage

_TABLE = """
CREATE TABLE IF NOT EXISTS leases (
  name TEXT NOT NULL UNIQUE, held INTEGER NOT NULL,
  calls REAL NOT NULL, tokens REAL NOT NULL, cost REAL NOT NULL
)
"""
"""What each process may spend in all, or has spent where it holds its lease no more."""

_WAIT_S = 60.0
_SHARE = 4
"""A lease grows by this part of a process's even share of what is left, so that little of it
stands idle with one while another one ends for the lack of it."""

Left = Callable[[str], Amount | None]
"""Returns what a process spent that is gone without a word; None where it is at work."""


class Leases:
    """What each of several processes may spend, in an SQLite file that they share.

    Parameters
    ----------
    path : Path
    name : str
        Of this process's share of the work.
    of : int
        How many processes there are.
    left : callable
        Returns what the process of another share spent, where it is gone; None where it is
        at work. Its lease counts no more then, and what it spent does.

    Examples
    --------
    >>> import tempfile
    >>> nobody = lambda name: None
    >>> most, none = Amount(calls=10.0), Amount()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "leases.sqlite"
    ...     one, two = (Leases(file, name, 2, nobody) for name in "ab")
    ...     one.take(none), two.take(none)
    ...     one.extend(Amount(calls=8.0), most, none).calls
    ...     two.extend(Amount(calls=3.0), most, none)
    ...     one.give_back(Amount(calls=6.0))
    ...     two.extend(Amount(calls=3.0), most, none).calls
    (None, None)
    8.0
    3.0
    """

    def __init__(self, path: Path, name: str, of: int, left: Left) -> None:
        self._path, self._name, self._of, self._left = path, name, of, left

    def take(self, spent: Amount) -> None:
        """Hold a lease of what this share has spent, and no more."""
        self._set(True, spent)

    def give_back(self, spent: Amount) -> None:
        """Give back all but what was spent."""
        self._set(False, spent)

    def extend(self, wanted: Amount, limits: Amount, before: Amount) -> Amount | None:
        """Return a lease that holds what is wanted, or None where a limit would be crossed.

        Parameters
        ----------
        wanted : Amount
            What this share is going to have spent in all.
        limits : Amount
            Of all together; infinite where there is none.
        before : Amount
            What was spent outside of all shares.
        """
        with closing(self._connection()) as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            rows = self._rows(connection)
            more = self._more(rows, wanted, limits, before)
            if more is None and self._settle(connection, rows):
                more = self._more(rows, wanted, limits, before)
            if more is None:
                return None
            held = Amount(*(has + one for has, one in zip(rows[self._name], more, strict=True)))
            self._write(connection, self._name, True, held)
        return held

    def _more(
        self, rows: Mapping[str, Amount], wanted: Amount, limits: Amount, before: Amount
    ) -> list[float] | None:
        """Return what is added to the lease; None where too little is left."""
        more = []
        for k, limit in enumerate(limits):
            needed = max(wanted[k] - rows[self._name][k], 0.0)
            left = limit - before[k] - sum(row[k] for row in rows.values())
            if needed > left:
                return None
            share = left / (_SHARE * self._of)
            # calls come whole
            more.append(max(needed, share if k else share // 1) if math.isfinite(limit) else 0.0)
        return more

    def _settle(self, connection: sqlite3.Connection, rows: dict[str, Amount]) -> bool:
        """Let go of leases whose holders are gone; False where there is none."""
        query = "SELECT name FROM leases WHERE held AND name <> ?"
        names = [name for (name,) in connection.execute(query, (self._name,))]
        gone = {name: spent for name in names if (spent := self._left(name)) is not None}
        for name, spent in gone.items():
            self._write(connection, name, False, spent)
        rows |= gone
        return bool(gone)

    def _rows(self, connection: sqlite3.Connection) -> dict[str, Amount]:
        query = "SELECT name, calls, tokens, cost FROM leases"
        return {name: Amount(*row) for name, *row in connection.execute(query)}

    def _set(self, held: bool, spent: Amount) -> None:
        with closing(self._connection()) as connection, connection:
            self._write(connection, self._name, held, spent)

    @staticmethod
    def _write(connection: sqlite3.Connection, name: str, held: bool, amount: Amount) -> None:
        query = "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?)"
        connection.execute(query, (name, held, *amount))

    def _connection(self) -> sqlite3.Connection:
        # anew each time: a lease is extended seldom, and by whatever thread asks
        connection = sqlite3.connect(self._path, timeout=_WAIT_S)
        write_ahead(connection)
        connection.execute(_TABLE)
        return connection


class LeasedBudget(Budget):
    """The budget of one of several processes that share one.

    Its limits are those of its lease, which grows as long as the limits of all together hold.

    Parameters
    ----------
    limits : Budget
        Prices and limits of all together.
    spent : mapping of str to Usage
        By model: what this share spent before.
    before : mapping of str to Usage
        What was spent outside of all shares.
    leases : Leases
    """

    def __init__(
        self,
        limits: Budget,
        spent: Mapping[str, Usage],
        before: Mapping[str, Usage],
        leases: Leases,
    ) -> None:
        super().__init__(
            limits.prices, limits.max_cost, limits.max_calls, limits.max_tokens, dict(spent)
        )
        self._limits, self._before = limits.limits(), amount_of(before, limits.prices)
        self._leases, self._held = leases, amount_of(spent, limits.prices)
        leases.take(self._held)

    def limits(self) -> Amount:
        """Return what the lease holds, infinite where there is no limit."""
        both = zip(self._held, self._limits, strict=True)
        return Amount(*(held if math.isfinite(most) else most for held, most in both))

    def crossed(self, wanted: Amount) -> bool:
        """Return whether so much in all may not be spent; the lease grows where it may."""
        if not super().crossed(wanted):
            return False
        held = self._leases.extend(wanted, self._limits, self._before)
        self._held = held or self._held
        return held is None

    def give_back(self) -> None:
        """Give back what was leased and not spent."""
        self._leases.give_back(amount_of(self.spent, self.prices))


def amount_of(spent: Mapping[str, Usage], prices: Mapping[str, Price]) -> Amount:
    """Return what was spent, as limits count it.

    Parameters
    ----------
    spent : mapping of str to Usage
        By model.
    prices : mapping of str to Price
        By model; what has no price costs nothing here: a limit on cost needs all of them.

    Examples
    --------
    >>> amount_of({"m": Usage(5, 1, 2)}, {})
    Amount(calls=2.0, tokens=6.0, cost=0.0)
    """
    return Amount(
        float(sum(one.calls for one in spent.values())),
        float(sum(one.prompt_tokens + one.completion_tokens for one in spent.values())),
        math.fsum(prices[model].of(one) for model, one in spent.items() if model in prices),
    )
