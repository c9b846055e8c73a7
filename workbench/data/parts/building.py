"""One part of a set made of its judgements: the second pass, a part at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from workbench.data.alike.repeats import Repeats
from workbench.data.assemble import NothingUsableError, assemble
from workbench.data.columns import UNNAMED
from workbench.data.formats.registry import get_format
from workbench.data.load_report import LeftOut
from workbench.data.parts.buckets import part_of
from workbench.data.parts.part import Facts, facts_of, write_part
from workbench.data.parts.spool import Spooled
from workbench.errors import DataError

Built = Facts | dict[str, LeftOut] | None
"""A part; what was left out where no row is usable; nothing where there is no row."""


@dataclass(frozen=True)
class Build:
    """What makes parts of a spool: small, and sent anywhere.

    Attributes
    ----------
    spool, folder : str
        Where judgements lie, and where parts go.
    source : str
        Name of the files for the report.
    drop_duplicates : bool
    """

    spool: str
    folder: str
    source: str
    drop_duplicates: bool

    def __call__(self, number: int) -> Built:
        """Make a part; one that is there whole is not made again."""
        name = f"part-{number:05d}"
        done = facts_of(Path(self.folder, name))
        if done is not None:
            return done
        spooled = Spooled.read(Path(self.spool))
        if spooled is None:
            raise _lost_spool(self.source)
        judgements = part_of(Path(self.spool), number)
        if judgements is None:
            return None
        if len(spooled.unnamed) > 1 and "kind" in judgements:
            judgements["annotator"] = _named_by_kind(judgements)
        found, repeats = get_format(spooled.format), list[Repeats]()
        try:
            data = assemble(
                judgements,
                source=self.source,
                format=spooled.format,
                settings=spooled.settings,
                exchanged=found.exchanged,
                drop_duplicates=self.drop_duplicates,
                shared=spooled.clusters,
                has_texts=spooled.has_texts,
                repeats=repeats,
            )
        except NothingUsableError as error:
            return error.left_out
        return write_part(data, Path(self.folder), name, repeats[0])


def _lost_spool(source: str) -> DataError:
    """Return the error of a part whose judgements somebody else has removed meanwhile."""
    return DataError(
        "What was read of the files is not there any more.",
        where=source,
        found="no folder of judgements that wait for their part",
        expected="that of the first pass, until all parts are made",
        fix="Give the same command again, and once at a time.",
    )


def _named_by_kind(judgements: pd.DataFrame) -> pd.Series:
    """Return annotators, those whom nobody names called by their kind."""
    who = judgements.get("annotator", pd.Series(UNNAMED, index=judgements.index)).astype("str")
    who = who.fillna(UNNAMED)
    return who.mask(who == UNNAMED, UNNAMED + " " + judgements["kind"].fillna("unknown"))
