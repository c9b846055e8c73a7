"""What each task of an annotation run does with who answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.annotate.config import AnnotateConfig
from workbench.data.dataset import PreferenceData
from workbench.errors import ConfigError
from workbench.llm.asker import Asks
from workbench.results import Result

if TYPE_CHECKING:
    from workbench.audit.followed.result import Followed
    from workbench.calibration.repair.result import Repair
    from workbench.discover.result import Discovery
    from workbench.embedding.base import Embedding
    from workbench.explain.rationales.result import Rationales
    from workbench.judges import ChatJudge
    from workbench.judges.pictures import Images
    from workbench.principles.extraction import Extraction

Found = Result
"""A Judgement, RubricScores, Extraction, Discovery, JudgeAudit, Repair, Rationales, Feedback or
Followed."""


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
    if config.feedback is not None:
        from workbench.feedback.feedback import feedback_of

        return feedback_of(
            data, asks=asks, model=model, sampling=sampling, by=config.feedback, seed=config.seed
        )
    if config.followed is not None:
        return _followed(data, config, asks)
    if config.reasons is not None:
        return reasons_read(data, config, file, asks)
    if config.suite is not None:
        from workbench.annotate.auditing import audited

        return audited(data, config, asks, file)
    if config.mends is not None:
        return _repaired(data, config, asks, file)
    if config.directions is not None:
        return _discovered(data, config, asks)
    if config.principles is not None:
        return _extracted(data, config, asks, file)
    if config.rubric is not None:
        from workbench.factors.rubric.definition import find_rubric
        from workbench.factors.rubric.score import score_rubric

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
    from workbench.judges import GradeJudge, judge

    if config.pointwise:
        if _images(config) is not None:
            raise ConfigError(
                "Grades are given without images.",
                found="--pointwise with images",
                expected="a pairwise judge, which is shown images",
                fix="Leave out --pointwise, or --images and --image-urls.",
            )
        grade = GradeJudge(model, asks, sampling=sampling, samples=samples, name=config.annotator)
        return judge(data, grade)
    return judge(data, [_chat(config, asks, file)])


def _followed(data: PreferenceData, config: AnnotateConfig, asks: Asks) -> Followed:
    from workbench.audit.followed.asked import ask_followed

    return ask_followed(
        data,
        asks,
        model=config.asked_model,
        grader=config.grader,
        turns=config.distances,
        choices=config.followed == "choices",
        sampling=config.sampling,
        seed=config.seed,
    )


def reasons_read(
    data: PreferenceData,
    config: AnnotateConfig,
    file: Callable[[str, str], str],
    asks: Asks | None = None,
) -> Rationales:
    """Return what stated reasons name: read by a model where somebody asks it, else by phrases.

    Parameters
    ----------
    data, config, file
        As for :func:`annotate`.
    asks : Asks, optional
    """
    from workbench.explain.rationales.rationales import rationales
    from workbench.factors.words.said import read_lexicon
    from workbench.report.main_job import ensure_factors

    own = None if config.lexicon is None else read_lexicon(file("lexicon", config.lexicon))
    asked = asks is not None
    return rationales(
        ensure_factors(data),
        str(config.reasons),
        annotators=config.annotators or None,
        factors=config.factors or None,
        lexicon=own,
        asks=asks,
        model=config.asked_model if asked else None,
        sampling=config.sampling if asked else None,
        exchange=config.exchange,
        told=config.told,
        seed=config.seed,
    )


def _chat(config: AnnotateConfig, asks: Asks, file: Callable[[str, str], str]) -> ChatJudge:
    from workbench.judges import ChatJudge

    return ChatJudge(
        config.asked_model,
        asks,
        template=file("template", config.template),
        orders=config.orders,
        samples=config.repeats or 1,
        soft=config.soft,
        sampling=config.sampling,
        name=config.annotator,
        images=_images(config),
    )


def _images(config: AnnotateConfig) -> Images | None:
    """Return which images a judge is shown; None where none are asked for."""
    if config.images is None and not config.image_urls:
        return None
    from workbench.judges.pictures import Images

    folder = None if config.images is None else Path(config.images)
    return Images(folder, config.image_urls)


def _repaired(
    data: PreferenceData, config: AnnotateConfig, asks: Asks, file: Callable[[str, str], str]
) -> Repair:
    from workbench.calibration.repair.prompt import repair_prompt
    from workbench.calibration.repair.repair import repair_judge
    from workbench.principles.constitution import read_constitution

    told = read_constitution(file("constitution", str(config.constitution)))
    unseen = None if config.unseen is None else _ids(Path(file("unseen", config.unseen)))
    prompt = repair_prompt(_chat(config, asks, file), told, unseen=unseen)
    return repair_judge(data, str(config.mends), config.people, constitution=prompt,
                        seed=config.seed)  # fmt: skip


def _discovered(data: PreferenceData, config: AnnotateConfig, asks: Asks) -> Discovery:
    from workbench.discover.discover import discover

    journal, who = getattr(asks, "journal", None), config.annotators
    if config.embedding == "endpoint":
        # the journal keeps those, with what they took
        journal = None
    return discover(
        data,
        who[0] if len(who) == 1 else list(who) or None,
        asks,
        embedding=_embedding(config, asks),
        k=config.directions or 1,
        active=config.active,
        model=config.asked_model,
        sampling=config.sampling,
        shown=config.shown,
        fidelity_pairs=config.fidelity_pairs,
        controls=config.controls,
        seed=config.seed,
        # vectors are kept beside the replies
        folder=None if journal is None else journal.path.parent / "vectors",
    )


def _embedding(config: AnnotateConfig, asks: Asks) -> Embedding | str:
    """Return what embeds the texts of a discovery."""
    if config.embedding != "endpoint":
        if config.embedding_model is not None:
            raise ConfigError(
                "A model of embeddings is named, and no endpoint is asked for any.",
                found=f"--embedding {config.embedding or 'offline'}, "
                f"--embedding-model {config.embedding_model}",
                expected="--embedding endpoint with --embedding-model NAME",
                fix="Add --embedding endpoint, or leave out --embedding-model.",
            )
        return config.embedding or "offline"
    if config.embedding_model is None:
        raise ConfigError(
            "No model of embeddings is named.",
            found="--embedding endpoint alone",
            expected="--embedding endpoint with --embedding-model NAME",
            fix="Name the embedding model that the endpoint of --base-url serves.",
        )
    from workbench.embedding.endpoint import EndpointEmbedding

    return EndpointEmbedding(asks, config.embedding_model)


def _ids(path: Path) -> list[str]:
    """Return the pair ids of a file, one a line."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "The list of pairs cannot be read.",
            where=path.name,
            found=str(error),
            expected="a text file of pair ids, one a line",
            fix="Export it from the run that extracted the principles, or leave it out.",
        ) from None
    return [line.strip() for line in lines if line.strip()]


def _extracted(
    data: PreferenceData, config: AnnotateConfig, asks: Asks, file: Callable[[str, str], str]
) -> Extraction:
    from workbench.principles.constitution import read_constitution
    from workbench.principles.extract import extract
    from workbench.principles.recipe import Recipe
    from workbench.principles.traits import TRAITS
    from workbench.principles.vote.votes_table import read_votes_table

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
