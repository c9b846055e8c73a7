"""The choices of an extraction."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from workbench.errors import refuse_out_of_range
from workbench.principles.select import Rules
from workbench.principles.vote.votes import Rule


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
    distinct : {"votes", "texts"}
        What tells selected principles apart: one of several that vote alike is kept, or the
        best of each of n clusters of their texts, as ICAI does.
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
    distinct: Literal["votes", "texts"] = "votes"
    test_share: float = 0.3
    folds: int = 0
    adaptive: bool = False

    def __post_init__(self) -> None:
        refuse_out_of_range(
            {
                "candidates": (self.candidates >= 1, self.candidates, "1 or more"),
                "n": (self.n >= 1, self.n, "1 or more"),
                "test_share": (0 < self.test_share < 1, self.test_share, "between 0 and 1"),
                "folds": (self.folds == 0 or self.folds >= 2, self.folds, "0, or 2 or more"),
                "adaptive": (
                    not (self.adaptive and self.folds),
                    f"adaptive voting in {self.folds} folds",
                    "one of the two: every fold votes on all pairs",
                ),
            }
        )

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
            distinct="texts",
        )
