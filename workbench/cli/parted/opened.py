"""Data in parts as commands open them: part by part where the verb takes them so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.cli.command import Run
    from workbench.data.dataset import PreferenceData
    from workbench.data.parts.parted import PartedData
    from workbench.engine import Engine


def opened(run: Run) -> PreferenceData | PartedData:
    """Return the data, in parts where they are and nothing is chosen of them."""
    parts = in_parts(run)
    return run.load() if parts is None else parts


def scored(run: Run, engine: Engine) -> PreferenceData | PartedData:
    """Return the data with factors, in parts where they are and nothing is chosen of them."""
    parts = in_parts(run)
    return run.scored() if parts is None else _scored(run, parts, engine)


def in_parts(run: Run) -> PartedData | None:
    """Return the data where they are in parts and nothing is chosen of them."""
    from workbench.data.parts.parted import is_parted, open_parts

    path = Path(run.config.source)
    if run.config.criteria or run.config.scenarios or not is_parted(path):
        return None
    data = open_parts(path)
    if data.load_report is not None:
        run.read.append(data.load_report)
    return data


def _scored(run: Run, data: PartedData, engine: Engine) -> PartedData:
    import workbench as wb

    if data.factor_names:
        return data
    run.note("The data hold no factors yet: scoring the core text factors first.")
    with run.progress("Scoring factors"):
        return wb.score_factors(data, wb.factors.CORE, engine=engine)
