"""Work on a Ray cluster; nothing else of the workbench knows Ray."""

from __future__ import annotations

import logging
import os
import platform
import socket
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from workbench.engine.in_order import in_order, refuse_workers
from workbench.errors import ConfigError

P = TypeVar("P")
R = TypeVar("R")
T = TypeVar("T")


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
            refuse_workers(self.workers)

    def map(self, work: Callable[[P], R], parts: Iterable[P]) -> Iterator[R]:
        """Yield what ``work`` makes of each part, in order (:meth:`Engine.map`)."""
        ray, seats, _ = self._started()
        workers = self.workers or seats
        task = ray.remote(num_cpus=1, max_retries=0)(_apply)
        # once, and not with each part
        told = _release(), ray.put(work)
        with _followed(ray) as follow:
            yield from in_order(lambda part: follow(task.remote(*told, part)), parts, workers)

    def map_with(
        self,
        setup: Callable[[], T],
        work: Callable[[T, P], R],
        parts: Iterable[P],
        gpus: float | None = 0,
    ) -> Iterator[R]:
        """Yield what ``work`` makes of each part (:meth:`Engine.map_with`), an actor a worker."""
        ray, seats, gpus = self._started(gpus)
        # a part would wait for an actor without a place for ever
        workers = min(self.workers or seats, seats)
        # one that dies is set up again, on another machine where its own is gone
        kind = ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=-1, max_task_retries=0)(_Actor)
        actors = [kind.remote(_release(), setup, work) for _ in range(workers)]
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
                yield from in_order(submit, parts, workers)
        finally:
            for actor in actors:
                ray.kill(actor)

    def _started(self, gpus: float | None = 0) -> tuple[Any, int, float]:
        """Return Ray, connected, for how many workers it has processors and GPUs, and of these."""
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
        if gpus is None:
            gpus = 1 if there.get("GPU", 0) >= 1 else 0
        if gpus > there.get("GPU", 0):
            raise ConfigError(
                "The cluster has no GPU for this work.",
                where=address,
                found=f"{there.get('GPU', 0):g} GPUs",
                expected=f"{gpus:g} for each worker",
                fix="Add a machine with one: `ray start --address=HEAD:6379 --num-gpus=1`.",
            )
        seats = there["CPU"] if not gpus else min(there["CPU"], there["GPU"] / gpus)
        return ray, max(int(seats), 1), gpus


def _apply(release: str, work: Callable[[P], R], part: P) -> R:
    _refuse_other(release)
    return work(part)


def _refuse_other(release: str) -> None:
    """Refuse to work here for a workbench of another release: its numbers may differ."""
    if release != (here := _release()):
        raise ConfigError(
            "A machine of the cluster has another release of the workbench.",
            where=platform.node(),
            found=here,
            expected=release,
            fix="Install the same release on every machine.",
        )


@cache
def _release() -> str:
    return version("preference-workbench")


class _Actor(Generic[T, P, R]):
    """A worker that keeps what was set up."""

    def __init__(self, release: str, setup: Callable[[], T], work: Callable[[T, P], R]) -> None:
        self.release, self.setup, self.work = release, setup, work
        self.made: list[T] = []

    def apply(self, part: P) -> R:
        # here, and not when the actor starts: what the setup refuses is told as itself
        if not self.made:
            _refuse_other(self.release)
            self.made.append(self.setup())
        return self.work(self.made[0], part)


def _connect(ray: Any, address: str, workers: int | None) -> None:
    own: dict[str, Any] = {}
    if address == "local":
        # a cluster of this process tells nobody that it is used
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        own = {"num_cpus": workers, "include_dashboard": False}
    try:
        _knock(address)
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR, **own)
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigError(
            "The Ray cluster does not answer.",
            where=address,
            found=str(error),
            expected="the address of a head node, such as 10.0.0.5:6379, or auto",
            fix="Start it with `ray start --head --port=6379`, with the same releases of Python "
            "and Ray; where it wants a token, set RAY_AUTH_MODE=token here too.",
        ) from None


def _knock(address: str) -> None:
    """Raise OSError where nobody listens: Ray itself waits for minutes."""
    host, _, port = address.rpartition(":")
    if host and "/" not in host and port.isdecimal():
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


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
