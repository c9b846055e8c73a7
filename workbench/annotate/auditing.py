"""The task that audits a judge: probes, and what is measured beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from workbench.annotate.config import AnnotateConfig
from workbench.annotate.folder import RunFolder
from workbench.audit.judges.audit import audit_judge
from workbench.audit.judges.groups.probe import audit_groups
from workbench.audit.judges.groups.result import GroupAudit
from workbench.audit.judges.known_answers import known_answers
from workbench.audit.judges.listwise import listwise
from workbench.audit.judges.manipulate import manipulate
from workbench.audit.judges.plan import Plan, plan_audit, slot_of
from workbench.audit.judges.reliability import compare_wordings, transitivity
from workbench.audit.judges.rewriting import REWRITES, rewriting
from workbench.audit.judges.scorecard import JudgeAudit
from workbench.data.dataset import PreferenceData
from workbench.errors import ConfigError
from workbench.judges import TEMPLATES, ChatJudge
from workbench.judges.base import Judge
from workbench.judges.templates import Template, find_template
from workbench.llm.asker import Asks
from workbench.results import Result

_LABELS = (("1", "2"), ("K4", "W9"))
"""Other names of the two alternatives: ordered ones, and ones that mean nothing."""

File = Callable[[str, str], str]


def audited(
    data: PreferenceData, config: AnnotateConfig, asks: Asks, file: File
) -> JudgeAudit | GroupAudit:
    """Return the audit of a model.

    Parameters
    ----------
    data : PreferenceData
    config : AnnotateConfig
    asks : Asks
    file : callable
        Where the file stands that a key of the configuration names.
    """

    def judge_of(template: str | Template) -> ChatJudge:
        return ChatJudge(
            config.asked_model,
            asks,
            template=template,
            samples=config.repeats or 1,
            soft=config.soft,
            sampling=config.sampling,
            name=config.annotator,
        )

    judge = judge_of(file("template", config.template))
    if config.suite == "groups":
        return by_group(data, config, judge, file)
    plan = planned(data, config, file, slot_of(judge.template))
    found = audit_judge(plan, judge, margin=config.margin)
    more = list(beside(data, judge, config, plan.n))
    if config.rewrites:
        some = {k: rewriting(v, asks, model=config.asked_model) for k, v in REWRITES.items()}
        more.append(manipulate(data, judge, some, n=plan.n, seed=config.seed))
    if config.wordings:
        wordings = {name: judge_of(one) for name, one in wordings_of(judge.template).items()}
        more.append(compare_wordings(data, wordings, n=plan.n, seed=config.seed))
    if config.lists:
        sampling = config.sampling
        more.append(listwise(data, asks, model=config.asked_model, n=plan.n, sampling=sampling,
                             seed=config.seed))  # fmt: skip
    return replace(found, beside=tuple(more))


def by_group(
    data: PreferenceData,
    config: AnnotateConfig,
    judge: Judge,
    file: File = lambda key, value: value,
) -> GroupAudit:
    """Return what a judge does with templates that have groups in them.

    Parameters
    ----------
    data : PreferenceData
        Of the templates.
    config : AnnotateConfig
    judge : Judge
    file : callable
    """
    shares = None if config.shares is None else file("shares", config.shares)
    return audit_groups(judge, data, shares=shares, margin=config.margin, seed=config.seed)


def planned(
    data: PreferenceData,
    config: AnnotateConfig,
    file: File = lambda key, value: value,
    slot: tuple[str, str] = ("", ""),
) -> Plan:
    """Return the questions of an audit.

    Parameters
    ----------
    data : PreferenceData
    config : AnnotateConfig
    file : callable
    slot : tuple of str
        What stands before and after a response in the judge's template.
    """
    attacks = [] if config.attacks is None else read_attacks(file("attacks", config.attacks))
    suite = config.suite or "default"
    if suite == "groups":
        raise ConfigError(
            "Templates of groups are asked as they are: there is nothing to plan.",
            found="suite groups",
            expected="smoke, default or full",
            fix="Leave the plan out, or name another suite.",
        )
    return plan_audit(
        data,
        suite,
        n=config.pairs,
        seed=config.seed,
        slot=slot,
        vetoed=config.vetoed,
        attacks=attacks,
    )


def plan_of(folder: RunFolder) -> Plan:
    """Return the questions of an audit that was run, from its folder.

    Its cases are in the order of those of the result, with the texts that the judge was shown.

    Parameters
    ----------
    folder : RunFolder
    """
    config = folder.config
    template = find_template(folder.file("template", config.template))
    return planned(folder.data, config, folder.file, slot_of(template))


def wordings_of(template: Template) -> dict[str, Template]:
    """Return a template and other ways to put its question, by name.

    Examples
    --------
    >>> list(wordings_of(TEMPLATES["workbench"]))[:3]
    ['its own wording', 'with reasons', 'verdicts listed backwards']
    """
    found = {"its own wording": template}
    other = "without reasons" if template.reason else "with reasons"
    found[other] = replace(template, reason=not template.reason)
    found["verdicts listed backwards"] = replace(template, backwards=True)
    found |= {f"called {a} and {b}": replace(template, labels=(a, b)) for a, b in _LABELS}
    return found | {name: one for name, one in TEMPLATES.items() if one != template}


def beside(
    data: PreferenceData, judge: Judge, config: AnnotateConfig, n: int
) -> tuple[Result, ...]:
    """Return what any judge can be asked beside the probes, and was to be.

    Parameters
    ----------
    data : PreferenceData
    judge : Judge
    config : AnnotateConfig
        Says what.
    n : int
        Pairs of the audit.
    """
    found: list[Result] = []
    if config.manipulate:
        found.append(manipulate(data, judge, n=n, seed=config.seed))
    if config.known_answers is not None:
        found.append(known_answers(data, judge, config.known_answers, n=n, seed=config.seed))
    if config.triples:
        found.append(transitivity(data, judge, n=n, seed=config.seed))
    return tuple(found)


def refuse_for_no_model(config: AnnotateConfig, name: str) -> None:
    """Refuse what only a model can be asked.

    Raises
    ------
    ConfigError
        Wordings, rewrites or lists of a judge that is no model.
    """
    if config.wordings or config.rewrites or config.lists:
        raise ConfigError(
            "This judge is no model: it has no wording, reads no list, and writes nothing.",
            found=name,
            expected="a model that is asked by a template",
            fix="Leave --wordings, --rewrites and --lists out.",
        )


def read_attacks(path: str) -> Sequence[str]:
    """Return attack strings from a file: a JSON list of texts, or one a line.

    Raises
    ------
    ConfigError
        No such file, or nothing in it.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        found = json.loads(text) if text.lstrip().startswith("[") else text.splitlines()
    except (OSError, ValueError) as error:
        found = type(error).__name__
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ConfigError(
            "The attack strings cannot be read.",
            where=path,
            found=found if isinstance(found, str) else "a list of other things than texts",
            expected="a text file with one string a line, or a JSON list of texts",
            fix="Check the path and the file.",
        )
    kept = [one for one in found if one.strip()]
    if not kept:
        raise ConfigError(
            "There is no attack string.",
            where=path,
            expected="at least one",
            fix="Write one a line.",
        )
    return kept
