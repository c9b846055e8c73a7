"""Annotation runs as processes of their own: start, watch and cancel them."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.annotate.folder import RunFolder
from workbench.errors import ConfigError

STAGE_COLUMNS = (
    "stage", "requests", "done", "kept", "answered", "failed", "open",
    "attempts", "per_second", "seconds_left",
)  # fmt: skip


@dataclass(frozen=True)
class Status:
    """How a run stands, as its folder tells.

    Attributes
    ----------
    state : str
        ``new``, ``running``, ``finished``, ``stopped``, ``failed``, or ``ended``: it said
        that it runs, and no process does (it was killed; it can be taken up).
    message : str
        Why it stopped or failed.
    stages : DataFrame
        Columns :data:`STAGE_COLUMNS`: requests of each stage that began, those that have a
        reply, and the rate of replies that were asked for now.
    cost : float
        NaN where a price is not known.
    prompt_tokens, completion_tokens : int
    calls : float
        That were sent, over the whole run; NaN where an earlier version did not write it.
    started, updated : float
        Seconds since 1970; NaN before a run says something.
    """

    state: str
    message: str
    stages: pd.DataFrame
    cost: float
    prompt_tokens: int
    completion_tokens: int
    calls: float = math.nan
    started: float = math.nan
    updated: float = math.nan


def status(folder: RunFolder) -> Status:
    """Return how a run stands.

    Examples
    --------
    >>> status(RunFolder(Path("nowhere"))).state
    'new'
    """
    record = folder.progress()
    state = record.get("state", "new")
    if state == "running" and not folder.running:
        state = "ended"
    stages = list(record.get("stages", {}).values())
    last: dict[str, Any] = stages[-1] if stages else {}
    cost = last.get("cost")
    return Status(
        state,
        record.get("message", ""),
        pd.DataFrame([_row(stage) for stage in stages], columns=STAGE_COLUMNS),
        math.nan if cost is None else cost,
        last.get("prompt_tokens", 0),
        last.get("completion_tokens", 0),
        last.get("calls", math.nan),
        record.get("started", math.nan),
        record.get("updated", math.nan),
    )


def _row(stage: dict[str, Any]) -> dict[str, Any]:
    fresh = stage["answered"] + stage["failed"]
    rate = fresh / stage["seconds"] if stage["seconds"] > 0 and fresh else math.nan
    done = stage["requests"] - stage["open"]
    return {
        **{name: stage[name] for name in STAGE_COLUMNS if name in stage},
        "done": done,
        "per_second": rate,
        "seconds_left": stage["open"] / rate if rate > 0 else math.nan,
    }


def runs_in(root: Path, task: str | None = None) -> list[RunFolder]:
    """Return the runs under a folder, the latest first.

    Parameters
    ----------
    root : Path
    task : str, optional
        Only runs of this task, and of them only those that this version can read.
    """
    found = [RunFolder(path.parent) for path in root.glob("*/run.toml")]
    if task is not None:
        found = [run for run in found if _task(run) == task]
    return sorted(found, key=lambda run: (run.path / "run.toml").stat().st_mtime, reverse=True)


def _task(run: RunFolder) -> str | None:
    try:
        return run.config.task
    except ConfigError:
        return None


def start(
    folder: RunFolder, *, retry_failed: bool = False, environment: Mapping[str, str] | None = None
) -> int:
    """Do a run, or what is left of it, in a process of its own, and return its id.

    It outlives the caller. What it prints goes to ``run.log``; its key comes from the
    environment: the caller's own where none is given.

    Raises
    ------
    ConfigError
        There is no run, or it is under way.
    """
    if folder.config and folder.running:
        raise ConfigError(
            "The run is under way already.",
            where=folder.path.name,
            fix="Wait for it, or cancel it.",
        )
    command = [sys.executable, "-m", "workbench.cli", "resume", str(folder.path), "--quiet"]
    command += ["--retry-failed"] if retry_failed else []
    # a fresh start must not look like the end of the last one
    (folder.path / "progress.json").unlink(missing_ok=True)
    with (folder.path / "run.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603 - our own module, a path of ours
            command,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=environment,
        )
    return process.pid


def cancel(folder: RunFolder) -> bool:
    """Ask a run to end; the calls on the way come home first. False where none is under way."""
    pids = folder.processes()
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    return bool(pids)
