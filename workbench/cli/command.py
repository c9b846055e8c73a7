"""What the commands share: options, the run they describe, and how errors are told."""

from __future__ import annotations

import inspect
import shlex
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import typer

from workbench.cli.flags import READING, WHOLE, flags_of
from workbench.cli.options import option
from workbench.cli.terminal import explained, say, say_json, visible
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.config import Config, RunConfig
    from workbench.data.dataset import PreferenceData
    from workbench.data.load_report import LoadReport
    from workbench.report.job import MainJob
    from workbench.results import Result


C = TypeVar("C", bound="Config")


@dataclass(frozen=True)
class BaseRun(ABC, Generic[C]):
    """One run of a command: its configuration, and where results and notes go.

    Attributes
    ----------
    config : Config
        From ``--config``, with the options of the command line put in place.
    as_json : bool
        Print results as JSON.
    out : Path or None
        Where files are written.
    quiet : bool
        Neither notes nor progress.
    beside : tuple of str
        Files that are one set with the source of the configuration.
    read : list of LoadReport
        What became of the rows of the data that were read so far.
    told : list of str
        What is said of the data under every result, such as that they answer several questions.
    file : Path or None
        The file of options that was named.
    file_hint : str
        How the command line names that file.
    """

    file_hint: ClassVar[str] = "--config"

    config: C
    as_json: bool
    out: Path | None
    quiet: bool
    beside: tuple[str, ...] = ()
    read: list[LoadReport] = field(default_factory=list, repr=False)
    told: list[str] = field(default_factory=list, repr=False)
    file: Path | None = None

    @property
    def sources(self) -> str | list[str]:
        """The source of the configuration, with the files that are one set with it."""
        return [self.config.source, *self.beside] if self.beside else self.config.source

    def load(self) -> PreferenceData:
        """Return the data of the configuration, scenarios and all else as it says."""
        return self._chosen(self._read())

    def _chosen(self, data: PreferenceData) -> PreferenceData:
        from workbench.factors.dissection_subsets import only_subsets

        scenarios = self.config.scenarios
        if self.config.criteria:
            data = data.filter(criteria=self.config.criteria)
        return only_subsets(data, scenarios) if scenarios else data

    def _read(self) -> PreferenceData:
        import workbench as wb

        with self.progress(f"Loading {self.config.source}"):
            data = wb.load(self.sources, **self.config.reading())
        return self.reads(data)

    def reads(self, data: PreferenceData) -> PreferenceData:
        """Return the data; what was lost when they were read stands under every result."""
        if data.load_report is not None and data.load_report not in self.read:
            self.read.append(data.load_report)
        by = getattr(self.config, "by", ())
        if len(data.criteria) > 1 and not self.config.criteria and "criterion" not in by:
            counts = data.labels["criterion"].value_counts().reindex(data.criteria)
            shown = ", ".join(f"{name} {n:,}" for name, n in counts.items())
            self.told.append(
                f"Labels by criterion: {shown}. What is overall decides unless "
                "--criterion names another."
            )
        return data

    @staticmethod
    def without_data(given: Mapping[str, Any]) -> bool:
        """Return whether a call with these options reads no data."""
        return False

    @staticmethod
    @abstractmethod
    def config_type() -> type[C]:
        """Return the type of the configuration; imported late, so that help is instant."""

    def show(self, text: str, record: Mapping[str, Any]) -> None:
        """Print a result and what was lost when its data were read: as text, or as JSON."""
        from workbench.json_values import to_json

        lost = dict.fromkeys([*self.told, *(one.line() for one in self.read)])
        text = "\n\n".join([text, *filter(None, lost)])
        if self.as_json:
            say_json(to_json(self._with_report(record)))
        else:
            say(text)

    def _with_report(self, record: Mapping[str, Any]) -> dict[str, Any]:
        report = self.read[-1].to_dict() if self.read else None
        notes = {"notes": list(dict.fromkeys(self.told))} if self.told else {}
        return {"load_report": report, **notes, **record}

    def show_result(self, result: Result) -> None:
        """Print a result, and write its tables where ``--out`` says."""
        self.show(result.summary(), result.to_dict())
        if self.out is not None:
            self._write(result, self.out)
            self.note(f"Written to {self.out}")

    def _write(self, result: Result, folder: Path) -> None:
        from workbench.data.on_view.spreadsheet import to_csv
        from workbench.json_values import to_json
        from workbench.whole_file import write_text

        texts = {f"{name}.csv": to_csv(table) for name, table in result.tables().items()}
        texts["result.json"] = to_json(self._with_report(result.to_dict()))
        texts["run.toml"] = self.config.to_toml()
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_text(folder / name, text)

    def save(self, data: PreferenceData) -> None:
        """Write the data where ``--out`` says."""
        if self.out is not None:
            import workbench as wb

            wb.save(data, self.out)
            self.note(f"Written to {self.out}")

    def note(self, text: str) -> None:
        """Say something on stderr."""
        if not self.quiet:
            say(text, err=True)

    @contextmanager
    def progress(self, text: str) -> Iterator[None]:
        """Show on a terminal that work goes on."""
        if self.quiet or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.markup import escape

        with Console(stderr=True).status(escape(visible(text))):
            yield


class Run(BaseRun["RunConfig"]):
    """A run that fits and compares."""

    @staticmethod
    def config_type() -> type[RunConfig]:
        """Return the type of the configuration."""
        from workbench.config import RunConfig

        return RunConfig

    def scored(self, *, needed: bool = True) -> PreferenceData:
        """Return the data with factors; says so where it had to compute them.

        Scenarios are chosen after scoring: the scale of a factor is that of all the data,
        as in the dashboard. Data that can have none pass where factors are not ``needed``.
        """
        from workbench.report.main_job import ensure_factors, has_text, with_factors

        data = self._read()
        self._tell_clusters(data)
        if data.factor_names:
            return self._chosen(data)
        text = has_text(data)
        if needed or text:
            kind = "the core text factors" if text else "its factor columns"
            self.note(f"The data hold no factors yet: scoring {kind} first.")
        with self.progress("Scoring factors"):
            return self._chosen(ensure_factors(data) if needed else with_factors(data))

    def _tell_clusters(self, data: PreferenceData) -> None:
        """Say how many labels do not say of which cluster they are."""
        from workbench.data.alike.clusters import PROMPT, labels_without

        for name in self.config.cluster:
            lacking = 0 if name == PROMPT else labels_without(data, name)
            if lacking:
                self.told.append(
                    f"{lacking:,} of {len(data.labels):,} labels have no {name}: each is a "
                    "cluster of its own in that dimension."
                )

    def main_job(self, data: PreferenceData, **more: Any) -> MainJob:
        """Return the decompositions of the reference and the judges, and their contrast."""
        from workbench.report.main_job import default_reference, main_job

        noun = data.noun(self.config.reference or default_reference(data))
        with self.progress(f"Decomposing {noun} and judges"):
            return main_job(
                data,
                self.config.reference,
                annotators=self.config.annotators or None,
                further=self.config.further,
                **self.fit_options(),
                **more,
            )

    def fit_options(self, *names: str) -> dict[str, Any]:
        """Return the options that a fit takes: these, or all of them, and the seed."""
        names = names or ("factors", "covariance", "cluster", "ties", "folds", "level")
        options = {name: getattr(self.config, name) for name in (*names, "seed")}
        if "cluster" in options:
            options["cluster"] = list(self.config.cluster) or None
        if "factors" in options:
            options["factors"] = list(self.config.factors) or None
        return options

    def tell(
        self, found: Result, data: PreferenceData | None, name: str, flags: Sequence[str]
    ) -> None:
        """Print a result, and leave its tables and a page where files are asked for.

        The page says by which command, ``name`` with its own ``flags``, it is made again.
        """
        from workbench.report.build import report

        self.show_result(found)
        if self.out is None:
            return
        words = ["workbench", name, self.config.source, *flags, *flags_of(self.config)]
        told = shlex.join([*words, "--out", self.out.name])
        report(found, data=data, title=found.heading, command=told).save(self.out / "report.html")

    def report_command(self, name: str) -> str:
        """Return the command that makes this run's report again, as file ``name``."""
        words = ["workbench", "report", self.config.source, *flags_of(self.config)]
        return shlex.join([*words, "--out", name])


SHARED = (
    option("config", Path | None, None, "TOML file of options; flags win over it."),
    option("seed", int | None, None, "Seed of every random step."),
    option("out", Path | None, None, "Folder to write to (report: the HTML file)."),
    option("json", bool, False, "Print the result as JSON."),
    option("quiet", bool, False, "No notes and no progress on stderr."),
    option("debug", bool, False, "Show the traceback of an error."),
)
"""Flags of every command, but where they would say nothing."""


def command(
    app: typer.Typer,
    *options: Parameter,
    run_type: type[BaseRun[Any]] = Run,
    shared: Sequence[Parameter] = SHARED,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a function as a command of its name.

    The command takes ``options`` beside the function's own parameters, and where it reads
    data the flags that say how. The options reach the function as ``run.config``; its own are
    passed on. ``shared`` are those of the flags of every command that it takes.
    Deliberate errors become their message on stderr and exit code 1.
    """

    def register(body: Callable[..., None]) -> Callable[..., None]:
        signature = inspect.signature(body, eval_str=True)
        own = [p for p in signature.parameters.values() if p.name != "run"]
        accepted = [p.replace(kind=Parameter.KEYWORD_ONLY) for p in own]
        silent = {p.name: p.default for p in SHARED}

        def run_it(**given_values: Any) -> None:
            values = {**silent, **given_values}
            debug = values.pop("debug")
            given = {p.name: values.pop(p.name) for p in own}
            with explained(debug):
                run = _run(values, run_type)
                with _allowed(run.config):
                    body(run, **given)

        taken = {p.name for p in (*options, *accepted)}
        reads = "source" in taken
        reading = [p for p in READING if p.name not in taken] if reads else []
        parameters = [*options, *accepted, *reading, *shared]
        run_it.__doc__ = body.__doc__
        run_it.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run_it.__annotations__ = {p.name: p.annotation for p in parameters}
        # a name that Python keeps for itself has _ at its end
        app.command(body.__name__.strip("_").replace("_", "-"))(run_it)
        return body

    return register


@contextmanager
def _allowed(config: Config) -> Iterator[None]:
    """Let every file that a command opens cost what ``--limit`` says."""
    if not config.limit:
        yield
        return
    from workbench.data.reading.bounds.limits import bounded

    with bounded(config.reading()["limits"], timed=False):
        yield


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "The file of options cannot be read.",
            where=str(file),
            found=str(error),
            expected="a text file in UTF-8",
            fix="Save it as UTF-8, and check that it may be read.",
        ) from None


def _run(values: dict[str, Any], run_type: type[BaseRun[Any]]) -> BaseRun[Any]:
    file = values.pop("config")
    as_json, out, quiet = (values.pop(name) for name in ("json", "out", "quiet"))
    config_type = run_type.config_type()
    config = config_type()
    beside: tuple[str, ...] = ()
    if isinstance(sources := values.get("source"), list):
        values["source"], beside = next(iter(sources), None), tuple(sources[1:])
    if file is not None:
        if not file.is_file():
            raise typer.BadParameter(f"there is no file {file}", param_hint=run_type.file_hint)
        config = config_type.from_toml(_text_of(file), where=str(file))
    elif values.get("source", "given") is None and not run_type.without_data(values):
        raise typer.BadParameter("name the data, or give --config", param_hint="DATA")
    lists = {
        key: (tuple(v) if key in WHOLE else split_names(v)) if isinstance(v, list) else v
        for key, v in values.items()
    }
    try:
        config = config.updated("command line", **lists)
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from None
    return run_type(config, as_json, out, quiet, beside, file=file)


def split_names(values: list[str]) -> tuple[str, ...] | None:
    """Return the names of a repeated option; None where it was not given."""
    names = (name.strip() for value in values for name in value.split(","))
    return tuple(name for name in names if name) if values else None


def numbers_by_name(flag: str, values: list[str], form: str = "NAME=NUMBER") -> dict[str, float]:
    """Return numbers by name from the words of a repeated option.

    Raises
    ------
    ConfigError
        One that is no name and number.
    """
    found = {}
    for text in values:
        name, _, number = text.rpartition("=")
        try:
            found[name] = float(number)
        except ValueError:
            name = ""
        if not name:
            raise ConfigError(
                f"The value of {flag} cannot be read.",
                found=text,
                expected=form,
                fix=f"Write {flag} {form}, such as {flag} this=0.5.",
            )
    return found
