"""The one data model: pairs, labels and factors, frozen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.data.columns import (
    LABEL_KEY,
    OVERALL,
    as_text,
    check_keys,
    check_nobody_vanishes,
    check_preferences,
    complete_labels,
    complete_pairs,
    deciding_criterion,
    members,
    noun_of,
    one_kind,
)
from workbench.data.digests import (
    Sums,
    content_digests,
    digest_of,
    id_words,
    row_hashes,
    sums_of,
)
from workbench.data.identity import exchanged, pair_ids, to_turn
from workbench.data.load_report import LoadReport
from workbench.data.rows import Coded, coded, kept_rows

_TEXTS = ("prompt", "response_a", "response_b")


@dataclass(frozen=True, eq=False)
class PreferenceData:
    """Pairs of responses, what annotators preferred, and factor differences.

    Treat the frames as read-only: every verb returns a new object.

    Attributes
    ----------
    pairs : DataFrame
        One row a pair, key ``pair_id`` (128-bit hex digest of the content, the same
        whichever side is A); columns ``PAIR_COLUMNS``, then metadata. Text columns are
        missing where the data have no text. ``cluster`` is the prompt, one for near-equal
        prompts, unless the file or the user names another. Chat messages are kept as JSON in
        ``prompt_messages``, ``response_a_messages`` and ``response_b_messages`` beside the
        rendered text.
    labels : DataFrame
        One row a judgement, key ``LABEL_KEY`` (one text: :attr:`label_ids`); columns
        ``LABEL_COLUMNS``, then what the file says of single judgements. ``preference``
        is P(A preferred) in [0, 1]: 0.5 is a tie (``reason`` says ``tie``, ``both_bad`` or
        ``both_good``), NaN no verdict (``reason`` says why: ``not_applicable``, ``failed``,
        ...). ``criterion`` is what was asked for, ``order_shown`` is ``ab``, ``ba`` or
        missing, ``replicate`` numbers repeats; ``weight`` counts what the label stands for:
        where ``n_votes`` is above 1 it is a share of so many votes.
    factors : DataFrame
        ``pair_id`` and one float column a factor: the coded difference A minus B.
    factor_values : DataFrame
        ``pair_id`` and, for each factor that has sides, ``<factor>_a`` and ``<factor>_b``.
    factor_specs : mapping
        By factor name: the specification and fitted coding as plain JSON values.
    load_report : LoadReport or None
        What became of the rows of the file.

    Examples
    --------
    >>> from workbench.data.dataset import PreferenceData
    >>> pairs = pd.DataFrame({"prompt": ["2+2?"], "response_a": ["4"], "response_b": ["5"]})
    >>> labels = pd.DataFrame({"pair": [0], "annotator": ["ann"], "preference": [1.0]})
    >>> data = PreferenceData.from_tables(pairs, labels)
    >>> len(data), data.annotators["annotator"].tolist()
    (1, ['ann'])
    """

    pairs: pd.DataFrame
    labels: pd.DataFrame
    factors: pd.DataFrame
    factor_values: pd.DataFrame
    factor_specs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    load_report: LoadReport | None = None

    @classmethod
    def from_tables(cls, pairs: pd.DataFrame, labels: pd.DataFrame) -> PreferenceData:
        """Build from plain tables.

        Parameters
        ----------
        pairs : DataFrame
            ``prompt``, ``response_a``, ``response_b`` (any may be missing for data without
            text) and any of the other ``PAIR_COLUMNS`` or metadata.
        labels : DataFrame
            ``pair`` (row position in ``pairs``) or ``pair_id``, ``annotator``,
            ``preference`` and any other of ``LABEL_COLUMNS``.

        Raises
        ------
        DataError
            A preference outside [0, 1], an unknown pair, or a repeated key.
        """
        given = "pair_id" in pairs
        pairs = complete_pairs(pairs)
        labels = labels.copy()
        if "pair" in labels:
            row = labels.pop("pair").to_numpy()
            labels["pair_id"] = pairs["pair_id"].to_numpy()[row]
            again = pairs["pair_id"].duplicated()
            if again.any() and not given:
                turned, _ = to_turn(*pair_ids(pairs))
                labels = exchanged(labels.reset_index(drop=True), turned[row])
                pairs = exchanged(pairs, turned)[~again].reset_index(drop=True)
        empty = pairs[["pair_id"]]
        data = cls(pairs, complete_labels(labels), empty, empty)
        data.check()
        return data

    def __len__(self) -> int:
        return len(self.pairs)

    def __repr__(self) -> str:
        return (
            f"PreferenceData({len(self.pairs):,} pairs, {len(self.labels):,} labels, "
            f"{len(self.annotators)} annotators, {len(self.factor_names)} factors)"
        )

    @property
    def factor_names(self) -> list[str]:
        """Names of the factor columns, in order."""
        return [c for c in self.factors.columns if c != "pair_id"]

    @cached_property
    def annotators(self) -> pd.DataFrame:
        """One row an annotator: ``annotator, kind, n_labels, n_pairs``.

        One whose labels name several kinds is the first of ``human, llm, reward_model, rule,
        objective, unknown`` that they name.
        """
        own = self._rows_by_annotator
        names = sorted(own)
        codes, known = self.coded("labels", "kind")
        told = [None, *known]
        met = [np.flatnonzero(np.bincount(codes[own[name]] + 1)) for name in names]
        kinds = pd.Series([one_kind(told[k] for k in some) for some in met], dtype="str")
        seen = np.zeros(len(self.pairs), dtype=bool)
        n_pairs = []
        for name in names:
            seen[:] = False
            seen[self.pair_rows[own[name]]] = True
            n_pairs.append(int(seen.sum()))
        columns = pd.DataFrame({"annotator": pd.Series(names, dtype="str"), "kind": kinds})
        n_labels = np.array([len(own[name]) for name in names], dtype=np.int64)
        return columns.assign(n_labels=n_labels, n_pairs=np.array(n_pairs, dtype=np.int64))

    def noun(self, reference: str) -> str:
        """Return what to call those whom a name or a kind means: ``people``, ``LLM judges``, ...

        Examples
        --------
        >>> import workbench as wb
        >>> wb.load("sample").noun("human"), wb.load("sample").noun("sim-judge-plain")
        ('people', 'LLM judges')
        """
        table = self.annotators
        named = table["annotator"].eq(reference)
        return noun_of(table["kind"][named if named.any() else table["kind"].eq(reference)])

    @cached_property
    def pair_rows(self) -> np.ndarray:
        """Position in ``pairs`` of each label's pair, shape (n labels,)."""
        return np.asarray(pd.Index(self.pairs["pair_id"]).get_indexer(self.labels["pair_id"]))

    def coded(self, table: Literal["pairs", "labels"], column: str) -> Coded:
        """Return a column as numbers, kept for the next who asks and for parts of the data.

        Examples
        --------
        >>> import workbench as wb
        >>> data = wb.load("sample")
        >>> found = data.coded("labels", "kind")
        >>> len(found.codes) == len(data.labels), found.names.tolist()
        (True, ['human', 'llm', 'reward_model'])
        """
        if (table, column) not in self._coded:
            self._coded[table, column] = coded(as_text(getattr(self, table)[column]))
        return self._coded[table, column]

    @cached_property
    def _coded(self) -> dict[tuple[str, str], Coded]:
        return {}

    def rows_of(self, annotator: str) -> np.ndarray:
        """Return the positions in ``labels`` of an annotator's labels, ascending.

        All annotators are found in one sweep: a look through all labels for each of many judges
        grows with the square of their number.

        Examples
        --------
        >>> import workbench as wb
        >>> data = wb.load("sample")
        >>> len(data.rows_of("sim-judge-length")), len(data.rows_of("nobody"))
        (2000, 0)
        """
        return self._rows_by_annotator.get(annotator, np.empty(0, dtype=np.int64))

    @cached_property
    def _rows_by_annotator(self) -> dict[str, np.ndarray]:
        codes, names = self.coded("labels", "annotator")
        order = np.argsort(codes, kind="stable")
        bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
        return {str(name): order[bounds[k] : bounds[k + 1]] for k, name in enumerate(names)}

    @cached_property
    def digest(self) -> str:
        """128-bit hex digest of the content: it names the data in caches, URLs and reports.

        Independent of the order of rows and columns.
        """
        return digest_of(self.sums)

    @cached_property
    def sums(self) -> dict[str, Sums]:
        """By table: its rows and the sums of their hashes; those of disjoint parts add up."""
        return {name: sums_of(hashes) for name, hashes in self._hashes.items()}

    @cached_property
    def _hashes(self) -> dict[str, np.ndarray]:
        """Hashes of the rows of each table; a part of the data takes its part of them."""
        # numbers of repeats follow the order of the file, which says nothing; so does how
        # a set is split over files
        named = self.labels.drop(columns=["replicate", "file"], errors="ignore")
        # the id stands for the texts, and not for the side on which each one is
        sided = self.pairs.assign(turned=_b_comes_first(self.pairs))
        of_pairs, of_labels = {}, {}
        # a folder's tables, which may be broken, are hashed before they are checked
        if "pair_id" in sided and "pair_id" in named and (self.pair_rows >= 0).all():
            of_pairs["pair_id"] = words = id_words(self.pairs["pair_id"])
            of_labels["pair_id"] = words[self.pair_rows]
        return {
            "pairs": row_hashes(sided, _TEXTS, of_pairs),
            "labels": row_hashes(named, known=of_labels),
            "factors": row_hashes(self.factors),
        }

    @cached_property
    def label_ids(self) -> pd.Series:
        """A key of each judgement: 128-bit hex digest of ``LABEL_KEY``."""
        return content_digests([self.labels[name].astype("str") for name in LABEL_KEY])

    @cached_property
    def criteria(self) -> list[str]:
        """Criteria of the labels, the deciding one first where it is named ``overall``."""
        found = self.coded("labels", "criterion").names.tolist()
        return sorted(found, key=lambda name: name != OVERALL)

    def decided(self, *, by: Iterable[str] = ()) -> PreferenceData:
        """Return the labels of one criterion: a verb never adds up answers to two questions.

        Data of one criterion, or grouped ``by`` it, stay as they are; among several
        criteria ``overall`` decides.

        Raises
        ------
        DataError
            Several criteria and none is ``overall``.

        Examples
        --------
        >>> import workbench as wb
        >>> data = wb.load("sample")
        >>> data.decided() is data
        True
        """
        criterion = deciding_criterion(self.criteria, by)
        if criterion is None:
            return self
        chosen = self.filter(criteria=[criterion])
        check_nobody_vanishes(self.annotators["annotator"], chosen.annotators["annotator"])
        return chosen

    def check(self) -> None:
        """Raise a DataError where a table breaks the invariants of the data model."""
        check_keys(self.pairs, self.labels, self.pair_rows)
        check_preferences(self.labels)

    def filter(
        self,
        *,
        annotators: Iterable[str] | None = None,
        kinds: Iterable[str] | None = None,
        criteria: Iterable[str] | None = None,
        scenarios: Iterable[str] | None = None,
        pair_ids: Iterable[str] | None = None,
    ) -> PreferenceData:
        """Return the pairs and labels that meet every given condition.

        Pairs are kept by ``scenarios`` and ``pair_ids``; labels by ``annotators``, ``kinds``
        and ``criteria``, and only on kept pairs.

        Raises
        ------
        DataError
            A name that the data do not have.
        """
        keep_pair = np.ones(len(self.pairs), dtype=bool)
        if scenarios is not None:
            keep_pair &= members(self.pairs["scenario"], scenarios, "scenario")
        if pair_ids is not None:
            keep_pair &= members(self.pairs["pair_id"], pair_ids, "pair_id")
        keep_label = keep_pair[self.pair_rows]
        if annotators is not None:
            keep_label &= members(self.coded("labels", "annotator"), annotators, "annotator")
        if kinds is not None:
            keep_label &= members(self.coded("labels", "kind"), kinds, "kind")
        if criteria is not None:
            keep_label &= members(self.coded("labels", "criterion"), criteria, "criterion")
        return self._take(keep_pair, keep_label)

    def with_factors(
        self,
        factors: pd.DataFrame,
        values: pd.DataFrame,
        specs: Mapping[str, Mapping[str, Any]],
    ) -> PreferenceData:
        """Return the data with factor columns added (same names are replaced).

        Parameters
        ----------
        factors : DataFrame, shape (n pairs, n factors)
            Coded differences, rows in the order of ``pairs``, no ``pair_id`` column.
        values : DataFrame, shape (n pairs, up to 2 n factors)
            Raw values of each side, ``<factor>_a`` and ``<factor>_b``.
        specs : mapping
            Specification of each factor, as plain JSON values.
        """
        old = self.factors.drop(columns=list(factors.columns), errors="ignore")
        sides = [f"{name}_{side}" for name in factors.columns for side in "ab"]
        old_values = self.factor_values.drop(columns=sides, errors="ignore")
        data = replace(
            self,
            factors=pd.concat([old, factors.set_axis(old.index)], axis=1),
            factor_values=pd.concat([old_values, values.set_axis(old_values.index)], axis=1),
            factor_specs={**self.factor_specs, **specs},
        )
        data.__dict__["_coded"] = self._coded
        if "pair_rows" in self.__dict__:
            data.__dict__["pair_rows"] = self.pair_rows
        if "_hashes" in self.__dict__:
            data.__dict__["_hashes"] = {**self._hashes, "factors": row_hashes(data.factors)}
        return data

    def _take(self, keep_pair: np.ndarray, keep_label: np.ndarray) -> PreferenceData:
        keep = {"pairs": keep_pair, "factors": keep_pair, "factor_values": keep_pair}
        keep["labels"] = keep_label
        part = replace(
            self, **{name: kept_rows(getattr(self, name), k) for name, k in keep.items()}
        )
        # finding names among millions of rows costs more than a fit
        taken = {at: one.take(keep[at[0]]) for at, one in self._coded.items()}
        part.__dict__["_coded"] = taken
        if "pair_rows" in self.__dict__:
            moved = np.cumsum(keep_pair) - 1
            part.__dict__["pair_rows"] = moved[self.pair_rows[keep_label]]
        if "_hashes" in self.__dict__:
            part.__dict__["_hashes"] = {
                n: h if keep[n].all() else h[keep[n]] for n, h in self._hashes.items()
            }
        return part


def _b_comes_first(pairs: pd.DataFrame) -> np.ndarray:
    a, b = (pairs[f"response_{side}"].fillna("") for side in "ab")
    return np.asarray((a > b).astype("float64"))
