"""The verb that reads files into parts, piece by piece."""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.data import load as reading
from workbench.data.alike.one_row import with_columns
from workbench.data.alike.repeats import NO_REPEATS
from workbench.data.assemble import RENUMBERED, NothingUsableError
from workbench.data.columns import numbered
from workbench.data.dataset import PreferenceData
from workbench.data.parts.building import Build, Built
from workbench.data.parts.part import Facts, facts_of, people_note, write_part
from workbench.data.parts.parted import MANIFEST, PartedData, is_parted, named, open_parts
from workbench.data.parts.pieces import NotStreamed, can_stream
from workbench.data.parts.prompts import Words, words_of
from workbench.data.parts.reports import whole_report
from workbench.data.parts.spool import Spooled, spool
from workbench.data.reading.bounds.limits import bounded
from workbench.data.reading.containers import check_file
from workbench.data.reading.files import PACKED
from workbench.data.reading.nearby import nearby
from workbench.data.reading.several import folders_told, name_of_all, paths_of
from workbench.data.store import open_folder
from workbench.engine import Engine, Local
from workbench.errors import DataError, UnwrittenError, refuse_out_of_range, whole
from workbench.whole_file import write_text

_PLAN, _SPOOL = "plan.json", "spool"

_BYTES = 64 << 20
"""Bytes of text that become one part, unless the number of parts is given."""

_UNPACKED = 4
"""How many times as long text is as the compressed or Parquet file that holds it."""


def load_parts(
    source: str | Path | pd.DataFrame | Sequence[str | Path],
    out: str | Path,
    *,
    parts: int | None = None,
    engine: Engine | None = None,
    **options: Any,
) -> PartedData:
    r"""Read preference data into a folder of parts, so that no more than one is in memory.

    Parameters
    ----------
    source : str, Path, DataFrame or sequence of str or Path
        As :func:`workbench.load` takes it. JSON lines, CSV, TSV and Parquet are read piece by
        piece, where the format makes a judgement of each record by itself; anything else is
        read as a whole, and the load report says so.
    out : str or Path
        A new folder, or one that the same call left unfinished: parts that are whole are kept.
    parts : int, optional
        Number of parts; one for every 64 MB of text when None.
    engine : Engine, optional
        Where parts are made; in this process when None.
    **options
        Those of :func:`workbench.load`.

    Returns
    -------
    PartedData
        All pairs of a cluster, and all judgements of a pair, lie in one part.

    Raises
    ------
    DataError
        What :func:`workbench.load` refuses, or a folder that holds something else.

    Notes
    -----
    The first pass writes judgements to one file a part, by a hash of their cluster, and keeps
    the distinct prompts: near-equal ones are looked for as in memory, up to 512 MiB of them. The
    second pass makes each part by itself. What a note of the load report counts is added up.

    Examples
    --------
    >>> import tempfile
    >>> table = "prompt,text_a,text_b,label\n" + "".join(f"{n}?,x,y,a\n" for n in range(9))
    >>> with tempfile.TemporaryDirectory() as place:
    ...     path = Path(place, "votes.csv")
    ...     _ = path.write_text(table)
    ...     data = load_parts(path, Path(place, "votes"), parts=2)
    ...     len(data), len(data.facts), data.digest == reading.load(path).digest
    (9, 2, True)
    """
    given = _options(options)
    with nearby(source) as here:
        return _loaded(here, Path(out), parts, given, engine or Local())


def _loaded(
    source: Any, out: Path, parts: int | None, given: dict[str, Any], engine: Engine
) -> PartedData:
    paths = _files(source)
    for path in paths:
        if not path.is_file():
            check_file(path)
    n = _number(paths) if parts is None else parts
    refuse_out_of_range({"parts": (whole(n, 1), n, "a whole number, 1 or more")})
    plan = named(
        {
            "files": _state(source, paths),
            "source": _name(source, paths),
            "parts": n,
            "options": given,
        }
    )
    if _finished(out, plan):
        try:
            return open_parts(out)
        except DataError:
            # the parts themselves are there: what is known of the whole is made again
            (out / MANIFEST).unlink()
    reason = next(filter(None, map(can_stream, paths)), None) if paths else "it is no file"
    if reason is None:
        try:
            with bounded(given["limits"], timed=False):
                return _streamed(paths, out, n, given, engine)
        except NotStreamed as error:
            reason = str(error)
            shutil.rmtree(out / _SPOOL)
    return _split(reading.load(source, **given), out, n, reason)


def _options(options: dict[str, Any]) -> dict[str, Any]:
    """Return all options of the reader, those that are not given as it has them."""
    known = inspect.signature(reading.load).parameters.values()
    defaults = {one.name: one.default for one in known if one.name != "source"}
    unknown = [name for name in options if name not in defaults]
    if unknown:
        raise TypeError(f"load_parts() got an unexpected keyword argument {unknown[0]!r}")
    return {**defaults, **options}


def _files(source: Any) -> list[Path]:
    """Return the files of a source that is files and nothing else."""
    if isinstance(source, pd.DataFrame) or str(source) == "sample":
        return []
    if isinstance(source, str | Path):
        path = Path(source)
        if str(source).startswith("hub:") or path.is_dir():
            return []
    return paths_of(source)


def _state(source: Any, paths: Sequence[Path]) -> list[tuple[Any, ...]]:
    """Return what tells whether a source is still what it was, without reading its files."""
    if isinstance(source, pd.DataFrame):
        # no other call brings its rows again
        texts = pd.util.hash_array(source.astype("str").to_numpy(dtype=object).ravel())
        return [(*map(str, source.columns), len(source), int(texts @ _odd(len(texts))))]
    every = list(paths)
    if not every and isinstance(source, str | Path) and Path(source).is_dir():
        every = sorted(path for path in Path(source).rglob("*") if path.is_file())
    named_by = zip(folders_told(every), every, strict=True)
    known = [(a + path.name, path.stat()) for a, path in named_by if path.is_file()]
    return [(name, found.st_size, found.st_mtime_ns) for name, found in known]


def _odd(n: int) -> Words:
    return np.arange(1, 2 * n, 2, dtype=np.uint64)


def _name(source: Any, paths: Sequence[Path]) -> str:
    if isinstance(source, pd.DataFrame):
        return "table"
    if len(paths) < 2:
        return Path(str(source)).name if not paths else paths[0].name
    return name_of_all([a + b.name for a, b in zip(folders_told(paths), paths, strict=True)])


def _number(paths: Sequence[Path]) -> int:
    size = 0
    for path in (one for one in paths if one.is_file()):
        packed = path.suffix.lower() in (*PACKED, ".parquet")
        size += path.stat().st_size * (_UNPACKED if packed else 1)
    return max(1, -(-size // _BYTES))


def _finished(out: Path, plan: str) -> bool:
    """Tell whether a folder holds the finished set; take a free one for it.

    Raises
    ------
    DataError
        The folder holds something else.
    """
    known = None
    if (out / _PLAN).is_file():
        known = (out / _PLAN).read_text("utf-8")
    elif out.is_dir() and any(out.iterdir()):
        known = ""
    started = {_PLAN, _SPOOL}
    if known and known != plan and {path.name for path in out.iterdir()} <= started:
        # nothing of another call but what its first pass left
        shutil.rmtree(out / _SPOOL, ignore_errors=True)
    elif known is not None and known != plan:
        raise DataError(
            "The folder holds something else.",
            where=out.name,
            found="files of another call" if known else "files that are no data set in parts",
            expected="a new folder, or one that the same call left unfinished",
            fix="Choose another folder; or remove this one, if the files have changed since.",
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwrittenError(out, error.strerror or error) from error
    write_text(out / _PLAN, plan)
    return is_parted(out)


def _streamed(
    paths: list[Path], out: Path, n: int, options: dict[str, Any], engine: Engine
) -> PartedData:
    folder = out / _SPOOL
    spooled = Spooled.read(folder)
    if spooled is None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        spooled = spool(paths, folder, n, options["format"], options)
    source = _name(None, paths)
    work = Build(str(folder.absolute()), str(out.absolute()), source, options["drop_duplicates"])
    built: list[Built] = list(engine.map(work, range(n)))
    facts = _alike([one for one in built if isinstance(one, Facts)], out)
    notes = spooled.notes + ([f"joined from {len(paths)} files"] if len(paths) > 1 else [])
    parts = [one.load_report if isinstance(one, Facts) else one for one in built]
    report = whole_report(
        [one for one in parts if one is not None],
        source=source,
        format=spooled.format,
        settings=spooled.settings,
        notes=notes,
        groups=spooled.groups,
        people=people_note(facts),
        repeats=sum((one.repeats for one in facts), NO_REPEATS),
        nobody=bool(spooled.unnamed),
    )
    if not facts:
        raise NothingUsableError(source, report.left_out, report.notes)
    return _written(PartedData(out, facts, report))


def _alike(parts: list[Facts], out: Path) -> tuple[Facts, ...]:
    """Return parts whose tables have the same columns: what differs in one is kept in all."""
    told = [one.load_report is not None and RENUMBERED in one.load_report.notes for one in parts]
    if any(told):
        parts = [
            one if done else _renumbered(one, out) for one, done in zip(parts, told, strict=True)
        ]
    names = dict.fromkeys(name for one in parts for name in one.label_columns)
    kinds = {name: kind for one in parts[::-1] for name, kind in one.pair_columns.items()}
    return tuple(_with_columns(one, list(names), kinds, out) for one in parts)


def _renumbered(facts: Facts, out: Path) -> Facts:
    """Return a part whose repeats are numbered as those of the parts where they must be."""
    data = open_folder(out / facts.name)
    repeats = numbered(data.labels).astype("int32")
    renumbered = replace(data, labels=data.labels.assign(replicate=repeats))
    return write_part(renumbered, out, facts.name, facts.repeats)


def _with_columns(facts: Facts, names: list[str], kinds: dict[str, str], out: Path) -> Facts:
    lacking = [name for name in kinds if name not in facts.pair_columns]
    if set(names) <= set(facts.label_columns) and not lacking:
        return facts
    data = open_folder(out / facts.name)
    labels = with_columns(data.pairs, data.labels, data.pair_rows, names)
    if len(labels.columns) == len(data.labels.columns) and not lacking:
        return facts
    nothing = {name: _nothing(kinds[name], data.pairs.index) for name in lacking}
    data = replace(data, pairs=data.pairs.assign(**nothing), labels=labels)
    return write_part(data, out, facts.name, facts.repeats)


def _nothing(kind: str, index: pd.Index) -> pd.Series:
    """Return a column that says nothing, in the type that one with missing values has."""
    if kind == "str":
        return pd.Series(None, index, dtype="str")
    # whole numbers with missing ones are fractions; truth values have no other type for them
    return (
        pd.Series(np.nan, index)
        if kind[:3] in ("flo", "int", "uin")
        else pd.Series(None, index, object)
    )


def _split(data: PreferenceData, out: Path, n: int, reason: str) -> PartedData:
    """Write data in memory into parts, by a hash of the clusters."""
    number = words_of(data.pairs["cluster"]) % np.uint64(n)
    facts = []
    for k in np.unique(number).tolist():
        name = f"part-{k:05d}"
        done = facts_of(out / name)
        if done is None:
            part = data.filter(pair_ids=data.pairs["pair_id"][number == k])
            done = write_part(replace(part, load_report=None), out, name)
        facts.append(done)
    report = data.load_report
    if report is not None:
        note = f"read as a whole, not piece by piece: {reason}"
        report = replace(report, notes=(*report.notes, note))
    # factors that the data bring lie in the parts themselves
    specs = {x: data.factor_specs[x] for x in data.factor_names if x in data.factor_specs}
    return _written(PartedData(out, tuple(facts), report, factor_specs=specs))


def _written(data: PartedData) -> PartedData:
    data.save()
    shutil.rmtree(data.folder / _SPOOL, ignore_errors=True)
    return data
