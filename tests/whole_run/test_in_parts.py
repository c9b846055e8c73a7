"""A whole run over data in parts gives what it gives in memory, wherever parts are worked on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.shuffled_engine import Shuffled
from tests.whole_run.test_run import Page, states
from tests.whole_run.test_run import no_pages as no_pages
from workbench.errors import ConfigError
from workbench.whole_run import in_parts, steps
from workbench.whole_run.config import WholeConfig

ROOT = Path(__file__).resolve().parents[2]
PAIRS = 240


@pytest.fixture(scope="module")
def votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Votes of people who like long answers and of a judge that likes them more."""
    rng = np.random.default_rng(4)
    rows = []
    for k in range(PAIRS):
        long, short = sorted(rng.integers(3, 40, 2).tolist(), reverse=True)
        texts = ["word " * long + f"{k}.", "term " * short + f"{k}!"]
        lean = 1 / (1 + np.exp(-(long - short) / 12))
        row: dict[str, Any] = {"prompt": f"question {k // 2} of {k * k}"}
        row |= {"response_a": texts[k % 2], "response_b": texts[1 - k % 2]}
        for who, power in (("ann", 1.0), ("judge", 2.0)):
            likes = rng.random() < lean**power / (lean**power + (1 - lean) ** power)
            rows.append({**row, "annotator": who, "kind": "human" if who == "ann" else "llm",
                         "label": "ab"[(k % 2) ^ (not likes)]})  # fmt: skip
    path = tmp_path_factory.mktemp("votes") / "votes.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def settings(source: Path, **more: Any) -> WholeConfig:
    own: dict[str, Any] = {"factors": ("words", "exclamations"), "folds": 2, **more}
    return WholeConfig().updated(source=str(source), **own)


@contextmanager
def without_pages() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "report", Page)
        patch.setattr(sys.modules["workbench.report.build"], "report", Page)
        yield


# what several tests hold theirs against, made once
@pytest.fixture(scope="module")
def whole(votes: Path, tmp_path_factory: pytest.TempPathFactory) -> wb.WholeRun:
    """A run in memory."""
    with without_pages():
        return wb.run(settings(votes), tmp_path_factory.mktemp("memory") / "whole")


@pytest.fixture(scope="module")
def here(votes: Path, tmp_path_factory: pytest.TempPathFactory) -> wb.WholeRun:
    """A run over four parts, one after another."""
    with without_pages():
        return wb.run(settings(votes, parts=4), tmp_path_factory.mktemp("parts") / "here")


def tables(done: wb.WholeRun, numbers: int = 0) -> Any:
    told = json.loads((done.path / "results" / "compare.json").read_text())
    return [(one["type"], one["tables"]) for one in told][numbers:]


def flat(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for key in value for leaf in (key, *flat(value[key]))]
    if isinstance(value, list | tuple):
        return [leaf for one in value for leaf in flat(one)]
    return [value]


def alike(one: Any, other: Any, atol: float = 1e-8) -> None:
    first, second = flat(one), flat(other)
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        if isinstance(a, float) and isinstance(b, float):
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=atol)
        else:
            assert a == b


@pytest.mark.usefixtures("no_pages")
def test_the_numbers_are_those_of_a_run_in_memory(
    votes: Path, whole: wb.WholeRun, tmp_path: Path
) -> None:
    parts = wb.run(settings(votes, parts=5), tmp_path / "parts")
    assert list(states(parts)) == list(states(whole))
    assert wb.load(parts.path).digest == wb.load(whole.path).digest
    data = wb.open_parts(parts.data)
    assert len(data.facts) == 5
    assert data.factor_names == wb.load(whole.data).factor_names
    first, second = tables(whole), tables(parts)
    kinds = [kind for kind, _ in second]
    assert kinds == ["Decomposition", "Decomposition", "Contrast", "FitCheck", "FitCheck"]
    alike(first, [one for one in second if one[0] != "FitCheck"])
    assert whole.told.splitlines()[1:] == parts.told.splitlines()[1:]
    # what is there is kept, whatever works on it
    again = wb.run(settings(votes, parts=5, engine={"workers": 2}), tmp_path / "parts")
    assert set(again.stages["state"]) == {"kept"}


@pytest.mark.parametrize("name", ["threads", "shuffled", "ray"])
@pytest.mark.usefixtures("no_pages")
def test_every_engine_gives_the_same_bytes(
    name: str, votes: Path, here: wb.WholeRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    request: Any,
) -> None:  # fmt: skip
    engine: dict[str, Any] = {"workers": 2}
    if name == "ray":
        request.getfixturevalue("ray_cluster")
        engine = {"name": "ray", "workers": 2}
    if name == "shuffled":
        monkeypatch.setattr(steps, "engine_from", lambda _: Shuffled(seed=2))
    there = wb.run(settings(votes, parts=4, engine=engine), tmp_path / "there")
    assert tables(here) == tables(there)
    one, other = (
        json.loads((done.path / "results" / "compare.json").read_text()) for done in (here, there)
    )
    assert {part["provenance"].get("engine") for part in one} == {"local", None}
    known = {"ray": "ray", "threads": "local", "shuffled": "shuffled"}[name]
    assert other[0]["provenance"]["engine"] == known
    for kind in ("factors", "values"):
        first, second = (sorted(done.data.glob(f"part-*/{kind}-*")) for done in (here, there))
        assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
        assert len(first) == 4


@pytest.mark.usefixtures("no_pages")
def test_a_folder_of_parts_is_left_as_it_is(
    votes: Path, whole: wb.WholeRun, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    wb.load_parts(votes, source, parts=3)
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    config = settings(source)
    done = wb.run(config, tmp_path / "run")
    assert {path: path.read_bytes() for path in source.rglob("*") if path.is_file()} == before
    alike(tables(done)[:3], tables(whole)[:3])
    assert set(wb.run(config, tmp_path / "run").stages["state"]) == {"kept"}
    # other factors are other values of the same parts
    lengths = config.updated(families=("length",), factors=("words",))
    planned = wb.run(lengths, tmp_path / "run", dry_run=True)
    new = dict.fromkeys(("factors", "data", "compare", "report"), "to do")
    assert states(planned) == {"read": "kept", **new}
    assert set(wb.run(config, tmp_path / "new", dry_run=True).stages["state"]) == {"to do"}
    more = wb.run(lengths, tmp_path / "run")
    assert {k for k, v in states(more).items() if v == "kept"} == {"read"}
    assert "exclamations" not in wb.open_parts(more.data).factor_names
    # the run needs its source no more, until that changes
    shutil.rmtree(source)
    wb.load_parts(votes, source, parts=2, drop_duplicates=True)
    other = wb.run(config, tmp_path / "run")
    assert states(other)["read"] == "done"
    assert len(list((tmp_path / "run").glob("parts-*"))) == 1
    with pytest.raises(ConfigError, match="in parts already"):
        wb.run(config.updated(parts=4), tmp_path / "again")


@pytest.mark.usefixtures("no_pages")
def test_what_needs_rows_is_of_a_sample_and_says_so(
    votes: Path, whole: wb.WholeRun, here: wb.WholeRun, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(in_parts, "SAMPLE", 120)
    done = wb.run(settings(votes, parts=4), tmp_path / "run")
    found = tables(done)
    # weights, held-out scores and differences are of all pairs
    alike(found[:3], tables(whole))
    checks = [table for kind, table in found if kind == "FitCheck"]
    assert checks != [table for kind, table in tables(here) if kind == "FitCheck"]
    assert "240 pairs" in done.told
    n = len(wb.open_parts(done.data).sample(120))
    assert 80 < n < 160
    assert f"sample of {n} pairs" in done.told


@pytest.mark.usefixtures("no_pages")
def test_of_a_sample_that_lacks_a_judge_the_rest_is_checked(
    votes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_parts, "SAMPLE", 120)
    wb.load_parts(votes, tmp_path / "all", parts=3)
    seen = set(wb.open_parts(tmp_path / "all").sample(120).pairs["prompt"])
    table = pd.read_csv(votes)
    rare = tmp_path / "rare.csv"
    table[table["annotator"].eq("ann") | ~table["prompt"].isin(seen)].to_csv(rare, index=False)
    found = tables(wb.run(settings(rare, parts=3), tmp_path / "run"))
    assert [kind for kind, _ in found] == ["Decomposition", "Decomposition", "Contrast", "FitCheck"]
    assert {row["group"] for row in found[1][1]["estimates"]} == {"judge"}


@pytest.mark.usefixtures("no_pages")
def test_ratings_are_of_all_pairs(
    votes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = pd.read_csv(votes)
    names = np.random.default_rng(1).permuted([["m1", "m2", "m3"]] * PAIRS, axis=1)
    of_row = (table.index // 2).to_numpy()
    table["model_a"], table["model_b"] = names[of_row, 0], names[of_row, 1]
    table.to_csv(tmp_path / "named.csv", index=False)
    bare = table.drop(columns=["response_a", "response_b"])
    bare.to_csv(tmp_path / "bare.csv", index=False)
    monkeypatch.setattr(in_parts, "SAMPLE", 120)
    for name, config in (("named", {"further": ("ratings",)}), ("bare", {"factors": ()})):
        source = tmp_path / f"{name}.csv"
        done = wb.run(settings(source, parts=4, **config), tmp_path / f"{name}-parts")
        whole = wb.run(settings(source, **config), tmp_path / f"{name}-whole")
        assert list(states(done)) == list(states(whole))
        assert len(wb.open_parts(done.data).facts) == 4, "nothing joins them"
        first, second = (
            next(table for kind, table in tables(one) if kind == "Ratings") for one in (done, whole)
        )
        alike(first, second)


@pytest.mark.usefixtures("no_pages")
def test_judges_and_choices_make_one_set_of_parts(votes: Path, tmp_path: Path) -> None:
    more = {"judge": ({"pairs": 10},), "endpoint": {"model": "offline:plain"}}
    done = wb.run(settings(votes, parts=4, **more), tmp_path / "run")
    of_parts = tables(done)
    whole = wb.run(settings(votes, **more), tmp_path / "whole")
    assert wb.load(done.path).digest == wb.load(whole.path).digest
    alike(of_parts, tables(whole))
    # and back
    apart = wb.run(settings(votes, parts=4), tmp_path / "run")
    assert len(wb.open_parts(apart.data).facts) == 4
    assert states(apart)["read"] == states(apart)["factors"] == "kept"
    again = wb.run(settings(votes, parts=4, **more), tmp_path / "run")
    assert tables(again) == of_parts


def test_a_report_of_parts(votes: Path, tmp_path: Path) -> None:
    done = wb.run(settings(votes, parts=3, sections=("findings", "weights", "fit", "data")),
                  tmp_path / "run")  # fmt: skip
    page = json.loads(done.report.with_suffix(".json").read_text())
    assert [one["type"] for one in page["results"]][:3] == [
        "Decomposition", "Decomposition", "Contrast"]  # fmt: skip
    assert page["data"]["n_pairs"] == PAIRS
    assert done.findings


def test_the_card_of_a_sampled_report_counts_all(
    votes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = {"sections": ("data",)}
    whole = wb.run(settings(votes, **chosen), tmp_path / "whole")
    monkeypatch.setattr(in_parts, "SAMPLE", 120)
    parts = wb.run(settings(votes, parts=3, **chosen), tmp_path / "parts")
    first, second = (
        json.loads(one.report.with_suffix(".json").read_text())["data"] for one in (whole, parts)
    )
    assert first == second
    text = parts.report.read_text()
    assert "sample of" in text
    assert f"{2 * PAIRS} rows read" in text


@pytest.mark.slow
@pytest.mark.usefixtures("no_pages")
def test_a_run_over_parts_that_is_killed_goes_on(votes: Path, tmp_path: Path) -> None:
    file, out = tmp_path / "run.toml", tmp_path / "run"
    file.write_text(settings(votes, parts=10, families=("length", "structure", "tone")).to_toml())
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench.cli", "run", str(file), "--out", str(out)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    end = time.monotonic() + 60
    while len(list(out.glob("scored-*/part-*/values-*"))) < 2 and time.monotonic() < end:
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    scored = {path: path.stat().st_mtime_ns for path in out.glob("scored-*/part-*/values-*")}
    assert len(scored) >= 2
    done = wb.run(file, out)
    assert states(done)["read"] == "kept"
    assert {path: path.stat().st_mtime_ns for path in scored} == scored, "none was scored again"
    alone = wb.run(file, tmp_path / "alone")
    assert tables(done) == tables(alone)
