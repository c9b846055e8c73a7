"""Formats: how a file's records become judgements.

A *container* (CSV, JSONL, Parquet, ...) gives Arrow tables of records; a *format* says
what the records mean. Translation is a pure function over one batch of records, so it
streams and maps over workers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

if TYPE_CHECKING:
    from workbench.data.dataset import PreferenceData

JUDGEMENT_COLUMNS = (
    "row",
    "file",
    "prompt",
    "response_a",
    "response_b",
    "prompt_messages",
    "response_a_messages",
    "response_b_messages",
    "model_a",
    "model_b",
    "media",
    "media_a",
    "media_b",
    "item",
    "scenario",
    "cluster",
    "row_id",
    "annotator",
    "kind",
    "criterion",
    "replicate",
    "preference",
    "order_shown",
    "strength",
    "weight",
    "n_votes",
    "n_ties",
    "reason",
    "raw",
    "criterion_category",
    "problem",
)
"""Columns a translation may give; any other column is metadata of the pair.

``row`` (1-based record number in the file) and ``preference`` are required; a record that
holds several judgements gives a row for each, with the same ``row``.

What makes a pair: ``prompt``, the two responses, the two models, ``item`` (what the layout
says separates pairs: its comparison id, its turn; never the id of a vote) and ``media``,
``media_a``, ``media_b`` (paths or URLs that prompt and responses name, joined by line ends).
``cluster`` is what was drawn together: a session, a user, a ranking, a prompt's own id.

What makes a judgement: ``annotator`` (missing where the file names none: then ``unnamed``),
``kind`` (of :data:`workbench.data.columns.KINDS`; ``unknown`` where the format does not say),
``criterion`` (missing: ``overall``), ``criterion_category`` (its kind, where criteria are texts
of their own), ``order_shown`` (``ab``: A was shown first; missing where
the file does not tell) and ``replicate`` (only where the file numbers them). ``row_id`` is the
file's own id of the judgement. ``weight`` counts what the label stands for; ``n_votes`` says
that it is the share of so many votes, ``n_ties`` of them ties.

Columns ``preference[NAME]``, and ``strength[NAME]`` beside them, are what the same judgement
says under a further criterion: labels of their own, without the texts once more.

``problem`` is a key of :data:`workbench.data.load_report.REASONS` where the record cannot
become a label (the row is then counted and left out), missing otherwise; ``found`` beside it
is a short excerpt of what was there. A judge's reply that could not be read, or an error in
its place, is no problem but a verdict that failed: ``preference`` NaN, ``reason`` ``failed``.
A record that nobody judged (voting was optional) has the problem ``no judgement``.
"""


@dataclass(frozen=True)
class Format:
    """One recognised layout of preference records.

    Attributes
    ----------
    name : str
        Name for ``load(..., format=name)``.
    title : str
        One line for people.
    recognise : callable
        ``(columns, first_records) -> bool``: does a file with these columns and these up to
        100 first records (dicts) have this format?
    translate : callable
        ``(records, first_row, options) -> DataFrame`` of judgements, from an Arrow table of
        records whose first one is number ``first_row`` (1-based) of the file. ``options``
        holds reader options by name (``seed``, ``mapping``, ``annotator``, ``kind``, ...).
    columns : callable, optional
        ``(columns, options) -> list of str``: the columns that ``translate`` needs, so that
        Parquet reads only those. All columns when None.
    records_of : callable, optional
        ``(document) -> list of dict, or None``: the flat records of a JSON document that is
        no list of records (AnnotatedPairs); None where it is not of this format.
    finish : callable, optional
        ``(data) -> data``: what else the file gives the assembled data, such as factors.
    exchanged : bool
        Where one annotator judged a pair both ways, the sides are the order shown. Not so
        where a layout puts its sides by model, by number or by chance.
    whole : bool
        Translate all records at once, where judgements are made of several records.
    of_folder : callable, optional
        ``(folder) -> list of dict, or None``: the records of a folder whose files belong
        together (verdicts beside the answers that they judge); None where it is not of this
        format.
    """

    name: str
    title: str
    recognise: Callable[[list[str], list[dict[str, Any]]], bool]
    translate: Callable[[pa.Table, int, Mapping[str, Any]], pd.DataFrame]
    columns: Callable[[list[str], Mapping[str, Any]], list[str]] | None = None
    records_of: Callable[[Any], list[dict[str, Any]] | None] | None = None
    finish: Callable[[PreferenceData], PreferenceData] | None = None
    exchanged: bool = False
    whole: bool = False
    of_folder: Callable[[Path], list[dict[str, Any]] | None] | None = None
