"""What each criterion of the labels is for: a context, none, a placebo, or a negation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workbench.data.columns import OVERALL
from workbench.errors import DataError

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
    DataError
        A name that no label has.

    Examples
    --------
    >>> roles_of(["overall", "brief", "not brief", "placebo: blue"])
    Roles(contexts=['brief'], blind='overall', placebos=['placebo: blue'], \
negated={'not brief': 'brief'})
    """
    known = sorted(set(criteria))
    if placebo is None:
        mute = [c for c in known if c == PLACEBO or c.startswith(f"{PLACEBO}:")]
    else:
        mute = [placebo] if isinstance(placebo, str) else sorted(placebo)
    if negated is None:
        at = set(known)
        turned = {c: c[len(NOT) :] for c in known if c.startswith(NOT) and c[len(NOT) :] in at}
    else:
        turned = dict(negated)
    _known([*mute, *turned, *turned.values()], known)
    contexts = [c for c in known if c != blind and c not in mute and c not in turned]
    return Roles(contexts, blind if blind in known else None, mute, turned)


def _known(names: Iterable[str], known: list[str]) -> None:
    missing = [name for name in names if name not in known]
    if missing:
        raise DataError(
            f"No label has the criterion {missing[0]!r}.",
            found=", ".join(known[:12]) + (", ..." if len(known) > 12 else ""),
            expected="criteria of the labels in placebo= and negated=",
            fix="Check the spelling; names are case-sensitive.",
        )
