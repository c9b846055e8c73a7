"""From records to judgements: the files of a set, each in its format or all as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.formats import Format
from workbench.data.formats.plain.columns import propose
from workbench.data.formats.records import flag
from workbench.data.reading.bounds.limits import check_time
from workbench.data.reading.container import BadRow, Container
from workbench.data.reading.record_tables import table_of
from workbench.data.reading.several import joined, name_of

_BATCH = 20_000

Part = tuple[Container, Format]


def judgements_of(container: Container, found: Format, options: Mapping[str, Any]) -> pd.DataFrame:
    """Return the judgements of a container's records, in batches where the format allows.

    Parameters
    ----------
    container : Container
    found : Format
    options : mapping
        Reader options by name; see :class:`workbench.data.formats.Format`.

    Returns
    -------
    DataFrame
        Of judgements, ``row`` as the file numbers its records and ``file`` where there are
        several; ``attrs`` hold ``settings`` and ``notes``.
    """
    # some layouts name models or the judge only by the file
    options = {**options, "source": container.name}
    size = max(len(container.table), 1) if found.whole else _BATCH
    frames = []
    for start in range(0, max(len(container.table), 1), size):
        check_time(container.name)
        part = container.table.slice(start, size)
        frames.append(found.translate(part, start + 1, options))
    settings: dict[str, Any] = {}
    notes = dict.fromkeys(container.notes)
    for frame in frames:
        settings.update(frame.attrs.get("settings", {}))
        notes.update(dict.fromkeys(frame.attrs.get("notes", ())))
    judgements = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    if container.lost:
        _flag_lost(judgements, container.lost)
    judgements = _placed(judgements, container)
    if container.bad:
        bad = pd.DataFrame(container.bad, columns=list(BadRow._fields))
        bad = bad if container.files else bad.drop(columns="file")
        judgements = pd.concat([judgements, bad], ignore_index=True)
    judgements.attrs = {"settings": settings, "notes": list(notes)}
    return judgements


def _flag_lost(judgements: pd.DataFrame, lost: Mapping[int, str]) -> None:
    """Mark judgements that lack a response or a verdict of a record that is not kept whole."""
    found = (judgements["row"] - 1).map(lost)
    lacking = np.zeros(len(judgements), dtype=bool)
    for name in ("response_a", "response_b"):
        if name in judgements:
            lacking |= judgements[name].isna().to_numpy()
    if "problem" in judgements:
        # a verdict that could not be kept is not one that nobody gave
        unsaid = np.asarray((judgements["problem"] == "no judgement").fillna(False), dtype=bool)
        unsaid = unsaid & found.notna().to_numpy()
        judgements["problem"] = judgements["problem"].mask(unsaid)
        lacking = lacking | unsaid
    flag(judgements, lacking & found.notna().to_numpy(), "unparseable", found)


def _placed(judgements: pd.DataFrame, container: Container) -> pd.DataFrame:
    """Return judgements numbered as their files number the records, with the files' names."""
    if not len(judgements) or (container.rows is None and container.file_of is None):
        return judgements
    place = judgements["row"].to_numpy("int64") - 1
    if container.file_of is not None:
        names = np.array(container.files, dtype=object)[container.file_of[place]]
        judgements = judgements.assign(file=pd.Series(names, dtype="str"))
    if container.rows is not None:
        judgements["row"] = np.asarray(container.rows)[place]
    return judgements


def read_as_one(parts: Sequence[Part]) -> list[Part]:
    """Return the files of a set as those that are translated together.

    A format that reads all records at once reads them of all its files: a decision about
    codes is one for the set, and records of one prompt may lie in several files. Tables
    whose columns suggest different roles are read each as they are.

    Parameters
    ----------
    parts : list of (Container, Format)
    """
    parts = [(_unpacked(container, found), found) for container, found in parts]
    if len(parts) == 1:
        return list(parts)
    formats = {found.name for _, found in parts}
    groups: dict[tuple[str, Any], list[Part]] = {}
    for place, part in enumerate(parts):
        key = _roles(part, parts) if part[1].whole else place
        groups.setdefault((part[1].name, key), []).append(part)
    result = []
    for group in groups.values():
        containers = [container for container, _ in group]
        one = _of_set(joined(containers, name_of(containers)))
        if len(formats) > 1:
            one.notes.append(f"read as {group[0][1].name}: {one.name}")
        result.append((one, group[0][1]))
    return result


def flat_records(container: Container, found: Format) -> list[dict[str, Any]] | None:
    """Return the records that a format reads out of a JSON document, None without any."""
    if found.records_of is None or container.document is None:
        return None
    return found.records_of(container.document)


def _unpacked(container: Container, found: Format) -> Container:
    records = flat_records(container, found)
    return container if records is None else replace(container, table=table_of(records)[0])


def _of_set(container: Container) -> Container:
    """Return a container whose judgements will name their file."""
    if container.file_of is not None:
        return container
    return replace(
        container,
        files=[container.name],
        file_of=np.zeros(len(container.table), dtype=np.int64),
        bad=[row._replace(file=container.name) for row in container.bad],
    )


def _roles(part: Part, parts: Sequence[Part]) -> Any:
    """Return what sets a table apart: the roles of its columns, where the set's are others."""
    container, found = part
    tables = [one for one, other in parts if other.name == found.name]
    of_set = propose(list(dict.fromkeys(name for one in tables for name in one.columns)))
    own = propose(container.columns)
    same = all(of_set.get(role) == column for role, column in own.items())
    return () if same else tuple(sorted(own.items()))
