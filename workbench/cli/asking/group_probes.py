"""The suite of templates with groups in them: it reads no data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from workbench.cli.annotate import AnnotateRun
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.data.dataset import PreferenceData
    from workbench.judges.base import Judge
    from workbench.results import Result

SUITE = "groups"
_SOURCE, _DEFAULT = "templates", "sample"


class AuditRun(AnnotateRun):
    """A run that audits a judge: by data, or by templates, which need none."""

    @staticmethod
    def without_data(given: Mapping[str, Any]) -> bool:
        """Return whether a call with these options reads no data."""
        return given.get("suite") == SUITE


class GroupRun(AnnotateRun):
    """A run whose pairs are made of templates."""

    def load(self) -> PreferenceData:
        """Return the pairs of the templates that are named, or of the set that ships."""
        from workbench.audit.judges.groups.templates import group_pairs

        return group_pairs(self.config.templates)


def by_group(
    run: AnnotateRun,
    name: str,
    judge_of: Callable[[str], Judge] | None,
    dry_run: bool,
    retry_failed: bool,
) -> tuple[PreferenceData | None, list[Result]]:
    """Audit a judge by templates: a model in a run, any other at once.

    Parameters
    ----------
    run : AnnotateRun
    name : str
        The judge.
    judge_of : callable, optional
        Makes the judge of its name; None where it is a model.
    dry_run, retry_failed : bool

    Returns
    -------
    data : PreferenceData or None
        None where the run has written its results itself.
    results : list of Result
    """
    _refuse_data(run)
    about = {"source": run.config.templates or _SOURCE, "suite": SUITE}
    config = run.config.updated("command line", **about)
    if judge_of is None:
        config = config.updated("command line", model=name)
        asking = GroupRun(config, run.as_json, run.out, run.quiet)
        found = asking.ask(dry_run, retry_failed)
        return None, [] if found is None else [found]
    from workbench.annotate.auditing import by_group as audited
    from workbench.annotate.run import drawn

    asking = GroupRun(config, run.as_json, run.out, run.quiet)
    data = drawn(asking.load(), config)
    if dry_run:
        run.show(f"{2 * len(data):,} verdicts on {len(data):,} pairs; nothing was asked.",
                 {"pairs": len(data), "verdicts": 2 * len(data)})  # fmt: skip
        return None, []
    with run.progress("Asking the judge"):
        return data, [audited(data, config, judge_of(name))]


def planted(name: str) -> Judge:
    """Return a simulated judge: equal, favours=GROUP or refuses=GROUP."""
    from workbench.audit.judges.groups.planted import GroupJudge

    bias, _, group = name.partition("=")
    return GroupJudge(bias, group or "a woman")  # type: ignore[arg-type]


def _refuse_data(run: AnnotateRun) -> None:
    """Refuse data, and what is measured on data."""
    config = run.config
    beside = ("manipulate", "rewrites", "wordings", "triples", "lists", "known_answers", "attacks")
    given = [f"--{key.replace('_', '-')}" for key in (*beside, "vetoed") if getattr(config, key)]
    data = config.source not in (_DEFAULT, _SOURCE, config.templates)
    if data or given:
        raise ConfigError(
            "The suite groups makes its pairs of templates: it reads no data.",
            found=config.source if data else ", ".join(given),
            expected="workbench audit-judge --judge NAME --suite groups [--templates FILE]",
            fix="Leave it out; templates of your own are named by --templates FILE.",
        )
