"""A judge that is mended by labels of people."""

from __future__ import annotations

from typing import Annotated

import typer

from workbench.cli.annotate import ASKED, JUDGED, AnnotateRun, DryRun, Retry
from workbench.cli.command import Run, command
from workbench.cli.options import FORMAT, SOURCE, fit_flags, option
from workbench.errors import ConfigError, DesignError

_JUDGE = Annotated[str, typer.Option(help="Annotator to mend.")]
_PEOPLE = Annotated[str, typer.Option(help="Annotator or kind to mend it by.")]
_PROMPT = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Annotator: the judge asked with principles in its prompt."),
]

_TOLD = (
    option("mends", str | None, None, "Annotator whose prompt is repaired.", "--judge"),
    option("people", str | None, None, "Annotator or kind that it is held against (human)."),
    option("constitution", str | None, None, "File of principles: JSON, or one a line."),
    option("unseen", str | None, None, "File of the pairs that no principle came from: an id a "
           "line (principles export --to unseen); all, if not given."),
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    flags = fit_flags("factors", "scenarios", "folds", "level")
    command(app, SOURCE, FORMAT, *flags)(repair_judge)
    asks = (SOURCE, FORMAT, *fit_flags("scenarios"), *_TOLD, *ASKED, *JUDGED)
    command(app, *asks, run_type=AnnotateRun)(repair_prompt)


def repair_judge(
    run: Run, judge: _JUDGE, people: _PEOPLE = "human", constitution: _PROMPT = None
) -> None:
    """Correct a judge by people's labels, and keep that only where it helps held out.

    --out also gets mended_judge.json where the corrected judge is accepted.
    """
    import workbench as wb

    try:
        data = run.scored()
    except DesignError:
        # verdicts can be corrected without factors; the result says that there were none
        data = run.load()
    with run.progress("Mending the judge"):
        found = wb.repair_judge(
            data, judge, people, constitution=constitution,
            **run.fit_options("factors", "folds", "level"),
        )  # fmt: skip
    own = ["--judge", judge] + (["--people", people] if people != "human" else [])
    own += ["--constitution", constitution] if constitution else []
    run.tell(found, data, "repair-judge", own)
    for path in found.save(run.out) if run.out is not None else []:
        run.note(f"Accepted, and saved as a judge: {path}")


def repair_prompt(run: AnnotateRun, dry_run: DryRun = False, retry_failed: Retry = False) -> None:
    """Ask a judge with principles in its prompt, and keep that only where it helps held out.

    --model, --template and the like are those the judge was asked with. --out is the run's folder,
    taken up where it stopped; its results hold repaired_prompt.json where the prompt is accepted.
    """
    for flag, value in (("--judge", run.config.mends), ("--constitution", run.config.constitution)):
        if value is None:
            raise ConfigError(
                "Whose prompt is repaired, and by what, is not said.",
                found=f"no {flag}",
                expected="--judge NAME and --constitution FILE",
                fix="Export principles: workbench principles export FOLDER --to json --out FILE",
            )
    run.ask(dry_run, retry_failed)
