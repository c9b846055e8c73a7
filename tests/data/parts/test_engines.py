"""A set in parts is the same files, whatever engine makes them and in whatever order."""

from __future__ import annotations

from pathlib import Path

import pytest

import workbench as wb
from tests.shuffled_engine import Shuffled
from workbench.engine import Engine, Local, Ray

ENGINES = {"threads": Local(2), "shuffled": Shuffled(seed=3), "ray": Ray(workers=2)}


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("engine", ENGINES.values(), ids=ENGINES)
def test_every_engine_makes_the_same_parts(
    engine: Engine, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if isinstance(engine, Ray):
        request.getfixturevalue("ray_cluster")
    rows = (f"question {n // 2},{n % 7} words,{'x ' * (n % 5)}y,{'ab'[n % 2]}\n" for n in range(60))
    # the workers of a cluster are elsewhere
    monkeypatch.chdir(tmp_path)
    source = Path("votes.csv")
    source.write_text("prompt,text_a,text_b,label\n" + "".join(rows))
    here = wb.load_parts(source, "here", parts=5)
    there = wb.load_parts(source, "there", parts=5, engine=engine)
    assert there.digest == here.digest == wb.load(source).digest
    assert files(there.folder) == files(here.folder)
    assert len(files(there.folder)) > 5
