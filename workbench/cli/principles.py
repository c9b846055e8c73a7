"""The commands of principles: extract, vote, evaluate, export."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from workbench.cli.annotate import ASKED, AnnotateRun, DryRun, Folder, Retry
from workbench.cli.command import Run, command
from workbench.cli.options import FORMAT, SOURCE, fit_flags, option
from workbench.cli.terminal import say, say_json
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.principles.extraction import Extraction

MOST_INVALID = 0.01
"""Share of votes that may stay invalid before a run counts as gone wrong."""

_FORMATS = Literal["markdown", "json", "judge", "annotated-pairs", "rubric", "rubric-json",
                   "unseen"]  # fmt: skip

_HOW = (
    *fit_flags("annotators"),
    option("n", int | None, None, "Principles of the constitution, at most."),
    option("test_share", float | None, None, "Share of the pairs that is held out."),
    option("folds", int | None, None, "Hold each pair out once, in so many folds: for few pairs."),
    option("adaptive", bool, False, "Ask about a candidate only while its fate is open."),
    option("constitution", str | None, None, "File of principles: JSON, or one a line."),
    option("known", str | None, None, "votes.parquet of a run: what it holds is not asked again."),
    option("traits", bool, False, "The standard traits are candidates too."),
)


def register(app: typer.Typer) -> None:
    """Add the group ``principles`` to an application."""
    group = typer.Typer(
        name="principles",
        help="Sentences that say which response is preferred, tested on pairs held out.",
        no_args_is_help=True,
    )
    data = (SOURCE, FORMAT, *fit_flags("scenarios"))
    preset = option("principles", Literal["ours", "icai"] | None, None, "Recipe.", "--preset")
    embedding = option("embedding", str | None, None, "Embedding model of the endpoint; TF-IDF.")
    command(group, *data, *_HOW, preset, embedding, *ASKED, run_type=AnnotateRun)(extract)
    command(group, *data, *_HOW, *ASKED, run_type=AnnotateRun)(vote)
    command(group, *data, *_HOW, *ASKED, run_type=AnnotateRun)(evaluate)
    command(group)(groups)
    command(group)(export)
    app.add_typer(group)


def extract(run: AnnotateRun, dry_run: DryRun = False, retry_failed: Retry = False) -> None:
    """Let a model propose principles, vote on them, and test the best on pairs held out."""
    _do(run, dry_run, retry_failed, principles=run.config.principles or "ours")


def vote(run: AnnotateRun, dry_run: DryRun = False, retry_failed: Retry = False) -> None:
    """Let a model vote on given principles (--constitution, --traits); no proposals, no judge."""
    _do(run, dry_run, retry_failed, principles="ours", propose=False, evaluate=False)


def evaluate(run: AnnotateRun, dry_run: DryRun = False, retry_failed: Retry = False) -> None:
    """Compare a judge that follows --constitution with one that does not, on pairs held out."""
    if run.config.constitution is None:
        raise ConfigError(
            "No constitution is named.",
            expected="--constitution FILE",
            fix="Export one: workbench principles export FOLDER --to json --out mine.json",
        )
    _do(run, dry_run, retry_failed, principles="ours", propose=False)


def groups(
    run: Run,
    folder: Folder,
    by: Annotated[str, typer.Option(help="Column that makes the groups.")] = "annotator",
    n: Annotated[int, typer.Option(help="Principles of each constitution, at most.")] = 5,
    folds: Annotated[int, typer.Option(help="Folds by prompt.")] = 5,
    least: Annotated[int, typer.Option(help="Leave smaller groups out (pairs).")] = 10,
) -> None:
    """Select a constitution for each person, judge or scenario from a run's votes; no calls."""
    from workbench.annotate.folder import RunFolder
    from workbench.principles.held_out.personal import personal

    found = _extraction(folder)
    with run.progress("Selecting"):
        apart = personal(
            run.reads(RunFolder(folder).data),
            found.votes,
            by=by,
            n=n,
            folds=folds,
            least=least,
            rule=found.settings["recipe"]["rule"],
            seed=found.provenance.seed or 0,
            pair_ids=found.unseen,
        )
    run.show_result(apart)


def export(
    run: Run,
    folder: Folder,
    to: Annotated[_FORMATS, typer.Option(help="What to write.")] = "markdown",
) -> None:
    """Write the constitution of a run: for people, programs, a judge, or Feedback Forensics.

    A rubric (TOML, or JSON) has its principles with weights, intervals and held-out accuracy;
    unseen are the ids of the pairs that nothing was proposed on, for repair-prompt.
    """
    from workbench.principles.interchange.annotated_pairs import to_annotated_pairs
    from workbench.principles.interchange.rubric import to_rubric

    found = _extraction(folder)
    own = found.constitution
    if to == "annotated-pairs":
        who = found.settings["annotator"]
        document = to_annotated_pairs(found.data, found.votes, who)
        text = json.dumps(document, ensure_ascii=False, indent=1)
    elif to in ("rubric", "rubric-json"):
        rubric = to_rubric(found)
        text = rubric.to_toml() if to == "rubric" else rubric.to_json()
    elif to == "unseen":
        held = found.data.pairs["pair_id"] if found.unseen is None else found.unseen
        text = "".join(f"{one}\n" for one in held)
    elif to == "json":
        text = json.dumps(own.to_dict(), ensure_ascii=False, indent=1)
    else:
        text = own.to_markdown() if to == "markdown" else own.to_judge_prompt()
    if run.out is None:
        (say_json if to in ("json", "annotated-pairs", "rubric-json") else say)(text)
    else:
        from workbench.whole_file import write_text

        write_text(run.out, text)
        run.note(f"Written to {run.out}")


def _extraction(folder: Path) -> Extraction:
    from workbench.annotate.folder import RunFolder
    from workbench.annotate.run import found_in
    from workbench.principles.extraction import Extraction

    found = found_in(RunFolder(folder))
    if not isinstance(found, Extraction):
        raise ConfigError(
            "The run has no constitution.",
            where=folder.name,
            expected="the folder of a run of: workbench principles extract, vote or evaluate",
            fix="Name another folder, or let the run come to its end.",
        )
    return found


def _do(run: AnnotateRun, dry_run: bool, retry_failed: bool, **how: object) -> None:
    from workbench.principles.extraction import Extraction

    config = run.config.updated("command line", **how)
    found = AnnotateRun(config, run.as_json, run.out, run.quiet).ask(dry_run, retry_failed)
    if isinstance(found, Extraction) and found.invalid_share > MOST_INVALID:
        run.note(f"{found.invalid_share:.1%} of the votes stay invalid: more than 1 %.")
        raise typer.Exit(1)
