"""Where work over parts runs: in this process, or on a cluster.

Whatever is too large for one table is a sequence of parts: a file each, or a small description.
A verb says what is done with one of them, as a function that can be pickled and knows nothing
else, and an engine does it with all: results come in the order of the parts, a few at a time. A
part may be worked on again, where its worker died or its connection broke, so that what a
function writes it must write whole or not at all, under a name that the part gives.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from typing import Any, Generic, Literal, Protocol, TypeVar, get_args, runtime_checkable

from workbench.errors import ConfigError, PartError, WorkbenchError, refuse_out_of_range, whole

P = TypeVar("P")
R = TypeVar("R")
T = TypeVar("T")
Name = Literal["local", "ray"]

_TRIES = 3
_AHEAD = 4
"""Parts begun whose results wait for an earlier part, for each worker."""


@runtime_checkable
class Engine(Protocol):
    """What does the same work with each of many parts."""

    @property
    def name(self) -> str:
        """How ``--engine`` calls it."""

    def map(self, work: Callable[[P], R], parts: Iterable[P]) -> Iterator[R]:
        """Yield what ``work`` makes of each part, in order.

        Parameters
        ----------
        work : callable
            A pure function of one part that can be pickled.
        parts : iterable
            Taken a few at a time, so that it may be long.

        Raises
        ------
        PartError
            A part failed three times.
        WorkbenchError
            What ``work`` raised, with the part named; it would be the same the next time.
        """

    def map_with(
        self, setup: Callable[[], T], work: Callable[[T, P], R], parts: Iterable[P], gpus: float = 0
    ) -> Iterator[R]:
        """Yield what ``work`` makes of each part with what ``setup`` makes once a worker.

        Parameters
        ----------
        setup : callable
            Makes what costs much and is used again, such as a model that is loaded.
        work : callable
            Of what was set up, and of a part.
        parts : iterable
        gpus : float
            Of a worker; ``work`` here uses what there is.

        Raises
        ------
        PartError
        WorkbenchError
        """


@dataclass(frozen=True)
class Local:
    """Work in this process: one part after another, or on threads.

    Threads are of use where a part is numpy's or Arrow's work, which lets others run meanwhile.

    Attributes
    ----------
    workers : int
        Threads; at 1, a part is begun when its result is asked for.

    Examples
    --------
    >>> list(Local().map(len, ["a", "bc"]))
    [1, 2]
    """

    workers: int = 1
    name = "local"

    def __post_init__(self) -> None:
        _refuse_workers(self.workers)

    def map(self, work: Callable[[P], R], parts: Iterable[P]) -> Iterator[R]:
        """Yield what ``work`` makes of each part, in order (:meth:`Engine.map`)."""
        if self.workers == 1:
            yield from _in_order(lambda part: _now(work, part), parts, 1, ahead=1)
            return
        pool = ThreadPoolExecutor(self.workers, "part")
        try:
            yield from _in_order(lambda part: pool.submit(work, part), parts, self.workers)
        finally:
            pool.shutdown(cancel_futures=True)

    def map_with(
        self, setup: Callable[[], T], work: Callable[[T, P], R], parts: Iterable[P], gpus: float = 0
    ) -> Iterator[R]:
        """Yield what ``work`` makes of each part (:meth:`Engine.map_with`), one at a time."""
        made = setup()
        yield from Local().map(lambda part: work(made, part), parts)


@dataclass(frozen=True)
class Ray:
    """Work on a Ray cluster: a task for each part.

    Attributes
    ----------
    address : str, optional
        Of the cluster's head; the one that the environment names (``RAY_ADDRESS``), or a
        cluster on this machine that ends with this process.
    workers : int, optional
        Parts that are worked on at a time, one processor each; as many as there are processors.

    Raises
    ------
    ConfigError
        When used: Ray is not installed, the cluster does not answer, or it has no GPU.
    """

    address: str | None = None
    workers: int | None = None
    name = "ray"

    def __post_init__(self) -> None:
        if self.workers is not None:
            _refuse_workers(self.workers)

    def map(self, work: Callable[[P], R], parts: Iterable[P]) -> Iterator[R]:
        """Yield what ``work`` makes of each part, in order (:meth:`Engine.map`)."""
        ray, workers = self._started()
        task = ray.remote(num_cpus=1, max_retries=0)(_apply)
        function = ray.put(work)
        with _followed(ray) as follow:
            yield from _in_order(lambda p: follow(task.remote(function, p)), parts, workers)

    def map_with(
        self, setup: Callable[[], T], work: Callable[[T, P], R], parts: Iterable[P], gpus: float = 0
    ) -> Iterator[R]:
        """Yield what ``work`` makes of each part (:meth:`Engine.map_with`), an actor a worker."""
        ray, workers = self._started(gpus)
        # one that dies is set up again, on another machine where its own is gone
        kind = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=-1, max_task_retries=0)(_Actor)
        actors = [kind.remote(setup, work) for _ in range(workers)]
        idle = SimpleQueue[Any]()
        for actor in actors:
            idle.put(actor)

        def submit(part: P) -> Future[R]:
            actor = idle.get()
            future = follow(actor.apply.remote(part))
            future.add_done_callback(lambda _: idle.put(actor))
            return future

        try:
            with _followed(ray) as follow:
                yield from _in_order(submit, parts, workers)
        finally:
            for actor in actors:
                ray.kill(actor)

    def _started(self, gpus: float = 0) -> tuple[Any, int]:
        """Return Ray, connected, and how many parts are worked on at a time."""
        try:
            import ray
        except ImportError:
            raise ConfigError(
                "Ray is not installed.",
                expected="the extra cluster",
                fix="pip install 'preference-workbench[cluster]', here and on every machine.",
            ) from None
        address = self.address or os.environ.get("RAY_ADDRESS") or "local"
        if not ray.is_initialized():
            _connect(ray, address, self.workers)
        there = ray.cluster_resources()
        if gpus > there.get("GPU", 0):
            raise ConfigError(
                "The cluster has no GPU for this work.",
                where=address,
                found=f"{there.get('GPU', 0):g} GPUs",
                expected=f"{gpus:g} for each worker",
                fix="Add a machine with one: `ray start --address=HEAD:6379 --num-gpus=1`.",
            )
        seats = there["CPU"] if not gpus else min(there["CPU"], there["GPU"] / gpus)
        return ray, self.workers or max(int(seats), 1)


def engine_of(
    name: Name | str = "local", address: str | None = None, workers: int | None = None
) -> Engine:
    """Return the engine of a name.

    Parameters
    ----------
    name : {"local", "ray"}
    address : str, optional
        Of a cluster.
    workers : int, optional
        Parts that are worked on at a time.

    Raises
    ------
    ConfigError
        Another name, or the address of a cluster for work that stays here.
    DesignError
        Fewer than one worker.

    Examples
    --------
    >>> engine_of("local", workers=2)
    Local(workers=2)
    >>> engine_of("ray", "10.0.0.5:6379", 64)
    Ray(address='10.0.0.5:6379', workers=64)
    """
    if name == "ray":
        return Ray(address, workers)
    if name == "local" and address is None:
        return Local(1 if workers is None else workers)
    raise ConfigError(
        "This engine is not known." if address is None else "Only a cluster has an address.",
        found=name if address is None else f"{name}, {address}",
        expected="one of " + ", ".join(get_args(Name)),
        fix="Choose the engine ray for an address.",
    )


def _refuse_workers(workers: int) -> None:
    refuse_out_of_range({"workers": (whole(workers, 1), workers, "a whole number, 1 or more")})


@dataclass
class _Begun(Generic[P, R]):
    """A part that was begun and has not been handed out."""

    part: P
    tries: int = 0
    future: Future[R] | None = None
    results: tuple[R, ...] = ()
    error: WorkbenchError | None = None

    @property
    def over(self) -> bool:
        return bool(self.results) or self.error is not None

    def settle(self) -> None:
        """Take what came of it; nothing where it is to be tried again."""
        future, self.future = self.future, None
        if future is None:
            return
        error = future.exception()
        if error is None:
            self.results = (future.result(),)
        elif isinstance(error, WorkbenchError):
            self.error = error.of_part(self.part)
        elif self.tries >= _TRIES:
            self.error = PartError(self.part, self.tries, error)
            self.error.__cause__ = error

    def result(self) -> R:
        if self.error is not None:
            raise self.error
        return self.results[0]


def _in_order(
    submit: Callable[[P], Future[R]], parts: Iterable[P], workers: int, ahead: int = _AHEAD
) -> Iterator[R]:
    """Yield the results of parts in order, with ``workers`` of them on the way at a time.

    A part that failed for good is told at its place, and none is begun any more.
    """
    left = iter(parts)
    held: deque[_Begun[P, R]] = deque()
    finished = SimpleQueue[_Begun[P, R]]()

    def begin(one: _Begun[P, R]) -> None:
        one.tries += 1
        one.future = submit(one.part)
        one.future.add_done_callback(lambda _: finished.put(one))

    running, failed = 0, False
    while True:
        room = 0 if failed else min(workers - running, ahead * workers - len(held))
        for part in islice(left, room):
            held.append(_Begun(part))
            running += 1
            begin(held[-1])
        if not held:
            return
        if held[0].over and finished.empty():
            yield held.popleft().result()
            continue
        one = finished.get()
        one.settle()
        if one.over:
            running -= 1
            failed = failed or one.error is not None
        else:
            begin(one)


def _now(work: Callable[[P], R], part: P) -> Future[R]:
    """Return what came of a part, here and at once."""
    future: Future[R] = Future()
    try:
        future.set_result(work(part))
    except Exception as error:
        future.set_exception(error)
    return future


def _apply(work: Callable[[P], R], part: P) -> R:
    return work(part)


class _Actor(Generic[T, P, R]):
    """A worker that keeps what was set up."""

    def __init__(self, setup: Callable[[], T], work: Callable[[T, P], R]) -> None:
        self.made, self.work = setup(), work

    def apply(self, part: P) -> R:
        return self.work(self.made, part)


def _connect(ray: Any, address: str, workers: int | None) -> None:
    own: dict[str, Any] = {}
    if address == "local":
        # a cluster of this process tells nobody that it is used
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        own = {"num_cpus": workers, "include_dashboard": False}
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **own)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigError(
            "The Ray cluster does not answer.",
            where=address,
            found=str(error),
            expected="the address of a head node, such as 10.0.0.5:6379, or auto",
            fix="Start it with `ray start --head --port=6379`, with the same releases of "
            "Python and Ray.",
        ) from None


@contextmanager
def _followed(ray: Any) -> Iterator[Callable[[Any], Future[Any]]]:
    """Give a way to wait for tasks as for futures; those that nobody waits for are ended."""
    running: set[Any] = set()

    def follow(task: Any) -> Future[Any]:
        outcome: Future[Any] = Future()

        def pass_on(done: Future[Any]) -> None:
            running.discard(task)
            error = done.exception()
            if error is None:
                outcome.set_result(done.result())
            else:
                # Ray raises an error of its own kind, which holds the one of the work
                outcome.set_exception(getattr(error, "cause", None) or error)

        running.add(task)
        task.future().add_done_callback(pass_on)
        return outcome

    try:
        yield follow
    finally:
        for task in list(running):
            ray.cancel(task)
