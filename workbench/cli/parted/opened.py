"""Data in parts as commands open them: part by part where the verb takes them so."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from workbench.cli.command import Run
    from workbench.compare.contrast import Contrast
    from workbench.data.dataset import PreferenceData
    from workbench.data.parts.parted import PartedData
    from workbench.engine import Engine


AT_ONCE = 100_000
"""Pairs in parts up to which their rows are read at once without a word."""


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


def resampled(
    run: Run, method: Literal["exact", "multiplier"] | None
) -> Literal["exact", "multiplier"]:
    """Return how resamples are fitted: not by rows that may be too many, unless that is said.

    Where exact refits join parts of more than :data:`AT_ONCE` pairs, that is told.
    """
    from workbench.data.parts.parted import is_parted, open_parts

    path = Path(run.config.source)
    n = len(open_parts(path)) if is_parted(path) else 0
    chosen = run.config.criteria or run.config.scenarios
    if n <= AT_ONCE or (method == "multiplier" and not chosen):
        return method or "exact"
    if method is None and not chosen:
        run.note(
            f"One step of each refit, part by part (--method multiplier): exact refits would hold "
            f"all {n:,} pairs at once. For these: --method exact."
        )
        return "multiplier"
    why = "A choice of criteria or scenarios needs" if chosen else "Exact refits need"
    run.note(
        f"{why} rows: the parts are joined to one set of {n:,} pairs, whose factors and labels "
        "are all held in memory."
    )
    return method or "exact"


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
