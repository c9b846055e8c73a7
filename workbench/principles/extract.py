"""From labels to a constitution that is tested on pairs it has not seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.split import split
from workbench.errors import DesignError, refuse_out_of_range
from workbench.llm.asker import Asks
from workbench.llm.progress import spending_frame
from workbench.llm.request import Sampling
from workbench.principles.adjusted import principle_factors
from workbench.principles.cluster import cluster
from workbench.principles.constitution import Constitution
from workbench.principles.evaluate import Evaluation, evaluate
from workbench.principles.measure import PrincipleEffects, measure
from workbench.principles.principle import Principle, distinct
from workbench.principles.propose import Proposals, propose
from workbench.principles.select import Rules, Selection, select
from workbench.principles.vote import vote
from workbench.principles.votes import Rule, Vote, Votes
from workbench.provenance import Provenance
from workbench.results import Result, json_ready

if TYPE_CHECKING:
    import plotly.graph_objects as go


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


@dataclass(frozen=True, eq=False)
class Extraction(Result):
    """A constitution, and what it is worth on held-out pairs.

    Attributes
    ----------
    principles : tuple of Principle
        The constitution, best first; empty where no candidate passed.
    effects : PrincipleEffects
        Every candidate on the held-out pairs.
    training : PrincipleEffects
        The same on the pairs that it was selected on: in sample.
    selection : Selection
    proposals : Proposals or None
        None where nothing was to be proposed.
    votes : Votes
    evaluation : Evaluation or None
        None where the constitution is empty.
    data : PreferenceData
        With the candidates as factors: ``decompose`` takes them.
    train, test : tuple of str
        Pairs that were learnt from, and pairs held out.
    """

    heading: ClassVar[str] = "Principles"
    about: ClassVar[str] = (
        "Sentences that tell which response is preferred, proposed and selected on some prompts "
        "and measured on others."
    )

    principles: tuple[Principle, ...]
    effects: PrincipleEffects
    training: PrincipleEffects
    selection: Selection
    proposals: Proposals | None
    votes: Votes = field(repr=False)
    evaluation: Evaluation | None
    data: PreferenceData = field(repr=False)
    train: tuple[str, ...] = field(repr=False)
    test: tuple[str, ...] = field(repr=False)
    settings: dict[str, Any]
    provenance: Provenance

    @property
    def constitution(self) -> Constitution:
        """The selected principles, to edit, compare and export."""
        return Constitution(self.principles, f"Principles by {self.settings['model']}")

    @property
    def invalid_share(self) -> float:
        """Share of the votes that were asked for and could not be read."""
        asked = (self.votes.codes != Vote.NOT_ASKED).sum()
        invalid = (self.votes.codes == Vote.INVALID).sum()
        return float(invalid / asked) if asked else 0.0

    def to_frame(self) -> pd.DataFrame:
        """Return the held-out effects of every candidate, and which are selected."""
        table = self.effects.to_frame()
        texts = [one.text for one in self.principles]
        before = self.training.to_frame().set_index("term")["estimate"]
        return table.assign(selected=table["term"].isin(texts), in_sample=table["term"].map(before))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return effects, held-out accuracy, the curve over n, proposals, votes, spending."""
        tables = {"effects": self.to_frame()}
        if self.evaluation is not None:
            tables |= {"accuracy": self.evaluation.to_frame(), "curve": self.evaluation.curve}
        counts = self.votes.counts(self.settings["recipe"]["rule"])
        return {**tables, "votes": counts, "spending": spending_frame(self.settings["spending"])}

    def summary(self) -> str:
        """Return the constitution with its held-out effects and accuracy."""
        table = self.to_frame().set_index("term")
        lines = [
            f"{len(self.principles)} principles of {len(table)} candidates, from "
            f"{len(self.train):,} pairs, measured on {len(self.test):,} held out; "
            f"{self.settings['level']:.0%} intervals",
        ]
        for k, one in enumerate(self.principles, start=1):
            row = table.loc[one.text]
            lines.append(
                f"  {k}. {one.text}: strength {row['estimate']:+.3f} [{row['conf_low']:+.3f}, "
                f"{row['conf_high']:+.3f}], q = {row['q_value']:.3g}, n = {row['n']:,.0f}"
            )
        if self.evaluation is None:
            lines.append("  No candidate passed: there is nothing to evaluate.")
            return "\n".join(lines)
        return "\n".join([*lines, "", self.evaluation.summary()])

    def to_dict(self) -> dict[str, Any]:
        """Return the whole result as plain JSON values, the constitution among them."""
        return {**super().to_dict(), "constitution": self.constitution.to_dict()}

    def plot(self) -> go.Figure:
        """Return the held-out strengths with their intervals."""
        from workbench.plots.forest import forest

        return forest(self.to_frame(), x_title="strength on held-out pairs")


def extract(
    data: PreferenceData,
    asks: Asks,
    annotator: str | Iterable[str] | None = None,
    *,
    model: str,
    recipe: Recipe | None = None,
    added: Sequence[Principle] = (),
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
    chosen = data if annotator is None else _labelled(data, annotator)
    training, held = split(chosen, recipe.test_share, seed)
    train, test = (tuple(part.pairs["pair_id"]) for part in (training, held))
    proposals = None
    if recipe.prompts:
        proposals = propose(
            data,
            annotator,
            asks,
            model=model,
            prompts=recipe.prompts,
            per_prompt=recipe.per_prompt,
            sampling=sampling,
            seed=seed,
            pair_ids=train,
        )
    candidates = distinct([*added, *_candidates(proposals, recipe, seed)])
    if not candidates:
        raise DesignError(
            "No principle was proposed.",
            found="" if proposals is None else proposals.summary()[:300],
            expected="at least one usable proposal",
            fix="Look at the replies that were refused, or take the standard traits.",
        )
    votes = vote(
        data,
        candidates,
        asks,
        model=model,
        repeats=recipe.repeats,
        sampling=sampling,
        seed=seed,
        pair_ids=(*train, *test),
    )
    options: dict[str, Any] = {"rule": recipe.rule, "level": level, "seed": seed}
    inside = measure(data, votes, annotator, pair_ids=train, **options)
    outside = measure(data, votes, annotator, pair_ids=test, **options)
    selection = select(
        inside, n=recipe.n, rules=recipe.rules, clusters=lambda some, n: _numbers(some, n, seed)
    )
    found = tuple(selection.principles)
    evaluation = None
    if found:
        evaluation = evaluate(
            data,
            found,
            asks if judge else None,
            annotator,
            votes=votes,
            train=train,
            test=test,
            model=model,
            sampling=sampling,
            level=level,
        )
    return Extraction(
        principles=found,
        effects=outside,
        training=inside,
        selection=selection,
        proposals=proposals,
        votes=votes,
        evaluation=evaluation,
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


def _labelled(data: PreferenceData, annotator: str | Iterable[str]) -> PreferenceData:
    from workbench.decompose.design import select_annotators

    labels = select_annotators(data, annotator, [])[0].labels
    return data.filter(pair_ids=labels["pair_id"].unique())


def _candidates(proposals: Proposals | None, recipe: Recipe, seed: int) -> list[Principle]:
    if proposals is None or not proposals.principles:
        return []
    found = cluster(
        proposals.principles,
        recipe.candidates,
        method=recipe.method,
        representative=recipe.representative,
        seed=seed,
    )
    return list(found.representatives)


def _numbers(candidates: Sequence[Principle], n: int, seed: int) -> list[int]:
    """Return the number of each candidate's cluster."""
    found: list[int] = cluster(candidates, n, seed=seed).labels.tolist()
    return found
