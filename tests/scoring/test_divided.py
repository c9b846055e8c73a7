"""Pairs are scored in parts: alike wherever that is, none twice, whoever is killed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

from tests.processes import lives, wait_for
from tests.scoring.tiny_models import byte_tokenizer, kept_model, pairs
from tests.shuffled_engine import Shuffled
from workbench.data.preferred import preferred
from workbench.engine import Local, Ray
from workbench.errors import ConfigError, ScoringError
from workbench.scoring.dialogues import with_messages
from workbench.scoring.divided.loaded import Loaded, Loading
from workbench.scoring.divided.scores import score_parts
from workbench.scoring.logprob import PairScores, score_pairs
from workbench.scoring.models import load_model, load_tokenizer
from workbench.scoring.policy import TokenPolicy

pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[2]
POLICY = TokenPolicy("chat")
N = 14


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    kept_model(folder, byte_tokenizer())
    return folder


def loading(model: Path, **more) -> Loading:
    one = Loading(str(model), None, (str(model), None), POLICY, pairs(N).digest, str(Path.cwd()))
    return replace(one, **more)


def rows(n: int = N) -> pd.DataFrame:
    data = pairs(n)
    return with_messages(data, preferred(data))


def scored(model: Path, engine=None, folder: Path | None = None, size: int = 3, **more):
    how = {"folder": folder, "size": size, "audit": 4, **more}
    return score_parts(loading(model), rows(), engine or Local(), **how)[0]


def files(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir()}


# what several tests hold theirs against, made once
@pytest.fixture(scope="module")
def here(model, tmp_path_factory) -> tuple[PairScores, Path]:
    """Scores in three parts of this process, and the folder that keeps them."""
    folder = tmp_path_factory.mktemp("scores") / "here"
    return scored(model, Local(), folder), folder


@pytest.fixture(scope="module")
def alone(model, tmp_path_factory) -> tuple[PairScores, int]:
    """Scores in parts of two pairs that nobody disturbs, and how many passes they take."""
    one = slow(model, tmp_path_factory.mktemp("alone") / "ledger")
    found, _ = score_parts(one, rows(), Local(), size=2, audit=0)
    return found, len(one.passes())


def test_parts_have_the_scores_of_all_pairs_at_once(model, here):
    found, _ = here
    whole = score_pairs(*load(model), pairs(N), policy=POLICY)
    assert found.table["pair_id"].tolist() == whole.table["pair_id"].tolist()
    pd.testing.assert_frame_equal(found.table, whole.table, atol=1e-4, rtol=0)
    assert found.settings["notes"] == whole.settings["notes"]
    assert found.noise < 1e-3
    # of a few pairs there is one part, and nothing changes
    pd.testing.assert_frame_equal(scored(model, size=100).table, whole.table)


def load(model: Path):
    return load_model(str(model))[0], load_tokenizer(str(model))


@pytest.mark.parametrize("name", ["shuffled", "ray"])
def test_parts_are_the_same_bytes_wherever_they_are_scored(name, model, here, tmp_path, request):
    if name == "ray":
        request.getfixturevalue("ray_cluster")
    engine = {"shuffled": Shuffled(seed=3), "ray": Ray(workers=2)}[name]
    first, folder = here
    there = scored(model, engine, tmp_path / "there")
    pd.testing.assert_frame_equal(first.table, there.table)
    assert (first.noise, first.settings) == (there.noise, there.settings)
    assert files(folder) == files(tmp_path / "there")
    assert sum(name.startswith("done-") for name in files(folder)) >= 4


@dataclass(frozen=True)
class Slow(Loading):
    """Loads a model whose passes take a while, and writes down what it is asked to score."""

    ledger: str = ""
    seconds: float = 0.0

    def __call__(self) -> Loaded:
        loaded = super().__call__()
        inner = loaded.model.forward

        def forward(*given, **more):
            with Path(self.ledger).open("a") as ledger:
                ledger.write(f"{os.getpid()}\n")
            time.sleep(self.seconds)
            return inner(*given, **more)

        loaded.model.forward = forward
        return loaded

    def passes(self) -> list[int]:
        """Return the process of each pass."""
        file = Path(self.ledger)
        return [int(line) for line in file.read_text().split()] if file.exists() else []


def slow(model: Path, ledger: Path, seconds: float = 0.0) -> Slow:
    return Slow(**vars(loading(model)), ledger=str(ledger), seconds=seconds)


def test_a_part_that_is_finished_is_not_scored_again(model, tmp_path):
    folder, one = tmp_path / "scores", slow(model, tmp_path / "ledger")
    first, _ = score_parts(one, rows(), Local(), folder=folder, size=3)
    passes = len(one.passes())
    assert passes
    again, _ = score_parts(one, rows(), Shuffled(), folder=folder, size=3)
    assert len(one.passes()) == passes
    pd.testing.assert_frame_equal(first.table, again.table)
    assert (first.noise, first.settings) == (again.noise, again.settings)
    # one whose scores are lost is scored again, and no other
    lost = next(folder.glob("part-*.parquet"))
    lost.unlink()
    mended, _ = score_parts(one, rows(), Local(), folder=folder, size=3)
    assert passes < len(one.passes()) < 2 * passes
    pd.testing.assert_frame_equal(first.table, mended.table)
    # a verb that scores all at once takes them up
    kept = len(one.passes())
    whole = score_pairs(*load(model), pairs(N), policy=POLICY, folder=folder, audit=0)
    pd.testing.assert_frame_equal(first.table, whole.table)
    assert len(one.passes()) == kept


def test_another_model_under_the_name_is_refused(here, tmp_path):
    other = tmp_path / "other"
    kept_model(other, byte_tokenizer(), initializer_range=0.2)
    shutil.copytree(here[1], tmp_path / "scores")
    with pytest.raises(ConfigError, match="another run"):
        score_parts(loading(other), rows(), Local(), folder=tmp_path / "scores", size=3)


def test_no_pair_and_what_is_beside_them(model):
    nothing = rows().assign(why="tie")
    with pytest.raises(ScoringError, match="no pair to score") as caught:
        score_parts(loading(model), nothing, Local(), size=3)
    assert "14 pairs: tie" in str(caught.value)
    some = rows()
    some.loc[some.index[:5], "why"] = "tie"
    found, made = score_parts(loading(model), some, Local(), size=3, beside=[policy_of])
    assert made == ["chat"]
    assert found.table["reason"].isna().sum() == N - 5


def policy_of(loaded: Loaded) -> str:
    return loaded.settings["policy"]["mode"]


COMMAND = """
import sys
from pathlib import Path
from tests.scoring.test_divided import rows, slow
from workbench.engine import engine_of
from workbench.scoring.divided.scores import score_parts
name, model, folder = sys.argv[1:]
loading = slow(Path(model), Path(folder, "ledger"), 0.05)
engine = engine_of(name, workers=2 if name == "ray" else 1)
found, _ = score_parts(loading, rows(), engine, folder=Path(folder, "scores"), size=2, audit=0)
print(found.table.to_json())
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["local", "ray"])
def test_a_command_that_is_killed_scores_no_finished_part_again(name, model, alone, tmp_path):
    if name == "ray":
        pytest.importorskip("ray", reason="the extra cluster is not installed")
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0"}
    environment.pop("RAY_ADDRESS", None)
    words = [sys.executable, "-c", COMMAND, name, str(model), str(tmp_path)]
    folder = tmp_path / "scores"
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL) as first:
        wait_for(lambda: len(list(folder.glob("done-*"))) >= 2)
        first.kill()
    one = slow(model, tmp_path / "ledger")
    workers = set(one.passes())
    wait_for(lambda: not any(lives(pid) for pid in workers))
    done, before = files(folder), len(one.passes())
    finished = sum(name.startswith("done-") for name in done)
    assert 2 <= finished < parts_of(2)
    again = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    kept = files(folder)
    assert {name: kept[name] for name in done if not name.startswith(".")} == {
        name: text for name, text in done.items() if not name.startswith(".")}  # fmt: skip
    whole, passes = alone
    assert again.stdout.splitlines()[-1] == whole.table.to_json()
    # passes of the second run: of the parts that were open
    assert len(one.passes()) - before <= passes * (1 - finished / parts_of(2)) + 8


def parts_of(size: int) -> int:
    """Return how many parts the pairs make."""
    from workbench.scoring.divided.scores import _parts

    return len(list(_parts(loading(Path("m")), rows(), 1, 0, None, size)))


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_only_its_part(ray_cluster, model, alone, tmp_path):
    one, folder = slow(model, tmp_path / "ledger", 0.05), tmp_path / "scores"
    found = []

    def score() -> None:
        found.append(score_parts(one, rows(), Ray(workers=2), folder=folder, size=2, audit=0)[0])

    taking = threading.Thread(target=score)
    taking.start()
    wait_for(lambda: len(list(folder.glob("done-*"))) >= 2)
    done = files(folder)
    os.kill(one.passes()[-1], signal.SIGKILL)
    taking.join(60)
    pd.testing.assert_frame_equal(found[0].table, alone[0].table)
    kept = files(folder)
    assert all(kept[name] == text for name, text in done.items() if not name.startswith("."))
    ids = [key for name in kept if name.startswith("part-")
           for key in pd.read_parquet(folder / name)["pair_id"]]  # fmt: skip
    assert Counter(ids) == dict.fromkeys(rows()["pair_id"], 1), "no pair is kept twice"
    assert json.loads(next(folder.glob("done-*")).read_text())["settings"]["audited"] == 0
