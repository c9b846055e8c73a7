"""The shards of a run: processes that divide its requests, and share its folder and its budget."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from workbench.errors import ConfigError
from workbench.json_values import to_json
from workbench.llm.budget import Amount, Budget, Price
from workbench.llm.journal import Journal
from workbench.llm.shards.journals import JoinedJournal, ShardJournal, take_over
from workbench.llm.shards.leases import LeasedBudget, Leases, amount_of
from workbench.shard import Shard
from workbench.whole_file import write_text

_LOOK_S, _LOOKS_S = 0.05, 0.5
_JOINING_S = 600.0
"""How long a shard waits while another process writes what all of them found."""

_ENDS = ("failed", "stopped", "finished")
"""States in which a run ended, the one that is told of several first."""


class Shards:
    """What the shards of a run keep until they are joined: a folder in that of the run.

    Of each there is a journal, a lock that dies with its process, and how far it is.

    Parameters
    ----------
    run : Path
        Folder of the run.

    Examples
    --------
    >>> Shards(Path("nowhere")).at_work()
    []
    """

    def __init__(self, run: Path) -> None:
        self.path, self._main = run / "shards", run / "journal.sqlite"

    @property
    def there(self) -> bool:
        """Whether shards have kept something that is not joined yet."""
        return self.path.is_dir()

    def at_work(self, sure: bool = False) -> list[str]:
        """Return the names of the shards that a process works on.

        Parameters
        ----------
        sure : bool
            Wait for those who only look, as this does: they hold a lock for a moment, too.
        """
        wait = _LOOKS_S if sure else 0.0
        return [file.stem for file in sorted(self.path.glob("*.lock")) if _is_held(file, wait)]

    def journal(self) -> Journal:
        """Open the run's journal, which finds what shards have kept, too."""
        return JoinedJournal(self._main, self._journals) if self.there else Journal(self._main)

    def _journals(self) -> list[Path]:
        return sorted(self.path.glob("*-of-*.sqlite"))

    def journal_of(self, shard: Shard) -> ShardJournal:
        """Open the journal of a shard, which finds what is kept anywhere in the run."""
        own = self._file(str(shard))
        Journal(self._main).close()
        return ShardJournal(
            own, lambda: [self._main, *(one for one in self._journals() if one != own)]
        )

    @contextmanager
    def budget(self, shard: Shard, journal: ShardJournal, limits: Budget) -> Iterator[Budget]:
        """Lease a shard its part of a budget, and give back what it did not spend.

        Parameters
        ----------
        shard : Shard
            Whose lock is held.
        journal : ShardJournal
            Its own.
        limits : Budget
            Prices and limits of the whole run.
        """

        def left(name: str) -> Amount | None:
            return self._left(name, limits.prices)

        with Journal(self._main) as main:
            before = main.used()
        leases = Leases(self.path / "leases.sqlite", str(shard), shard.of, left)
        budget = LeasedBudget(limits, journal.own(), before, leases)
        try:
            yield budget
        finally:
            budget.give_back()

    def _left(self, name: str, prices: Mapping[str, Price]) -> Amount | None:
        """Return what a shard spent whose process is gone; None where it is at work."""
        try:
            with FileLock(self.path / f"{name}.lock", timeout=0):
                if not self._file(name).is_file():
                    return Amount()
                with ShardJournal(self._file(name), lambda: ()) as journal:
                    return amount_of(journal.own(), prices)
        except Timeout:
            return None

    def _file(self, name: str) -> Path:
        return self.path / f"{name}.sqlite"

    @contextmanager
    def taking_part(self, shard: Shard, run_lock: FileLock) -> Iterator[None]:
        """Hold a shard: one process at a time works on it, and all divide the run alike.

        Parameters
        ----------
        shard : Shard
        run_lock : FileLock
            Of the run as a whole: held, and let go once the shard is.

        Raises
        ------
        ConfigError
            A process works on it, or others divide the run otherwise.
        """
        lock = FileLock(self.path / f"{shard}.lock", timeout=_LOOKS_S)
        try:
            alike = f"-of-{shard.of:04d}"
            others = [one for one in self.at_work(True) if not one.endswith(alike)]
            if others:
                raise _in_the_way("The run is divided otherwise.", others, f"shards {alike[1:]}")
            self.path.mkdir(exist_ok=True)
            lock.acquire()
        except Timeout:
            raise _in_the_way(
                "The shard is under way in another process.", [str(shard)], "a shard that is free"
            ) from None
        finally:
            run_lock.release()
        try:
            yield
        finally:
            lock.release()

    def refuse_at_work(self) -> None:
        """Refuse to work on the whole run while shards are at work."""
        names = self.at_work(True)
        if names:
            raise _in_the_way("Shards of the run are under way.", names, "a run that is let alone")

    def join(self) -> None:
        """Take what the shards have kept over into the run's journal; nobody works on them."""
        if not self.there:
            return
        with Journal(self._main) as journal:
            for path in self._journals():
                take_over(journal, path)
        for pattern in ("leases.sqlite*", "*.lock", "*.json"):
            for path in self.path.glob(pattern):
                path.unlink()
        # what was damaged stays
        with suppress(OSError):
            self.path.rmdir()

    def write_progress(self, shard: Shard, record: Mapping[str, Any]) -> None:
        """Say how far a shard is."""
        text = to_json({**record, "updated": time.time()})
        write_text(self.path / f"{shard}.json", text)

    def record(self, whole: Mapping[str, Any]) -> dict[str, Any]:
        """Return how far all shards are together, in the form in which a run tells it.

        Parameters
        ----------
        whole : mapping
            What the run told before it was divided.
        """
        records = [_read(path) for path in sorted(self.path.glob("*.json"))]
        records = [one for one in records if one]
        if not records:
            return dict(whole)
        names = self.at_work()
        states = [one["state"] for one in records]
        # a shard that says that it runs, and does not, was killed
        state = next((one for one in _ENDS if one in states), "running")
        said = dict.fromkeys(str(one.get("message", "")) for one in records)
        return {
            "state": "running" if names or "running" in states else state,
            "message": " ".join(filter(None, said)),
            "pid": None,
            "started": min(one["started"] for one in records),
            "updated": max(one["updated"] for one in records),
            "stages": _together([one["stages"] for one in records], _spent_before(whole)),
        }

    def processes(self) -> list[int]:
        """Return the ids of the processes that work on shards."""
        found = [_read(self.path / f"{name}.json").get("pid") for name in self.at_work()]
        return [one for one in found if one is not None]


def waiting(lock: FileLock, under_way: Callable[[], bool]) -> FileLock:
    """Return a lock of a run once it is held, or at once where the whole run is under way.

    Parameters
    ----------
    lock : FileLock
    under_way : callable
        Whether a process works on the whole run; others that hold its lock soon let go.

    Raises
    ------
    Timeout
        It is held.
    """
    give_up = time.monotonic() + _JOINING_S
    while True:
        try:
            lock.acquire()
        except Timeout:
            if under_way() or time.monotonic() > give_up:
                raise
            time.sleep(_LOOK_S)
        else:
            return lock


_ADD_UP = (
    "requests", "kept", "answered", "failed", "open", "attempts", "limit",
    "calls", "prompt_tokens", "completion_tokens", "cost",
)  # fmt: skip
_SPENT = ("calls", "prompt_tokens", "completion_tokens", "cost")


def _together(
    stages: Sequence[Mapping[str, Mapping[str, Any]]], before: Mapping[str, float]
) -> dict[str, dict[str, Any]]:
    """Return the stages of several shards as those of one run."""
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(name for some in stages for name in some):
        parts = [some[name] for some in stages if name in some]
        sums = {
            # a price that is not known, or a pace that a model has not, is none for all
            k: None if None in (all_k := [p[k] for p in parts]) else sum(all_k) + before.get(k, 0)
            for k in _ADD_UP
        }
        stopped = next((p["stopped"] for p in parts if p["stopped"]), None)
        seconds = max(p["seconds"] for p in parts)
        found[name] = {"stage": name, **sums, "seconds": seconds, "stopped": stopped}
    return found


def _spent_before(whole: Mapping[str, Any]) -> dict[str, float]:
    stages = list(whole.get("stages", {}).values())
    return {name: stages[-1].get(name) or 0 for name in _SPENT} if stages else {}


def _read(path: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _is_held(file: Path, wait: float) -> bool:
    try:
        with FileLock(file, timeout=wait):
            return False
    except Timeout:
        return True


def _in_the_way(what: str, names: Sequence[str], expected: str) -> ConfigError:
    return ConfigError(
        what,
        found=f"at work: {', '.join(names)}",
        expected=expected,
        fix="Wait for them, or end them: Ctrl-C there, or Cancel on the Annotate page.",
    )
