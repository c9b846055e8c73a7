"""The verb that writes reports."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from workbench.compare.contrast import Contrast
from workbench.curate.curation_result import Curation
from workbench.curate.strength_result import Strength
from workbench.data.dataset import PreferenceData
from workbench.decompose.checks.check import check_fit
from workbench.decompose.checks.result import FitCheck
from workbench.decompose.decomposition import Decomposition
from workbench.decompose.missing import MissingVerdicts, missing_verdicts
from workbench.errors import ConfigError, DesignError
from workbench.finding import Finding
from workbench.json_values import to_json
from workbench.plots.theme import CONFIG
from workbench.report import curated, sections
from workbench.report.data_card import card_of, data_card, simulated
from workbench.report.export import script_json, to_csv
from workbench.report.findings import find
from workbench.report.page import Section
from workbench.results import TIDY, Result
from workbench.threads import on_one_thread
from workbench.whole_file import write_text

SCHEMA_VERSION = 1

_DRAW = """
const figures = JSON.parse(document.getElementById("figures").textContent);
const config = JSON.parse(document.getElementById("config").textContent);
figures.forEach((figure, index) => Plotly.newPlot(
  document.getElementById("figure-" + (index + 1)), figure.data, figure.layout, config));
"""


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
    """

    results: tuple[Result, ...]
    data: PreferenceData | None = field(repr=False)
    title: str
    command: str
    licence: str | None = None

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
    def sections(self) -> list[Section]:
        """The sections of the page, in reading order."""
        fits = [r for r in self.results if isinstance(r, Decomposition)]
        gaps = [r for r in self.results if isinstance(r, Contrast)]
        own = (Decomposition, Contrast, FitCheck)
        others = [r for r in self.results if not isinstance(r, own)]
        parts = [sections.verdict(self.findings, self.results)]
        if self.data is not None:
            parts.append(data_card(self.data, self.licence, self.missing))
        if fits or gaps:
            parts.append(sections.method(fits, gaps))
        parts += [sections.weights(fit, k, self.checks) for k, fit in enumerate(fits, start=1)]
        parts += [sections.differences(gap, k) for k, gap in enumerate(gaps, start=1)]
        scored = [fit for fit in fits if len(fit.held_out)]
        if scored:
            parts.append(sections.held_out(scored))
        parts += [sections.fit_check(check, k) for k, check in enumerate(self.checks, start=1)]
        parts += [_other(result, k) for k, result in enumerate(others, start=1)]
        if fits:
            parts.append(sections.limits(fits))
        return [*parts, sections.provenance(self.results), sections.rerun(self.command)]

    def html(self) -> str:
        """Return the page: one file, nothing to fetch, the same bytes every time."""
        import plotly.offline

        figures = [f.figure.to_plotly_json() for s in self.sections for f in s.figures]
        library = plotly.offline.get_plotlyjs()
        return _environment().get_template("report.html").render(
            title=self.title,
            sections=self.sections,
            tiles=self._tiles(),
            simulated=simulated(self.data, self.results),
            library=library,
            draw=_DRAW,
            hashes=" ".join(f"'sha256-{_digest(script)}'" for script in (library, _DRAW)),
            figures=script_json(_plain_figures(figures)),
            config=script_json(CONFIG),
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON values: what ``report.json`` holds."""
        return {
            "schema_version": SCHEMA_VERSION,
            "title": self.title,
            "simulated": simulated(self.data, self.results),
            "findings": [finding.to_dict() for finding in self.findings],
            "data": None if self.data is None else card_of(self.data, self.licence),
            "missing_verdicts": None if self.missing is None else self.missing.to_dict(),
            "results": [result.to_dict() for result in self.results],
            "fit_checks": [check.to_dict() for check in self._made],
            "tables": [f"tables/{name}" for name in self._tables()],
            "rerun": self.command,
        }

    def save(self, path: str | Path) -> Path:
        """Write the page, and beside it ``<name>.json`` and a CSV file of every table.

        Parameters
        ----------
        path : str or Path
            Of the HTML file.

        Returns
        -------
        Path
            The HTML file. The JSON file lists the tables, ``tables/<nn>_<result>_<table>.csv``.

        Raises
        ------
        ConfigError
            The path is not that of an HTML file.
        """
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ConfigError(
                "A report is an HTML file.",
                found=path.name,
                expected="a name that ends in .html",
                fix=f"Save it as {path.name}.html or another HTML file.",
            )
        folder = path.parent / "tables"
        folder.mkdir(parents=True, exist_ok=True)
        for old in _tables_of(path.with_suffix(".json")):
            (folder / old).unlink(missing_ok=True)
        write_text(path, self.html())
        record = to_json(self.to_dict())
        write_text(path.with_suffix(".json"), record)
        for name, table in self._tables().items():
            write_text(folder / name, to_csv(table))
        return path

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
        if self.data is not None:
            tiles += [
                ("pairs", len(self.data.pairs)),
                ("labels", len(self.data.labels)),
                ("annotators", len(self.data.annotators)),
            ]
            report = self.data.load_report
            if report is not None:
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
) -> Report:
    """Make a report of results.

    Parameters
    ----------
    results : Result or sequence of Result
        In reading order. Decompositions and contrasts have sections of their own; any other
        result is shown with its figure and tables.
    data : PreferenceData, optional
        For the data card.
    title : str
    command : str
        The command that makes the report again.
    licence : str, optional
        Licence of the data, for the data card.

    Returns
    -------
    Report

    Raises
    ------
    DesignError
        There is nothing to report, or a result does not say n, interval or method.

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
    return Report(listed, data, title, command, licence)


def _other(result: Result, number: int) -> Section:
    """Return the section of a result that is neither a fit nor a comparison."""
    if isinstance(result, Strength):
        return curated.strength(result, number)
    if isinstance(result, Curation):
        return curated.curation(result, number)
    return sections.other(result, number)


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


def _tables_of(record: Path) -> list[str]:
    """Return the names of the tables that an earlier report of this name wrote."""
    if not record.is_file():
        return []
    try:
        listed = json.loads(record.read_text(encoding="utf-8")).get("tables", [])
    except (ValueError, AttributeError):
        return []
    # only names as save() makes them: the file may be anybody's
    found = [re.fullmatch(r"tables/(\d\d_\w+\.csv)", str(name)) for name in listed]
    return [match[1] for match in found if match]


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("workbench.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _plain_figures(figures: list[dict[str, Any]]) -> Any:
    """Return figures as plain JSON values; the layout's template is left to the theme."""
    from plotly.utils import PlotlyJSONEncoder

    for figure in figures:
        figure["layout"].pop("template", None)
    return json.loads(json.dumps(figures, cls=PlotlyJSONEncoder))
