"""Judgements of a stream in files by cluster: what becomes one part lies in one of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from workbench.data.formats import JUDGEMENT_COLUMNS
from workbench.data.parts.prompts import Prompts, Words, words_of

SEQUENCE = "sequence of the stream"
"""Column of the position of each judgement, which restores the order of the files."""

_MOVED = "moved.npz"
_SIDES = (("response_a", "response_b"), ("model_a", "model_b"), ("media_a", "media_b"))


class Buckets:
    """Writes judgements to as many files as there will be parts.

    All judgements of a pair, and all pairs of a prompt or of a cluster that the file names,
    come into one file: the number of the file is a hash of what they have in common.
    """

    def __init__(self, folder: Path, n: int) -> None:
        self.folder, self.n = folder, n
        self.prompts = Prompts()
        self.rows = 0
        self._named: list[Words] = []
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, judgements: pd.DataFrame) -> None:
        """Write a batch of judgements."""
        asked = None
        if "prompt" in judgements:
            prompts = judgements["prompt"].astype("str")
            asked = words_of(prompts)
            self.prompts.add(prompts, asked)
        words = _words(judgements, asked)
        if "cluster" in judgements:
            both = _content(judgements), words_of(judgements["cluster"])
            self._named.append(np.stack(both))
        place = np.arange(self.rows, self.rows + len(judgements))
        self.rows += len(judgements)
        judgements = judgements.assign(**{SEQUENCE: place})
        bucket = (words % np.uint64(self.n)).astype(np.int64)
        table = pa.Table.from_pandas(judgements, preserve_index=False)
        order = np.argsort(bucket, kind="stable")
        bounds = np.searchsorted(bucket[order], np.arange(self.n + 1))
        for number in np.unique(bucket).tolist():
            rows = order[bounds[number] : bounds[number + 1]]
            _append(bucket_file(self.folder, number), table.take(pa.array(rows)))

    @property
    def torn(self) -> bool:
        """Whether a pair stands in several clusters of the file, or with one and without."""
        if not self._named:
            return False
        pair, cluster = np.concatenate(self._named, axis=1)
        order = np.lexsort((cluster, pair))
        pair, cluster = pair[order], cluster[order]
        return bool(((pair[1:] == pair[:-1]) & (cluster[1:] != cluster[:-1])).any())


def _append(path: Path, table: pa.Table) -> None:
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with (
        path.open("ab") as sink,
        pa.ipc.new_stream(sink, table.schema, options=options) as writer,
    ):
        writer.write_table(table)


def bucket_file(folder: Path, number: int) -> Path:
    """Return where the judgements of a part lie."""
    return folder / f"{number:05d}.arrows"


def moved_file(folder: Path, number: int) -> Path:
    """Return where judgements lie that come into a part from elsewhere."""
    return folder / f"{number:05d}.moved.arrows"


def read_bucket(path: Path) -> pd.DataFrame:
    """Return the judgements of a file, in the order in which they were read."""
    frames = []
    with pa.memory_map(str(path)) as source:
        while source.tell() < source.size():
            with pa.ipc.open_stream(source) as reader:
                table = reader.read_all()
                # metadata of which a piece says nothing have the type that other pieces give them
                own = [name for name in table.column_names if name not in JUDGEMENT_COLUMNS]
                bare = [name for name in own if table[name].null_count == len(table)]
                frames.append(table.drop_columns(bare).to_pandas())
    return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]


def _words(judgements: pd.DataFrame, asked: Words | None = None) -> Words:
    """Return for each judgement a hash of what its part must hold together.

    ``asked`` are the hashes of their prompts, where they are there already.
    """
    n = len(judgements)
    none = np.zeros(n, dtype=bool)
    words = np.zeros(n, dtype=np.uint64)
    done = none
    for name in ("cluster", "prompt"):
        if name in judgements:
            has = judgements[name].notna().to_numpy() & ~done
            known = asked if name == "prompt" else None
            words[has] = words_of(judgements[name][has]) if known is None else known[has]
            done = done | has
    if not done.all():
        words[~done] = _content(judgements[~done])
    return words


def _content(judgements: pd.DataFrame) -> Words:
    """Return a hash of the content of each pair, the same with its sides exchanged."""
    total = np.zeros(len(judgements), dtype=np.uint64)
    for one, other in _SIDES:
        for name in (one, other):
            if name in judgements:
                total += words_of(judgements[name])
        total = total * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)
    for name in ("prompt", "item", "media"):
        if name in judgements:
            total = total * np.uint64(0x9E3779B97F4A7C15) + words_of(judgements[name])
    mixed: NDArray[np.uint64] = total ^ (total >> np.uint64(29))
    return mixed


def move(folder: Path, n: int, groups: list[list[str]]) -> None:
    """Write the judgements of prompts that share a cluster beside the file of their part.

    Parameters
    ----------
    folder : Path
        Of the files.
    n : int
        Number of files.
    groups : list of list of str
        Prompts that share a cluster: the first one's file is that of all.
    """
    target: dict[int, int] = {}
    for group in groups:
        words = words_of(pd.Series(group, dtype="str"))
        home = int(words.min() % np.uint64(n))
        target.update({int(word): home for word in words if int(word % np.uint64(n)) != home})
    known = np.array(sorted(target), dtype=np.uint64)
    homes = np.array([target[int(word)] for word in known], dtype=np.int64)
    np.savez(folder / _MOVED, words=known, homes=homes)
    for number in sorted({int(word % np.uint64(n)) for word in known}):
        frame = read_bucket(bucket_file(folder, number))
        words = _words(frame)
        leaves = np.isin(words, known)
        gone = frame[leaves]
        where = homes[np.searchsorted(known, words[leaves])]
        for home in np.unique(where).tolist():
            table = pa.Table.from_pandas(gone[where == home], preserve_index=False)
            _append(moved_file(folder, home), table)


def part_of(folder: Path, number: int) -> pd.DataFrame | None:
    """Return the judgements of a part in the order of the files; None where it has none."""
    frames = []
    with np.load(folder / _MOVED) as moved:
        known = moved["words"]
    if bucket_file(folder, number).is_file():
        frame = read_bucket(bucket_file(folder, number))
        leaves = np.isin(_words(frame), known)
        frames.append(frame[~leaves] if leaves.any() else frame)
    if moved_file(folder, number).is_file():
        frames.append(read_bucket(moved_file(folder, number)))
    frames = [frame for frame in frames if len(frame)]
    if not frames:
        return None
    joined = pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]
    return joined.sort_values(SEQUENCE, kind="stable", ignore_index=True).drop(columns=SEQUENCE)
