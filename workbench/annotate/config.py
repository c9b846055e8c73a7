"""What an annotation run asks, of whom, and for how much."""

from __future__ import annotations

import re
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from workbench.config import Config, Name, Named
from workbench.errors import ConfigError
from workbench.llm.asking.headers import kept_aside
from workbench.llm.endpoint import Endpoint
from workbench.llm.request import OFFLINE, Sampling

Count = Annotated[int, Field(ge=1)]
Limit = Annotated[int, Field(ge=0)] | None
Header = Annotated[str, AfterValidator(kept_aside)]

HOW = (
    "key_variable", "concurrency", "timeout_s", "attempts", "omit", "rename", "headers",
    "prices", "max_cost", "max_calls", "max_tokens", "max_failed",
)  # fmt: skip
"""Keys that change how a run is done, not what it finds: they may change when it is resumed."""

_MOST_TURNS = 500
"""More exchanges than this fill any context."""


class AnnotateConfig(Config):
    """One annotation run: a judge, or a rubric of factors.

    Attributes
    ----------
    model : str, optional
        Name of the model at the endpoint, or of an offline one (``offline:plain``).
    base_url : str
        Of an OpenAI-compatible endpoint.
    key_variable : str
        Environment variable that holds the key.
    concurrency, timeout_s, attempts
        See :class:`workbench.llm.client.Endpoint`.
    omit, rename, headers : tuple of str
        Fields that are not sent; ``FIELD=NAME``; ``NAME=VALUE``, where ``$VARIABLE`` stands
        for the environment's. The value of a header that is a secret is never written down.
    extra_body : str, optional
        JSON file of an object: fields that are added to each chat completion.
    temperature, top_p : float
    reply_tokens : int
        Longest reply.
    pairs : int, optional
        Only so many pairs, drawn at random by prompt with the seed; all when None.
    rubric : str, optional
        Name of a built-in rubric or a TOML file: the run scores its factors. Without it
        the run is a judge.
    pointwise : bool
        Judge each response alone, by a grade; rubrics: score each response alone.
    template : str
        Built-in template of the judge, or a file.
    name : str, optional
        Of the annotator; the model's when None.
    orders : {"both", "ab", "ba"}
        In which orders two responses are shown.
    repeats : int, optional
        Replies to each question: 1 when None, and for votes on principles what the recipe
        says.
    soft : bool
        Preferences from token log-probabilities.
    images : str, optional
        Folder of the images that the data name: a pairwise judge is shown them, and those that
        stand in the data.
    image_urls : bool
        Pass the addresses of images on to the server, which will fetch them.
    principles : {"ours", "icai"}, optional
        The run extracts principles, by this recipe.
    constitution : str, optional
        File of principles that are candidates too; those of the prompt where one is repaired.
    mends : str, optional
        Annotator whose prompt is repaired: the run asks it with the principles in its prompt.
    people : str
        Annotator or kind that a repaired prompt is held against.
    unseen : str, optional
        File of pair ids, one a line, that the principles were not extracted from; all when None.
    traits : bool
        The standard traits are candidates too.
    known : str, optional
        File of votes of an earlier run: what they hold is not asked again.
    embedding : str, optional
        Embedding model of the endpoint, for the clusters of principles; TF-IDF when None. Of a
        discovery ``offline`` (when None), ``endpoint``, a Parquet file of vectors by pair and
        side, or the folder of a sentence encoder.
    embedding_model : str, optional
        Model that a discovery asks the endpoint for embeddings.
    directions : int, optional
        The run discovers factors: it looks for so many directions.
    active : int
        Directions that make the difference of one pair.
    shown : int
        Pairs from which a direction is named.
    fidelity_pairs : int
        Pairs on which a name is tested.
    controls : tuple of str
        Factors that stand beside the directions in the fit.
    propose : bool
        Let the model propose candidates.
    annotators : tuple of str
        Whose preferences the principles are to explain; everybody when empty.
    n : int
        Principles of the constitution, at most.
    test_share : float
        Share of the pairs that is held out.
    folds : int
        Hold each pair out once, in so many folds, instead of one split; 0 is one split.
    adaptive : bool
        Ask about a candidate only while its fate is open.
    evaluate : bool
        Ask a judge with and without the constitution.
    suite : {"smoke", "default", "full", "groups"}, optional
        The run audits the judge by these probes; groups: by templates with groups in them.
    templates : str, optional
        File of templates for the suite groups; the set that ships when None.
    shares : str, optional
        File of votes by pool of people, for the suite groups.
    vetoed : tuple of str
        Variants of probes that are left out, such as ``C1/book``.
    margin : float
        Shifts within it are taken for none.
    manipulate : bool
        Also measure what edits by rule bring.
    rewrites : bool
        Also let the model rewrite responses, and measure what that brings.
    wordings : bool
        Also ask the judge in every built-in template, with and without reasons.
    triples : bool
        Also compare three responses to a prompt, for circles.
    lists : bool
        Also choose the best of three responses, in every rotation of the list.
    known_answers : str, optional
        Annotator or kind whose labels are known answers: also ask about those.
    attacks : str, optional
        File of attack strings, one a line, or a JSON list.
    followed : {"replies", "choices"}, optional
        The run asks with and without stated preferences: for replies, or for choices.
    turns : tuple of str
        Exchanges between a preference and its question.
    grader : str, optional
        Model that grades replies; the model itself when None.
    reasons : str, optional
        Column of the reasons of labels: the run reads in them which factors they name.
    factors : tuple of str
        Factors that are looked for in reasons; all when empty.
    lexicon : str, optional
        TOML file of phrases by factor, for reasons.
    exchange : {"auto", "within", "across"}
        Between which pairs reasons are exchanged.
    chats : str, optional
        Column that holds conversations, where they are read.
    feedback : {"rule", "model", "both"}, optional
        The run reads users' feedback in conversations; whose signals make pairs.
    told : bool
        A reason counts as naming a factor only where it says which response has more of it.
    prices : str, optional
        TOML file of prices by model.
    max_cost : float, optional
        In the currency of the prices; these limits are over the whole run.
    max_calls, max_tokens : int, optional
        Calls count when they are sent: retries and calls without an answer too.
    max_failed : float
        Share of the requests that may fail: with more the run counts as failed, though all
        that it found is written.

    Examples
    --------
    >>> AnnotateConfig(model="offline:plain", rubric="dissection").task
    'rubric'
    """

    tables: ClassVar[tuple[str, ...]] = ("endpoint",)

    model: Name | None = None
    base_url: Name = "https://api.openai.com/v1"
    key_variable: Name = "OPENAI_API_KEY"
    concurrency: Count = 16
    timeout_s: Annotated[float, Field(gt=0)] = 120.0
    attempts: Count = 6
    omit: tuple[Name, ...] = ()
    rename: tuple[Named, ...] = ()
    headers: tuple[Header, ...] = ()
    extra_body: Name | None = None
    temperature: Annotated[float, Field(ge=0)] = 0.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    reply_tokens: Count = 1024
    pairs: Count | None = None
    rubric: Name | None = None
    pointwise: bool = False
    template: Name = "workbench"
    name: Name | None = None
    orders: Literal["both", "ab", "ba"] = "both"
    repeats: Count | None = None
    soft: bool = False
    images: Name | None = None
    image_urls: bool = False
    principles: Literal["ours", "icai"] | None = None
    constitution: Name | None = None
    mends: Name | None = None
    people: Name = "human"
    unseen: Name | None = None
    traits: bool = False
    known: Name | None = None
    embedding: Name | None = None
    embedding_model: Name | None = None
    directions: Count | None = None
    active: Count = 4
    shown: Annotated[int, Field(ge=2)] = 8
    fidelity_pairs: Annotated[int, Field(ge=2)] = 100
    controls: tuple[Name, ...] = ()
    propose: bool = True
    annotators: tuple[Name, ...] = ()
    n: Count = 5
    test_share: Annotated[float, Field(gt=0, lt=1)] = 0.3
    folds: Annotated[int, Field(ge=0)] = 0
    adaptive: bool = False
    evaluate: bool = True
    suite: Literal["smoke", "default", "full", "groups"] | None = None
    templates: Name | None = None
    shares: Name | None = None
    vetoed: tuple[Name, ...] = ()
    margin: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    manipulate: bool = False
    rewrites: bool = False
    wordings: bool = False
    triples: bool = False
    lists: bool = False
    known_answers: Name | None = None
    attacks: Name | None = None
    followed: Literal["replies", "choices"] | None = None
    turns: tuple[Name, ...] = ("0",)
    grader: Name | None = None
    reasons: Name | None = None
    factors: tuple[Name, ...] = ()
    lexicon: Name | None = None
    exchange: Literal["auto", "within", "across"] = "auto"
    told: bool = False
    chats: Name | None = None
    feedback: Literal["rule", "model", "both"] | None = None
    prices: Name | None = None
    max_cost: Annotated[float, Field(ge=0)] | None = None
    max_calls: Limit = None
    max_tokens: Limit = None
    max_failed: Annotated[float, Field(ge=0, le=1)] = 0.05

    def check(self, where: str) -> None:
        """Refuse an address that cannot be asked, or that could hold a secret."""
        # before anything is written: what stands in an address is not repeated
        if self.model is not None and not self.offline:
            self.endpoint  # noqa: B018

    @property
    def task(
        self,
    ) -> Literal[
        "audit",
        "repair",
        "discover",
        "principles",
        "rationales",
        "followed",
        "feedback",
        "rubric",
        "grade",
        "judge",
    ]:
        """What is asked."""
        if self.feedback is not None:
            return "feedback"
        if self.reasons is not None:
            return "rationales"
        if self.followed is not None:
            return "followed"
        if self.suite is not None:
            return "audit"
        if self.directions is not None:
            return "discover"
        if self.mends is not None:
            return "repair"
        if self.principles is not None:
            return "principles"
        if self.rubric is not None:
            return "rubric"
        return "grade" if self.pointwise else "judge"

    @property
    def distances(self) -> tuple[int, ...]:
        """Exchanges between a preference and its question.

        Raises
        ------
        ConfigError
            One that is no whole number from 0 to 500.

        Examples
        --------
        >>> AnnotateConfig(turns=("0", "5")).distances
        (0, 5)
        """
        for one in self.turns:
            if not (one.isascii() and one.isdigit() and int(one) <= _MOST_TURNS):
                raise ConfigError(
                    "The turn distances cannot be read.",
                    found=one,
                    expected=f"whole numbers from 0 to {_MOST_TURNS}, such as 0,5",
                    fix="Write them as numbers, parted by commas.",
                )
        return tuple(int(one) for one in self.turns)

    @property
    def asked_model(self) -> str:
        """The model's name.

        Raises
        ------
        ConfigError
            None is named.
        """
        if self.model is None:
            raise ConfigError(
                "No model is named.",
                expected="--model NAME: one that the endpoint serves, or offline:plain",
                fix="Name the model, and with --base-url the endpoint that serves it.",
            )
        return self.model

    @property
    def offline(self) -> bool:
        """Whether a built-in model answers: a simulation, not a judge."""
        return self.asked_model.startswith(OFFLINE)

    @property
    def annotator(self) -> str:
        """Name of the judge; a built-in model's name stays in it.

        Examples
        --------
        >>> AnnotateConfig(model="offline:plain", name="demo").annotator
        'offline:plain (demo)'
        """
        if self.name is None:
            return self.asked_model
        return f"{self.asked_model} ({self.name})" if self.offline else self.name

    @property
    def endpoint(self) -> Endpoint:
        """Where the model is asked, without the fields that a file adds."""
        return Endpoint(
            self.base_url,
            self.key_variable,
            self.concurrency,
            self.timeout_s,
            self.attempts,
            self.omit,
            self.rename,
            self.headers,
        )

    @property
    def sampling(self) -> Sampling:
        """How the model samples."""
        return Sampling(
            self.temperature, self.top_p, self.reply_tokens, self.seed, 20 if self.soft else 0
        )

    def slug(self, digest: str) -> str:
        """Return a folder's name for this run over data of a digest.

        Examples
        --------
        >>> AnnotateConfig(model="org/Some Model").slug("0123456789ab")
        'judge-org-some-model-01234567'
        """
        model = re.sub(r"[^a-z0-9.]+", "-", self.asked_model.lower()).strip("-")
        return f"{self.task}-{model}-{digest[:8]}"

    def differences(self, other: AnnotateConfig) -> list[str]:
        """Return the keys in which another run would find something else.

        Examples
        --------
        >>> AnnotateConfig(repeats=2, attempts=1).differences(AnnotateConfig())
        ['repeats']
        """
        mine, theirs = self.model_dump(), other.model_dump()
        return [key for key in mine if key not in HOW and mine[key] != theirs[key]]
