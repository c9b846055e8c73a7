"""Data in parts as commands open them: part by part where the verb takes them so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workbench.cli.command import Run
    from workbench.compare.contrast import Contrast
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


def contrast(run: Run, data: PartedData, engine: Engine, margin: float) -> Contrast | None:
    """Return where annotators differ from the reference; None where there is nobody else."""
    import workbench as wb
    from workbench.report.main_job import default_reference, others_than

    data = _scored(run, data, engine)
    reference = run.config.reference or default_reference(data)
    others = others_than(data, reference, run.config.annotators or None)
    if not others:
        return None
    # a contrast has no use for held-out scores
    options = {**run.fit_options(), "folds": 0, "engine": engine}
    with run.progress("Decomposing reference and judges"):
        people = wb.decompose(data, annotator=reference, **options)
        judges = wb.decompose(data, annotator=others, **options)
    with run.progress("Comparing"):
        return wb.contrast(judges, people, margin=margin)
