"""What each criterion of the labels is for: a context, none, a placebo, or a negation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workbench.data.columns import OVERALL
from workbench.errors import DesignError, listed

PLACEBO = "placebo"
"""A criterion of this name, or one that begins with it and a colon, says nothing."""

NOT = "not "
"""How the name of a criterion begins that is the negation of what follows."""


@dataclass(frozen=True)
class Roles:
    """What the criteria of the labels are for.

    Attributes
    ----------
    contexts : list of str
        Criteria under which a pair may be judged otherwise.
    blind : str or None
        The criterion of labels that were asked without one.
    placebos : list of str
        Criteria that say nothing: they must not turn a label.
    negated : dict of str to str
        Criteria that are the negation of another: they must turn it.
    """

    contexts: list[str]
    blind: str | None
    placebos: list[str]
    negated: dict[str, str]


def roles_of(
    criteria: Iterable[str],
    blind: str = OVERALL,
    placebo: Iterable[str] | None = None,
    negated: Mapping[str, str] | None = None,
) -> Roles:
    """Return what each criterion is for, by its name unless it is said.

    Parameters
    ----------
    criteria : iterable of str
        Of the labels.
    blind : str
        Name of the labels that were asked without a criterion.
    placebo : iterable of str, optional
        Criteria that say nothing; those named ``placebo`` or ``placebo: ...`` when None.
    negated : mapping of str to str, optional
        Negation to criterion; ``not NAME`` to ``NAME`` when None.

    Raises
    ------
    DesignError
        A name that no label has, or a criterion that is for two things at once.

    Examples
    --------
    >>> roles_of(["overall", "brief", "not brief", "placebo: blue"])
    Roles(contexts=['brief'], blind='overall', placebos=['placebo: blue'], \
negated={'not brief': 'brief'})
    """
    known = sorted(set(criteria))
    if negated is not None and not isinstance(negated, Mapping):
        raise _contradiction("negated= is no mapping.", repr(negated), "negation to criterion")
    named = [] if placebo is None else listed("placebo", placebo)
    _known(known, blind=[] if blind == OVERALL else [blind], placebo=named,
           negated=[] if negated is None else [*negated, *negated.values()])  # fmt: skip
    if placebo is None:
        mute = [c for c in known if c == PLACEBO or c.startswith(f"{PLACEBO}:")]
        mute = [c for c in mute if c != blind and c not in (negated or {})]
    else:
        mute = sorted(set(named))
    if negated is None:
        at = set(known) - set(mute)
        turned = {c: c[len(NOT) :] for c in known if c.startswith(NOT) and c[len(NOT) :] in at}
        turned = {c: base for c, base in turned.items() if c in at and c != blind}
    else:
        turned = dict(negated)
    _one_role_each(blind, mute, turned)
    contexts = [c for c in known if c != blind and c not in mute and c not in turned]
    return Roles(contexts, blind if blind in known else None, mute, turned)


def _one_role_each(blind: str, mute: list[str], turned: Mapping[str, str]) -> None:
    """Refuse a criterion that says nothing and something, or that negates itself."""
    both = {
        f"{blind!r} is blind and a placebo": blind in mute,
        f"{blind!r} is blind and a negation": blind in turned,
        **{f"{c!r} is a placebo and a negation": c in turned for c in mute},
        **{f"{c!r} is a placebo and negated": c in turned.values() for c in mute},
        **{f"{c!r} negates itself": _returns(c, turned) for c in turned},
    }
    for what, wrong in both.items():
        if wrong:
            raise _contradiction("A criterion is for two things at once.", what, "one role each")


def _returns(name: str, turned: Mapping[str, str]) -> bool:
    """Tell whether negations of negations lead from a criterion back to it."""
    at = turned[name]
    for _ in turned:
        if at == name:
            return True
        at = turned.get(at, "")
    return False


def _known(known: list[str], **named: list[str]) -> None:
    for option, names in named.items():
        missing = [name for name in names if name not in known]
        if missing:
            raise DesignError(
                f"No label has the criterion {missing[0]!r}.",
                found=", ".join(known[:12]) + (", ..." if len(known) > 12 else ""),
                expected=f"criteria of the labels in {option}= (--{option})",
                fix="Check the spelling; names are case-sensitive.",
            )


def _contradiction(what: str, found: str, expected: str) -> DesignError:
    return DesignError(
        what, found=found, expected=expected,
        fix="Say what each criterion is for: blind=, placebo=, negated= (--blind, --placebo, "
        "--negated).",
    )  # fmt: skip
