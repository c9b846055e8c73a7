"""A data set in parts: what is known of the whole, and where each part lies."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.columns import OVERALL, one_kind
from workbench.data.dataset import PreferenceData
from workbench.data.digests import Sums, added, digest_of
from workbench.data.joined import concat
from workbench.data.load_report import LoadReport, summed
from workbench.data.parts.part import Facts, PartRef
from workbench.errors import DataError
from workbench.whole_file import write_text

MANIFEST = "parts.json"
_VERSION = 1


@dataclass(frozen=True, eq=False)
class PartedData:
    """Preference data in parts, each a saved set with all pairs of its clusters.

    Attributes
    ----------
    folder : Path
    facts : tuple of Facts
        One a part.
    load_report : LoadReport or None
        Of the whole set.
    scored : str or None
        What names the files of the factors.
    factor_specs : mapping
        By factor: its specification, with the coding fitted to the whole set.
    factor_sums : tuple of int or None
        Rows, and sums of the hashes, of the table of factors.
    """

    folder: Path
    facts: tuple[Facts, ...]
    load_report: LoadReport | None = None
    scored: str | None = None
    factor_specs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    factor_sums: Sums | None = None

    def __len__(self) -> int:
        return sum(one.n_pairs for one in self.facts)

    def __repr__(self) -> str:
        return (
            f"PartedData({len(self):,} pairs, {self.n_labels:,} labels, "
            f"{len(self.annotators)} annotators, {len(self.factor_names)} factors, "
            f"{len(self.facts)} parts)"
        )

    @property
    def n_labels(self) -> int:
        """Number of labels."""
        return sum(one.n_labels for one in self.facts)

    @property
    def factor_names(self) -> list[str]:
        """Names of the factors, in order."""
        return list(self.factor_specs)

    @property
    def has_text(self) -> bool:
        """Whether any response has a text."""
        return any(one.has_text for one in self.facts)

    @property
    def has_prompt(self) -> bool:
        """Whether any pair has a prompt."""
        return any(one.has_prompt for one in self.facts)

    @cached_property
    def annotators(self) -> pd.DataFrame:
        """One row an annotator: ``annotator, kind, n_labels, n_pairs``."""
        table = pd.DataFrame([row for one in self.facts for row in one.annotators])
        found = table.groupby("annotator", sort=True).agg(
            {"kind": one_kind, "n_labels": "sum", "n_pairs": "sum"}
        )
        return found.reset_index().astype({"annotator": "str", "kind": "str"})

    @property
    def criteria(self) -> list[str]:
        """Criteria of the labels, the deciding one first where it is named ``overall``."""
        return list(self.labels_by_criterion)

    @cached_property
    def labels_by_criterion(self) -> dict[str, int]:
        """How many labels each criterion has."""
        total = summed(one.criteria for one in self.facts)
        return dict(sorted(total.items(), key=lambda one: (one[0] != OVERALL, one[0])))

    @cached_property
    def digest(self) -> str:
        """The digest that the same data have in memory."""
        sums = added(one.sums for one in self.facts)
        if self.factor_sums is not None:
            sums["factors"] = self.factor_sums
        return digest_of({name: sums[name] for name in ("pairs", "labels", "factors")})

    @property
    def refs(self) -> list[PartRef]:
        """Where each part lies: what work over parts is given, in whatever folder it runs."""
        folder = self.folder.absolute()
        return [
            PartRef(str(folder / one.name), self.scored, self.factor_specs) for one in self.facts
        ]

    def part(self, number: int) -> PreferenceData:
        """Return the data of one part, in memory."""
        return self.refs[number].open()

    def whole(self) -> PreferenceData:
        """Return all parts as one set; its texts are mapped, and read when they are used."""
        data = concat(ref.open() for ref in self.refs)
        return replace(data, factor_specs=dict(self.factor_specs), load_report=self.load_report)

    def sample(self, n_pairs: int, seed: int = 0) -> PreferenceData:
        """Return whole clusters with about so many pairs, chosen by a hash of their names.

        Parameters
        ----------
        n_pairs : int
            Pairs wanted: all where there are fewer.
        seed : int

        Raises
        ------
        DataError
            Less than one pair is asked for.
        """
        if n_pairs < 1:
            raise DataError(
                "A sample needs at least one pair.",
                found=str(n_pairs),
                expected="a number from 1 on",
                fix="For example data.sample(100_000).",
            )
        if n_pairs >= len(self):
            return self.whole()
        share = n_pairs / len(self)
        parts = [_share_of(ref.open(), share, seed) for ref in self.refs]
        chosen = [part for part in parts if len(part)]
        return replace(concat(chosen or [self.part(0)]), factor_specs=dict(self.factor_specs))

    def save(self) -> None:
        """Write what is known of the whole set into its folder."""
        report = None if self.load_report is None else self.load_report.to_dict()
        record = {
            "schema_version": _VERSION,
            "parts": [one.to_dict() for one in self.facts],
            "load_report": report,
            "scored": self.scored,
            "factor_specs": self.factor_specs,
            "factor_sums": self.factor_sums,
        }
        text = json.dumps(record, ensure_ascii=False)
        write_text(self.folder / MANIFEST, text)


def is_parted(path: Path) -> bool:
    """Tell whether a path is the folder of a data set in parts."""
    return (path / MANIFEST).is_file()


def open_parts(folder: str | Path) -> PartedData:
    """Open a data set in parts: nothing but what is known of the whole is read.

    Parameters
    ----------
    folder : str or Path
        Written by :func:`workbench.load_parts` or ``workbench load --out``.

    Raises
    ------
    DataError
        The folder holds no such set, or its manifest is damaged.

    Examples
    --------
    >>> import tempfile, workbench as wb
    >>> with tempfile.TemporaryDirectory() as place:
    ...     made = wb.load_parts("sample", place + "/sample", parts=4)
    ...     data = open_parts(place + "/sample")
    >>> data
    PartedData(2,000 pairs, 14,300 labels, 16 annotators, 0 factors, 4 parts)
    """
    folder = Path(folder)
    try:
        record = json.loads((folder / MANIFEST).read_text("utf-8"))
        version = record["schema_version"]
        if version != _VERSION:
            raise _unreadable(folder, f"schema_version {version!r}")
        report, sums = record["load_report"], record["factor_sums"]
        return PartedData(
            folder,
            tuple(Facts.from_dict(one) for one in record["parts"]),
            None if report is None else LoadReport.from_dict(report),
            record["scored"],
            record["factor_specs"],
            None if sums is None else (sums[0], sums[1], sums[2]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(folder, f"{type(error).__name__}: {error}") from error


def named(settings: Mapping[str, Any]) -> str:
    """Return a short name for work under some settings: the same settings, the same name.

    Examples
    --------
    >>> named({"k": 1}) == named({"k": 1}), len(named({}))
    (True, 12)
    """
    text = json.dumps(settings, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def _share_of(data: PreferenceData, share: float, seed: int) -> PreferenceData:
    words = pd.util.hash_array(
        data.pairs["cluster"].to_numpy(dtype=object), hash_key=f"{seed:016d}"[-16:]
    )
    keep = words < np.uint64(min(share, 1.0) * (2**64 - 1))
    return data.filter(pair_ids=data.pairs["pair_id"][keep])


def _unreadable(folder: Path, found: str) -> DataError:
    return DataError(
        "The folder holds no data set in parts that can be read.",
        where=f"{folder.name}/{MANIFEST}",
        found=found,
        expected="the manifest that workbench load --out writes last",
        fix="Load the files again with the same --out: parts that are whole are kept.",
    )
