"""The flags and arguments that commands share."""

from __future__ import annotations

import tomllib
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.cli.flags import FLAGS

if TYPE_CHECKING:
    from workbench.engine import Engine


def option(name: str, kind: Any, default: Any, text: str, flag: str | None = None) -> Parameter:
    """Return a flag of a command.

    Examples
    --------
    >>> option("level", float | None, None, "Confidence level.").name
    'level'
    """
    told = typer.Option(flag or f"--{name.replace('_', '-')}", help=text)
    return Parameter(
        name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, told]
    )


def _names(name: str, text: str, flag: str | None = None) -> Parameter:
    text = f"{text} Commas separate; may be repeated."
    return option(name, list[str] | None, None, text, flag)


def _source(kind: Any, metavar: str, text: str) -> Parameter:
    told = typer.Argument(metavar=metavar, help=text, show_default=False)
    return Parameter(
        "source", Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, told]
    )


SOURCE = _source(
    str | None,
    "DATA",
    "A file, a pattern in quotes, a folder, a saved folder, hub:owner/name, or sample.",
)
SOURCES = _source(
    list[str] | None,
    "DATA...",
    "Files, patterns or folders, read as one set; a saved folder, hub:owner/name, or sample.",
)
FORMAT = option("format", str | None, None, "Name of the format; recognised if not given.")
BY = _names("by", "Columns that make a group: annotator, kind, scenario, ...")
REFERENCE = option(
    "reference", str | None, None, "Annotator or kind to compare with (human: people pooled)."
)
_FIT = {
    parameter.name: parameter
    for parameter in (
        _names("annotators", "Only these annotators.", FLAGS["annotators"]),
        _names("factors", "Only these factors."),
        _names("scenarios", "Only these scenarios or subsets.", FLAGS["scenarios"]),
        option("covariance", Literal["cluster", "HC1", "classical"] | None, None, "Errors."),
        _names(
            "cluster",
            "What labels are clustered by: prompt, annotator, session, any column; cluster is "
            "the prompt or what the file names.",
        ),
        option(
            "ties", Literal["half", "drop"] | None, None, "A tie is half a vote each, or no vote."
        ),
        option("folds", int | None, None, "Prompt-grouped folds of held-out scores; 0: none."),
        option("level", float | None, None, "Confidence level of the intervals, such as 0.95."),
    )
}
FIT = tuple(_FIT.values())


def fit_flags(*names: str) -> tuple[Parameter, ...]:
    """Return those of the flags of a fit that a command takes."""
    return tuple(_FIT[name] for name in names)


FURTHER = _names(
    "further",
    "Also in the report: posterior, bootstrap, fit, similarity, scenarios, concordance, ratings, "
    "compare-annotators, calibrate-verdicts, scenario-ratings, "
    "strength, raters, groups, mixed, context, transitivity, repair, people, rationales, "
    "plan-labels, instrument, variance-split, panel, few-labels, route, monitor, check-benchmark, "
    "compare-models, judge-card, values, ceiling, discover, apart.",
    FLAGS["further"],
)

EngineName = Annotated[
    Literal["local", "ray"] | None,
    typer.Option("--engine", help="What works on the parts: local, this process; ray, a cluster."),
]
Address = Annotated[
    str | None,
    typer.Option(metavar="HOST:PORT", help="Of the cluster's head; auto for one that runs here."),
]
Workers = Annotated[int | None, typer.Option(help="Parts that are worked on at a time.")]


def told_engine(
    file: Path | None, engine: str | None, address: str | None, workers: int | None
) -> Engine:
    """Return the engine that flags name, or the table ``[engine]`` of a file of options.

    Parameters
    ----------
    file : Path or None
        The file, which was read before.
    engine, address, workers
        As given; they win over the table.

    Raises
    ------
    ConfigError
        An unknown key or engine.
    DesignError
        Fewer than one worker.

    Examples
    --------
    >>> told_engine(None, "ray", "auto", 8)
    Ray(address='auto', workers=8)
    """
    from workbench.engine import engine_from

    text = "" if file is None else file.read_text(encoding="utf-8-sig")
    flags = {"name": engine, "address": address, "workers": workers}
    given = {key: value for key, value in flags.items() if value is not None}
    where = "command line" if given or file is None else f"{file} [engine]"
    return engine_from({**tomllib.loads(text).get("engine", {}), **given}, where)
