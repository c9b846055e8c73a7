"""The verb that writes reports."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import jinja2

from workbench.data.dataset import PreferenceData
from workbench.decompose.contrast import Contrast
from workbench.decompose.decomposition import Decomposition
from workbench.errors import DesignError
from workbench.plots.theme import CONFIG
from workbench.report import sections
from workbench.report.export import script_json, to_csv
from workbench.report.findings import Finding, find
from workbench.results import Result, to_json

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
    """

    results: tuple[Result, ...]
    data: PreferenceData | None = field(repr=False)
    title: str
    command: str

    @cached_property
    def findings(self) -> list[Finding]:
        """Results that crossed a stated threshold."""
        return find(self.results)

    @cached_property
    def sections(self) -> list[sections.Section]:
        """The sections of the page, in reading order."""
        fits = [r for r in self.results if isinstance(r, Decomposition)]
        parts = [sections.verdict(self.findings, self.results)]
        if self.data is not None:
            parts.append(sections.data_card(self.data))
        if fits:
            parts.append(sections.method(fits[0]))
        for k, fit in enumerate(fits, start=1):
            names = ", ".join(fit.groups) if len(fit.groups) <= 2 else f"{len(fit.groups)} groups"
            parts.append(sections.weights(fit, f"Factor weights: {names}", f"weights-{k}"))
        parts += [sections.differences(r) for r in self.results if isinstance(r, Contrast)]
        if any(len(fit.held_out) for fit in fits):
            parts.append(sections.held_out([fit for fit in fits if len(fit.held_out)]))
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
            notes=() if self.data is None or not self.data.load_report
            else self.data.load_report.notes,
            library=library,
            draw=_DRAW,
            hashes=" ".join(f"'sha256-{_digest(script)}'" for script in (library, _DRAW)),
            figures=script_json(_plain_figures(figures)),
            config=script_json(CONFIG),
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values: what ``report.json`` holds."""
        card = self.data
        return {
            "schema_version": SCHEMA_VERSION,
            "title": self.title,
            "findings": [finding.to_dict() for finding in self.findings],
            "data": None
            if card is None
            else {
                "digest": card.digest,
                "n_pairs": len(card.pairs),
                "n_labels": len(card.labels),
                "load_report": None if card.load_report is None else card.load_report.to_dict(),
            },
            "results": [result.to_dict() for result in self.results],
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
        """
        path = Path(path)
        folder = path.parent / "tables"
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(self.html(), encoding="utf-8")
        path.with_suffix(".json").write_text(to_json(self.to_dict()), encoding="utf-8")
        for k, result in enumerate(self.results, start=1):
            for name, table in result.tables().items():
                file = folder / f"{k:02d}_{type(result).__name__.lower()}_{name}.csv"
                file.write_text(to_csv(table), encoding="utf-8")
        return path

    def _tiles(self) -> list[tuple[str, str]]:
        tiles = [("findings", str(sum(f.level == "warning" for f in self.findings)))]
        if self.data is not None:
            tiles += [
                ("pairs", f"{len(self.data.pairs):,}"),
                ("labels", f"{len(self.data.labels):,}"),
                ("annotators", f"{len(self.data.annotators):,}"),
            ]
        return tiles


def report(
    results: Result | Sequence[Result],
    *,
    data: PreferenceData | None = None,
    title: str = "Preference report",
    command: str = "workbench report DATA --out report.html",
) -> Report:
    """Make a report of results.

    Parameters
    ----------
    results : Result or sequence of Result
        Decompositions and contrasts, in reading order.
    data : PreferenceData, optional
        For the data card.
    title : str
    command : str
        The command that makes the report again.

    Returns
    -------
    Report

    Raises
    ------
    DesignError
        There is nothing to report.

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
    return Report(listed, data, title, command)


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
    import json

    from plotly.utils import PlotlyJSONEncoder

    for figure in figures:
        figure["layout"].pop("template", None)
    return json.loads(json.dumps(figures, cls=PlotlyJSONEncoder))
