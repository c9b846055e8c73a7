"""The verb that reads preference data: recognise, translate, assemble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data import sample, store
from workbench.data.assemble import assemble
from workbench.data.dataset import PreferenceData
from workbench.data.formats import Format
from workbench.data.formats.plain.columns import propose
from workbench.data.formats.plain.looks import look_at
from workbench.data.formats.plain.nearest import unrecognised
from workbench.data.formats.registry import FORMATS, get_format
from workbench.data.formats.training.dataset_info import mapping_beside
from workbench.data.joined import concat
from workbench.data.load_report import LeftOut, summed
from workbench.data.reading.containers import Container, open_container, parquet_head
from workbench.data.reading.record_tables import table_of
from workbench.errors import DataError

_BATCH = 20_000


@dataclass(frozen=True)
class Preview:
    """A first look at a file.

    Attributes
    ----------
    columns : list of str
    records : list of dict
        The first records.
    format : str or None
        The format recognised.
    mapping : dict of str to str
        Columns that the names suggest for each role, for the format ``tabular``.
    """

    columns: list[str]
    records: list[dict[str, Any]]
    format: str | None
    mapping: dict[str, str]


def load(
    source: str | Path | pd.DataFrame,
    format: str | None = None,
    *,
    mapping: Mapping[str, Any] | None = None,
    verdicts: Mapping[str, str] | None = None,
    scale: str | None = None,
    annotators: Sequence[str] | Mapping[str, str | None] | None = None,
    criteria: Mapping[str, str] | None = None,
    annotator: str | None = None,
    kind: str | None = None,
    rule: Mapping[str, Any] | None = None,
    order: str | None = None,
    seed: int = 0,
) -> PreferenceData:
    """Read preference data.

    Parameters
    ----------
    source : str, Path or DataFrame
        A file (CSV, TSV, JSON, JSONL or Parquet, also .gz or .zst), the folder of a saved
        data set, of an annotation run or of a benchmark whose files belong together,
        ``hub:owner/name[/config][:split]``, ``sample``, or a table.
    format : str, optional
        One of :data:`FORMATS`; recognised by content when None.
    mapping : mapping, optional
        Columns by role for the format ``tabular``, such as ``{"label": "winner"}``; see
        :data:`workbench.data.formats.plain.columns.ROLES`. ``{"chosen": ..., "rejected": ...}``
        names the better and the worse response; see
        :data:`workbench.data.formats.training.columns.ROLES`.
    verdicts : mapping, optional
        What labels of a table mean, such as ``{"1": "a", "2": "b", "0": "tie"}``; see
        :func:`workbench.data.formats.verdicts.checked_labels`.
    scale : str, optional
        How numbers of a table are to be read, such as ``percent_a`` or ``-3..3:b``; see
        :class:`workbench.data.formats.scales.Scale`.
    annotators : sequence or mapping, optional
        Columns of a table that hold one person's verdicts each; with a kind for each.
    criteria : mapping, optional
        A column of verdicts for each criterion of a table.
    annotator, kind : str, optional
        Who made the labels, where the file does not say.
    rule : mapping, optional
        How ratings become pairs; see :mod:`workbench.data.formats.rated.ratings`.
    order : str, optional
        ``"shown"``: the responses of a table stand in the order in which they were shown;
        ``"alpaca_eval"`` recovers the shown order that AlpacaEval's own evaluator seeded.
    seed : int
        Of the shuffle of files that put the chosen response first.

    Returns
    -------
    PreferenceData
        Its ``load_report`` says what became of every row.

    Raises
    ------
    DataError
        The source cannot be read or no row is usable; the message says where and why.

    Examples
    --------
    >>> table = pd.DataFrame({"prompt": ["2+2?"], "text_a": ["4"], "text_b": ["5"], "label": ["a"]})
    >>> print(load(table).load_report)
    1 kept
    """
    options = {
        "mapping": mapping, "verdicts": verdicts, "scale": scale, "annotators": annotators,
        "criteria": criteria, "annotator": annotator, "kind": kind, "rule": rule, "order": order,
        "seed": seed,
    }  # fmt: skip
    if isinstance(source, pd.DataFrame):
        return _read(_of_frame(source), format, options)
    if str(source) == "sample":
        return sample.load()
    if str(source).startswith("hub:"):
        from workbench.data.reading import hub

        paths = hub.fetch(str(source))
        parts = [_read(_open(path, format, options), format, options) for path in paths]
        return parts[0] if len(parts) == 1 else _joined(parts, str(source))
    path = Path(source)
    if store.is_run(path):
        return store.open_folder(store.results_in(path))
    if store.is_saved(path):
        return store.open_folder(path)
    if path.is_dir():
        joined = _of_folder(path, format)
        if joined is not None:
            return _read(joined[0], joined[1], options)
    if format is None and _asked(options) is None:
        options["mapping"] = mapping_beside(path)
    return _read(_open(path, format, options), format, options)


def _of_folder(folder: Path, name: str | None) -> tuple[Container, str] | None:
    """Return the records of a folder whose files belong together, and their format."""
    for found in map(get_format, FORMATS if name is None else (name,)):
        records = None if found.of_folder is None else found.of_folder(folder)
        if records is not None:
            table, notes = table_of(records)
            return Container(folder.name, table, notes=notes), found.name
    return None


def preview(source: str | Path, n: int = 20) -> Preview:
    r"""Return a file's columns, first records, recognised format and a proposed mapping.

    Parameters
    ----------
    source : str or Path
        A file.
    n : int
        Records to return.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "votes.csv")
    ...     _ = path.write_text("prompt,text_a,text_b,winner\n2+2?,4,5,a\n")
    ...     look = preview(path)
    >>> look.format, look.mapping["label"]
    ('tabular', 'winner')
    """
    container = open_container(Path(source))
    found = _recognise(container)
    return Preview(
        container.columns,
        container.head(n),
        None if found is None else found.name,
        propose(container.columns),
    )


def _of_frame(frame: pd.DataFrame) -> Container:
    frame = frame.set_axis(frame.columns.map(str), axis=1)
    _check_names(list(frame.columns), "table")
    try:
        return Container("table", pa.Table.from_pandas(frame, preserve_index=False))
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        table, notes = table_of(frame.to_dict("records"))
        return Container("table", table, notes=notes)


def _check_names(columns: list[str], name: str) -> None:
    again = [column for column in columns if columns.count(column) > 1]
    if again:
        raise DataError(
            "A column name stands twice.",
            where=name,
            found=repr(again[0]),
            expected="distinct column names",
            fix="Rename the column.",
        )


def _open(path: Path, name: str | None, options: Mapping[str, Any]) -> Container:
    """Open a file; of a Parquet file in a format that says so, only the needed columns."""
    head = parquet_head(path)
    if head is None:
        return open_container(path)
    _check_names(head.columns, path.name)
    asked = name or _asked(options)
    found = _recognise(head) if asked is None else get_format(asked)
    if found is None or found.columns is None:
        return open_container(path)
    return open_container(path, found.columns(head.columns, options))


def _asked(options: Mapping[str, Any]) -> str | None:
    """Return the format whose roles a mapping names; a table's where its reading is said."""
    mapping = options["mapping"] or {}
    if "completion" in mapping:
        return "trl-unpaired"
    if "baseline" in mapping:
        return "arena_hard"
    if {"chosen", "rejected"} & mapping.keys():
        return "trl"
    said = ("mapping", "verdicts", "scale", "annotators", "criteria")
    return "tabular" if any(options[name] for name in said) else None


def _recognise(container: Container) -> Format | None:
    columns, head = container.columns, container.head()
    for name in FORMATS:
        found = get_format(name)
        if _flat_records(container, found) is not None or found.recognise(columns, head):
            return found
    return None


def _flat_records(container: Container, found: Format) -> list[dict[str, Any]] | None:
    """Return the records that a format reads out of a JSON document, None without any."""
    if found.records_of is None or container.document is None:
        return None
    return found.records_of(container.document)


def _read(container: Container, name: str | None, options: Mapping[str, Any]) -> PreferenceData:
    asked = name or _asked(options)
    found = _recognise(container) if asked is None else get_format(asked)
    if found is None:
        raise unrecognised(container.name, look_at(container.table))
    try:
        return _translate(container, found, options)
    except DataError as error:
        if error.where is None:
            raise DataError(
                error.what, where=container.name, found=error.found, expected=error.expected,
                fix=error.fix,
            ) from error  # fmt: skip
        raise


def _translate(container: Container, found: Format, options: Mapping[str, Any]) -> PreferenceData:
    records = _flat_records(container, found)
    if records is not None:
        container = replace(container, table=table_of(records)[0])
    # some layouts name models or the judge only by the file
    options = {**options, "source": container.name}
    size = max(len(container.table), 1) if found.whole else _BATCH
    frames = []
    for start in range(0, max(len(container.table), 1), size):
        part = container.table.slice(start, size)
        frames.append(found.translate(part, start + 1, options))
    settings: dict[str, Any] = {}
    notes = dict.fromkeys(container.notes)
    for frame in frames:
        settings.update(frame.attrs.get("settings", {}))
        notes.update(dict.fromkeys(frame.attrs.get("notes", ())))
    judgements = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    if container.rows is not None and len(judgements):
        numbers = pd.Series(container.rows)
        judgements["row"] = numbers.iloc[judgements["row"].to_numpy("int64") - 1].to_numpy()
    if container.bad:
        bad = pd.DataFrame(container.bad, columns=["row", "found"]).assign(problem="unparseable")
        judgements = pd.concat([judgements, bad], ignore_index=True)
    data = assemble(
        judgements, source=container.name, format=found.name, settings=settings, notes=tuple(notes)
    )
    return data if found.finish is None else found.finish(data)


def _joined(parts: list[PreferenceData], source: str) -> PreferenceData:
    """Join the files of one hub data set, and their reports."""
    data = concat(parts)
    reports = [part.load_report for part in parts if part.load_report is not None]
    left_out: dict[str, LeftOut] = {}
    for report in reports:
        for reason, entry in report.left_out.items():
            old = left_out.get(reason, LeftOut(0))
            examples = (*old.examples, *entry.examples)[:5]
            left_out[reason] = LeftOut(old.count + entry.count, examples)
    notes = dict.fromkeys(note for report in reports for note in report.notes)
    report = replace(
        reports[0],
        source=source,
        rows_read=sum(r.rows_read for r in reports),
        rows_kept=sum(r.rows_kept for r in reports),
        n_pairs=len(data.pairs),
        n_labels=len(data.labels),
        left_out=left_out,
        kept_oddly=summed(report.kept_oddly for report in reports),
        notes=(*notes, f"joined from {len(reports)} files"),
    )
    return replace(data, load_report=report)
