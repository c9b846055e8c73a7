"""What must be said where people share few prompts, or none."""

from __future__ import annotations

from workbench.data.alike.overlap import overlap_of
from workbench.errors import DesignError
from workbench.structure.labels import PersonLabels

CONFOUNDED = "no prompt has labels of two people: people cannot be told from their prompts"


def apart_notes(labels: PersonLabels) -> list[str]:
    """Return what limits every comparison of people who share no prompts.

    Examples
    --------
    >>> from workbench.structure.labels import person_labels
    >>> from workbench.structure.planted import planted_people
    >>> apart_notes(person_labels(planted_people(people=5, labels=20)[0]))
    []
    """
    overlap = overlap_of(labels.person, labels.prompt)
    if overlap.shared == 0:
        return [CONFOUNDED]
    if overlap.components < 2:
        return []
    return [
        f"people fall into {overlap.components:,} groups without a common prompt: between these, "
        "people and prompts cannot be told apart"
    ]


def refuse_few_prompts(prompts: int, folds: int) -> None:
    """Refuse folds that some prompt would have to be in twice.

    Raises
    ------
    DesignError

    Examples
    --------
    >>> refuse_few_prompts(5, 5)
    """
    if prompts >= folds:
        return
    fewer = f"Ask for 2{f' to {prompts}' * (prompts > 2)} folds (folds=, --folds), or get"
    raise DesignError(
        f"There are too few prompts for {folds} folds.",
        found=f"{prompts} prompt{'s' * (prompts != 1)} with labels of these people",
        expected="at least one prompt a fold, and two folds: labels are told by other prompts",
        fix=f"{fewer if prompts > 1 else 'Get'} labels of more prompts.",
    )
