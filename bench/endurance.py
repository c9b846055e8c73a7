"""A judge asked 2,000 times through a server that does everything wrong, killed again and again.

``python -m bench.endurance [SEED]``: one request in ten meets one of all the odd things that
servers do (``tests/every_fault.py``). The command runs once undisturbed; then it is killed 20
times and finds its disk full twice. In the end both must have the same results, byte for byte;
each request the answer or the failure that is due; no call may be paid for twice but those on
the way when the run was disturbed; and all calls must be counted but those.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench.kills import ROOT, digests
from tests.every_fault import FINE, KINDS, FaultyServer
from tests.odd_server import running
from workbench.annotate.folder import RunFolder
from workbench.data.store import open_folder
from workbench.llm.reply import Reply

MODEL = "m"
KILLS, DISKS, PAIRS, SHARE = 20, 2, 1000, 0.1
AT_ONCE, ATTEMPTS, TIMEOUT_S = 16, 3, 4.0
_DISK_MIB = 96
_WAIT_S = 180.0
_LOOK_S = 0.005


@dataclass
class Course:
    """How a run went.

    Attributes
    ----------
    folder : RunFolder
    met : int
        Kills that found it at work.
    calls, paid, twice : int
        What the server counted; the answers that were paid for more than once.
    seconds, wrote_s : float
        Of the whole, and of what came after the last call.
    wrong : list of str
        What should not have happened.
    """

    folder: RunFolder
    code: int = -1
    met: int = 0
    calls: int = 0
    paid: int = 0
    twice: int = 0
    seconds: float = 0.0
    wrote_s: float = 0.0
    wrong: list[str] = field(default_factory=list)


def start(server: FaultyServer, out: Path, pairs: int) -> subprocess.Popen[bytes]:
    """Begin a run, or take it up."""
    words = ["resume", str(out)]
    if not (out / "run.toml").exists():
        limits = {"pairs": pairs, "concurrency": AT_ONCE, "attempts": ATTEMPTS,
                  "timeout-s": TIMEOUT_S, "max-failed": 0.5}  # fmt: skip
        flags = [part for name, value in limits.items() for part in (f"--{name}", str(value))]
        words = ["judge", "sample", "--model", MODEL, "--base-url", server.url, *flags]
        words += ["--out", str(out)]
    # the time of day stands in what is written
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SOURCE_DATE_EPOCH": "0"}
    return subprocess.Popen(
        [sys.executable, "-m", "workbench.cli", *words, "--quiet"],
        env={**environment, "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def undisturbed(server: FaultyServer, out: Path, pairs: int) -> Course:
    """Let a run come to its end."""
    course = Course(RunFolder(out))
    begun = time.monotonic()
    process = start(server, out, pairs)
    calls, last = 0, begun
    while process.poll() is None:
        time.sleep(_LOOK_S)
        if server.calls > calls:
            calls, last = server.calls, time.monotonic()
    course.wrote_s = time.monotonic() - last
    _ended(course, process, server)
    course.seconds = time.monotonic() - begun
    return course


def disturbed(
    server: FaultyServer, out: Path, pairs: int, kills: int, disks: int, seed: int, alone: Course
) -> Course:
    """Kill a run at random times, fill its disk at others, and take it up each time."""
    rng, course = random.Random(seed), Course(RunFolder(out))
    n, begun = len(server.seen), time.monotonic()
    server.forget()
    # some of them meet it when all was asked, and the results are written
    events = [(rng.uniform(0.0, 1.1), "kill") for _ in range(kills)]
    events += [(rng.uniform(0.1, 0.9), "disk") for _ in range(disks)]
    for place, event in sorted(events):
        process = start(server, out, pairs)
        _wait_until(process, partial(_has_seen, server, min(place, 1.0) * n))
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0.0, 0.05 if place < 1.0 else alone.wrote_s))
        if process.poll() not in (None, 0) or (place < 1.0 and process.poll() == 0):
            said = process.communicate()[1].decode().strip()
            course.wrong.append(f"it ended by itself with {process.returncode}: {said}")
        elif event == "kill":
            course.met += process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.communicate()
        else:
            course.wrong += _filled(process, out)
    _ended(course, start(server, out, pairs), server)
    course.seconds = time.monotonic() - begun
    return course


def _has_seen(server: FaultyServer, many: float) -> bool:
    return len(server.seen) >= many


def _wait_until(process: subprocess.Popen[bytes], true: Callable[[], bool]) -> None:
    end = time.monotonic() + _WAIT_S
    while not true() and process.poll() is None and time.monotonic() < end:
        time.sleep(_LOOK_S)


def _filled(process: subprocess.Popen[bytes], out: Path) -> list[str]:
    """Fill the disk, hear how the run ends, and make room again; return what is wrong."""
    other = out.parent / "other"
    try:
        with contextlib.suppress(OSError), other.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
        said = process.communicate(timeout=_WAIT_S)[1].decode()
    finally:
        other.unlink()
    fine = process.returncode == 1 and str(out) in said and "No space left" in said
    return [] if fine else [f"on a full disk it ended with {process.returncode}: {said.strip()}"]


def _ended(course: Course, process: subprocess.Popen[bytes], server: FaultyServer) -> None:
    said = process.communicate()[1].decode().strip()
    course.code = process.returncode
    if course.code:
        course.wrong.append(f"it ended with {course.code}: {said}")
    course.calls, course.paid = server.calls, sum(server.paid.values())
    course.twice = sum(times - 1 for times in server.paid.values())


def replies(folder: RunFolder) -> list[tuple[dict[str, Any], Reply]]:
    """Return what was asked, and the reply that counts."""
    found: dict[str, tuple[dict[str, Any], Reply]] = {}
    with contextlib.closing(sqlite3.connect(folder.path / "journal.sqlite")) as journal:
        for table in ("failures", "answers"):
            # one of two names of ours
            rows = journal.execute(f"SELECT key, asked, reply FROM {table} ORDER BY rowid")  # noqa: S608
            for key, asked, reply in rows:
                found[key] = json.loads(asked), Reply.from_dict(json.loads(reply))
    return list(found.values())


def unlike(course: Course, server: FaultyServer) -> list[str]:
    """Return what is wrong with the replies, the labels and the counts of a run."""
    wrong, failed = [], 0
    asked = replies(course.folder)
    for body, reply in asked:
        kind = server.kind(body)
        due = KINDS.get(kind or "", FINE).fails
        failed += reply.failed
        if (due is None) == reply.failed or (due or "") not in (reply.reason or ""):
            wrong.append(f"{kind}: {reply.reason} in the place of {due}")
    if not (course.folder.results / "data").is_dir():
        return [*wrong, "there are no results"]
    labels = open_folder(course.folder.results / "data").labels
    mine = labels[labels["annotator"] == MODEL]
    lost = mine["preference"].isna()
    told = len(mine), int((mine["reason"][lost] == "failed").sum()), int(lost.sum())
    if told != (len(asked), failed, failed):
        wrong.append(f"{told} labels, failed, lost; {len(asked)} asked, {failed} failed")
    return wrong


def counted(course: Course) -> int:
    """Return the calls that a run says it made."""
    with course.folder.journal() as journal:
        return sum(used.calls for used in journal.used().values())


def by_kind(course: Course, server: FaultyServer) -> Iterator[str]:
    """Yield a line for each odd thing: requests that met it first, and what became of them."""
    met: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    words: dict[str, str] = {}
    for body, reply in replies(course.folder):
        kind = server.kind(body) or "none"
        met[kind] += 1
        failed[kind] += reply.failed
        if reply.failed:
            words[kind] = str(reply.reason)[:70]
    yield f"{'met first':22}{'requests':>9}{'answered':>9}{'failed':>7}  such as"
    for kind in ("none", *KINDS):
        line = f"{kind:22}{met[kind]:9}{met[kind] - failed[kind]:9}{failed[kind]:7}"
        yield f"{line}  {words.get(kind, '')}".rstrip()


def verdict(alone: Course, then: Course, disturbances: int, server: FaultyServer) -> list[str]:
    """Return what does not hold; prints the counts."""
    wrong = [f"alone: {one}" for one in (*alone.wrong, *unlike(alone, server))]
    wrong += [f"disturbed: {one}" for one in (*then.wrong, *unlike(then, server))]
    first, last = digests(alone.folder.path), digests(then.folder.path)
    differ = sorted(name for name in {*first, *last} if first.get(name) != last.get(name))
    wrong += [f"other bytes: {name}" for name in differ]
    own, all_calls = counted(alone), counted(then)
    lost, most = then.calls - all_calls, disturbances * AT_ONCE
    rows = {"alone": (alone, own), "disturbed": (then, all_calls)}
    print(f"{'':10}{'seconds':>8}{'calls':>7}{'counted':>8}{'paid':>6}{'twice':>6}{'exit':>5}")
    for name, (run, calls) in rows.items():
        row = f"{run.calls:7}{calls:8}{run.paid:6}{run.twice:6}{run.code:5}"
        print(f"{name:10}{run.seconds:8.1f}{row}")
    print(f"{len(first)} files, {len(differ)} of them differ; at most {most} answers paid twice")
    if own != alone.calls or alone.twice:
        wrong.append(f"alone: {alone.calls} calls, {own} counted; {alone.twice} paid twice")
    if not 0 <= then.twice <= most:
        wrong.append(f"{then.twice} answers were paid for twice: more than {most}")
    # of a request on the way the earlier attempts are lost too, those with its first seed as well
    if not 0 <= lost <= most * 2 * (ATTEMPTS + 1):
        wrong.append(f"{lost} calls were not counted")
    return wrong


@contextlib.contextmanager
def small_disk(place: Path) -> Iterator[bool]:
    """Mount a small disk; gives whether that is allowed here."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_MIB}m", "tmpfs", str(place)]
    mounted = (
        shutil.which("mount") is not None
        and not subprocess.run(command, capture_output=True, check=False).returncode
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(place)], check=True)  # noqa: S607


def main(seed: int, pairs: int = PAIRS, kills: int = KILLS) -> list[str]:
    server = FaultyServer(SHARE, str(seed), latency_s=0.02)
    with tempfile.TemporaryDirectory() as folder, running(server):
        place = Path(folder)
        (place / "alone").mkdir()
        alone = undisturbed(server, place / "alone" / "x", pairs)
        print("\n".join(by_kind(alone, server)), flush=True)
        with small_disk(place / "disk") as mounted:
            disks = DISKS if mounted else 0
            then = disturbed(server, place / "disk" / "x", pairs, kills, disks, seed, alone)
            print(f"seed {seed}: {kills} kills, {then.met} of them at work; {disks} full disks"
                  + ("" if mounted else ": mounting a small disk is not allowed here"))  # fmt: skip
            wrong = verdict(alone, then, kills + disks, server)
    for one in wrong:
        print(f"wrong: {one}")
    return wrong


if __name__ == "__main__":
    sys.exit(bool(main(int(sys.argv[1]) if sys.argv[1:] else 1)))
