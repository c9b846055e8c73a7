"""The one data model: pairs, labels and factors, frozen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from workbench.data.digests import content_digests, hash_table
from workbench.data.load_report import LoadReport
from workbench.errors import DataError

PAIR_COLUMNS = (
    "pair_id",
    "prompt_id",
    "prompt",
    "response_a",
    "response_b",
    "model_a",
    "model_b",
    "scenario",
    "cluster",
)
"""Columns of every pairs table; further columns are the file's own metadata."""

LABEL_COLUMNS = (
    "pair_id",
    "annotator",
    "replicate",
    "preference",
    "kind",
    "order_shown",
    "strength",
    "weight",
    "reason",
    "raw",
)
"""Columns of every labels table."""

KINDS = ("human", "llm", "reward_model", "rule", "objective", "unknown")
"""What an annotator can be; ``objective``: gold answers and unit tests."""


@dataclass(frozen=True, eq=False)
class PreferenceData:
    """Pairs of responses, what annotators preferred, and factor differences.

    Treat the frames as read-only: every verb returns a new object.

    Attributes
    ----------
    pairs : DataFrame
        One row a pair, key ``pair_id`` (128-bit hex digest of the content); columns
        :data:`PAIR_COLUMNS`, then metadata. Text columns are missing where the data have
        no text. Chat messages are kept as JSON in ``prompt_messages``,
        ``response_a_messages`` and ``response_b_messages`` beside the rendered text.
    labels : DataFrame
        One row a verdict, key ``(pair_id, annotator, replicate)``; columns
        :data:`LABEL_COLUMNS`. ``preference`` is P(A preferred) in [0, 1]: 0.5 is a tie
        (``reason`` says ``tie`` or ``both_bad``), NaN no verdict (``reason`` says why:
        ``not_applicable``, ``failed``, ...). ``order_shown`` is ``ab``, ``ba`` or missing;
        ``weight`` counts identical votes.
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
            text) and any of the other :data:`PAIR_COLUMNS` or metadata.
        labels : DataFrame
            ``pair`` (row position in ``pairs``) or ``pair_id``, ``annotator``,
            ``preference`` and any other of :data:`LABEL_COLUMNS`.

        Raises
        ------
        DataError
            A preference outside [0, 1], an unknown pair, or a repeated key.
        """
        pairs = complete_pairs(pairs)
        labels = labels.copy()
        if "pair" in labels:
            labels["pair_id"] = pairs["pair_id"].to_numpy()[labels.pop("pair").to_numpy()]
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
        """One row an annotator: ``annotator, kind, n_labels, n_pairs``."""
        grouped = self.labels.groupby("annotator", sort=True, observed=True)
        return grouped.agg(
            kind=("kind", "first"), n_labels=("pair_id", "size"), n_pairs=("pair_id", "nunique")
        ).reset_index()

    @cached_property
    def pair_rows(self) -> np.ndarray:
        """Position in ``pairs`` of each label's pair, shape (n labels,)."""
        return np.asarray(pd.Index(self.pairs["pair_id"]).get_indexer(self.labels["pair_id"]))

    @cached_property
    def digest(self) -> str:
        """128-bit hex digest of the content: it names the data in caches, URLs and reports.

        Independent of the order of rows and columns.
        """
        state = hashlib.blake2b(digest_size=16)
        hash_table(state, self.pairs, ["pair_id"], skip=("prompt", "response_a", "response_b"))
        hash_table(state, self.labels, ["pair_id", "annotator", "replicate"])
        hash_table(state, self.factors, ["pair_id"])
        return state.hexdigest()

    def check(self) -> None:
        """Raise a DataError where a table breaks the invariants of the data model."""
        _check_keys(self)
        _check_preferences(self.labels)

    def filter(
        self,
        *,
        annotators: Iterable[str] | None = None,
        kinds: Iterable[str] | None = None,
        scenarios: Iterable[str] | None = None,
        pair_ids: Iterable[str] | None = None,
    ) -> PreferenceData:
        """Return the pairs and labels that meet every given condition.

        Pairs are kept by ``scenarios`` and ``pair_ids``; labels by ``annotators`` and
        ``kinds``, and only on kept pairs.

        Raises
        ------
        DataError
            A name that the data do not have.
        """
        keep_pair = np.ones(len(self.pairs), dtype=bool)
        if scenarios is not None:
            keep_pair &= _members(self.pairs["scenario"], scenarios, "scenario")
        if pair_ids is not None:
            keep_pair &= _members(self.pairs["pair_id"], pair_ids, "pair_id")
        keep_label = keep_pair[self.pair_rows]
        if annotators is not None:
            keep_label &= _members(self.labels["annotator"], annotators, "annotator")
        if kinds is not None:
            keep_label &= _members(self.labels["kind"], kinds, "kind")
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
        return replace(
            self,
            factors=pd.concat([old, factors.set_axis(old.index)], axis=1),
            factor_values=pd.concat([old_values, values.set_axis(old_values.index)], axis=1),
            factor_specs={**self.factor_specs, **specs},
        )

    def _take(self, keep_pair: np.ndarray, keep_label: np.ndarray) -> PreferenceData:
        return replace(
            self,
            pairs=self.pairs[keep_pair].reset_index(drop=True),
            labels=self.labels[keep_label].reset_index(drop=True),
            factors=self.factors[keep_pair].reset_index(drop=True),
            factor_values=self.factor_values[keep_pair].reset_index(drop=True),
        )


def concat(parts: Iterable[PreferenceData]) -> PreferenceData:
    """Join data sets: the union of pairs, all labels; replicates are numbered on.

    Raises
    ------
    DataError
        Nothing to join, or the parts hold different factors.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> parts = [data.filter(kinds=["human"]), data.filter(kinds=["llm"])]
    >>> joined = wb.concat(parts)
    >>> len(joined.pairs), len(joined.labels) == sum(len(part.labels) for part in parts)
    (2000, True)
    """
    parts = list(parts)
    if not parts:
        raise DataError("Nothing to concatenate.", found="an empty list", expected="data sets")
    names = [part.factor_names for part in parts]
    if any(set(n) != set(names[0]) for n in names):
        raise DataError(
            "The data sets hold different factors.",
            found="; ".join(", ".join(n) or "none" for n in names),
            expected="the same factors in each",
            fix="Concatenate first, then score factors.",
        )
    pairs = pd.concat([part.pairs for part in parts], ignore_index=True)
    keep = ~pairs["pair_id"].duplicated()
    labels = pd.concat([part.labels for part in parts], ignore_index=True)
    labels["replicate"] = _replicates(labels)

    def join(name: str) -> pd.DataFrame:
        frames = [getattr(part, name) for part in parts]
        joined = pd.concat(frames, ignore_index=True)
        return joined[keep.to_numpy()].reset_index(drop=True)

    data = PreferenceData(
        pairs[keep].reset_index(drop=True),
        labels,
        join("factors"),
        join("factor_values"),
        dict(parts[0].factor_specs),
    )
    data.check()
    return data


def complete_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    """Return pairs with every column of :data:`PAIR_COLUMNS`, derived where missing.

    ``pair_id`` is the digest of prompt and responses; for pairs without text, of all the
    columns given. ``prompt_id`` is the digest of the prompt; ``cluster`` is the prompt
    unless given.
    """
    pairs = pairs.reset_index(drop=True).copy()
    for column in ("prompt", "response_a", "response_b", "model_a", "model_b", "scenario"):
        if column not in pairs:
            pairs[column] = pd.Series([None] * len(pairs), dtype="str")
        pairs[column] = pairs[column].astype("str")
    if "pair_id" not in pairs:
        text = [pairs[c] for c in ("prompt", "response_a", "response_b")]
        has_text = any(column.notna().any() for column in text)
        content = text if has_text else [pairs[c].astype("str") for c in sorted(pairs.columns)]
        pairs["pair_id"] = content_digests(content)
    if "prompt_id" not in pairs:
        codes, prompts = pd.factorize(pairs["prompt"])
        digests = content_digests([pd.Series(prompts, dtype="str")])
        known = digests.take(np.maximum(codes, 0)) if len(digests) else pairs["pair_id"]
        pairs["prompt_id"] = known.reset_index(drop=True).where(codes >= 0, pairs["pair_id"])
    if "cluster" not in pairs:
        pairs["cluster"] = pairs["prompt_id"]
    pairs["cluster"] = pairs["cluster"].astype("str").fillna(pairs["prompt_id"])
    extra = [c for c in pairs.columns if c not in PAIR_COLUMNS]
    return pairs[[*PAIR_COLUMNS, *extra]]


def complete_labels(labels: pd.DataFrame) -> pd.DataFrame:
    """Return labels with every column of :data:`LABEL_COLUMNS`, defaults where missing."""
    labels = labels.reset_index(drop=True).copy()
    preference = labels["preference"] = labels["preference"].astype("float64")
    if "replicate" not in labels:
        labels["replicate"] = _replicates(labels)
    if "kind" not in labels:
        labels["kind"] = "human"
    if "reason" not in labels:
        reason = np.where(preference == 0.5, "tie", np.where(preference.isna(), "failed", ""))
        labels["reason"] = pd.Series(reason, dtype="str").replace("", None)
    for column in ("strength", "weight"):
        default = 1.0 if column == "weight" else np.nan
        labels[column] = labels[column].astype("float64") if column in labels else default
    for column in ("order_shown", "raw"):
        if column not in labels:
            labels[column] = None
    for column in ("pair_id", "annotator", "kind", "order_shown", "reason", "raw"):
        labels[column] = labels[column].astype("str")
    labels["replicate"] = labels["replicate"].astype("int32")
    extra = [c for c in labels.columns if c not in LABEL_COLUMNS]
    return labels[[*LABEL_COLUMNS, *extra]]


def _replicates(labels: pd.DataFrame) -> pd.Series:
    if not labels.duplicated(["pair_id", "annotator"]).any():
        return pd.Series(0, index=labels.index)
    return labels.groupby(["pair_id", "annotator"]).cumcount()


def _members(column: pd.Series, names: Iterable[str], what: str) -> np.ndarray:
    wanted = [names] if isinstance(names, str) else list(names)
    known = set(column.dropna().unique())
    missing = [name for name in wanted if name not in known]
    if missing:
        shown = ", ".join(sorted(map(str, known))[:12])
        raise DataError(
            f"The data have no {what} {missing[0]!r}.",
            found=shown or f"no {what} at all",
            expected=f"one of the {len(known)} {what} names of the data",
            fix="Check the spelling; names are case-sensitive.",
        )
    return np.asarray(column.isin(wanted))


def _check_keys(data: PreferenceData) -> None:
    repeated = data.pairs["pair_id"].duplicated()
    if repeated.any():
        raise DataError(
            "A pair stands twice in the pairs table.",
            where=f"pairs, row {int(np.flatnonzero(repeated)[0]) + 1}",
            found=f"{int(repeated.sum())} repeated pair_id",
            expected="one row a pair",
            fix="Drop the repeated rows; several labels of one pair go into the labels table.",
        )
    if (data.pair_rows < 0).any():
        row = int(np.flatnonzero(data.pair_rows < 0)[0])
        raise DataError(
            "A label belongs to no pair.",
            where=f"labels, row {row + 1}",
            found=f"pair_id {data.labels['pair_id'].iloc[row]!r}",
            expected="a pair_id of the pairs table",
            fix="Add the pair or drop the label.",
        )
    again = data.labels.duplicated(["pair_id", "annotator", "replicate"])
    if again.any():
        raise DataError(
            "A label's key stands twice.",
            where=f"labels, row {int(np.flatnonzero(again)[0]) + 1}",
            found=f"{int(again.sum())} repeated (pair_id, annotator, replicate)",
            expected="one row a key",
            fix="Number repeated verdicts in a column `replicate`.",
        )


def _check_preferences(labels: pd.DataFrame) -> None:
    preference = labels["preference"].to_numpy()
    bad = (preference < 0) | (preference > 1)
    if bad.any():
        row = int(np.flatnonzero(bad)[0])
        raise DataError(
            "A preference lies outside [0, 1].",
            where=f"labels, row {row + 1}",
            found=str(preference[row]),
            expected="P(A preferred): 1 for A, 0 for B, 0.5 a tie, NaN no verdict",
            fix="Rescale the labels, or map their values with the reader's label mapping.",
        )
