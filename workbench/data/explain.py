"""How a file is read: its format, what each column is, what its verdicts mean, what leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from glob import has_magic
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from workbench.data.columns import LABEL_COLUMNS, PAIR_COLUMNS
from workbench.data.dataset import PreferenceData
from workbench.data.formats.plain.answers import meaning_text, meanings_of_rows
from workbench.data.formats.plain.asking import in_short
from workbench.data.formats.plain.looks import look_at
from workbench.data.formats.plain.nearest import way_to_explain
from workbench.data.formats.plain.suggestion import command
from workbench.data.formats.records import excerpt
from workbench.data.formats.tabular import meanings
from workbench.data.load import load
from workbench.data.load_report import LoadReport
from workbench.data.reading.bounds.limits import bounded
from workbench.data.reading.containers import open_source
from workbench.data.reading.record_tables import table_of
from workbench.data.whole_folder import is_whole
from workbench.errors import DataError

_ROWS = 3


@dataclass(frozen=True)
class Explanation:
    """How a source is read.

    Attributes
    ----------
    source : str
    format : str or None
        Name of the format; None where none is recognised.
    columns : DataFrame
        ``column, looks_like, read_as``, a row a column of the file.
    verdicts : DataFrame
        ``column, value, count, meaning``, a row a distinct verdict.
    rows : DataFrame
        The first judgements as they are read.
    report : LoadReport or None
        What became of every row; None where the source cannot be read.
    problem : str or None
        Why it cannot.
    command : str or None
        A command to try, where the columns suggest one.

    Examples
    --------
    >>> table = pd.DataFrame({"q": ["2+2?"], "text_a": ["4"], "text_b": ["5"], "label": ["a"]})
    >>> found = explain(table)
    >>> found.columns.set_index("column")["read_as"]["label"], found.verdicts["meaning"].tolist()
    ('label', ['A preferred'])
    """

    source: str
    format: str | None
    columns: pd.DataFrame
    verdicts: pd.DataFrame
    rows: pd.DataFrame
    report: LoadReport | None = None
    problem: str | None = None
    command: str | None = None

    def __str__(self) -> str:
        """Return all of it as text."""
        parts = [f"{self.source}: " + (f"read as {self.format}" if self.format else "not read")]
        if len(self.columns):
            parts.append("Columns\n" + _text_of(self.columns))
        if len(self.verdicts):
            parts.append("Verdicts\n" + _text_of(self.verdicts))
        if len(self.rows):
            blocks = ["\n".join(f"  {k}: {excerpt(v)}" for k, v in row.dropna().items())
                      for _, row in self.rows.iterrows()]  # fmt: skip
            parts.append("First judgements as read\n" + "\n\n".join(blocks))
        if self.report is not None:
            parts.append(f"Rows\n  {str(self.report).replace(chr(10), chr(10) + '  ')}")
        if self.problem:
            parts.append(self.problem)
        if self.command and self.command not in (self.problem or ""):
            parts.append(f"To try: {self.command}")
        return "\n\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Return the explanation as plain JSON values."""
        tables = {name: getattr(self, name) for name in ("columns", "verdicts", "rows")}
        return {
            "source": self.source,
            "format": self.format,
            **{
                name: frame.astype(object).where(frame.notna(), None).to_dict("records")
                for name, frame in tables.items()
            },
            "load_report": None if self.report is None else asdict(self.report),
            "problem": self.problem,
            "command": self.command,
        }


def explain(
    source: str | Path | pd.DataFrame | Sequence[str | Path],
    format: str | None = None,
    *,
    rows: int = _ROWS,
    **options: Any,
) -> Explanation:
    """Say how a source is read, or why it cannot be.

    Parameters
    ----------
    source : str, Path, DataFrame or sequence of str or Path
        As for :func:`workbench.load`.
    format : str, optional
        Name of the format; recognised by content when None.
    rows : int
        Judgements to show as they are read.
    **options
        As for :func:`workbench.load`: ``mapping``, ``verdicts``, ``scale``, ...

    Returns
    -------
    Explanation

    Raises
    ------
    DataError
        The source holds no records at all: there is nothing to look at.

    Examples
    --------
    >>> print(explain(pd.DataFrame({"x": ["one"], "y": [1]})).format)
    None
    """
    with bounded(options.get("limits")):
        name, table = _records(source)
    looks = look_at(table)
    data: PreferenceData | None = None
    problem = None
    try:
        data = load(source, format, **options)
    except DataError as error:
        # the way here is no advice to one who is here
        problem = str(error).replace(way_to_explain(name), "").rstrip()
    report = None if data is None else data.load_report
    read_as = None if report is None else report.format
    roles = _roles(table, data)
    columns = [
        {"column": x.column, "looks_like": str(x), "read_as": roles.get(x.column, "")}
        for x in looks
    ]
    return Explanation(
        name,
        read_as,
        pd.DataFrame(columns, columns=["column", "looks_like", "read_as"]),
        _verdicts(table, data, options),
        pd.DataFrame() if data is None else _first(data, rows),
        report,
        problem,
        command(name, looks) if problem is not None else None,
    )


def _records(source: str | Path | pd.DataFrame | Sequence[str | Path]) -> tuple[str, pa.Table]:
    """Return name and records; none of files that belong together, nor of a hub's set."""
    if isinstance(source, pd.DataFrame):
        return "table", table_of(source.rename(columns=str).to_dict("records"))[0]
    path = Path(str(source)) if isinstance(source, str | Path) else None
    if path is not None and path.is_dir():
        # as in the report, a folder is called by its name alone
        return path.name, pa.table({}) if is_whole(path) else open_source(path).table
    if path is not None and not path.is_file() and not has_magic(str(source)):
        return str(source), pa.table({})
    container = open_source(source)
    return container.name, container.table


def _roles(table: pa.Table, data: PreferenceData | None) -> dict[str, str]:
    """Return what each column was read as."""
    if data is None or data.load_report is None:
        return {}
    report = data.load_report
    roles: dict[str, str] = {}
    for role, columns in (report.settings.get("mapping") or {}).items():
        if role in ("annotators", "criteria"):
            named = columns.items() if role == "criteria" else ((c, c) for c in columns)
            roles.update({column: f"verdicts ({role}: {name})" for name, column in named})
        elif role != "labels":
            roles.update(dict.fromkeys(columns if isinstance(columns, list) else [columns], role))
    left = str(report.settings.get("columns_left_out", "")).split(", ")
    known = _kept(data)
    for column in table.column_names:
        kept = known.get(column, "")
        if column not in roles:
            what = kept or f"read by the format {report.format}"
            roles[column] = "left out" if column in left else what
        elif kept:
            roles[column] += f", {kept}"
    return roles


def _kept(data: PreferenceData) -> dict[str, str]:
    """Return by column where it is kept under its own name: with the labels, or the pairs."""
    return {
        str(name).removeprefix("source_").split(".")[0]: what
        for names, known, what in (
            (data.pairs, PAIR_COLUMNS, "metadata"),
            (data.labels, LABEL_COLUMNS, "metadata of the labels"),
        )
        for name in names
        if name not in known
    }


def _verdicts(
    table: pa.Table, data: PreferenceData | None, options: Mapping[str, Any]
) -> pd.DataFrame:
    """Return the values of the labels with their counts and meaning."""
    if data is None or (data.load_report and data.load_report.format == "tabular"):
        try:
            return meanings(table, options)
        except DataError:
            return pd.DataFrame()
    return meanings_of_rows(data.labels)[["count", "meaning"]]


def _first(data: PreferenceData, rows: int) -> pd.DataFrame:
    """Return the first judgements with their pairs."""
    labels = data.labels.head(rows)
    pairs = data.pairs.set_index("pair_id").loc[labels["pair_id"]].reset_index(drop=True)
    shown = [c for c in ("prompt", "response_a", "response_b", "model_a", "model_b") if c in pairs]
    beside = ("annotator", "kind", "criterion", "order_shown")
    labels = labels.reset_index(drop=True)
    said = labels.apply(meaning_text, axis=1).rename("verdict")
    return pd.concat([pairs[shown], said, labels[[c for c in beside if c in labels]]], axis=1)


def _text_of(frame: pd.DataFrame) -> str:
    """Return a table as text, its cells in short."""
    cells = frame.map(
        lambda value: value if isinstance(value, int | float) else excerpt(in_short(str(value)))
    )
    return str(cells.to_string(index=False, na_rep=""))
