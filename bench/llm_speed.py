"""Calls of a model at a local server: rate beside the ideal and beside the openai client.

Wanted: 90 % of concurrency / latency at 0.5 s; at 50 ms at least 90 % of what the openai
client reaches with its aiohttp transport in the same run; 10,000 kept calls replayed in 3 s;
10,000 batched puts and 50,000 gets a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from workbench.llm.asker import Asker
from workbench.llm.endpoint import Endpoint
from workbench.llm.journal import Journal
from workbench.llm.reply import Reply, Usage
from workbench.llm.request import Request

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


def replay() -> None:
    class Instant:
        base_url = "offline:instant"

        async def ask(self, request: Request) -> Reply:
            return Reply('{"verdict": "A"}', {"verdict": "A"}, usage=Usage(400, 8))

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


def main() -> None:
    journal()
    replay()
    against_ideal()
    against_openai()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main()
