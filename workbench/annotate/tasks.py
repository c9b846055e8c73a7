"""What each task of an annotation run does with who answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from workbench.annotate.config import AnnotateConfig
from workbench.data.dataset import PreferenceData
from workbench.errors import ConfigError
from workbench.llm.asker import Asks
from workbench.results import Result

if TYPE_CHECKING:
    from workbench.audit.judges.manipulate import Rewrite
    from workbench.audit.judges.scorecard import JudgeAudit
    from workbench.judges.base import Judge
    from workbench.judges.templates import Template
    from workbench.principles.extraction import Extraction

Found = Result
"""A Judgement, RubricScores, Extraction or JudgeAudit."""


def annotate(
    data: PreferenceData,
    config: AnnotateConfig,
    asks: Asks,
    file: Callable[[str, str], str] = lambda key, value: value,
) -> Found:
    """Return what a configuration finds: labels of a judge, or factors of a rubric.

    Parameters
    ----------
    data : PreferenceData
    config : AnnotateConfig
    asks : Asks
        Who answers.
    file : callable
        Where the file stands that a key of the configuration names.
    """
    model, sampling, samples = config.asked_model, config.sampling, config.repeats or 1
    if config.suite is not None:
        return _audited(data, config, asks, file)
    if config.principles is not None:
        return _extracted(data, config, asks, file)
    if config.rubric is not None:
        from workbench.factors.rubric import find_rubric
        from workbench.factors.rubric_score import score_rubric

        return score_rubric(
            data,
            find_rubric(file("rubric", config.rubric)),
            asks,
            model=model,
            sampling=sampling,
            orders=config.orders,
            repeats=samples,
            pairwise=not config.pointwise,
        )
    from workbench.judges import ChatJudge, GradeJudge, judge

    if config.pointwise:
        grade = GradeJudge(model, asks, sampling=sampling, samples=samples, name=config.annotator)
        return judge(data, grade)
    chat = ChatJudge(
        model,
        asks,
        template=file("template", config.template),
        orders=config.orders,
        samples=samples,
        soft=config.soft,
        sampling=sampling,
        name=config.annotator,
    )
    return judge(data, [chat])


def _extracted(
    data: PreferenceData, config: AnnotateConfig, asks: Asks, file: Callable[[str, str], str]
) -> Extraction:
    from workbench.principles.constitution import read_constitution
    from workbench.principles.extract import extract
    from workbench.principles.recipe import Recipe
    from workbench.principles.traits import TRAITS
    from workbench.principles.votes_table import read_votes_table

    recipe = Recipe.icai() if config.principles == "icai" else Recipe()
    recipe = replace(
        recipe,
        prompts=recipe.prompts if config.propose else (),
        repeats=config.repeats or recipe.repeats,
        embedding=config.embedding,
        n=config.n,
        test_share=config.test_share,
        folds=config.folds,
        adaptive=config.adaptive,
    )
    added = list(TRAITS) if config.traits else []
    if config.constitution is not None:
        own = read_constitution(file("constitution", config.constitution)).principles
        if not config.propose and config.evaluate:
            # it is this constitution that is evaluated, whole
            own = tuple(replace(one, pinned=True) for one in own)
            recipe = replace(recipe, n=len(own))
        added = [*own, *added]
    known = None
    if config.known is not None:
        known = read_votes_table(file("known", config.known))
    who = config.annotators
    return extract(
        data,
        asks,
        who[0] if len(who) == 1 else list(who) or None,
        model=config.asked_model,
        recipe=recipe,
        added=added,
        known=known,
        judge=config.evaluate,
        sampling=config.sampling,
        seed=config.seed,
    )


def _audited(
    data: PreferenceData, config: AnnotateConfig, asks: Asks, file: Callable[[str, str], str]
) -> JudgeAudit:
    from workbench.audit.judges.audit import audit_judge
    from workbench.audit.judges.plan import plan_audit, slot_of
    from workbench.audit.judges.rewriting import REWRITES, rewriting
    from workbench.judges import TEMPLATES, ChatJudge

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
    plan = plan_audit(
        data,
        config.suite or "default",
        n=config.pairs,
        seed=config.seed,
        slot=slot_of(judge.template),
        vetoed=config.vetoed,
    )
    found = audit_judge(plan, judge, margin=config.margin)
    other = replace(judge.template, reason=not judge.template.reason)
    wordings = {"its own wording": judge}
    wordings["without reasons" if judge.template.reason else "with reasons"] = judge_of(other)
    wordings |= {name: judge_of(one) for name, one in TEMPLATES.items() if one != judge.template}
    rewrites = {
        name: rewriting(what, asks, model=config.asked_model) for name, what in REWRITES.items()
    }
    return replace(found, beside=beside(data, judge, config, plan.n, wordings, rewrites))


def beside(
    data: PreferenceData,
    judge: Judge,
    config: AnnotateConfig,
    n: int,
    wordings: Mapping[str, Judge] | None = None,
    rewrites: Mapping[str, Rewrite] | None = None,
) -> tuple[Result, ...]:
    """Return what an audit was to measure beside the probes.

    Parameters
    ----------
    data : PreferenceData
    judge : Judge
    config : AnnotateConfig
        Says what.
    n : int
        Pairs of the audit.
    wordings : mapping of str to Judge, optional
        The same judge asked otherwise; None where it has no wording.
    rewrites : mapping of str to Rewrite, optional
        By a model; None where there is none.

    Raises
    ------
    ConfigError
        Wordings or rewrites of a judge that is no model.
    """
    from workbench.audit.judges.instrument import compare_wordings, transitivity
    from workbench.audit.judges.manipulate import manipulate

    found: list[Result] = []
    if config.manipulate:
        found.append(manipulate(data, judge, n=n, seed=config.seed))
    if (config.wordings and wordings is None) or (config.rewrites and rewrites is None):
        raise ConfigError(
            "This judge is no model: it has no wording, and writes nothing.",
            found=judge.name,
            expected="a model that is asked by a template",
            fix="Leave --wordings and --rewrites out.",
        )
    if config.rewrites:
        found.append(manipulate(data, judge, rewrites, n=n, seed=config.seed))
    if config.wordings and wordings is not None:
        found.append(compare_wordings(data, wordings, n=n, seed=config.seed))
    if config.triples:
        found.append(transitivity(data, judge, n=n, seed=config.seed))
    return tuple(found)
