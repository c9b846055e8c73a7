"""Commands beside the main job: one verb of the library each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.cli.command import Run, command, split_names
from workbench.cli.options import (
    BY,
    FORMAT,
    SOURCE,
    Address,
    EngineName,
    Workers,
    fit_flags,
    told_engine,
)
from workbench.cli.parted import opened as parted
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.data.dataset import PreferenceData
    from workbench.data.parts.parted import PartedData
    from workbench.decompose.decomposition import Decomposition

_Names = Annotated[list[str] | None, typer.Option(help="Commas separate; may be repeated.")]
_Replicates = Annotated[int, typer.Option(min=20, help="Bootstrap replicates.")]


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    who = fit_flags("annotators", "scenarios", "level")
    what = fit_flags("annotators", "factors", "scenarios", "ties", "level")
    command(app, SOURCE, FORMAT, BY, *what, *fit_flags("folds"))(dissect)
    command(app, SOURCE, FORMAT, BY, *what)(bootstrap)
    command(app, SOURCE, FORMAT, BY, *what, *fit_flags("cluster", "folds"))(check_fit)
    command(app, SOURCE, FORMAT, *what)(similarity)
    command(app, SOURCE, FORMAT, *what)(scenarios)
    command(app, SOURCE, FORMAT, *fit_flags("annotators", "factors", "scenarios", "level"))(
        concordance
    )
    command(app, SOURCE, FORMAT, BY, *what)(attribute)
    command(app, SOURCE, FORMAT, *who)(rate)
    command(app, SOURCE, FORMAT, *who)(length_control)
    command(app, SOURCE, FORMAT, *fit_flags("annotators", "factors", "scenarios", "level"))(screen)
    command(app, SOURCE, FORMAT, *what, *fit_flags("folds"))(ceiling)
    command(app, SOURCE, FORMAT)(add_judge)


def dissect(
    run: Run,
    prior: Annotated[Literal["laplace", "normal"], typer.Option(help="Of each weight.")] = (
        "laplace"
    ),
    scale: Annotated[
        str | None,
        typer.Option(
            help="Of the prior, in logits; if not given, that of least held-out log-loss."
        ),
    ] = None,
    draws: Annotated[int, typer.Option(min=100, help="Posterior draws kept.")] = 2000,
    legacy: Annotated[
        bool, typer.Option("--legacy", help="The choices of preference dissection, exactly.")
    ] = False,
) -> None:
    """Give the posterior of each weight under a prior."""
    import workbench as wb

    data = run.scored()
    chosen: float | Literal["held-out"] | None = None
    if scale is not None:
        chosen = "held-out" if scale == "held-out" else _number(scale, "--scale")
    with run.progress("Sampling"):
        found = wb.dissect(
            data,
            annotator=run.config.annotators or None,
            by=run.config.by,
            prior=prior,
            scale=chosen,
            draws=draws,
            legacy=legacy,
            **run.fit_options("factors", "ties", "folds", "level"),
        )
    run.show_result(found)


def bootstrap(
    run: Run,
    replicates: _Replicates = 1000,
    method: Annotated[
        Literal["exact", "multiplier"] | None,
        typer.Option(
            help=f"Refits, or one step for each; of parts with more than {parted.AT_ONCE:,} pairs "
            "one step unless said, else refits.",
            show_default=False,
        ),
    ] = None,
    engine: EngineName = None,
    address: Address = None,
    workers: Workers = None,
) -> None:
    """Give bootstrap intervals of each weight, resampling clusters."""
    import workbench as wb

    where = told_engine(run.file, engine, address, workers)
    method = parted.resampled(run, method)
    data = parted.scored(run, where) if method == "multiplier" else run.scored()
    fit = _fitted(run, run.config.by, data, engine=where)
    with run.progress("Resampling"):
        options = run.fit_options("level")
        run.show_result(wb.bootstrap(fit, replicates=replicates, method=method, **options))


def check_fit(run: Run) -> None:
    """Say whether the model describes the labels: link, factors, interactions, clusters."""
    import workbench as wb

    fit = _fitted(run, run.config.by, **run.fit_options("cluster"))
    with run.progress("Checking the fit"):
        run.show_result(wb.check_fit(fit, **run.fit_options("folds")))


def similarity(
    run: Run,
    published: Annotated[
        bool, typer.Option("--published", help="DATA is a folder of fitted weights.")
    ] = False,
    scenario: Annotated[str | None, typer.Option(help="Of one scenario only.")] = None,
) -> None:
    """Compare the weights of annotators: correlation, raw and corrected for noise."""
    import workbench as wb

    level = run.config.level
    if published:
        run.show_result(wb.similarity(wb.read_fits(run.config.source), scenario=scenario))
        return
    data = run.scored()
    several = data.pairs["scenario"].nunique() > 1
    fit = _fitted(run, ("annotator", "scenario") if several else ("annotator",), data)
    with run.progress("Resampling"):
        # one step of each refit: a rare factor that a resample lacks then costs no replicate
        draws = wb.bootstrap(fit, method="multiplier", **run.fit_options("level"))
        run.show_result(wb.similarity(draws, scenario=scenario, level=level))


def scenarios(run: Run) -> None:
    """Fit each scenario under partial pooling, and test where scenarios differ."""
    import workbench as wb

    data = run.scored()
    with run.progress("Pooling scenarios"):
        options = run.fit_options("factors", "ties", "level")
        run.show_result(wb.pool_scenarios(data, annotator=run.config.annotators or None, **options))


def concordance(run: Run, replicates: _Replicates = 1000) -> None:
    """Say how often each factor and each annotator's preference point the same way."""
    import workbench as wb

    data = run.scored()
    with run.progress("Resampling"):
        options = run.fit_options("factors", "level")
        annotator = run.config.annotators or None
        run.show_result(wb.concordance(data, annotator=annotator, replicates=replicates, **options))


def attribute(
    run: Run,
    group: Annotated[str | None, typer.Option(help="Whose fit; the first if not given.")] = None,
    scale: Annotated[
        Literal["logit", "probability"], typer.Option(help="Of the shares.")
    ] = "probability",
    pairs: _Names = None,
) -> None:
    """Give each factor's share of the predicted preference, pair by pair."""
    import workbench as wb

    fit = _fitted(run, run.config.by)
    chosen = split_names(pairs or [])
    run.show_result(wb.attribute(fit, group=group, pairs=chosen, scale=scale))


def rate(
    run: Run,
    covariates: _Names = None,
    ties: Annotated[Literal["half", "davidson", "drop"], typer.Option(help="Ties.")] = "half",
    intervals: Annotated[
        Literal["cluster", "bootstrap"], typer.Option(help="How intervals are made.")
    ] = "cluster",
    anchor: Annotated[str | None, typer.Option(help="Model that is rated 0.")] = None,
    engine: EngineName = None,
    address: Address = None,
    workers: Workers = None,
) -> None:
    """Rate the models (Bradley-Terry), with style controlled where covariates are named."""
    import workbench as wb
    from workbench.structure.transitivity.verdict import ranking_line

    names = split_names(covariates or []) or ()
    where = told_engine(run.file, engine, address, workers)
    data = parted.scored(run, where) if names else parted.opened(run)
    with run.progress("Rating"):
        found = wb.rate(
            data,
            annotator=run.config.annotators or None,
            covariates=names,
            ties=ties,
            intervals=intervals,
            anchor=anchor,
            engine=where,
            **run.fit_options("level"),
        )
        run.told.append(ranking_line(found))
    run.show_result(found)


def length_control(
    run: Run,
    baseline: Annotated[str | None, typer.Option(help="Model that all others met.")] = None,
    difficulty: Annotated[
        str | None,
        typer.Option(
            help="Of the instructions: a file of texts and numbers, joint (estimated over the "
            "models) or none; if not given, the data's own column, or joint."
        ),
    ] = None,
    gamed: Annotated[
        list[str] | None,
        typer.Option(
            help="File of the baseline's own verbose and concise runs; may be repeated. If not "
            "given, the models BASELINE_verbose and BASELINE_concise of the data."
        ),
    ] = None,
    replicates: _Replicates = 200,
) -> None:
    """Give each model's win rate at the baseline's length, as AlpacaEval defines it."""
    import workbench as wb
    from workbench.ratings.difficulty import read_difficulty

    data, judges = run.load(), run.config.annotators
    if len(judges) > 1:
        raise typer.BadParameter("name one judge", param_hint="--annotator")
    known: Any = difficulty
    if difficulty not in (None, "joint", "none"):
        known = read_difficulty(difficulty)
    runs = run.reads(wb.load(gamed, **run.config.reading())) if gamed else None
    with run.progress("Fitting"):
        found = wb.length_control(
            data,
            difficulty=known,
            gamed=runs,
            baseline=baseline,
            annotator=judges[0] if judges else None,
            replicates=replicates,
            **run.fit_options("level"),
        )
    run.show_result(found)


def screen(
    run: Run,
    control: _Names = None,
    method: Annotated[
        Literal["univariate", "l1"], typer.Option(help="How factors are chosen.")
    ] = "univariate",
    sample: Annotated[
        int, typer.Option(min=1, help="Of data in parts, pairs that are screened.")
    ] = 200_000,
    engine: EngineName = None,
    address: Address = None,
    workers: Workers = None,
) -> None:
    """Choose among many factors on half of the prompts, and test them on the other half."""
    import workbench as wb

    data = parted.scored(run, told_engine(run.file, engine, address, workers))
    with run.progress("Screening"):
        found = wb.screen(
            data,
            annotator=run.config.annotators or None,
            control=split_names(control or []),
            method=method,
            sample=sample,
            **run.fit_options("factors", "level"),
        )
    run.show_result(found)


def ceiling(
    run: Run,
    black_boxes: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="Of boosting (trees on all factors) and embedding (differences of texts); both, "
            "if none is named. Commas separate; may be repeated.",
        ),
    ] = None,
    judge: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAMES",
            help="Annotators, kinds or columns of margins that predict as well. Commas separate; "
            "may be repeated.",
        ),
    ] = None,
    embedding: Annotated[
        str,
        typer.Option(help="offline, a Parquet file of vectors, or the folder of an encoder."),
    ] = "offline",
) -> None:
    """Say which share of what can be predicted at all the factors reach, beside black boxes."""
    import workbench as wb
    from workbench.report.main_job import default_reference

    data = run.scored()
    boxes, judges = split_names(black_boxes or []), split_names(judge or [])
    options = run.fit_options("factors", "ties", "folds", "level")
    if boxes:
        options["black_boxes"] = boxes
    with run.progress("Looking for what can be predicted"):
        found = wb.ceiling(
            data, annotator=run.config.annotators or default_reference(data), judge=judges,
            embedding=embedding, **options,
        )  # fmt: skip
    flags = ["--black-boxes", ",".join(boxes)] if boxes else []
    flags += ["--judge", ",".join(judges)] if judges else []
    flags += ["--embedding", embedding] if embedding != "offline" else []
    run.tell(found, data, "ceiling", flags)


def add_judge(
    run: Run,
    verdicts: Annotated[Path, typer.Option(help="File of verdicts: A, B or tie.")],
    name: Annotated[str, typer.Option(help="What the judge is called.")],
    in_order: Annotated[
        bool, typer.Option("--in-order", help="One verdict a pair, in the order of the data.")
    ] = False,
) -> None:
    """Add a judge's verdicts to the data; --out saves a folder."""
    import workbench as wb

    if run.out is None:
        raise ConfigError(
            "The data with the new judge have no place to go.",
            found="no --out",
            expected="a folder to write to",
            fix="Give --out FOLDER; then: workbench contrast FOLDER --annotator NAME.",
        )
    # what a verdict means is said of the judge's file
    said = run.config.reading()["verdicts"]
    config = run.config.updated(verdict=())
    read = Run(config, run.as_json, run.out, run.quiet).load()
    data = wb.add_judge(read, verdicts, name=name, in_order=in_order, labels=said)
    report = data.load_report
    record = {"digest": data.digest, "load_report": report.to_dict() if report else None}
    run.show(f"{data!r}\n{report}", record)
    run.save(data)


def _fitted(
    run: Run, by: Sequence[str], data: PreferenceData | PartedData | None = None, **further: Any
) -> Decomposition:
    import workbench as wb

    data = run.scored() if data is None else data
    options = {**run.fit_options("factors", "ties", "level"), **further}
    with run.progress("Decomposing"):
        return wb.decompose(
            data, annotator=run.config.annotators or None, by=by, folds=0, **options
        )


def _number(text: str, flag: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no number", param_hint=flag) from None
