"""Calls of a model at a local server: rate beside the ideal and beside the openai client.

Wanted: 90 % of concurrency / latency at 0.5 s; at 50 ms at least 90 % of what the openai
client reaches with its aiohttp transport in the same run; 10,000 kept calls replayed in 3 s;
10,000 batched puts and 50,000 gets a second. A million pending requests, of which a budget lets
a thousand be asked, in at most 300 MiB; an import of replies likewise. Shards: what a journal and
a lease of their own cost a call.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock

from workbench.annotate.shards import Shards
from workbench.llm.asker import Asker, Planner
from workbench.llm.batch import read_batch
from workbench.llm.batches.spooled import SpooledRequests
from workbench.llm.budget import Budget
from workbench.llm.endpoint import Endpoint
from workbench.llm.journal import Journal
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request
from workbench.shard import Shard

ROOT = Path(__file__).resolve().parents[1]
TEXT = "Compare the two responses and say which one serves the user better. " * 20
SCHEMA = {
    "type": "object",
    "properties": {"verdict": {"enum": ["A", "B", "tie"]}},
    "required": ["verdict"],
    "additionalProperties": False,
}


@contextlib.contextmanager
def server(latency_s: float, said: str = '{"verdict": "A"}') -> Iterator[str]:
    """Run the lean server, which always says the same, as a process, and give its address."""
    command = [sys.executable, "-m", "bench.lean_server", str(latency_s), said]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield f"http://127.0.0.1:{int(line)}/v1"
        finally:
            process.terminate()


def requests(n: int, tag: str) -> list[Request]:
    return [
        Request("m", ({"role": "user", "content": f"{tag} {k} {TEXT}"},), schema=SCHEMA)
        for k in range(n)
    ]


def expect(fine: bool) -> None:
    if not fine:
        raise RuntimeError("a call failed: the figures would mean nothing")


def ours(url: str, at_once: int, n: int) -> tuple[float, float]:
    """Return calls a second and CPU milliseconds a call."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Journal(Path(folder) / "j.sqlite") as journal,
        Asker(Endpoint(url, concurrency=at_once), journal) as asker,
    ):
        asker.ask(requests(at_once, "warm"), "warm")
        todo = requests(n, "x")
        start, cpu = time.perf_counter(), time.process_time()
        replies = asker.ask(todo, "timed")
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    expect(all(reply is not None and not reply.failed for reply in replies))
    return n / seconds, 1e3 * cpu / n


def openai_client(url: str, at_once: int, n: int) -> tuple[float, float]:
    """Return the same of the openai client with its aiohttp transport."""
    from openai import AsyncOpenAI, DefaultAioHttpClient

    async def run() -> tuple[float, float]:
        gate = asyncio.Semaphore(at_once)
        async with AsyncOpenAI(
            api_key="none", base_url=url, max_retries=0, http_client=DefaultAioHttpClient()
        ) as client:

            async def call(k: int) -> None:
                async with gate:
                    await client.chat.completions.create(
                        model="m",
                        messages=[{"role": "user", "content": f"{k} {TEXT}"}],
                        temperature=0.0,
                        max_tokens=1024,
                        seed=0,
                    )

            await asyncio.gather(*(call(k) for k in range(at_once)))
            start, cpu = time.perf_counter(), time.process_time()
            await asyncio.gather(*(call(k) for k in range(n)))
            return n / (time.perf_counter() - start), 1e3 * (time.process_time() - cpu) / n

    return asyncio.run(run())


def against_ideal() -> None:
    with server(0.5) as url:
        for at_once in (16, 64, 256):
            rate, cpu = ours(url, at_once, 30 * at_once)
            ideal = at_once / 0.5
            print(
                f"0.5 s latency, {at_once} at once: {rate:.0f}/s of {ideal:.0f}/s = "
                f"{rate / ideal:.1%} (wanted 90 %); {cpu:.2f} ms CPU a call"
            )


def against_openai() -> None:
    with server(0.05) as url:
        for at_once in (16, 64, 256):
            n = max(20 * at_once, 1000)
            rate, cpu = ours(url, at_once, n)
            other, other_cpu = openai_client(url, at_once, n)
            print(
                f"50 ms latency, {at_once} at once: {rate:.0f}/s, openai client {other:.0f}/s = "
                f"{rate / other:.2f}x (wanted 0.9); {cpu:.2f} and {other_cpu:.2f} ms CPU a call"
            )


def journal() -> None:
    n = 20_000
    asked = {f"{k:032x}": one for k, one in enumerate(requests(n, "x"))}
    reply = Reply('{"verdict": "A"}', {"verdict": "A"}, "json_schema", usage=Usage(400, 8))
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "j") as kept:
        keys = list(asked)
        start = time.perf_counter()
        for at in range(0, n, 1000):
            kept.put(dict.fromkeys(keys[at : at + 1000], reply), asked)
        puts = n / (time.perf_counter() - start)
        start = time.perf_counter()
        found = kept.get(keys)
        gets = n / (time.perf_counter() - start)
    expect(len(found) == n)
    print(f"journal: {puts:,.0f} batched puts/s (wanted 10,000), {gets:,.0f} gets/s (50,000)")


class Instant:
    """Answers at once."""

    base_url = "offline:instant"

    async def ask(self, request: Request) -> Reply:
        """Answer."""
        return Reply('{"verdict": "A"}', {"verdict": "A"}, usage=Usage(400, 8))


def replay() -> None:
    todo = requests(10_000, "x")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "j"
        with Journal(path) as kept, Asker(Instant(), kept) as asker:
            asker.ask(todo, "first")
        start = time.perf_counter()
        with Journal(path) as kept, Asker(Instant(), kept) as asker:
            replies = asker.ask(todo, "again")
        seconds = time.perf_counter() - start
    expect(None not in replies)
    print(f"10,000 kept calls replayed in {seconds:.2f} s (wanted 3)")


def many(n: int, tag: str) -> Iterator[Request]:
    for k in range(n):
        text = f"{tag} {k} {TEXT}"
        yield Request("m", ({"role": "user", "content": text},), schema=SCHEMA)


def pending(n: int) -> None:
    """Make n requests as they are needed; all but a thousand stay open."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Journal(Path(folder) / "j") as kept,
        Asker(Instant(), kept, budget=Budget(max_calls=1000)) as asker,
    ):
        expect(sum(one is not None for one in asker.each(many(n, "x"), "s", n)) == 1000)


def held(n: int) -> None:
    """Do the same with a list of them."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Journal(Path(folder) / "j") as kept,
        Asker(Instant(), kept, budget=Budget(max_calls=1000)) as asker,
    ):
        expect(sum(one is not None for one in asker.each(list(many(n, "x")), "s")) == 1000)


def taken_in(n: int) -> None:
    """Read the replies to n requests from a file; the file is written before."""
    said = {
        "choices": [{"message": {"content": '{"verdict": "A"}'}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 400, "completion_tokens": 8},
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        Journal(Path(folder) / "j") as kept,
        SpooledRequests() as asked,
    ):
        file = Path(folder) / "replies.jsonl"
        with file.open("w") as lines:
            for one in many(n, "x"):
                lines.write(json.dumps({"custom_id": one.key("u"), "body": said}) + "\n")
        planner = Planner("u", kept, opened=lambda stage, request: None, asked=asked)
        for _ in planner.each(many(n, "x"), "s", n):
            pass
        expect(read_batch([file], asked, kept).answered == n)


def in_shards(n: int) -> None:
    """Ask n requests with a journal and a lease of a shard."""
    with tempfile.TemporaryDirectory() as folder:
        shards, lock = Shards(Path(folder)), FileLock(Path(folder) / "run.lock")
        lock.acquire()
        with (
            shards.taking_part(Shard(), lock),
            shards.journal_of(Shard()) as kept,
            shards.budget(Shard(), kept, Budget(max_calls=n)) as budget,
            Asker(Instant(), kept, budget=budget, shard=Shard()) as asker,
        ):
            expect(None not in asker.each(many(n, "x"), "s", n))


def alone(n: int) -> None:
    """Ask n requests with the journal and the budget of one process."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Journal(Path(folder) / "j") as kept,
        Asker(Instant(), kept, budget=Budget(max_calls=n)) as asker,
    ):
        expect(None not in asker.each(many(n, "x"), "s", n))


WAYS = {"pending": pending, "held": held, "taken_in": taken_in, "alone": alone,
        "in_shards": in_shards}  # fmt: skip


def measured(name: str, n: int) -> dict[str, float]:
    """Do one way in a process of its own; return seconds, CPU seconds and MiB above the start."""
    command = [sys.executable, "-m", "bench.llm_speed", name, str(n)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def worker(name: str, n: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start, cpu = time.perf_counter(), time.process_time()
    WAYS[name](n)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak}))


def memory() -> None:
    for name, n in (("pending", 1_000_000), ("held", 100_000), ("taken_in", 100_000)):
        one = measured(name, n)
        print(
            f"{name}, {n:,} requests: {one['peak']:.0f} MiB above the start (wanted 300), "
            f"{one['seconds']:.1f} s, {one['cpu']:.1f} s CPU"
        )


def sharded() -> None:
    n = 20_000
    one, other = measured("in_shards", n), measured("alone", n)
    print(
        f"a shard: {1e6 * one['cpu'] / n:.0f} us CPU a call, one process "
        f"{1e6 * other['cpu'] / n:.0f} (wanted at most 100 more); "
        f"{one['seconds']:.1f} and {other['seconds']:.1f} s"
    )


def main() -> None:
    memory()
    sharded()
    journal()
    replay()
    against_ideal()
    against_openai()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MiB")


if __name__ == "__main__":
    worker(sys.argv[1], int(sys.argv[2])) if len(sys.argv) > 2 else main()
