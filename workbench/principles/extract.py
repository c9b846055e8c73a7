"""From labels to a constitution that is tested on pairs it has not seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal

from workbench.data.dataset import PreferenceData
from workbench.data.split import split
from workbench.decompose.design import select_annotators
from workbench.errors import DesignError, refuse_out_of_range
from workbench.llm.asker import Asks
from workbench.llm.request import Sampling
from workbench.principles.adjusted import principle_factors
from workbench.principles.cluster import cluster
from workbench.principles.embed import embed
from workbench.principles.evaluate import Evaluation, evaluate
from workbench.principles.extraction import Extraction
from workbench.principles.measure import PrincipleEffects, measure
from workbench.principles.principle import Principle, distinct
from workbench.principles.propose import Proposals, propose
from workbench.principles.select import Rules, select
from workbench.principles.vote import vote
from workbench.principles.votes import Rule, Votes
from workbench.provenance import Provenance
from workbench.results import json_ready

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Recipe:
    """Every choice of an extraction.

    Attributes
    ----------
    prompts : tuple of {"selected", "rejected"}
        Which questions are asked of a pair: why was it selected, why was the other not.
        With none, only candidates that are added are voted on.
    per_prompt : int
        Principles that each question asks for.
    candidates : int
        Principles that are voted on, at most.
    method : {"kmeans", "agglomerative"}
    embedding : str or None
        Embedding model of the endpoint; TF-IDF of the texts when None.
    representative : {"medoid", "random"}
        Which member of a cluster stands for it.
    repeats : int
        Votes on each pair.
    rule : {"majority", "unanimous"}
        How repeats are merged.
    n : int
        Principles of the constitution, at most.
    rules : Rules
        What a principle needs to be selected.
    test_share : float
        Share of pairs that are held out, whole prompts each.

    Examples
    --------
    >>> Recipe.icai().per_prompt, Recipe.icai().representative
    (3, 'random')
    """

    prompts: tuple[Literal["selected", "rejected"], ...] = ("selected", "rejected")
    per_prompt: int = 3
    candidates: int = 40
    method: Literal["kmeans", "agglomerative"] = "agglomerative"
    embedding: str | None = None
    representative: Literal["medoid", "random"] = "medoid"
    repeats: int = 2
    rule: Rule = "majority"
    n: int = 5
    rules: Rules = field(default_factory=lambda: Rules(max_q=0.05))
    test_share: float = 0.3

    @classmethod
    def icai(cls) -> Recipe:
        """Return the defaults of inverse constitutional AI 0.4.8, but for held-out pairs.

        One question a pair, three clusters by k-means and a random member of each, three
        repeats that must agree.
        """
        return cls(
            prompts=("selected",),
            candidates=3,
            method="kmeans",
            representative="random",
            repeats=3,
            rule="unanimous",
            rules=Rules.icai(),
        )


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
    _check(recipe, added)
    ask = _Asking(data, asks, annotator, model, recipe, sampling, level, seed)
    train, test = ask.split()
    proposals = ask.proposals(train)
    votes = ask.votes(ask.candidates(proposals, added), (*train, *test), known)
    inside, outside = ask.effects(votes, train), ask.effects(votes, test)
    selection = select(
        inside, n=recipe.n, rules=recipe.rules, clusters=lambda some, n: _numbers(some, n, seed)
    )
    found = tuple(selection.principles)
    return Extraction(
        principles=found,
        effects=outside,
        training=inside,
        selection=selection,
        proposals=proposals,
        votes=votes,
        evaluation=ask.evaluation(found, votes, train, test, judge) if found else None,
        data=principle_factors(data, votes, rule=recipe.rule),
        train=train,
        test=test,
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


Pairs = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Asking:
    """The steps of an extraction, with what they share."""

    data: PreferenceData
    asks: Asks
    annotator: str | Iterable[str] | None
    model: str
    recipe: Recipe
    sampling: Sampling | None
    level: float
    seed: int

    def split(self) -> tuple[Pairs, Pairs]:
        """Return the labelled pairs that may be learnt from, and those held out."""
        labels = select_annotators(self.data, self.annotator, [])[0].labels
        chosen = self.data.filter(pair_ids=labels["pair_id"].unique())
        train, test = split(chosen, self.recipe.test_share, self.seed)
        return tuple(train.pairs["pair_id"]), tuple(test.pairs["pair_id"])

    def proposals(self, train: Pairs) -> Proposals | None:
        if not self.recipe.prompts:
            return None
        return propose(
            self.data,
            self.annotator,
            self.asks,
            model=self.model,
            prompts=self.recipe.prompts,
            per_prompt=self.recipe.per_prompt,
            sampling=self.sampling,
            seed=self.seed,
            pair_ids=train,
        )

    def candidates(
        self, proposals: Proposals | None, added: Sequence[Principle]
    ) -> list[Principle]:
        proposed: tuple[Principle, ...] = ()
        if proposals is not None and proposals.principles:
            texts = [one.text for one in proposals.principles]
            name = self.recipe.embedding
            proposed = cluster(
                proposals.principles,
                self.recipe.candidates,
                vectors=None if name is None else embed(texts, self.asks, model=name),
                method=self.recipe.method,
                representative=self.recipe.representative,
                seed=self.seed,
            ).representatives
        candidates = distinct([*added, *proposed])
        if not candidates:
            raise DesignError(
                "No principle was proposed.",
                found="" if proposals is None else proposals.summary()[:300],
                expected="at least one usable proposal",
                fix="Look at the replies that were refused, or take the standard traits.",
            )
        return candidates

    def votes(self, candidates: Sequence[Principle], pair_ids: Pairs, known: Votes | None) -> Votes:
        return vote(
            self.data,
            candidates,
            self.asks,
            model=self.model,
            repeats=self.recipe.repeats,
            sampling=self.sampling,
            seed=self.seed,
            pair_ids=pair_ids,
            known=known,
        )

    def effects(self, votes: Votes, pair_ids: Pairs) -> PrincipleEffects:
        return measure(
            self.data,
            votes,
            self.annotator,
            rule=self.recipe.rule,
            level=self.level,
            seed=self.seed,
            pair_ids=pair_ids,
        )

    def evaluation(
        self, found: tuple[Principle, ...], votes: Votes, train: Pairs, test: Pairs, judge: bool
    ) -> Evaluation:
        return evaluate(
            self.data,
            found,
            self.asks if judge else None,
            self.annotator,
            votes=votes,
            train=train,
            test=test,
            model=self.model,
            sampling=self.sampling,
            level=self.level,
        )


def _check(recipe: Recipe, added: Sequence[Principle]) -> None:
    some = bool(recipe.prompts or added)
    refuse_out_of_range(
        {
            "prompts": (some, recipe.prompts, "a question at least, or added= principles"),
            "candidates": (recipe.candidates >= 1, recipe.candidates, "1 or more"),
            "n": (recipe.n >= 1, recipe.n, "1 or more"),
            "test_share": (0 < recipe.test_share < 1, recipe.test_share, "between 0 and 1"),
        }
    )


def _numbers(candidates: Sequence[Principle], n: int, seed: int) -> list[int]:
    """Return the number of each candidate's cluster."""
    found: list[int] = cluster(candidates, n, seed=seed).labels.tolist()
    return found
