"""The steps of an extraction, and what they share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workbench.data.dataset import PreferenceData
from workbench.data.split import folds, split
from workbench.decompose.parted.selection import select_annotators
from workbench.embedding.endpoint import EndpointEmbedding
from workbench.errors import DesignError
from workbench.llm.asker import Asks
from workbench.llm.request import Sampling
from workbench.principles.held_out.evaluate import Evaluation, evaluate
from workbench.principles.measure.kernel import merged_for, reference, sides
from workbench.principles.measure.measure import PrincipleEffects, measure
from workbench.principles.measure.redundancy import vote_correlation
from workbench.principles.principle import Principle, distinct
from workbench.principles.propose.cluster import cluster
from workbench.principles.propose.propose import Proposals, propose
from workbench.principles.recipe import Recipe
from workbench.principles.select import Selection, alike, select
from workbench.principles.vote.adaptive import Screening, screen
from workbench.principles.vote.vote import vote
from workbench.principles.vote.votes import Votes

Pairs = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Steps:
    """What every step of an extraction needs.

    Attributes
    ----------
    data : PreferenceData
    asks : Asks
    annotator : str, iterable of str or None
    model : str
    recipe : Recipe
    sampling : Sampling or None
    level : float
    seed : int
    """

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
        train, test = split(self._labelled(), self.recipe.test_share, self.seed)
        return tuple(train.pairs["pair_id"]), tuple(test.pairs["pair_id"])

    def folds(self) -> list[tuple[Pairs, Pairs]]:
        """Return the same for each fold: every pair is held out once."""
        pairs = self._labelled().pairs
        ids, count = pairs["pair_id"].to_numpy(), self.recipe.folds
        fold = folds(pairs["cluster"].to_numpy(), count, self.seed)
        return [(tuple(ids[fold != f]), tuple(ids[fold == f])) for f in range(count)]

    def _labelled(self) -> PreferenceData:
        labels = select_annotators(self.data, self.annotator, [])[0].labels
        return self.data.filter(pair_ids=labels["pair_id"].unique())

    def proposals(self, train: Pairs) -> Proposals | None:
        """Return what is proposed on some pairs; None where nothing is to be proposed."""
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
        """Return added principles, and one of each cluster of proposed ones."""
        proposed: tuple[Principle, ...] = ()
        if proposals is not None and proposals.principles:
            texts = [one.text for one in proposals.principles]
            name = self.recipe.embedding
            proposed = cluster(
                proposals.principles,
                self.recipe.candidates,
                vectors=None
                if name is None
                else EndpointEmbedding(self.asks, name)(texts).astype(float),
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
        """Return votes of principles on pairs."""
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
        """Return the effects on some pairs."""
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
        """Return what a constitution is worth on held-out pairs."""
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

    def screened(
        self, candidates: Sequence[Principle], train: Pairs, known: Votes | None
    ) -> tuple[Votes, Screening]:
        """Return votes on the training pairs, of each candidate while its fate was open."""
        return screen(
            self.data,
            candidates,
            lambda some, pairs: self.votes(some, tuple(pairs), known),
            self.annotator,
            pair_ids=train,
            rules=self.recipe.rules,
            n=self.recipe.n,
            rule=self.recipe.rule,
            seed=self.seed,
        )

    def selection(self, inside: PrincipleEffects, votes: Votes, pair_ids: Pairs) -> Selection:
        """Return the selected candidates; what tells them apart is seen on the same pairs."""
        column = {one.text: k for k, one in enumerate(votes.principles)}

        def by_texts(some: Sequence[Principle], n: int) -> list[int]:
            found: list[int] = cluster(some, n, seed=self.seed).labels.tolist()
            return found

        def by_votes(some: Sequence[Principle], n: int) -> list[int]:
            del n  # as many as there are
            found = reference(self.data, votes, self.annotator, pair_ids)
            taken = sides(merged_for(votes, found, self.recipe.rule))
            return alike(vote_correlation(taken[:, [column[one.text] for one in some]]))

        clusters = {"texts": by_texts, "votes": by_votes}[self.recipe.distinct]
        return select(inside, n=self.recipe.n, rules=self.recipe.rules, clusters=clusters)
