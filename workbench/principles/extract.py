"""From labels to a constitution that is tested on pairs it has not seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from workbench.data.dataset import PreferenceData
from workbench.errors import refuse_out_of_range
from workbench.json_values import json_ready
from workbench.llm.asker import Asks
from workbench.llm.request import Sampling
from workbench.principles.extraction import Extraction, Found
from workbench.principles.held_out.crossed import crossed
from workbench.principles.measure.adjusted import principle_factors
from workbench.principles.principle import Principle
from workbench.principles.recipe import Recipe
from workbench.principles.steps import Steps
from workbench.principles.vote.votes import Votes, joined
from workbench.provenance import Provenance
from workbench.threads import on_one_thread


@on_one_thread
def extract(
    data: PreferenceData,
    asks: Asks,
    annotator: str | Iterable[str] | None = None,
    *,
    model: str,
    recipe: Recipe | None = None,
    added: Sequence[Principle] = (),
    known: Votes | None = None,
    judge: bool = True,
    sampling: Sampling | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Extraction:
    """Propose principles, vote on them, select a constitution, and test it on held-out pairs.

    Parameters
    ----------
    data : PreferenceData
        With text and labels.
    asks : Asks
        Who answers the requests.
    annotator : str or iterable of str, optional
        Whose preferences: names, or one kind; everybody when None.
    model : str
    recipe : Recipe, optional
        Our own when None; ``Recipe.icai()`` repeats published defaults.
    added : sequence of Principle
        Candidates beside the proposed ones, such as the standard traits.
    known : Votes, optional
        Votes that are taken over, such as those before an edit: only what they lack is
        asked about.
    judge : bool
        Also evaluate a judge with and without the constitution: two calls each a held-out
        pair.
    sampling : Sampling, optional
    level : float
    seed : int
        Of the split, the sides shown, the clusters.

    Returns
    -------
    Extraction

    Raises
    ------
    DesignError
        No pair with a clear preference, no proposal at all, or an option out of range.
    DataError
        Too few prompts to hold some out.

    Examples
    --------
    >>> import tempfile
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> few = data.filter(pair_ids=data.pairs["pair_id"][:60])
    >>> with tempfile.TemporaryDirectory() as folder, wb.Journal(folder + "/j") as journal:
    ...     with wb.Asker(wb.OfflineModel(), journal) as asker:
    ...         found = extract(few, asker, "sim-judge-length", model="offline:plain")
    >>> found.settings["recipe"]["n"]
    5

    Notes
    -----
    Proposals and selection see training prompts only; every effect and accuracy that is
    shown first is of held-out prompts.
    """
    recipe = recipe or Recipe()
    some = bool(recipe.prompts or added)
    refuse_out_of_range(
        {"prompts": (some, recipe.prompts, "a question at least, or added= principles")}
    )
    steps = Steps(data, asks, annotator, model, recipe, sampling, level, seed)
    way = crossed if recipe.folds else _adaptive if recipe.adaptive else _split
    found = way(steps, added, known, judge)
    return Extraction(
        **vars(found),
        data=principle_factors(data, found.votes, rule=recipe.rule),
        settings={
            "annotator": annotator if isinstance(annotator, str | None) else list(annotator),
            "model": model,
            "base_url": asks.base_url,
            "recipe": json_ready(asdict(recipe)),
            "added": [one.to_dict() for one in added],
            "level": level,
            "spending": [json_ready(one.to_dict()) for one in asks.spending()],
        },
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _split(steps: Steps, added: Sequence[Principle], known: Votes | None, judge: bool) -> Found:
    train, test = steps.split()
    proposals = steps.proposals(train)
    votes = steps.votes(steps.candidates(proposals, added), (*train, *test), known)
    inside = steps.effects(votes, train)
    selection = steps.selection(inside, votes, train)
    chosen = selection.principles
    worth = steps.evaluation(chosen, votes, train, test, judge) if chosen else None
    outside = steps.effects(votes, test)
    return Found(chosen, outside, inside, selection, proposals, votes, worth, train, test)


def _adaptive(steps: Steps, added: Sequence[Principle], known: Votes | None, judge: bool) -> Found:
    train, test = steps.split()
    proposals = steps.proposals(train)
    candidates = steps.candidates(proposals, added)
    votes, screening = steps.screened(candidates, train, known)
    inside = steps.effects(votes, train)
    selection = steps.selection(inside, votes, train)
    chosen = selection.principles
    held = [steps.votes(chosen, test, known)] if chosen else []
    votes = joined([votes, *held], candidates, (*train, *test))
    worth = steps.evaluation(chosen, votes, train, test, judge) if chosen else None
    outside = steps.effects(votes, test)
    return Found(
        chosen, outside, inside, selection, proposals, votes, worth, train, test, screening
    )
