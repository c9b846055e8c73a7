"""What a curation does, as one record that can be written down."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Literal

from workbench.curate.sources import SOURCES
from workbench.errors import ConfigError


@dataclass(frozen=True)
class Rule:
    """Which pairs go to training, and what stands beside them.

    Steps are taken in the order of the attributes; what is None or empty is not done.

    Attributes
    ----------
    source : str or None
        What P(A preferred) stands on; see ``workbench.curate.sources``.
    criterion : str or None
        Labels of this criterion only.
    min_strength, max_strength : float or None
        Of ``|2 P - 1|``, towards the side that was chosen.
    min_agreement, min_votes : float or None
        Share of the votes for the majority's side, and number of votes.
    keep_lowest : tuple of (str, float) or None
        A column of pairs, such as ``ln_ches`` of a model audit, and the share kept.
    drop_suspects : float or None
        Share of the pairs with the smallest out-of-fold margins that is left out.
    flip : float or None
        Share with the smallest margins whose sides are exchanged, where repeated labels
        confirm it; a majority of several votes is never turned.
    weight : {"confidence", "variance"} or None
        Weight of each pair: ``|2 P - 1|``, or one over the variance of P; mean 1.
    balance : tuple of str
        Factors that are to predict the label no longer.
    balance_by : {"drop", "weigh"}
        Leave pairs out, or give them less weight.
    max_loss : float
        Share of the pairs (or of the weight) that balancing may cost at most.
    soft : bool
        Adds ``p``: P(chosen preferred). Where it stands on few votes it is drawn to one half,
        which is right for a pair, and makes weights that are learnt from many a little small.
    margin : {"logit", "grade"} or None
        Adds ``margin``: logit of P(chosen preferred), or the mean grade.
    stages : int or None
        Adds ``stage``: 1 holds the pairs that are easiest to tell.
    test_share : float or None
        Adds ``split``: whole prompts, alike in agreement; the test part has repeats only.
    goals : str or None
        Scores of both sides, such as ``score`` for ``score_a`` and ``score_b``: every pair
        becomes two, asked for the one and for the other score, the second with its responses
        swapped (reward-augmented). The test part as well.
    by : str or None
        Column of pairs; shares and balances are then of each of its groups.
    """

    source: str | None = None
    criterion: str | None = None
    min_strength: float | None = None
    max_strength: float | None = None
    min_agreement: float | None = None
    min_votes: float | None = None
    keep_lowest: tuple[str, float] | None = None
    drop_suspects: float | None = None
    flip: float | None = None
    weight: Literal["confidence", "variance"] | None = None
    balance: tuple[str, ...] = ()
    balance_by: Literal["drop", "weigh"] = "drop"
    max_loss: float = 0.5
    soft: bool = False
    margin: Literal["logit", "grade"] | None = None
    stages: int | None = None
    test_share: float | None = None
    goals: str | None = None
    by: str | None = None

    def __post_init__(self) -> None:
        for name, (fine, expected) in self._ranges().items():
            if not fine:
                raise ConfigError(
                    f"The rule's {name} is out of range.",
                    found=repr(getattr(self, name)),
                    expected=expected,
                    fix=f"Pass another {name}.",
                )

    def _ranges(self) -> dict[str, tuple[bool, str]]:
        unit = ("min_strength", "max_strength", "min_agreement")
        part = ("drop_suspects", "flip", "test_share")
        names, lowest = ("criterion", "by"), self.keep_lowest
        return {
            **{n: (_is_name(getattr(self, n)), "a name") for n in names},
            "source": (self.source in (None, *SOURCES), " or ".join(SOURCES)),
            **{n: (_within(getattr(self, n), 0, 1), "a number from 0 to 1") for n in unit},
            **{n: (_within(getattr(self, n), 1e-9, 1 - 1e-9), "between 0 and 1") for n in part},
            "min_votes": (_within(self.min_votes, 1, math.inf), "a number, 1 or more"),
            "keep_lowest": (
                lowest is None or _is_share(lowest),
                "a column and the share kept, above 0",
            ),
            "balance": (
                isinstance(self.balance, tuple) and all(isinstance(n, str) for n in self.balance),
                "names of factors",
            ),
            "balance_by": (self.balance_by in ("drop", "weigh"), "drop or weigh"),
            "max_loss": (
                self.max_loss is not None and _within(self.max_loss, 1e-9, 1),
                "a share above 0, up to 1",
            ),
            "soft": (isinstance(self.soft, bool), "true or false"),
            "margin": (
                self.margin in (None, "logit") or (self.margin == "grade" and self.flip is None),
                "logit, or grade where nothing is flipped: a turned label has no grade",
            ),
            "weight": (self.weight in (None, "confidence", "variance"), "confidence or variance"),
            "goals": (
                self.goals is None
                or (
                    isinstance(self.goals, str)
                    and not (self.soft or self.margin == "logit" or self.flip)
                ),
                "a name, and no soft, flip or margin=logit beside it: they are of prompts without "
                "a goal",
            ),
            "stages": (
                self.stages is None
                or (isinstance(self.stages, Integral) and _within(self.stages, 2, math.inf)),
                "a whole number, 2 or more",
            ),
        }

    @classmethod
    def of(cls, given: Rule | Mapping[str, Any] | None) -> Rule:
        """Return a rule from a mapping of its attributes.

        Raises
        ------
        ConfigError
            An unknown name, or a value of the wrong type or out of range.

        Examples
        --------
        >>> Rule.of({"min_agreement": 0.8, "balance": ["words"]}).balance
        ('words',)
        """
        if isinstance(given, Rule):
            return given
        if not isinstance(given, Mapping | None):
            raise ConfigError(
                "The rule is not made of named parts.",
                found=repr(given),
                expected='a mapping, such as {"min_agreement": 0.8}',
                fix="Name the parts.",
            )
        values = dict(given or {})
        known = [one.name for one in fields(cls)]
        unknown = [name for name in values if name not in known]
        if unknown:
            raise ConfigError(
                "The rule has an unknown part.",
                found=repr(unknown[0]),
                expected=", ".join(known),
                fix="Correct the name.",
            )
        for name in ("balance", "keep_lowest"):
            if isinstance(values.get(name), list):
                values[name] = tuple(values[name])
        if isinstance(values.get("balance"), str):
            values["balance"] = (values["balance"],)
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        """Return the parts that do something, as plain JSON values.

        Examples
        --------
        >>> Rule(min_agreement=0.8).to_dict()
        {'min_agreement': 0.8}
        """
        blank = {one.name: one.default for one in fields(Rule)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
            if value != blank[name]
        }

    @property
    def wanted(self) -> tuple[str, ...]:
        """The sources that its steps need."""
        needs = self.source is None and self.needs_p
        found = list(SOURCES) if needs else [self.source] if self.source else []
        if self.drop_suspects or self.flip:
            found.append("model")
        return tuple(dict.fromkeys(found))

    @property
    def needs_p(self) -> bool:
        """Whether a step reads P(A preferred)."""
        ends = (self.min_strength, self.max_strength)
        asked = bool(self.soft or self.margin == "logit" or self.weight or self.stages)
        return asked or any(end is not None for end in ends)


def _within(value: Any, low: float, high: float) -> bool:
    """Tell whether a part is a number of a range, or none at all; true and false are no numbers."""
    if value is None:
        return True
    return isinstance(value, Real) and not isinstance(value, bool) and low <= float(value) <= high


def _is_share(value: Any) -> bool:
    """Tell whether a value is a name and a share of its values."""
    if not isinstance(value, tuple) or len(value) != 2 or not isinstance(value[0], str):
        return False
    return value[1] is not None and _within(value[1], 1e-9, 1)


def _is_name(value: Any) -> bool:
    return value is None or isinstance(value, str)


def read_rule(path: Path) -> dict[str, Any]:
    """Return the parts of a rule from a TOML file.

    Parameters
    ----------
    path : Path

    Raises
    ------
    ConfigError
        The file cannot be read, or is no rule.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "rule.toml"
    ...     written = file.write_text("min_agreement = 0.8")
    ...     read_rule(file)
    {'min_agreement': 0.8}
    """
    try:
        parts = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            "The rule cannot be read.",
            where=path.name,
            found=str(error).splitlines()[0],
            expected="a TOML file of parts, such as min_agreement = 0.8",
            fix="Correct the file.",
        ) from None
    Rule.of(parts)
    return parts
