"""The command that audits a judge: by probes, or from verdicts that are there."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from workbench.cli.annotate import ASKED, AnnotateRun, DryRun, Retry
from workbench.cli.asking.group_probes import SUITE, AuditRun, by_group, planted
from workbench.cli.command import command
from workbench.cli.fail_on import fail
from workbench.cli.options import FORMAT, SOURCE, fit_flags, option
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.data.dataset import PreferenceData
    from workbench.judges.base import Judge
    from workbench.results import Result

_HOW = (
    option(
        "suite",
        Literal["smoke", "default", "full", "groups"] | None,
        None,
        "Probes: more, or fewer; groups: templates with groups in them, no data.",
    ),
    option("templates", str | None, None, "Suite groups: file of templates of one's own."),
    option("shares", str | None, None, "Suite groups: file of votes by pool of people."),
    option("margin", float | None, None, "Shifts within it are taken for none."),
    option("vetoed", list[str] | None, None, "Variants to leave out, such as C1/book."),
    option("manipulate", bool, False, "Also measure edits by rule; of verdicts: forecast."),
    option("rewrites", bool, False, "Also let the model rewrite responses, and judge them."),
    option("wordings", bool, False, "Also ask in every built-in template, and for reasons."),
    option("triples", bool, False, "Also compare three responses to a prompt, for circles."),
    option("lists", bool, False, "Also choose the best of three, in every rotation."),
    option("known_answers", str | None, None, "Also ask what this annotator or kind knows."),
    option("attacks", str | None, None, "File of attack strings: one a line, or a JSON list."),
    option(
        "template",
        str | None,
        None,
        "workbench, mt_bench, alpaca_eval, ..., or a file.",
    ),
    option("soft", bool, False, "Preferences from token log-probabilities."),
)


def register(app: typer.Typer) -> None:
    """Add the command ``audit-judge`` to an application."""
    data = (SOURCE, FORMAT, *fit_flags("scenarios", "annotators"))
    asked = tuple(one for one in ASKED if one.name not in ("model", "orders"))
    command(app, *data, *_HOW, *asked, run_type=AuditRun)(audit_judge)


def audit_judge(
    run: AnnotateRun,
    judge: Annotated[
        str | None,
        typer.Option(
            help="A model at the endpoint or offline:plain; rule:longer; sim:length (suite "
            "groups: sim:'favours=a woman'); "
            "FILE.py:NAME, a function that scores (prompt, response) pairs; or "
            "mended:FILE@JUDGE, a correction of one of the last three."
        ),
    ] = None,
    from_verdicts: Annotated[
        bool, typer.Option("--from-verdicts", help="Audit the labels that are there; no call.")
    ] = False,
    reference: Annotated[
        str, typer.Option(help="Annotator or kind to hold verdicts against.")
    ] = "human",
    monitor: Annotated[
        bool,
        typer.Option("--monitor", help="Of verdicts: watch each judge, pair after pair."),
    ] = False,
    baseline: Annotated[
        str | None,
        typer.Option(help="Watch against a first share (0.25), a day, an older version, or none."),
    ] = None,
    least: Annotated[
        float | None, typer.Option(help="Watch: alarm where agreement is below it.")
    ] = None,
    time: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="Watch: column of times; else the rows.")
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(help="Exit with code 3 where a finding is of this level or rule."),
    ] = None,
    dry_run: DryRun = False,
    retry_failed: Retry = False,
) -> None:
    """Audit a judge: what biases it, what it is blind to, how it can be manipulated.

    --out is a folder: results, report.html and, where a model is asked, the run to take up.
    """
    from workbench.annotate.auditing import planned
    from workbench.annotate.run import drawn

    results: list[Result]
    if from_verdicts == (judge is not None):
        raise ConfigError(
            "There is no judge to audit." if judge is None else "One or the other.",
            expected="--judge NAME, or --from-verdicts",
            fix="Name a judge to ask, or audit the verdicts in the data.",
        )
    how = {"--baseline": baseline, "--least": least, "--time": time}
    _refuse_unwatched(monitor, from_verdicts, [flag for flag in how if how[flag] is not None])
    _refuse_templates(run)
    if judge is not None and run.config.suite == SUITE:
        results = _by_group(run, judge, dry_run, retry_failed)
    elif judge is not None and not _is_ours(judge):
        suite = run.config.suite or "default"
        config = run.config.updated("command line", model=judge, suite=suite)
        # what it takes and can find is said before a call is paid for
        run.note(planned(drawn(run.load(), config), config).summary())
        found = AnnotateRun(config, run.as_json, run.out, run.quiet).ask(dry_run, retry_failed)
        results = [] if found is None else [found, *found.parts()]
    else:
        data = run.load()
        results = _observed(run, data, reference) if judge is None else _asked(run, data, judge)
        if monitor:
            results = [_watched(run, data, reference, baseline, least, time), *results]
        _show(run, data, results)
    fail(run, results, fail_on)


def _refuse_unwatched(monitor: bool, from_verdicts: bool, how: list[str]) -> None:
    """Refuse to watch what is not there, and to be told how to watch where nothing is."""
    if monitor and not from_verdicts:
        raise ConfigError(
            "Only verdicts that are there can be watched.",
            found="--monitor with --judge",
            expected="--from-verdicts --monitor",
            fix="Save the judge's verdicts with times, then watch them.",
        )
    if how and not monitor:
        raise ConfigError(
            "Nothing is watched.",
            found=f"{', '.join(how)} without --monitor",
            expected="--from-verdicts --monitor",
            fix="Give --monitor too, or leave these out.",
        )


def _refuse_templates(run: AnnotateRun) -> None:
    """Refuse files of the suite groups where it is not asked for."""
    given = [f"--{key}" for key in ("templates", "shares") if getattr(run.config, key)]
    if given and run.config.suite != SUITE:
        raise ConfigError(
            "Only the suite groups has templates and votes by pool.",
            found=", ".join(given),
            expected="--suite groups",
            fix="Name that suite; what a judge is asked with is --template.",
        )


def _by_group(run: AnnotateRun, name: str, dry_run: bool, retry_failed: bool) -> list[Result]:
    def judge_of(name: str) -> Judge:
        return planted(name[4:]) if name.startswith("sim:") else _judge(name)

    ours = judge_of if _is_ours(name) else None
    data, results = by_group(run, name, ours, dry_run, retry_failed)
    if data is not None:
        _show(run, data, results)
    return results


def _is_ours(judge: str) -> bool:
    return judge.startswith(("rule:", "sim:", "mended:")) or ".py:" in judge


def _observed(run: AnnotateRun, data: PreferenceData, reference: str) -> list[Result]:
    from workbench.audit.judges.verdicts.board import judge_board
    from workbench.audit.judges.verdicts.observed import observe
    from workbench.audit.judges.verdicts.preferences import reference_mask

    names = list(run.config.annotators) or None
    with run.progress("Reading verdicts"):
        if not reference_mask(data, reference).any():
            return [observe(data, names, reference)]
        board = judge_board(data, names, reference, style=True, seed=run.config.seed)
        forecasts = _forecasts(data, board.settings["judges"]) if run.config.manipulate else []
        return [board, *board.parts(), *forecasts]


def _watched(
    run: AnnotateRun, data: PreferenceData, reference: str, baseline: str | None,
    least: float | None, time: str | None,
) -> Result:  # fmt: skip
    from workbench.calibration.monitor.monitor import monitor

    # left out, it is that of the library
    against: dict[str, Any] = {} if baseline is None else {"baseline": _against(baseline)}
    with run.progress("Watching judges"):
        return monitor(
            data, list(run.config.annotators) or None, reference, least=least, time=time,
            **against,
        )  # fmt: skip


def _against(baseline: str) -> float | str | None:
    """Return a baseline as the library takes it: a share, a name or day, or nothing."""
    try:
        return None if baseline == "none" else float(baseline)
    except ValueError:
        return baseline


def _forecasts(data: PreferenceData, judges: list[str]) -> list[Result]:
    """Return what following each judge's weights should bring: no measurement."""
    from workbench.audit.judges.forecast import susceptibility
    from workbench.decompose.decomposition import decompose
    from workbench.report.main_job import ensure_factors

    fit = decompose(ensure_factors(data), annotator=judges, folds=0)
    return [susceptibility(fit, name) for name in judges]


def _asked(run: AnnotateRun, data: PreferenceData, name: str) -> list[Result]:
    from workbench.annotate.auditing import beside, planned, refuse_for_no_model
    from workbench.audit.judges.audit import audit_judge

    config = run.config
    refuse_for_no_model(config, name)
    judge = _judge(name)
    plan = planned(data, config)
    run.note(plan.summary())
    with run.progress("Asking the judge"):
        found = audit_judge(plan, judge, margin=config.margin)
        found = replace(found, beside=beside(data, judge, config, plan.n))
    return [found, *found.parts()]


def _judge(name: str) -> Judge:
    from workbench.audit.judges.planted import BiasedJudge
    from workbench.judges import RewardJudge, RuleJudge

    kind, _, rest = name.partition(":")
    if kind == "rule":
        return RuleJudge(rest)  # type: ignore[arg-type]
    if kind == "sim":
        return BiasedJudge(rest)  # type: ignore[arg-type]
    if kind == "mended":
        return _mended(rest)
    file, _, function = name.rpartition(":")
    return RewardJudge(_function(Path(file), function), function)


def _mended(name: str) -> Judge:
    """Return a mended judge around the one that is named after the file, or kept in it."""
    from workbench.judges import MendedJudge

    file, mark, inner = name.rpartition("@")
    found = MendedJudge.load(file, _judge(inner)) if mark else MendedJudge.load(name)
    if found.inner is None:
        raise ConfigError(
            "Nobody is behind the mended judge, so it cannot be asked.",
            where=name,
            found=f"a correction of {found.judge}",
            expected="mended:FILE@JUDGE, with JUDGE as rule:longer, sim:length or FILE.py:NAME",
            fix="Name who is asked; a model is put behind it in Python: mended.around(judge).",
        )
    return found


def _function(path: Path, name: str) -> Any:
    """Return a function of a user's own file, which is run for that."""
    spec = importlib.util.spec_from_file_location(path.stem, path) if path.is_file() else None
    if spec is None or spec.loader is None:
        raise ConfigError(
            "The file of the judge is not there.",
            where=str(path),
            expected="FILE.py:NAME",
            fix="Check the path.",
        )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = getattr(module, name, None)
    if not callable(found):
        raise ConfigError(
            "The file holds no such function.",
            where=str(path),
            found=name,
            expected="a function that takes (prompt, response) pairs and returns numbers",
            fix="Check the name after the colon.",
        )
    return found


def _show(run: AnnotateRun, data: PreferenceData, results: Sequence[Result]) -> None:
    from workbench.audit.judges.scorecard import JudgeAudit
    from workbench.report.build import report

    # an audit's own summary holds those of what stands beside it
    first = results[:1] if isinstance(results[0], JudgeAudit) else results
    text = "\n\n".join(result.summary() for result in first)
    run.show(text, {"results": [result.to_dict() for result in results]})
    if run.out is not None:
        run.out.mkdir(parents=True, exist_ok=True)
        page = report(results, data=data, title="Judge audit", command="workbench audit-judge ...")
        page.save(run.out / "report.html")
        run.note(f"Written to {run.out}")
