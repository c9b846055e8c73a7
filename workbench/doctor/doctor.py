"""The verb that says what data support."""

from __future__ import annotations

from typing import Any

from workbench.data.dataset import PreferenceData
from workbench.doctor import fits, judged, stated, structure
from workbench.doctor.checkup import Checkup
from workbench.doctor.facts import Facts

_CHECKS = (
    fits.decompose, fits.contrast, fits.held_out, fits.scenarios, fits.ratings,
    fits.length_control, judged.principles, judged.from_verdicts, judged.agreement,
    judged.strength, judged.curate, judged.audit_model, structure.people,
    structure.transitivity, stated.rationales, stated.values,
)  # fmt: skip


def doctor(data: PreferenceData) -> Checkup:
    r"""Say which verbs data support, what others need, and what they are too small for.

    Parameters
    ----------
    data : PreferenceData

    Returns
    -------
    Checkup

    Notes
    -----
    Nothing is fitted and no model is asked: sizes follow from counts. With :math:`n` clusters
    a two-sided test at 5 % finds :math:`2.8 s / \sqrt n` with power 80 % (1.96 + 0.84
    standard errors), where :math:`s` is 2 for a logit weight per standard deviation (the
    information of a verdict is at most 1/4; Hsieh, Bloch and Larsen 1998), 0.5 for a share.
    A cluster counts as one verdict; what a fit really finds, its own intervals show.
    ``too small`` is less than finds the effects of :mod:`workbench.doctor.sizes`: 0.5
    log-odds per SD, 10 points of a share, 100 Elo.

    Examples
    --------
    >>> import workbench as wb
    >>> found = doctor(wb.load("sample"))
    >>> found["contrast"].state, found["decompose"].needed
    ('yes', 126)
    """
    facts = Facts.of(data)
    lost = "" if data.load_report is None else data.load_report.line()
    return Checkup(
        tuple(check(facts) for check in _CHECKS), _counts(data, facts), lost, facts.notes
    )


def _counts(data: PreferenceData, facts: Facts) -> dict[str, Any]:
    people = facts.people
    each = {
        "least": int(people.min()), "median": float(people.median()), "most": int(people.max()),
    } if len(people) else None  # fmt: skip
    return {
        "pairs": len(data.pairs),
        "clusters": int(data.pairs["cluster"].nunique()),
        "labels": len(data.labels),
        "verdicts": int(data.labels["preference"].notna().sum()),
        "annotators": len(data.annotators),
        "criteria": len(data.criteria),
        "people": len(people),
        "labels_a_person": each,
        "by_two": int((facts.raters > 1).sum()),
        "by_two_people": int((facts.human_raters > 1).sum()),
        "both_orders": facts.both_orders,
        "repeats": facts.repeats,
    }
