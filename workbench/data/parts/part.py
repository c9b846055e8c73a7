"""One part of a data set in parts: a saved set with its factor values beside it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from workbench.data.alike.overlap import note_of_parts, prompts_of_people
from workbench.data.alike.repeats import NO_REPEATS, Repeats
from workbench.data.dataset import PreferenceData
from workbench.data.digests import Sums
from workbench.data.load_report import LoadReport
from workbench.data.store import open_folder, save
from workbench.errors import DataError
from workbench.whole_file import write_text, written

CODED, VALUES = "factors", "values"
"""What the files of a part's factors hold: coded differences, values of both sides."""

_FACTS = "part.json"


@dataclass(frozen=True)
class Facts:
    """What is known of a part without opening its tables.

    Attributes
    ----------
    name : str
        Of its folder.
    n_pairs, n_labels : int
    annotators : list of dict
        ``annotator, kind, n_labels, n_pairs``.
    criteria : dict of str to int
        Labels of each.
    sums : dict
        Of the hashes of the rows of its tables: added up over parts they name the whole set.
    has_text, has_prompt : bool
    label_columns : list of str
        Columns of its labels.
    pair_columns : dict of str to str
        Type of each column of its pairs.
    load_report : LoadReport or None
    people_prompts : tuple of int
        How many prompts have labels of people, and of two or more of them.
    repeats : Repeats
        Of the rows that it is made of.
    """

    name: str
    n_pairs: int
    n_labels: int
    annotators: list[dict[str, Any]]
    criteria: dict[str, int]
    sums: dict[str, Sums]
    has_text: bool
    has_prompt: bool
    label_columns: list[str]
    pair_columns: dict[str, str]
    load_report: LoadReport | None = field(default=None, compare=False)
    people_prompts: tuple[int, int] = (0, 0)
    repeats: Repeats = NO_REPEATS

    @classmethod
    def of(cls, name: str, data: PreferenceData, repeats: Repeats = NO_REPEATS) -> Facts:
        """Return the facts of a part's data."""
        text = data.pairs[["response_a", "response_b"]]
        return cls(
            name=name,
            n_pairs=len(data),
            n_labels=len(data.labels),
            annotators=data.annotators.astype({"kind": object}).to_dict("records"),
            criteria=data.labels["criterion"].value_counts().sort_index().to_dict(),
            sums=data.sums,
            has_text=not text.isna().all(axis=None),
            has_prompt=bool(data.pairs["prompt"].notna().any()),
            label_columns=[str(name) for name in data.labels.columns],
            pair_columns={str(name): str(kind) for name, kind in data.pairs.dtypes.items()},
            load_report=data.load_report,
            people_prompts=prompts_of_people(data.pairs, data.labels),
            repeats=repeats,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the facts as plain JSON values."""
        report = None if self.load_report is None else self.load_report.to_dict()
        return {**self.__dict__, "load_report": report, "repeats": asdict(self.repeats)}

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Facts:
        """Rebuild the facts from :meth:`to_dict`."""
        report = record["load_report"]
        sums = {name: (n, one, other) for name, (n, one, other) in record["sums"].items()}
        told = None if report is None else LoadReport.from_dict(report)
        people = tuple(record.get("people_prompts", (0, 0)))
        known = {"sums": sums, "load_report": told, "people_prompts": people}
        return cls(**{**record, **known, "repeats": _repeats(record.get("repeats"))})


@dataclass(frozen=True)
class PartRef:
    """Where a part lies, and which factors it is opened with: small, to be sent anywhere.

    Attributes
    ----------
    folder : str
        Of the part.
    scored : str or None
        What names the files of its factors.
    specs : mapping
        By factor: its specification, with the coding fitted to the whole set.
    """

    folder: str
    scored: str | None = None
    specs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """Name of the part."""
        return Path(self.folder).name

    def open(self, *, values: bool = True) -> PreferenceData:
        """Return the part's data with its factors, with the values of both sides or without."""
        data = open_folder(self.folder)
        if self.scored is None:
            return data
        tables = {"factors": CODED, "factor_values": VALUES}
        if not values:
            del tables["factor_values"]
        keys = data.pairs[["pair_id"]]
        found = {
            name: pd.concat([keys, self._whole(kind, len(data))], axis=1)
            for name, kind in tables.items()
        }
        return replace(data, **found, factor_specs=dict(self.specs))

    def file(self, kind: str, scored: str) -> Path:
        """Return where the coded factors, or the values of both sides, stand."""
        return Path(self.folder, f"{kind}-{scored}.parquet")

    def write(self, kind: str, scored: str, table: pd.DataFrame) -> None:
        """Write factors beside the part, whole or not at all."""
        with written(self.file(kind, scored)) as draft:
            # of a table without columns the index alone tells how many rows it has
            arrow = pa.Table.from_pandas(table, preserve_index=table.columns.empty)
            pq.write_table(arrow, draft, compression="zstd")

    def read(self, kind: str, scored: str, columns: list[str] | None = None) -> pd.DataFrame:
        """Return factors that stand beside the part, or some columns of them.

        Raises
        ------
        DataError
            The file is missing or damaged.
        """
        path = self.file(kind, scored)
        try:
            return pq.ParquetFile(path).read(columns).to_pandas().reset_index(drop=True)
        except (OSError, pa.ArrowInvalid) as error:
            raise _damaged(f"{self.name}/{path.name}", str(error)) from error

    def _whole(self, kind: str, n: int) -> pd.DataFrame:
        table = self.read(kind, str(self.scored))
        if len(table) != n:
            found = f"{len(table):,} rows where the part has {n:,} pairs"
            raise _damaged(f"{self.name}/{self.file(kind, str(self.scored)).name}", found)
        return table


def people_note(parts: Iterable[Facts]) -> str | None:
    """Return a line on how far people label the same prompts, as the load report has it."""
    people: Counter[str] = Counter()
    prompts = shared = 0
    for one in parts:
        own = [row for row in one.annotators if row["kind"] == "human"]
        people.update({row["annotator"]: row["n_labels"] for row in own})
        prompts, shared = prompts + one.people_prompts[0], shared + one.people_prompts[1]
    return note_of_parts(people, prompts, shared)


def _repeats(record: Mapping[str, Any] | None) -> Repeats:
    if record is None:
        return NO_REPEATS
    blocks = {int(k): (one[0], one[1], one[2]) for k, one in record["blocks"].items()}
    return Repeats(record["again"], record["rows"], blocks)


def write_part(
    data: PreferenceData, folder: Path, name: str, repeats: Repeats = NO_REPEATS
) -> Facts:
    """Save a part and what is known of it; a part that is there whole is not written again.

    Parameters
    ----------
    data : PreferenceData
        The part, without factors.
    folder : Path
        Of the whole set.
    name : str
        Of the part.
    repeats : Repeats
        Of the rows that it is made of.
    """
    save(data, folder / name)
    facts = Facts.of(name, data, repeats)
    write_text(folder / name / _FACTS, json.dumps(facts.to_dict(), ensure_ascii=False))
    return facts


def facts_of(folder: Path) -> Facts | None:
    """Return the facts of a finished part, None where it is not finished."""
    try:
        return Facts.from_dict(json.loads((folder / _FACTS).read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        found = f"{type(error).__name__}: {error}"
        raise _damaged(f"{folder.name}/{_FACTS}", found) from error


def _damaged(where: str, found: str) -> DataError:
    return DataError(
        "A file of a part is damaged or missing.",
        where=where,
        found=found,
        expected="the files that were written with the part",
        fix="Score the factors again, or load the original files anew.",
    )
