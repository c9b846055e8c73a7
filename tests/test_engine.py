"""Work over parts: the same results in the same order, wherever it runs and whatever dies."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
import time
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.shuffled_engine import Shuffled
from workbench.engine import Engine, Local, Ray, engine_of
from workbench.errors import (
    ConfigError,
    DataError,
    DesignError,
    PartError,
    UnwrittenError,
    WorkbenchError,
)

HERE = {"local": Local(), "threads": Local(3), "shuffled": Shuffled(seed=1)}
ENGINES = {**HERE, "ray": Ray(workers=2)}


@pytest.fixture(params=ENGINES)
def engine(request, monkeypatch):
    if request.param == "ray":
        pytest.importorskip("ray", reason="the extra cluster is not installed")
        # what a worker imports: this folder, with the tests in it
        monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[1]))
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
