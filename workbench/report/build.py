"""The verb that writes reports."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from workbench.ceiling.result import Ceiling
from workbench.compare.contrast import Contrast
from workbench.data.dataset import PreferenceData
from workbench.data.on_view.spreadsheet import to_csv
from workbench.data.parts.parted import PartedData
from workbench.decompose.checks.check import check_fit
from workbench.decompose.checks.result import FitCheck
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.missing import MissingVerdicts, missing_verdicts
from workbench.errors import ConfigError, DesignError
from workbench.finding import Finding
from workbench.json_values import to_json
from workbench.overview.findings import find
from workbench.overview.overview import Overview
from workbench.report import curated, sections
from workbench.report.data_card import card_of, data_card, simulated
from workbench.report.export import tables_folder, tables_of
from workbench.report.forms.html import page_of
from workbench.report.forms.markdown import markdown_of
from workbench.report.forms.pdf import pdf_of
from workbench.report.opening import opening
from workbench.report.page import Page, Quoted, Section
from workbench.report.quoted import quoted
from workbench.report.quoted import section as pairs_section
from workbench.results import TIDY, Result
from workbench.threads import on_one_thread
from workbench.whole_file import write_text

SCHEMA_VERSION = 2

T = TypeVar("T")

KINDS = (
    "overview", "findings", "pairs", "data", "method", "weights", "differences", "held-out", "fit",
    "result", "limits", "provenance", "rerun",
)  # fmt: skip
"""Sections that may be chosen, in reading order."""


@dataclass(frozen=True, eq=False)
class Report:
    """A report of results.

    Attributes
    ----------
    results : tuple of Result
    data : PreferenceData or None
    title : str
    command : str
        The command that makes it again.
    licence : str or None
        Of the data.
    chosen : tuple of str or None
        Sections, of :data:`KINDS`; None for all.
    notes : str or None
        The author's, as plain text.
    overview : Overview or None
        Of a main job: the first section.
    whole : PartedData or None
        Where the data are a sample of parts: what the data card counts.
    """

    results: tuple[Result, ...]
    data: PreferenceData | None = field(repr=False)
    title: str
    command: str
    licence: str | None = None
    chosen: tuple[str, ...] | None = None
    notes: str | None = None
    overview: Overview | None = field(default=None, repr=False)
    whole: PartedData | None = field(default=None, repr=False)

    @cached_property
    def findings(self) -> list[Finding]:
        """Results that crossed a stated threshold."""
        lost = [] if self.missing is None else [self.missing]
        return find([*self.results, *self._made, *lost], self.data)

    @cached_property
    def checks(self) -> list[FitCheck]:
        """Whether the fits describe their labels: as given, or made for each decomposition."""
        given = [r for r in self.results if isinstance(r, FitCheck)]
        return given or [
            check_fit(r, folds=r.settings["folds"], seed=r.provenance.seed or 0)
            for r in self.results
            if isinstance(r, Decomposition)
        ]

    @cached_property
    def missing(self) -> MissingVerdicts | None:
        """What failing depends on; None without data, or where every verdict could be read."""
        if self.data is None:
            return None
        found = missing_verdicts(self.data)
        return None if found.to_frame().empty else found

    @cached_property
    def quoted(self) -> dict[int, Quoted]:
        """The pairs behind the findings, by the number of the finding."""
        return quoted(self.findings, self.data)

    @cached_property
    def sections(self) -> list[Section]:
        """The sections of the page that were chosen, in reading order, after the notes."""
        own = [] if self.notes is None else [sections.notes(self.notes)]
        chosen = KINDS if self.chosen is None else self.chosen
        makers = {kind: make for kind, make in self._makers().items() if kind in chosen}
        return [*own, *(section for make in makers.values() for section in make())]

    def _makers(self) -> dict[str, Callable[[], list[Section]]]:
        """Return how the sections of each kind are made; only those that are shown are."""
        fits = [r for r in self.results if isinstance(r, Decomposition)]
        gaps = [r for r in self.results if isinstance(r, Contrast)]
        own = (Decomposition, Contrast, FitCheck)
        others = [r for r in self.results if not isinstance(r, own)]
        ceilings = [r for r in self.results if isinstance(r, Ceiling)]
        scored = [fit for fit in fits if len(fit.held_out)]
        return {
            "overview": lambda: [] if self.overview is None else [opening(self.overview)],
            "findings": lambda: [sections.verdict(self.findings, self.results, self._linked)],
            "pairs": lambda: self._pairs(),
            "data": lambda: (
                [] if self._all is None else [data_card(self._all, self.licence, self.missing)]
            ),
            "method": lambda: [sections.method(fits, gaps)] if fits or gaps else [],
            "weights": lambda: [sections.weights(f, k, self.checks) for k, f in _from_1(fits)],
            "differences": lambda: [sections.differences(gap, k) for k, gap in _from_1(gaps)],
            "held-out": lambda: [sections.held_out(scored, ceilings)] if scored else [],
            "fit": lambda: [sections.fit_check(one, k) for k, one in _from_1(self.checks)],
            "result": lambda: [curated.section_of(result, k) for k, result in _from_1(others)],
            "limits": lambda: [sections.limits(fits)] if fits else [],
            "provenance": lambda: [sections.provenance(self.results)],
            "rerun": lambda: [sections.rerun(self.command)],
        }

    @property
    def _linked(self) -> dict[int, Quoted]:
        return self.quoted if self.chosen is None or "pairs" in self.chosen else {}

    def _pairs(self) -> list[Section]:
        if not self.quoted:
            return []
        made_up = self.simulated is not None
        return [pairs_section(self.quoted, len(self.findings), self.licence, simulated=made_up)]

    @cached_property
    def simulated(self) -> str | None:
        """A sentence that says so where the labels do not come from real annotators."""
        return simulated(self._all, self.results)

    @property
    def _all(self) -> PreferenceData | PartedData | None:
        return self.data if self.whole is None else self.whole

    @property
    def _page(self) -> Page:
        return Page(self.title, self.simulated, self._tiles(), self.sections)

    def html(self, *, framed: bool = False) -> str:
        """Return the page: one file without script, nothing to fetch, the same bytes each time.

        Parameters
        ----------
        framed : bool
            For the ``srcdoc`` of a frame, whose links would else lead out of it.
        """
        return page_of(self._page, framed=framed)

    def markdown(self) -> str:
        """Return the page as Markdown with GitHub's tables; text of the data stays text."""
        return markdown_of(self._page)

    def pdf(self, path: str | Path) -> Path:
        """Write the page as PDF, by a Chromium or Chrome that is installed.

        Raises
        ------
        ConfigError
            None is found, or it does not write the file in time.
        """
        return pdf_of(self.html(), Path(path))

    def showing(self, sections: Sequence[str] | None, notes: str | None, command: str) -> Report:
        """Return the report with other sections, notes and command; what is known stays known."""
        chosen = known_sections(sections)
        other = replace(self, chosen=chosen, notes=notes or None, command=command)
        for name in ("findings", "checks", "missing", "quoted", "simulated"):
            if name in self.__dict__:
                other.__dict__[name] = self.__dict__[name]
        return other

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values: what ``report.json`` holds."""
        return {
            "schema_version": SCHEMA_VERSION,
            "title": self.title,
            "simulated": self.simulated,
            "notes": self.notes,
            "findings": [finding.to_dict() for finding in self.findings],
            "data": None if self._all is None else card_of(self._all, self.licence),
            "missing_verdicts": None if self.missing is None else self.missing.to_dict(),
            "results": [result.to_dict() for result in self.results],
            "fit_checks": [check.to_dict() for check in self._made],
            "overview": None if self.overview is None else self.overview.to_dict(),
            "tables": [],
            "rerun": self.command,
        }

    def save(self, path: str | Path) -> Path:
        """Write the report; the name's ending says in which form.

        Parameters
        ----------
        path : str or Path
            ``.html``: the page, beside it ``<name>.json`` and a CSV file of every table;
            ``.md``, ``.json`` or ``.pdf``: this one file.

        Returns
        -------
        Path
            The file. The JSON file beside a page lists the tables,
            ``tables/<name>/<nn>_<result>_<table>.csv``.

        Raises
        ------
        ConfigError
            A name of another ending, or there is no browser to write a PDF with.
        """
        path = Path(path)
        form = path.suffix.lower()
        if form == ".pdf":
            return self.pdf(path)
        if form not in (".html", ".htm", ".md", ".json"):
            raise ConfigError(
                "A report is a page, Markdown, JSON or a PDF.",
                found=path.name,
                expected="a name that ends in .html, .md, .json or .pdf",
                fix=f"Save it as {path.name}.html or another of these.",
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        if form == ".md":
            write_text(path, self.markdown())
        elif form == ".json":
            write_text(path, to_json(self.to_dict()))
        else:
            self._save_page(path)
        return path

    def _save_page(self, path: Path) -> None:
        # of each report its own: several lie in one folder
        folder = path.parent / tables_folder(path)
        folder.mkdir(parents=True, exist_ok=True)
        for old in tables_of(path):
            (folder / old).unlink(missing_ok=True)
        write_text(path, self.html())
        tables = self._tables()
        listed = [(tables_folder(path) / name).as_posix() for name in tables]
        write_text(path.with_suffix(".json"), to_json({**self.to_dict(), "tables": listed}))
        for name, table in tables.items():
            write_text(folder / name, to_csv(table))

    @property
    def _made(self) -> list[FitCheck]:
        """The checks that are not among the results."""
        return [] if any(isinstance(r, FitCheck) for r in self.results) else self.checks

    def _tables(self) -> dict[str, pd.DataFrame]:
        return {
            f"{k:02d}_{type(result).__name__.lower()}_{name}.csv": table
            for k, result in enumerate([*self.results, *self._made], start=1)
            for name, table in result.tables().items()
        }

    def _tiles(self) -> list[tuple[str, str]]:
        warnings = sum(finding.level == "warning" for finding in self.findings)
        tiles = [("warnings", warnings), ("notes", len(self.findings) - warnings)]
        if (data := self._all) is not None:
            tiles += [
                ("pairs", len(data)),
                ("labels", int(data.annotators["n_labels"].sum())),
                ("annotators", len(data.annotators)),
            ]
            if (report := data.load_report) is not None:
                tiles.append(("rows left out", report.rows_read - report.rows_kept))
        return [(name, f"{count:,}") for name, count in tiles]


@on_one_thread
def report(
    results: Result | Sequence[Result],
    *,
    data: PreferenceData | None = None,
    title: str = "Preference audit",
    command: str = "workbench report DATA --out report.html",
    licence: str | None = None,
    sections: Sequence[str] | None = None,
    notes: str | None = None,
    whole: PartedData | None = None,
) -> Report:
    """Make a report of results.

    Parameters
    ----------
    results : Result or sequence of Result
        In reading order. Decompositions and contrasts have sections of their own; any other
        result is shown with its figure and tables.
    data, whole : PreferenceData and PartedData, optional
        For the data card, which counts ``whole`` where ``data`` are a sample of it.
    title : str
    command : str
        The command that makes the report again.
    licence : str, optional
        Licence of the data, for the data card.
    sections : sequence of str, optional
        Only these, of ``overview, findings, pairs, data, method, weights, differences, held-out,
        fit, result, limits, provenance, rerun``; they stand in this order. The numbers of the
        JSON file are all there. The overview is that of a main job (``main_job(...).report()``).
    notes : str, optional
        Notes of the author, shown first as plain text.

    Returns
    -------
    Report

    Raises
    ------
    DesignError
        There is nothing to report, or a result does not say n, interval or method.
    ConfigError
        An unknown section.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> page = report(wb.decompose(data, annotator="human", folds=0), data=data).html()
    >>> page.startswith("<!doctype html>")
    True
    """
    listed = (results,) if isinstance(results, Result) else tuple(results)
    if not listed:
        raise DesignError(
            "There is nothing to report.",
            found="no result",
            expected="at least one decomposition or contrast",
            fix="Pass results: report([people, judges, gap]).",
        )
    for result in listed:
        _check(result)
    chosen = known_sections(sections)
    return Report(listed, data, title, command, licence, chosen, notes or None, whole=whole)


def known_sections(names: Sequence[str] | None) -> tuple[str, ...] | None:
    """Return names of sections, each once; None for all where there are none.

    Raises
    ------
    ConfigError
        A report has no such section.
    """
    unknown = [name for name in names or () if name not in KINDS]
    if unknown:
        raise ConfigError(
            "A report has no such section.",
            found=", ".join(unknown),
            expected=", ".join(KINDS),
            fix="Check the spelling of sections.",
        )
    return tuple(dict.fromkeys(names)) if names else None


def _from_1(items: Sequence[T]) -> Iterator[tuple[int, T]]:
    return enumerate(items, start=1)


def _check(result: Result) -> None:
    """Refuse estimates that do not come with their n, interval and method."""
    columns = result.to_frame().columns
    missing = [name for name in (*TIDY, "method") if name not in columns]
    if missing:
        raise DesignError(
            f"A {type(result).__name__} cannot be reported: its table lacks {missing[0]!r}.",
            found=", ".join(map(str, columns)),
            expected=", ".join((*TIDY, "method")),
            fix="Give the result's to_frame() these columns.",
        )
