"""The verb that reads preference data: recognise, translate, assemble."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.data import sample, store
from workbench.data.assemble import assemble
from workbench.data.dataset import PreferenceData
from workbench.data.formats import Format
from workbench.data.formats.plain.columns import propose
from workbench.data.formats.plain.looks import look_at
from workbench.data.formats.plain.nearest import unrecognised
from workbench.data.formats.plain.suggestion import roles_to_try
from workbench.data.formats.registry import FORMATS, get_format
from workbench.data.formats.training.dataset_info import mapping_beside
from workbench.data.parts.parted import is_parted, open_parts
from workbench.data.reading.arrow_files import parquet_head
from workbench.data.reading.bounds.json_fields import check_fields
from workbench.data.reading.bounds.limits import bounded, check_shape, limits
from workbench.data.reading.container import Container
from workbench.data.reading.containers import open_members, open_part, open_source
from workbench.data.reading.frames import check_names, of_frame
from workbench.data.reading.nearby import nearby
from workbench.data.reading.record_tables import table_of
from workbench.data.reading.several import name_of, not_data, open_all, paths_of
from workbench.data.reading.tables.dialects import Dialect
from workbench.data.reading.translation import flat_records, judgements_of, read_as_one
from workbench.data.whole_folder import of_folder
from workbench.errors import DataError


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
    to_try : dict of str to str
        Columns that their content suggests, where no format is recognised.
    """

    columns: list[str]
    records: list[dict[str, Any]]
    format: str | None
    mapping: dict[str, str]
    to_try: dict[str, str] = field(default_factory=dict)


def load(
    source: str | Path | pd.DataFrame | Sequence[str | Path],
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
    drop_duplicates: bool = False,
    seed: int = 0,
    limits: Mapping[str, float | str] | None = None,
) -> PreferenceData:
    """Read preference data.

    Parameters
    ----------
    source : str, Path, DataFrame or sequence of str or Path
        A file (CSV, TSV, JSON, JSONL, Parquet, Arrow or a spreadsheet, also .gz, .zst, .xz,
        .bz2 or .zip), several files, a pattern such as ``votes/*.jsonl`` or a folder of files
        (they are read as one set), the folder of a saved data set, of an annotation run or of a
        benchmark whose files belong together, ``hub:owner/name[/config][:split]``, a URL
        (``s3://``, ``gs://``, ``hf://``, ...), ``sample``, or a table.
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
    drop_duplicates : bool
        Leave out rows that repeat an earlier one in every column. Judgements that say the
        same are otherwise all kept; only the file's own id of a judgement makes a duplicate.
    seed : int
        Of the shuffle of files that put the chosen response first.
    limits : mapping, optional
        What a file may cost, such as ``{"columns": 5000, "unpacked": "32GiB"}``; see
        :class:`workbench.data.reading.bounds.limits.Limits`.

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
        "drop_duplicates": drop_duplicates, "seed": seed, "of_folder": None,
    }  # fmt: skip
    with nearby(source) as here, bounded(limits):
        return _load(here, format, options)


def _load(
    source: str | Path | pd.DataFrame | Sequence[str | Path],
    format: str | None,
    options: dict[str, Any],
) -> PreferenceData:
    if isinstance(source, pd.DataFrame):
        return _read([of_frame(source)], "table", format, options)
    if str(source) == "sample":
        return sample.load()
    if str(source).startswith("hub:"):
        from workbench.data.reading import hub

        containers = _open_set(hub.fetch(str(source)), format, options)
        return _read(containers, str(source), format, options)
    if isinstance(source, str | Path):
        path = Path(source)
        saved = store.saved_in(path)
        if saved is not None:
            return store.open_folder(saved)
        for folder in (path, path / "data"):
            # of a whole run, too
            if is_parted(folder) and (folder == path or (path / "stages.json").is_file()):
                return open_parts(folder).whole()
        if store.is_curation(path):
            source = path = path / "data"
        if path.is_dir():
            whole = of_folder(path, format)
            if whole is not None:
                whole[0].notes.append(
                    f"the folder is read as one set of {whole[1]}: data of other layouts in it "
                    "are not read; name their files to read them"
                )
                return _read([whole[0]], path.name, whole[1], options)
            # beside the data a folder may hold what describes them
            options["of_folder"] = not_data(path)
    paths = paths_of(source)
    if format is None and asked_format(options) is None:
        described = [mapping_beside(path) for path in paths]
        if all(one == described[0] for one in described):
            options["mapping"] = described[0]
    containers = _open_set(paths, format, options)
    return _read(containers, _named(source, containers), format, options)


def _named(source: str | Path | Sequence[str | Path], containers: list[Container]) -> str:
    """Return the name of a source for the report, without its folder."""
    one = isinstance(source, str | Path)
    return Path(str(source)).name if one and len(containers) > 1 else name_of(containers)


def preview(source: str | Path | Sequence[str | Path], n: int = 20) -> Preview:
    r"""Return a file's columns, first records, recognised format and a proposed mapping.

    Parameters
    ----------
    source : str, Path or sequence of them
        A file, or several.
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
    container, found = _recognised(open_source(source))
    return Preview(
        container.columns,
        container.head(n),
        None if found is None else found.name,
        propose(container.columns),
        roles_to_try(look_at(container.table)) if found is None else {},
    )


def _open_set(paths: list[Path], name: str | None, options: Mapping[str, Any]) -> list[Container]:
    """Open the files of one set; those without any content are told where others have some."""
    filled = [path for path in paths if not path.is_file() or path.stat().st_size > 0] or paths
    containers = open_all(
        filled,
        lambda path, like: open_members(path, lambda file: _open(file, name, options, like)),
    )
    empty = [path.name for path in paths if path not in filled]
    if empty:
        containers[0].notes.append("files without content: " + ", ".join(empty))
    return containers


def _open(
    path: Path, name: str | None, options: Mapping[str, Any], like: Dialect | None = None
) -> Container:
    """Open a file; of a Parquet file in a format that says so, only the needed columns."""
    head = parquet_head(path)
    if head is None:
        return open_part(path, like=like)
    check_names(head.columns, path.name)
    return open_part(path, needed_columns(head, name, options))


def needed_columns(
    head: Container, name: str | None, options: Mapping[str, Any]
) -> list[str] | None:
    """Return the columns of a Parquet file that its format needs, None for all of them."""
    asked = name or asked_format(options)
    found = _recognise(head) if asked is None else get_format(asked)
    if found is None or found.columns is None:
        return None
    return found.columns(head.columns, options)


def asked_format(options: Mapping[str, Any]) -> str | None:
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
    # the fields of a document may number its rows: only a format of documents reads so many
    narrow = container.table.num_columns <= limits().columns
    columns, head = container.columns, container.head() if narrow else []
    for name in FORMATS:
        found = get_format(name)
        if flat_records(container, found) is not None or (
            narrow and found.recognise(columns, head)
        ):
            return found
    return None


def _recognised(container: Container) -> tuple[Container, Format | None]:
    """Return the format of records; of a document that is none, those that it holds."""
    found = _recognise(container)
    if found is None and container.inner is not None:
        inner = _inner(container)
        found = _recognise(inner)
        container = container if found is None else inner
    return container, found


def _inner(container: Container) -> Container:
    check_fields(container.inner or [], container.name)
    table, notes = table_of(container.inner or [])
    notes.append("the records are those of a list inside the JSON document")
    return replace(container, table=table, notes=[*container.notes, *notes], inner=None)


def chosen_format(
    container: Container, name: str | None, options: Mapping[str, Any]
) -> tuple[Container, Format]:
    """Return the format that is asked for or recognised, with the records that it fits."""
    check_names(container.columns, container.name)
    asked = name or asked_format(options)
    if asked is None:
        container, recognised = _recognised(container)
        if recognised is None and options["rule"]:
            recognised = get_format("ratings")
        if recognised is None:
            check_shape(0, container.table.num_columns, container.name)
            raise unrecognised(container.name, look_at(container.table))
        return container, recognised
    found = get_format(asked)
    if container.inner is not None and found.records_of is None:
        wanted = {one for one in (options["mapping"] or {}).values() if isinstance(one, str)}
        inner = _inner(container)
        fits = found.recognise(inner.columns, inner.head()) or wanted & set(inner.columns)
        if fits and not wanted & set(container.columns):
            container = inner
    if flat_records(container, found) is None:
        check_shape(0, container.table.num_columns, container.name)
    return container, found


def _known(
    containers: list[Container], name: str | None, options: Mapping[str, Any]
) -> tuple[list[tuple[Container, Format]], list[str]]:
    """Return the files with their formats; of a folder, also those that have none."""
    known, unknown, error = [], [], None
    for container in containers:
        try:
            known.append(chosen_format(container, name, options))
        except DataError as refused:
            if options["of_folder"] is None:
                raise
            error = error or refused
            unknown.append(container.name)
    if error is not None and not known:
        raise error
    return known, unknown


def _read(
    containers: list[Container], source: str, name: str | None, options: Mapping[str, Any]
) -> PreferenceData:
    """Read the files of one set: one format and one decision about codes for all of them."""
    known, unknown = _known(containers, name, options)
    parts = read_as_one(known)
    frames = []
    for container, found in parts:
        try:
            frames.append(judgements_of(container, found, options))
        except DataError as error:
            if error.where is None:
                raise DataError(
                    error.what, where=container.name, found=error.found,
                    expected=error.expected, fix=error.fix,
                ) from error  # fmt: skip
            raise
    formats = list(dict.fromkeys(found.name for _, found in parts))
    judgements = frames[0] if len(frames) == 1 else pd.concat(frames, ignore_index=True)
    notes = dict.fromkeys(note for frame in frames for note in frame.attrs["notes"])
    if len(known) > 1:
        notes[f"joined from {len(known)} files"] = None
    unknown += options["of_folder"] or []
    if unknown:
        notes["files of the folder that are not recognised, not read: " + ", ".join(unknown)] = None
    data = assemble(
        judgements,
        source=source,
        format=", ".join(formats),
        settings={k: v for frame in frames for k, v in frame.attrs["settings"].items()},
        notes=tuple(notes),
        exchanged=all(found.exchanged for _, found in parts),
        drop_duplicates=options["drop_duplicates"],
    )
    for finish in dict.fromkeys(found.finish for _, found in parts):
        data = data if finish is None else finish(data)
    return data
