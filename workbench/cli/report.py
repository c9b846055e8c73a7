"""The command that writes reports, checks their JSON and compares two of them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli import curate
from workbench.cli.command import Run, command, split_names
from workbench.cli.options import FIT, FORMAT, FURTHER, REFERENCE, SOURCE
from workbench.errors import ConfigError, DataError

if TYPE_CHECKING:
    from workbench.data.dataset import PreferenceData
    from workbench.results import Result

_FORMS = (".html", ".htm", ".md", ".json", ".pdf")

_Sections = Annotated[
    list[str] | None,
    typer.Option(
        help="Only these: overview, findings, pairs, data, method, weights, differences, held-out, "
        "fit, result, limits, provenance, rerun. Commas separate; may be repeated."
    ),
]
_Notes = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A text file: notes that stand first.")
]
_Check = Annotated[
    bool, typer.Option("--check", help="DATA is a report.json: say whether it holds to the schema.")
]
_Compare = Annotated[
    Path | None,
    typer.Option(metavar="FIRST", help="Compare this report.json with the one that DATA names."),
]


def register(app: typer.Typer) -> None:
    """Add the command ``report`` to an application."""
    command(app, SOURCE, FORMAT, REFERENCE, *FIT, FURTHER)(report)


def report(
    run: Run,
    rule: Annotated[Path | None, curate.RULE] = None,
    sections: _Sections = None,
    notes: _Notes = None,
    check: _Check = False,
    compare: _Compare = None,
) -> None:
    """Write the whole comparison as one file (--out: .html, .md, .json or .pdf)."""
    if check:
        _checked(run)
        return
    if compare is not None:
        _compared(run, compare)
        return
    path = run.out or Path("report.html")
    # scoring takes long, and what is wrong with the options is told before it
    if rule is not None:
        curate.read_rule(rule)
    if path.suffix.lower() not in _FORMS:
        raise ConfigError(
            "A report is a page, Markdown, JSON or a PDF.",
            found=str(path),
            expected=f"a name that ends in {', '.join(_FORMS)}",
            fix="Name the file with --out, such as --out report.html.",
        )
    written = _read_notes(notes)
    chosen = _chosen(sections)
    write_report(run, run.scored(), path, rule=rule, sections=chosen, notes=written, file=notes)


def write_report(
    run: Run, data: PreferenceData, path: Path, beside: Sequence[Result] = (),
    *, rule: Path | None = None, sections: tuple[str, ...] | None = None,
    notes: str | None = None, file: Path | None = None,
) -> None:  # fmt: skip
    """Do the main job and write its report, with other results beside it."""
    job, told = run.main_job(data), run.report_command(path.name)
    if rule is not None:
        from workbench.report.further import curation

        with run.progress("Curating"):
            beside = [*beside, curation(job, curate.read_rule(rule))]
        told += f" --rule {shlex.quote(str(rule))}"
    told += f" --sections {','.join(sections)}" if sections else ""
    told += f" --notes {shlex.quote(str(file))}" if file is not None else ""
    job = replace(job, further=(*job.further, *beside))
    path.parent.mkdir(parents=True, exist_ok=True)
    with run.progress("Writing the report"):
        job.report(told, sections=sections, notes=notes).save(path)
    run.show(
        f"{job.summary()}\n\nReport: {path}",
        {"report": str(path), "results": [result.to_dict() for result in job.results]},
    )


def _chosen(names: list[str] | None) -> tuple[str, ...] | None:
    from workbench.report.build import known_sections

    return known_sections(split_names(names or []))


def _read_notes(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            "The notes cannot be read.",
            where=str(file),
            found=str(error),
            expected="a text file in UTF-8",
            fix="Check the name after --notes.",
        ) from None


def _checked(run: Run) -> None:
    from workbench.report.forms.record import read_record

    record = read_record(run.config.source)
    results = [result["type"] for result in record["results"]]
    counts = f"{len(record['findings'])} findings; results: {', '.join(results)}"
    run.show(
        f"{run.config.source}: a report of schema version {record['schema_version']}; {counts}",
        {"file": run.config.source, "schema_version": record["schema_version"]},
    )


def _compared(run: Run, first: Path) -> None:
    import workbench as wb
    from workbench.data.on_view.spreadsheet import to_csv
    from workbench.whole_file import write_text

    found = wb.compare_reports(first, run.config.source)
    run.show(found.summary(), found.to_dict())
    if run.out is not None:
        run.out.mkdir(parents=True, exist_ok=True)
        for name, table in found.tables().items():
            write_text(run.out / f"{name}.csv", to_csv(table))
        run.note(f"Written to {run.out}")
