"""The command line: the verbs of the library.

Results go to stdout, notes and progress to stderr. Exit code 0 is success, 1 an error,
2 a wrong call. Everything heavy is imported inside the commands, so that help is instant.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli import (
    analyse,
    annotate,
    audit_judge,
    audit_model,
    audit_rewards,
    curate,
    doctor,
    opened,
    principles,
    report,
    whole_run,
)
from workbench.cli.asking import followed, rubrics
from workbench.cli.calibration import (
    apart,
    choose,
    few_labels,
    instrument,
    judge_card,
    on_policy,
    paired,
    panel,
    plan_labels,
    repair,
    route,
    scenario_ratings,
    shortcuts,
    tasks,
    variance_split,
)
from workbench.cli.calibration import soft as soft_verdicts
from workbench.cli.command import Run, command
from workbench.cli.dashboard import serve
from workbench.cli.flags import ANNOTATOR
from workbench.cli.found import feedback, rationales
from workbench.cli.options import (
    BY,
    FIT,
    FORMAT,
    REFERENCE,
    SOURCE,
    SOURCES,
    Address,
    EngineName,
    Workers,
    told_engine,
)
from workbench.cli.parted import opened as parted
from workbench.cli.report import write_report
from workbench.cli.structure import (
    categories,
    context,
    discover,
    groups,
    mixed,
    people,
    raters,
    reliability,
    transitivity,
    values,
)
from workbench.cli.terminal import Group
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.data.dataset import PreferenceData
    from workbench.data.parts.parted import PartedData
    from workbench.engine import Engine
    from workbench.principles.extraction import Extraction

app = typer.Typer(
    name="workbench",
    cls=Group,
    help="Says what preference labels reward: weights of factors, of people and of judges.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line (the entry point ``workbench``)."""
    app()


@command(app, SOURCES, FORMAT, ANNOTATOR)
def load(
    run: Run,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show how the file is read, column by column.")
    ] = False,
    parts: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Read piece by piece into so many parts, for data larger than memory; --out is "
            "their folder, taken up where it stopped.",
        ),
    ] = None,
    engine: EngineName = None,
    address: Address = None,
    workers: Workers = None,
) -> None:
    """Read preference data and say what became of every row; --out saves a folder."""
    if explain:
        _explain(run)
        return
    if parts is not None:
        _load_parts(run, parts, told_engine(run.file, engine, address, workers))
        return
    data = run.load()
    counts = data.labels["criterion"].value_counts().reindex(data.criteria).to_dict()
    _show_loaded(run, data, len(data.labels), counts)
    run.save(data)


def _show_loaded(
    run: Run, data: PreferenceData | PartedData, n_labels: int, counts: dict[str, int]
) -> None:
    report = data.load_report
    record = {
        "digest": data.digest,
        "n_pairs": len(data),
        "n_labels": n_labels,
        "annotators": data.annotators.to_dict("records"),
        "criteria": counts,
        "load_report": report.to_dict() if report else None,
    }
    lines = [repr(data), f"digest {data.digest}", *([str(report)] if report else [])]
    if report and n_labels < report.n_labels:
        chosen = ", ".join(run.config.criteria or run.config.scenarios)
        lines.append(f"{n_labels:,} of {report.n_labels:,} labels chosen: {chosen}")
    lines.append("")
    run.show("\n".join([*lines, data.annotators.to_string(index=False)]), record)


def _load_parts(run: Run, parts: int, engine: Engine) -> None:
    import workbench as wb

    if run.out is None or run.config.criteria or run.config.scenarios:
        raise ConfigError(
            "Parts hold all the data, in a folder of their own.",
            found="no --out" if run.out is None else "a choice of criteria or scenarios",
            expected="--parts with --out FOLDER, and no choice",
            fix="Choose where the parts are used: workbench decompose FOLDER --scenario ...",
        )
    with run.progress(f"Loading {run.config.source}"):
        data = wb.load_parts(
            run.sources, run.out, parts=parts, engine=engine, **run.config.reading()
        )
    if data.load_report is not None:
        run.read.append(data.load_report)
    _show_loaded(run, data, data.n_labels, data.labels_by_criterion)
    run.note(f"Written to {run.out}")


@command(app, SOURCE, FORMAT, BY, *FIT)
def decompose(
    run: Run, engine: EngineName = None, address: Address = None, workers: Workers = None
) -> None:
    """Weigh the factors in each annotator's preferences."""
    import workbench as wb

    where = told_engine(run.file, engine, address, workers)
    data = parted.scored(run, where)
    with run.progress("Decomposing"):
        names = run.config.annotators or None
        fit = wb.decompose(
            data, annotator=names, by=run.config.by, engine=where, **run.fit_options()
        )
    run.show_result(fit)


@command(app, SOURCE, FORMAT, REFERENCE, *FIT)
def contrast(
    run: Run,
    margin: Annotated[
        float,
        typer.Option(min=0.001, help="Log-odds per SD of a factor that count as equivalent."),
    ] = 0.1,
    engine: EngineName = None,
    address: Address = None,
    workers: Workers = None,
) -> None:
    """Test where annotators differ in taste from the reference, sharpness apart."""
    where, parts = told_engine(run.file, engine, address, workers), parted.in_parts(run)
    if parts is None:
        gap = run.main_job(run.scored(), margin=margin).gap
    else:
        gap = parted.contrast(run, parts, where, margin)
    if gap is None:
        raise ConfigError(
            "There is nobody to compare with the reference.",
            where=run.config.source,
            found="only the reference",
            expected="at least one other annotator that is no person",
            fix="Name whom to compare with it: --annotator NAME, or another --reference NAME; "
            "--kind says what annotators are where the file does not.",
        )
    run.show_result(gap)


@command(app)
def demo(
    run: Run,
    no_app: Annotated[bool, typer.Option("--no-app", help="Do not open the dashboard.")] = False,
) -> None:
    """Do the main job on the bundled sample, write its report and open the dashboard."""
    run = Run(run.config.updated(source="sample"), run.as_json, run.out, run.quiet)
    folder = run.out or Path("runs/demo")
    data = run.scored()
    with run.progress("Extracting principles with the offline model"):
        found = _principles(data, folder / "principles")
    write_report(run, data, folder / "report.html", beside=[found, *found.parts()])
    if not no_app and sys.stdin.isatty() and sys.stdout.isatty():
        run.note("Starting the dashboard; Ctrl-C ends it.")
        raise typer.Exit(serve("sample", 8501))


report.register(app)
whole_run.register(app)
doctor.register(app)
analyse.register(app)
annotate.register(app)
rubrics.register(app)
followed.register(app)
principles.register(app)
audit_judge.register(app)
audit_model.register(app)
audit_rewards.register(app)
scenario_ratings.register(app)
judge_card.register(app)
curate.register(app)
soft_verdicts.register(app)
raters.register(app)
mixed.register(app)
reliability.register(app)
groups.register(app)
discover.register(app)
context.register(app)
transitivity.register(app)
values.register(app)
apart.register(app)
on_policy.register(app)
categories.register(app)
people.register(app)
repair.register(app)
choose.register(app)
plan_labels.register(app)
instrument.register(app)
variance_split.register(app)
panel.register(app)
route.register(app)
tasks.register(app)
paired.register(app)
few_labels.register(app)
shortcuts.register(app)
rationales.register(app)
feedback.register(app)


@command(app, opened.DATA, FORMAT, ANNOTATOR, shared=opened.SHARED)
def app_(
    run: Run,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 8501,
    no_token: Annotated[
        bool, typer.Option("--no-token", help="Let in whoever reaches it: only behind a log-in.")
    ] = False,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=URL", help="An endpoint that may be asked with its key."),
    ] = None,
    key_variable: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Environment variable of the key (WORKBENCH_API_KEY); of several endpoints, "
            "each has its own: NAME_ENDPOINT.",
        ),
    ] = None,
) -> None:
    """Open the dashboard on this machine (127.0.0.1), by a link with a token."""
    config, named = run.config, endpoint or ()
    code = serve(
        config.source, port, token=not no_token, endpoints=named, key_variable=key_variable,
        reading=config.to_toml(),
    )  # fmt: skip
    raise typer.Exit(code)


def _principles(data: PreferenceData, folder: Path) -> Extraction:
    """Extract people's principles from some pairs, by a model that is built in."""
    from workbench.annotate.config import AnnotateConfig
    from workbench.annotate.run import execute, prepare
    from workbench.principles.extraction import Extraction

    config = AnnotateConfig(
        source="sample", model="offline:plain", principles="ours", annotators=("human",), pairs=300
    )
    found = execute(prepare(config, data, folder))
    if not isinstance(found, Extraction):
        raise ConfigError("The principles of the demo were not finished.", where=str(folder))
    return found


def _explain(run: Run) -> None:
    import workbench as wb

    with run.progress(f"Reading {run.config.source}"):
        found = wb.explain(run.sources, **run.config.reading())
    run.show(str(found), found.to_dict())
