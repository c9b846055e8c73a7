"""Opening a saved set of 1,000,000 pairs (765 characters a response), beside its form of before.

Each row is a process of its own, after imports and a first small set: processor time, seconds and
memory above what the process had before (peak; of it what is its own, where files that are mapped
can be dropped by the system). *open* is what a page of the dashboard does before it shows anything:
open, digest, annotators, whether there are texts; *a pair* shows one. pyarrow reads the Parquet
tables with all cores and checks nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

import workbench as wb

ROOT = Path(__file__).resolve().parents[2]
WORDS = "the of and to in is that for it as was with be by on not he his but at are this".split()
TABLES = ("pairs", "labels", "factors", "factor_values")
FACTORS, PIECE = 26, 100_000
ROWS = ("parquet, workbench", "parquet, pyarrow", "mapped, workbench")
PINNED = {"OPENBLAS_NUM_THREADS": "1"}


def made(pairs: int) -> wb.PreferenceData:
    """Return pairs with the labels of people and of a judge, and factors of noise."""
    random = np.random.default_rng(0)
    blocks = pa.array([" ".join(random.choice(WORDS, 240))[:765] for _ in range(4_000)])

    def texts(start: str, size: int) -> pd.Series:
        parts = []
        for first in range(0, pairs, PIECE):
            n = min(PIECE, pairs - first)
            number = pc.cast(pa.array(np.arange(first, first + n)), pa.string())
            chosen = pc.utf8_slice_codeunits(blocks, 0, size)
            chosen = chosen.take(pa.array(random.integers(0, len(blocks), n)))
            parts.append(pc.binary_join_element_wise(start, number, chosen, " "))
        whole = pa.concat_arrays([part.cast(pa.large_string()) for part in parts])
        return pd.Series(pd.array(whole, dtype="str"))

    names = [hashlib.blake2b(b"%d" % (k // 2), digest_size=16).hexdigest() for k in range(pairs)]
    models = np.array([f"model-{k}" for k in range(6)])
    table = pd.DataFrame({
        "prompt": texts("question", 110), "response_a": texts("a", 765),
        "response_b": texts("b", 765), "prompt_id": names, "cluster": names,
        "model_a": models[random.integers(0, 6, pairs)], "model_b": "other",
        "scenario": np.array(["code", "chat"])[random.integers(0, 2, pairs)],
    })  # fmt: skip
    labels = [
        pd.DataFrame({"pair": np.arange(pairs), "annotator": name, "kind": kind,
                      "preference": random.integers(0, 2, pairs).astype("float64")})
        for name, kind in (("people", "human"), ("judge", "llm"))
    ]  # fmt: skip
    data = wb.PreferenceData.from_tables(table, pd.concat(labels, ignore_index=True))
    names = [f"f{k}" for k in range(FACTORS)]
    coded = pd.DataFrame(random.normal(size=(pairs, FACTORS)).round(3), columns=names)
    sides = [f"{name}_{side}" for name in names for side in "ab"]
    values = pd.DataFrame(random.integers(0, 99, (pairs, 2 * FACTORS)) * 1.0, columns=sides)
    return data.with_factors(coded, values, {name: {} for name in names})


def save_before(data: wb.PreferenceData, folder: Path) -> None:
    """Write a data set as schema version 2 was: Parquet."""
    folder.mkdir()
    for name in TABLES:
        getattr(data, name).to_parquet(folder / f"{name}.parquet", compression="zstd")
    manifest = {
        "schema_version": 2, "digest": data.digest, "factor_specs": dict(data.factor_specs),
        "rows": {name: len(getattr(data, name)) for name in TABLES}, "load_report": None,
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))


def _memory() -> dict[str, float]:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    found = (line.split() for line in lines if line.startswith(("VmHWM", "RssAnon")))
    return {name.rstrip(":"): int(size) / 2**20 for name, size, *_ in found}


def worker(row: str, folder: str) -> None:
    """Open once and print what it took."""
    from workbench.report.main_job import has_text

    small = wb.save(wb.load("sample"), Path(folder).parent / f"small-{os.getpid()}")
    wb.open_folder(small)
    told: list[dict[str, Any]] = []
    before = _memory()
    # the peak of imports is no peak of opening
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    low = _memory()["VmHWM"]

    def step(name: str, act: Any) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        found = act()
        now = _memory()
        told.append({
            "step": name, "cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall,
            "peak": now["VmHWM"] - low, "own": max(now["RssAnon"] - before["RssAnon"], 0.0),
        })  # fmt: skip
        return found

    if row == "parquet, pyarrow":
        import pyarrow.parquet as pq

        tables = step("open", lambda: [pq.read_table(f"{folder}/{n}.parquet") for n in TABLES])
        step("a pair", lambda: tables[0]["prompt"][len(tables[0]) // 2].as_py())
    else:
        data = step("open", lambda: _opened(folder, has_text))
        step("a pair", lambda: data.pairs.iloc[len(data) // 2][["prompt", "response_a"]].tolist())
    print(json.dumps(told))


def _opened(folder: str, has_text: Any) -> wb.PreferenceData:
    data = wb.open_folder(folder)
    assert len(data.digest) == 32 and len(data.annotators) == 2 and has_text(data)  # noqa: S101, PT018
    return data


def measure(row: str, folder: Path) -> list[dict[str, Any]]:
    """Return what a process of its own took."""
    command = [sys.executable, "-m", "bench.parts.opened", "--worker", row, str(folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT, env={**os.environ, **PINNED}
    )
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Make the set, open it in each form three times, and tell the least."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=1_000_000)
    parser.add_argument("--worker", nargs=2, metavar=("ROW", "FOLDER"))
    options = parser.parse_args()
    if options.worker:
        worker(*options.worker)
        return
    with tempfile.TemporaryDirectory() as place:
        folders = {"parquet": Path(place) / "parquet", "mapped": Path(place) / "mapped"}
        data = made(options.pairs)
        save_before(data, folders["parquet"])
        cpu = time.process_time()
        wb.save(data, folders["mapped"])
        cpu = time.process_time() - cpu
        del data
        sizes = {n: sum(f.stat().st_size for f in p.iterdir()) / 1e9 for n, p in folders.items()}
        print(f"{options.pairs:,} pairs, {2 * options.pairs:,} labels, {FACTORS} factors; on the "
              f"disk {sizes['parquet']:.2f} GB of Parquet, {sizes['mapped']:.2f} GB mapped, "
              f"saved in {cpu:.1f} s of CPU")  # fmt: skip
        print(f"{'':<22}{'':<8}{'CPU s':>8}{'wall s':>8}{'peak GiB':>10}{'own GiB':>9}")
        for row in ROWS:
            runs = [measure(row, folders[row.split(",")[0]]) for _ in range(3)]
            for steps in zip(*runs, strict=True):
                least = {k: min(one[k] for one in steps) for k in ("cpu", "wall", "peak", "own")}
                print(f"{row:<22}{steps[0]['step']:<8}{least['cpu']:8.2f}{least['wall']:8.2f}"
                      f"{least['peak']:10.2f}{least['own']:9.2f}")  # fmt: skip
        print("wanted of mapped: open within 2 s and 0.5 GiB")


if __name__ == "__main__":
    main()
