"""Commands that ask models: judges, rubrics, plans of requests, and what came of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.cli.command import BaseRun, Run, command, split_names
from workbench.cli.options import FORMAT, SOURCE, fit_flags, option
from workbench.cli.terminal import say, visible
from workbench.errors import ConfigError
from workbench.shard import Shard

if TYPE_CHECKING:
    from workbench.annotate.config import AnnotateConfig
    from workbench.annotate.folder import RunFolder
    from workbench.data.dataset import PreferenceData
    from workbench.llm.progress import Progress as Told
    from workbench.results import Result

Retry = Annotated[
    bool,
    typer.Option("--retry-failed", help="Ask again where a reply, paid for, could not be read."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what it would take; ask nothing, write nothing.")
]
Shards = Annotated[
    int | None, typer.Option("--shards", help="Divide the requests among so many processes.")
]
OfShards = Annotated[int | None, typer.Option("--shard", help="Which of them this one is, from 0.")]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of an annotation run.")]

SENT = (
    option("omit", list[str] | None, None, "Fields not to send, such as seed,top_p."),
    option("rename", list[str] | None, None, "FIELD=NAME: send it under another name."),
    option(
        "headers",
        list[str] | None,
        None,
        "NAME=VALUE of a header; $VARIABLE in it is the environment's. Secrets are not stored.",
        "--header",
    ),
)
"""Flags that change what is sent, for a server that wants it otherwise."""

ASKED = (
    option("model", str | None, None, "Name at the endpoint; or offline:plain, offline:long, ..."),
    option(
        "base_url",
        str | None,
        None,
        "Of an OpenAI-compatible endpoint, such as http://127.0.0.1:8000/v1.",
    ),
    option("key_variable", str | None, None, "Environment variable that holds the key."),
    option("concurrency", int | None, None, "Most calls at once."),
    option("timeout_s", float | None, None, "Longest wait for a whole reply, in seconds."),
    option("attempts", int | None, None, "Calls before a request is given up."),
    *SENT,
    option("extra_body", str | None, None, "JSON file of fields that each request has, too."),
    option("temperature", float | None, None, "Of the sampling."),
    option("top_p", float | None, None, "Of the sampling."),
    option("reply_tokens", int | None, None, "Longest reply, in tokens."),
    option("pairs", int | None, None, "Only so many pairs, drawn by prompt with the seed."),
    option("repeats", int | None, None, "Replies to each question."),
    option("orders", Literal["both", "ab", "ba"] | None, None, "Orders in which responses stand."),
    option("prices", str | None, None, "TOML file: a table a model, prompt and completion."),
    option("max_cost", float | None, None, "Stop before the run costs more."),
    option("max_calls", int | None, None, "Stop before the run makes more calls."),
    option("max_tokens", int | None, None, "Stop before the run uses more tokens."),
    option("max_failed", float | None, None, "Share of requests that may fail (0.05): else 1."),
)
"""Flags of everything that asks a model."""

RUBRIC = option("rubric", str | None, None, "A name that `rubrics` lists, or a TOML file.")
POINTWISE = option("pointwise", bool, False, "Show each response alone.")
JUDGED = (
    option(
        "template",
        str | None,
        None,
        "workbench, mt_bench, alpaca_eval, ..., or a file.",
    ),
    option("name", str | None, None, "Of the annotator; the model's if not given."),
    option("soft", bool, False, "Preferences from token log-probabilities."),
    option("images", str | None, None, "Show images: those in the data, and files in this folder."),
    option("image_urls", bool, False, "Pass addresses of images on: the server fetches them."),
)


class AnnotateRun(BaseRun["AnnotateConfig"]):
    """A run that asks a model."""

    @staticmethod
    def config_type() -> type[AnnotateConfig]:
        """Return the type of the configuration."""
        from workbench.annotate.config import AnnotateConfig

        return AnnotateConfig

    def folder(self) -> RunFolder:
        """Return the run's folder, made where there is none: ``--out``, or one under runs/."""
        from workbench.annotate.run import prepare

        data = self.load()
        place = self.out or Path("runs") / self.config.slug(data.digest)
        return prepare(self.config, data, place)

    def ask(self, dry_run: bool, retry_failed: bool, shard: Shard | None = None) -> Result | None:
        """Do the run and return what it found, or say what it would take."""
        if dry_run:
            self.estimate()
            return None
        return self.execute(self.folder(), retry_failed, shard)

    def estimate(self) -> None:
        """Say what the run would take."""
        from workbench.annotate.estimate import estimate
        from workbench.annotate.folder import RunFolder

        folder = None if self.out is None else RunFolder(self.out)
        found = estimate(self.config, self.load(), folder)
        self.show(found.summary(), found.to_dict())

    def execute(
        self, folder: RunFolder, retry_failed: bool, shard: Shard | None = None
    ) -> Result | None:
        """Do what is left of a run, or of a shard, print what came of it, and return it."""
        from workbench.annotate.run import execute
        from workbench.report.pair_view import names_media

        if folder.config.offline:
            self.note(f"{folder.config.model} is built in: it simulates a judge, and is none.")
        self.reads(folder.data)
        said = folder.config
        blind = said.task == "judge" and said.images is None and not said.image_urls
        if blind and names_media(folder.data):
            self.note("The data name images or other media: the judge is shown texts alone.")
        with interruptible(), telling(self.quiet) as tell:
            found = execute(folder, retry_failed=retry_failed, tell=tell, shard=shard)
        if found is not None:
            self.show(found.summary(), found.to_dict())
        progress = folder.progress()
        if found is None and progress["state"] == "running":
            self.note(f"Shard {shard} ended; others are at work on {folder.path}.")
            return None
        ended = f"{progress['state']}: {folder.path}. {progress['message']}"
        if progress["state"] == "failed":
            # no failure without a word, however quiet
            say(ended, err=True)
            raise typer.Exit(1)
        self.note(ended)
        return found


def shard_of(shards: int | None, shard: int | None) -> Shard | None:
    """Return the share of a run that a process has; None where it has all of it."""
    if shards is None and shard is None:
        return None
    if shards is None or shard is None:
        raise ConfigError(
            "It takes two numbers to divide a run.",
            found="--shards alone" if shard is None else "--shard alone",
            expected="--shards N and --shard I, for I from 0 to N - 1, in a process each",
            fix="Give both, or none.",
        )
    return Shard(shard, shards)


@contextmanager
def telling(quiet: bool) -> Iterator[Any]:
    """Show how far each stage is, on a terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TimeRemainingColumn(), TextColumn("{task.fields[note]}", markup=False),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as bars:
        stages: dict[str, Any] = {}

        def tell(at: Told) -> None:
            if at.stage not in stages:
                stages[at.stage] = bars.add_task(visible(at.stage), total=at.requests, note="")
            note = f"{at.failed} failed, cost {at.cost:.4f}"
            bars.update(stages[at.stage], completed=at.requests - at.open, note=note)

        yield tell


@contextmanager
def interruptible() -> Iterator[None]:
    """Take a request to end for an interrupt: the calls on the way come home."""
    import signal

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = {sign: signal.signal(sign, interrupt) for sign in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except KeyboardInterrupt:
        say("Interrupted. What was answered is kept: run it again to go on.", err=True)
        raise typer.Exit(130) from None
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    data = (SOURCE, FORMAT, *fit_flags("scenarios"))
    command(app, *data, *ASKED, RUBRIC, POINTWISE, run_type=AnnotateRun)(factors)
    command(app, *data, *ASKED, POINTWISE, *JUDGED, run_type=AnnotateRun)(judge)
    command(app, *data, *ASKED, POINTWISE, *JUDGED, RUBRIC, run_type=AnnotateRun)(plan)
    command(app)(import_)
    command(app, *SENT, run_type=AnnotateRun)(resume)


def factors(
    run: AnnotateRun,
    families: Annotated[
        list[str] | None, typer.Option(help="Families of text factors; the core if not given.")
    ] = None,
    dry_run: DryRun = False,
    retry_failed: Retry = False,
    shards: Shards = None,
    shard: OfShards = None,
) -> None:
    """Compute factors and describe their differences A minus B; --rubric lets a model score.

    --out is the folder for the data with their factors; with --rubric it is that of the run,
    which is taken up where it stopped.
    """
    if run.config.rubric is not None:
        run.ask(dry_run, retry_failed, shard_of(shards, shard))
        return
    _refuse_asking("Text factors ask nobody", dry_run, retry_failed)
    data = _with_text_factors(run, split_names(families or []))
    columns = data.factors[data.factor_names]
    table = columns.agg(["count", "mean", "std", "min", "max"]).T.rename_axis("factor")
    record = {"digest": data.digest, "factors": table.reset_index().to_dict("records")}
    run.show(table.to_string(float_format="{:.3f}".format), record)
    run.save(data)


def judge(
    run: AnnotateRun,
    mended: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A mended judge: corrects the verdicts in the data."),
    ] = None,
    dry_run: DryRun = False,
    retry_failed: Retry = False,
    shards: Shards = None,
    shard: OfShards = None,
) -> None:
    """Let a model judge the pairs; --out is the run's folder, taken up where it stopped.

    With --mended no model is asked, and --out is the folder for the data with the new labels.
    """
    if mended is None:
        run.ask(dry_run, retry_failed, shard_of(shards, shard))
        return
    if run.config.model is not None:
        raise ConfigError(
            "A mended judge asks no model by itself.",
            found=f"{mended} and the model {run.config.model}",
            expected="--mended FILE on data with the judge's verdicts, or --model NAME",
            fix="Let the model judge first, and mend the verdicts in the folder of that run.",
        )
    _refuse_asking("A mended judge asks nobody", dry_run, retry_failed)
    import workbench as wb

    found = wb.judge(run.load(), wb.MendedJudge.load(mended))
    run.show(found.summary(), found.to_dict())
    run.save(found.data)


def _refuse_asking(why: str, dry_run: bool, retry_failed: bool) -> None:
    """Refuse flags of a run that asks a model where none is asked."""
    for flag, given in (("--dry-run", dry_run), ("--retry-failed", retry_failed)):
        if given:
            raise ConfigError(
                f"{why}: nothing is estimated, and nothing asked again.",
                found=flag,
                expected="the command without it, or a model to ask",
                fix=f"Leave out {flag}.",
            )


def plan(
    run: AnnotateRun,
    batch_format: Annotated[
        str, typer.Option(help="Whose batch API: openai (vLLM too), anthropic, gemini.")
    ] = "openai",
    retry_failed: Retry = False,
) -> None:
    """Write the open requests of a judge, or of a --rubric, as batch files to run elsewhere.

    DATA may also be the folder of a run. The requests go into its folder requests/.
    """
    from workbench.annotate.folder import RunFolder
    from workbench.annotate.run import plan as write

    there = RunFolder(Path(run.config.source))
    folder = there if there.exists else run.folder()
    run.reads(folder.data)
    path = folder.path / "requests" / "requests.jsonl"
    files = write(folder, path, retry_failed=retry_failed, batch_format=batch_format)
    lines = [str(path) for path in files] or ["No request is open."]
    run.show("\n".join(lines), {"folder": str(folder.path), "files": lines if files else []})


def import_(
    run: Run,
    folder: Folder,
    replies: Annotated[
        list[Path],
        typer.Argument(help="Output of a batch API (OpenAI, Anthropic, Gemini) or of vLLM."),
    ],
) -> None:
    """Read replies that were made elsewhere, and write the results as far as they go."""
    from workbench.annotate.folder import RunFolder
    from workbench.annotate.run import take_in

    there = RunFolder(folder)
    report, found = take_in(there, replies)
    run.reads(there.data)
    result = None if found is None else found.to_dict()
    said = "" if found is None else f"\n\n{found.summary()}"
    run.show(report.summary() + said, {"import": report.to_dict(), "result": result})


def resume(
    run: AnnotateRun,
    folder: Folder,
    concurrency: Annotated[int | None, typer.Option(help="Most calls at once.")] = None,
    prices: Annotated[str | None, typer.Option(help="TOML file of prices.")] = None,
    max_cost: Annotated[float | None, typer.Option(help="New limit of the whole run.")] = None,
    max_calls: Annotated[int | None, typer.Option(help="New limit of the whole run.")] = None,
    max_tokens: Annotated[int | None, typer.Option(help="New limit of the whole run.")] = None,
    max_failed: Annotated[float | None, typer.Option(help="Share that may fail.")] = None,
    retry_failed: Retry = False,
    shards: Shards = None,
    shard: OfShards = None,
) -> None:
    """Take up a run where it stopped; with --shards, beside other processes that do the same."""
    from workbench.annotate.folder import RunFolder

    there = RunFolder(folder)
    config = there.config.updated(
        "command line",
        concurrency=concurrency,
        prices=prices,
        max_cost=max_cost,
        max_calls=max_calls,
        max_tokens=max_tokens,
        **{key: getattr(run.config, key) or None for key in ("omit", "rename", "headers")},
        max_failed=max_failed,
    )
    there.prepare(config, there.data)
    run.execute(there, retry_failed, shard_of(shards, shard))


def _with_text_factors(run: AnnotateRun, families: tuple[str, ...] | None) -> PreferenceData:
    import workbench as wb
    from workbench.report.main_job import ensure_factors

    data, known = run.load(), wb.factors.FAMILIES
    unknown = [name for name in families or () if name not in known]
    if unknown:
        raise ConfigError(
            f"There is no family of factors {unknown[0]!r}.",
            expected="one of " + ", ".join(known),
            fix="Check the spelling of --families.",
        )
    with run.progress("Scoring factors"):
        if families:
            return wb.score_factors(data, [spec for name in families for spec in known[name]])
        return ensure_factors(data)
