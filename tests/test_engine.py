"""Work over parts: the same results in the same order, wherever it runs and whatever dies."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.processes import lives, wait_for
from tests.shuffled_engine import Shuffled
from workbench.engine import Engine, Local, Ray, engine_of
from workbench.errors import (
    ConfigError,
    DataError,
    DesignError,
    PartError,
    ScoringError,
    UnwrittenError,
    WorkbenchError,
)
from workbench.provenance import Provenance

ROOT = Path(__file__).resolve().parents[1]
ENGINES = {
    "local": Local(), "threads": Local(3), "shuffled": Shuffled(seed=1), "ray": Ray(workers=2),
}  # fmt: skip


# of the module, so that the tests of one engine stand together and one cluster serves them
@pytest.fixture(scope="module", params=ENGINES)
def engine(request):
    if request.param == "ray":
        request.getfixturevalue("ray_cluster")
    return ENGINES[request.param]


def square(part: int) -> int:
    time.sleep(0.002 * (part % 3))
    return part * part


def refused_at_five(part: int) -> int:
    if part == 5:
        raise DataError("No label column.", where="row 3", fix="Name it.")
    return part


def disk_full(part: str) -> None:
    raise UnwrittenError("a.parquet", "No space left on device")


def broken_at_five(part: int) -> int:
    if part == 5:
        raise OSError("Connection reset")
    return part


class FailsTwice:
    """Work that knows a folder, as a partial function would, and leaves a mark for each try."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, part: int) -> int:
        with (self.folder / str(part)).open("ab") as tries:
            tries.write(b".")
        if self.tries(part) < 3:
            raise ConnectionError("reset")
        return part

    def tries(self, part: int) -> int:
        return len((self.folder / str(part)).read_bytes())


def until_error(engine: Engine, work, parts) -> tuple[list, WorkbenchError]:
    results = []

    def take() -> None:
        for one in engine.map(work, parts):
            results.append(one)

    with pytest.raises(WorkbenchError) as caught:
        take()
    return results, caught.value


def test_results_come_in_the_order_of_the_parts(engine):
    assert isinstance(engine, Engine)
    assert list(engine.map(square, range(40))) == [n * n for n in range(40)]
    assert list(engine.map(square, [])) == []


def test_a_refusal_is_told_once_as_itself_with_the_part(engine):
    results, error = until_error(engine, refused_at_five, range(10))
    assert results == [0, 1, 2, 3, 4]
    assert type(error) is DataError
    assert str(error).splitlines() == [
        "No label column.",
        "  where: row 3 (5)",
        "  to do: Name it.",
    ]


def test_an_error_of_its_own_arguments_crosses(engine):
    _, error = until_error(engine, disk_full, ["part-01"])
    assert type(error) is UnwrittenError
    assert error.path == "a.parquet"
    assert error.where == "a.parquet (part-01)"


def test_what_fails_is_tried_three_times(engine, tmp_path):
    work = FailsTwice(tmp_path)
    assert list(engine.map(work, range(4))) == [0, 1, 2, 3]
    # a part that is delivered again is one try more
    again = isinstance(engine, Shuffled)
    assert sorted({work.tries(part) for part in range(4)}) == ([3, 4] if again else [3])
    results, error = until_error(engine, broken_at_five, range(10))
    assert results == [0, 1, 2, 3, 4]
    assert type(error) is PartError
    assert "failed 3 times" in str(error)
    assert "where: 5" in str(error)
    assert "OSError: Connection reset" in str(error)
    assert isinstance(error.__cause__, OSError)


def test_parts_are_taken_a_few_at_a_time(engine):
    if isinstance(engine, Shuffled):
        pytest.skip("it takes all parts to shuffle them")
    taken = []

    def parts():
        for n in itertools.count():
            taken.append(n)
            yield n

    results = engine.map(square, parts())
    assert [next(results) for _ in range(6)] == [0, 1, 4, 9, 16, 25]
    results.close()
    assert len(taken) <= 6 + 4 * 3


class Loaded:
    def __init__(self) -> None:
        self.number = f"{os.getpid()} {time.monotonic_ns()}"


def with_loaded(loaded: Loaded, part: int) -> tuple[int, str]:
    time.sleep(0.01)
    return part, loaded.number


def test_what_is_set_up_serves_many_parts(engine):
    parts, loads = zip(*engine.map_with(Loaded, with_loaded, range(20)), strict=True)
    assert parts == tuple(range(20))
    assert len(set(loads)) == (2 if isinstance(engine, Ray) else 1)


def no_model() -> None:
    raise ScoringError("No such model.", where="models/7b")


def test_a_refused_setup_is_told_as_itself(engine):
    with pytest.raises(ScoringError, match="No such model") as caught:
        list(engine.map_with(no_model, with_loaded, range(3)))
    assert caught.value.where.startswith("models/7b")


class Ledger:
    """Work that keeps what is done of a part, and a line of who began it and who ended it."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.folder, self.seconds = folder, seconds

    def __call__(self, part: int) -> int:
        kept = self.folder / f"{part}.done"
        if not kept.exists():
            self.note("begun", part)
            time.sleep(self.seconds)
            draft = self.folder / f"{part}.{os.getpid()}"
            draft.write_text(str(part**3))
            self.note("ended", part)
            draft.replace(kept)
        return int(kept.read_text())

    def note(self, what: str, part: int) -> None:
        with (self.folder / "ledger").open("a") as ledger:
            ledger.write(f"{what} {part} {os.getpid()}\n")

    def noted(self, what: str) -> list[tuple[int, int]]:
        """Return the parts that were begun or ended, and the processes that did."""
        file = self.folder / "ledger"
        lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
        return [(int(part), int(pid)) for told, part, pid in lines if told == what]


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_only_its_part(ray_cluster, tmp_path):
    work = Ledger(tmp_path, 0.4)
    results = []
    taking = threading.Thread(target=lambda: results.extend(Ray(workers=2).map(work, range(8))))
    taking.start()
    wait_for(lambda: len(work.noted("begun")) >= 4)
    part, pid = work.noted("begun")[-1]
    os.kill(pid, signal.SIGKILL)
    taking.join(60)
    assert results == [n**3 for n in range(8)]
    times = Counter(n for n, _ in work.noted("ended"))
    assert times == dict.fromkeys(range(8), 1)
    begun = Counter(n for n, _ in work.noted("begun"))
    assert begun.total() <= 10, "the part of the killed worker, at most one more"
    assert begun[part] == 2


COMMAND = """
import sys
from pathlib import Path
from tests.test_engine import Ledger
from workbench.engine import engine_of
name, folder = sys.argv[1:]
workers = 2 if name == "ray" else 1
print(*engine_of(name, workers=workers).map(Ledger(Path(folder), 0.15), range(14)))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["local", "ray"])
def test_a_command_that_is_killed_goes_on_where_it_was(name, tmp_path):
    if name == "ray":
        pytest.importorskip("ray", reason="the extra cluster is not installed")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    environment.pop("RAY_ADDRESS", None)
    words = [sys.executable, "-c", COMMAND, name, str(tmp_path)]
    work = Ledger(tmp_path, 0)
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL) as first:
        wait_for(lambda: len(work.noted("ended")) >= 5)
        first.kill()
    workers = {pid for _, pid in work.noted("begun")}
    wait_for(lambda: not any(lives(pid) for pid in workers))
    done = {int(path.stem) for path in tmp_path.glob("*.done")}
    assert 4 <= len(done) < 14
    again = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    assert again.stdout.split() == [str(n**3) for n in range(14)]
    begun = Counter(n for n, pid in work.noted("begun") if pid not in workers)
    assert begun == dict.fromkeys(set(range(14)) - done, 1), "what was kept is not done again"


def test_no_cluster_at_an_address_is_told_at_once(cluster_of_none):
    with pytest.raises(ConfigError, match="does not answer"):
        next(Ray(cluster_of_none).map(square, [1]))


@pytest.fixture
def cluster_of_none(monkeypatch):
    ray = pytest.importorskip("ray", reason="the extra cluster is not installed")
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"127.0.0.1:{port}"


def test_a_cluster_without_a_gpu_says_so(ray_cluster):
    with pytest.raises(ConfigError, match="no GPU"):
        next(Ray().map_with(Loaded, with_loaded, [1], gpus=1))


def test_a_machine_with_another_release_refuses(ray_cluster, monkeypatch):
    monkeypatch.setattr("workbench.engine.ray_cluster._release", lambda: "9.9.9")
    with pytest.raises(ConfigError, match="another release"):
        next(Ray().map(square, [1]))


def test_one_worker_begins_a_part_when_it_is_asked_for():
    begun = []
    results = Local().map(begun.append, range(5))
    assert begun == []
    next(results)
    assert begun == [0]


def test_threads_work_side_by_side():
    meet = threading.Barrier(3, timeout=10)
    assert list(Local(3).map(lambda part: meet.wait() >= 0, range(9))) == [True] * 9


def test_a_slow_part_holds_back_few_others():
    done, gate = [], threading.Event()

    def work(part):
        if part == 0:
            gate.wait(10)
        done.append(part)
        return part

    results = Local(2).map(work, range(100))
    first = threading.Thread(target=next, args=(results,))
    first.start()
    deadline = time.monotonic() + 10
    while len(done) < 7 and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(0.02)
    assert sorted(done) == [1, 2, 3, 4, 5, 6, 7], "four for each worker, with the slow one"
    gate.set()
    first.join()
    assert list(results) == list(range(1, 100))


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"name": "spark"}, ConfigError, "local, ray"),
        ({"name": "local", "address": "10.0.0.5:6379"}, ConfigError, "Only a cluster"),
        ({"name": "local", "workers": 0}, DesignError, "workers"),
        ({"name": "ray", "workers": 0}, DesignError, "workers"),
        ({"name": "ray", "workers": True}, DesignError, "workers"),
    ],
)
def test_an_engine_that_there_is_not_is_refused(options, error, said):
    with pytest.raises(error, match=said):
        engine_of(**options)


def test_the_engine_of_a_name():
    assert engine_of() == Local(1)
    assert engine_of("local", workers=3) == Local(3)
    assert engine_of("ray", "auto", 2) == Ray("auto", 2)


def test_the_record_of_a_result_names_the_engine():
    plain = Provenance.capture(seed=1, dataset="ab").to_dict()
    assert "engine" not in plain
    cluster = Provenance.capture(seed=1, dataset="ab", engine="ray").to_dict()
    assert cluster["engine"] == "ray"
    assert "ray" in cluster["packages"]
    here = Provenance.capture(seed=1, dataset="ab", engine="local").to_dict()
    assert here == {**plain, "engine": "local"}


@pytest.mark.skipif(find_spec("ray") is not None, reason="Ray is installed")
def test_without_ray_it_is_said_what_to_install():
    with pytest.raises(ConfigError, match="cluster"):
        next(Ray().map(square, [1]))


def test_the_workbench_loads_no_ray():
    code = (
        "import sys, workbench, workbench.engine; workbench.engine.engine_of('ray'); "
        "print({'ray', 'fsspec'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
