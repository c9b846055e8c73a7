"""What a page shows, as the commands that make it again."""

from __future__ import annotations

import shlex
from typing import Any

import workbench as wb
from workbench.cli.command import Run
from workbench.cli.flags import flags_of, rule_flags
from workbench.config import RunConfig


def report_command(data: wb.PreferenceData, choices: dict[str, Any]) -> str:
    """Return the commands that make the report of these choices again."""
    source, reading = read_from(data)
    options = {key: value for key, value in choices.items() if key != "families"}
    first = []
    if choices["families"] or choices["scenarios"]:
        # a saved folder keeps the scale of all scenarios, as this view does
        flags = flags_of(RunConfig().updated("dashboard", **reading))
        first = ["workbench", "factors", source, *flags, "--out", "scored"]
        if choices["families"]:
            first += ["--families", ",".join(choices["families"])]
        source, reading = "scored", {}
    config = RunConfig().updated("dashboard", source=source, **reading, **options)
    again = Run(config, as_json=False, out=None, quiet=True).report_command("report.html")
    return f"{shlex.join(first)} && {again}" if first else again


def curate_command(
    data: wb.PreferenceData, made: wb.Curation, who: dict[str, Any], layout: str, kind: str
) -> str:
    """Return the command that writes the training files of a curation again."""
    source, reading = read_from(data)
    files = ["--to", layout, *(["--parquet"] if kind == "parquet" else []), "--out", "curated"]
    flags = flags_of(RunConfig().updated("dashboard", **{**reading, **who}))
    rule = rule_flags(made.settings["rule"])
    return shlex.join(["workbench", "curate", source, *rule, *flags, *files])


def read_from(data: wb.PreferenceData) -> tuple[str, dict[str, Any]]:
    """Return where data came from, and how they were read."""
    report = data.load_report
    source = "DATA" if report is None else "sample" if report.format == "sample" else report.source
    said = {} if report is None else report.settings.get("said", {})
    return source, {key: tuple(v) if isinstance(v, list) else v for key, v in said.items()}
