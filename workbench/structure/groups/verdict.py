"""What is said of the number of groups, and what must be said beside it."""

from __future__ import annotations

from workbench.structure.groups.exchange import LEVEL, Exchange
from workbench.structure.labels import PersonLabels
from workbench.structure.shared_prompts import apart_notes

PEOPLE_A_GROUP = 3
"""People without which a group is not tried."""


def most_groups(people: int, wanted: int) -> int:
    """Return how many groups are tried.

    Examples
    --------
    >>> most_groups(5, 3), most_groups(12, 3)
    (1, 3)
    """
    return max(1, min(wanted, people // PEOPLE_A_GROUP))


def not_tried(people: int, wanted: int) -> str | None:
    """Return why two groups were never tried; None where they were.

    Examples
    --------
    >>> not_tried(4, 3)
    'too few people to try two groups: 6 needed, 4 there'
    """
    if people < 2 * PEOPLE_A_GROUP:
        return f"too few people to try two groups: {2 * PEOPLE_A_GROUP} needed, {people} there"
    return "two groups were not tried: max_groups is 1" if wanted < 2 else None


def verdict_of(chosen: int, exchange: Exchange) -> tuple[str, int]:
    """Return the verdict, and the number of groups that is shown.

    Parameters
    ----------
    chosen : int
        The number that predicts other prompts.
    exchange : Exchange

    Examples
    --------
    >>> verdict_of(2, Exchange(0.025, 0.1, 39)), verdict_of(2, Exchange(0.5, 0.1, 10))
    (('2 groups', 2), ('one public', 1))
    """
    if exchange.reason is not None:
        return f"undefined: {exchange.reason}", 1
    if chosen > 1 and exchange.p_value <= LEVEL:
        return f"{chosen} groups", chosen
    return "one public", 1


def notes_of(
    labels: PersonLabels, chosen: int, shown: int, wanted: int, exchange: Exchange
) -> list[str]:
    """Return what limits the verdict.

    Parameters
    ----------
    labels : PersonLabels
    chosen, shown : int
        Groups by the held-out loss alone, and after the test.
    wanted : int
        ``max_groups`` as it was asked for.
    exchange : Exchange
    """
    notes, people = [], len(labels.people)
    tried = most_groups(people, wanted)
    if tried < wanted:
        groups = "group is" if tried == 1 else "groups are"
        notes.append(
            f"at most {tried} {groups} tried, not {wanted}: {people:,} people, and "
            f"{PEOPLE_A_GROUP} a group at the least"
        )
    if chosen > shown and exchange.reason is None:
        notes.append(
            f"{chosen} groups predict labels of other prompts better, and so do groups of people "
            f"who were exchanged within prompts (p = {exchange.p_value:.2f})"
        )
    return notes + apart_notes(labels)
