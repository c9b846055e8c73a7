"""Whose labels are fitted, of data in memory or in parts: the same in every part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol, Self, TypeVar

import pandas as pd

from workbench.data.columns import deciding_criterion, members
from workbench.data.dataset import PreferenceData
from workbench.data.parts.parted import PartedData


class Annotated(Protocol):
    """What labels are chosen from: data in memory or in parts."""

    @property
    def annotators(self) -> pd.DataFrame:
        """One row an annotator."""

    def decided(self, *, by: Iterable[str] = ()) -> Self:
        """Return the labels of one criterion."""

    def filter(
        self, *, annotators: Iterable[str] | None = None, kinds: Iterable[str] | None = None
    ) -> Self:
        """Return the labels of some annotators or kinds."""


Chosen = TypeVar("Chosen", bound=Annotated)


def select_annotators(
    data: Chosen, annotator: str | Iterable[str] | None, by: list[str]
) -> tuple[Chosen, list[str]]:
    """Return the data of the annotators asked for; one kind is pooled in one group.

    Parameters
    ----------
    data : PreferenceData, or what stands for data in parts
    annotator : str, iterable of str, or None
        Names, or one kind; None keeps everybody.
    by : list of str
        What makes a group; ``annotator`` in it becomes ``kind`` where a kind is asked for.
    """
    data = data.decided(by=by)
    if annotator is None:
        return data, by
    names = [annotator] if isinstance(annotator, str) else list(annotator)
    known = set(data.annotators["annotator"])
    kinds = set(data.annotators["kind"])
    if len(names) == 1 and names[0] not in known and names[0] in kinds:
        return data.filter(kinds=names), ["kind" if c == "annotator" else c for c in by]
    return data.filter(annotators=names), by


@dataclass(frozen=True)
class Selection:
    """The labels of some criteria and annotators; None keeps all.

    Attributes
    ----------
    criteria, chosen, kinds : tuple of str, or None
    """

    criteria: tuple[str, ...] | None = None
    chosen: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None

    def of_criteria(self, data: PreferenceData) -> PreferenceData:
        """Return the labels of a part that answer the question."""
        if self.criteria is None:
            return data
        return data.filter(criteria=_there(data.labels["criterion"], self.criteria))

    def of_annotators(self, data: PreferenceData) -> PreferenceData:
        """Return the labels of a part by those who are asked for."""
        if self.kinds is not None:
            return data.filter(kinds=_there(data.labels["kind"], self.kinds))
        if self.chosen is not None:
            return data.filter(annotators=_there(data.labels["annotator"], self.chosen))
        return data


@dataclass(frozen=True, eq=False)
class Selecting:
    """Data in parts whose labels are chosen as those of data in memory are.

    Attributes
    ----------
    data : PartedData
    selection : Selection
    """

    data: PartedData
    selection: Selection = Selection()

    @property
    def annotators(self) -> pd.DataFrame:
        """One row an annotator of the whole set."""
        return self.data.annotators

    def decided(self, *, by: Iterable[str] = ()) -> Selecting:
        """Choose the labels of one criterion (:meth:`PreferenceData.decided`)."""
        criterion = deciding_criterion(self.data.criteria, by)
        if criterion is None:
            return self
        return replace(self, selection=replace(self.selection, criteria=(criterion,)))

    def filter(
        self, *, annotators: Iterable[str] | None = None, kinds: Iterable[str] | None = None
    ) -> Selecting:
        """Choose the labels of some annotators, or of some kinds of them."""
        chosen = self.selection
        if annotators is not None:
            names = tuple(annotators)
            members(self.annotators["annotator"], names, "annotator")
            chosen = replace(chosen, chosen=names)
        if kinds is not None:
            names = tuple(kinds)
            members(self.annotators["kind"], names, "kind")
            chosen = replace(chosen, kinds=names)
        return replace(self, selection=chosen)


def _there(column: pd.Series, names: tuple[str, ...]) -> list[str]:
    """Return the names that a part has: a part may lack one that others have."""
    known = set(column.dropna().unique())
    return [name for name in names if name in known]
