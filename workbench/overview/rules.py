"""The rules of findings: what is measured, what it has to cross, what to do about it."""

from __future__ import annotations

from workbench.audit.followed.result import RULES as FOLLOWED_RULES
from workbench.audit.judges.groups.result import RULES as TEMPLATE_RULES
from workbench.audit.judges.scorecard import RULES as AUDIT_RULES
from workbench.audit.judges.verdicts.observed import RULES as OBSERVED_RULES
from workbench.audit.models.calibration import RULES as CALIBRATION_RULES
from workbench.audit.models.displacement import RULES as DISPLACEMENT_RULES
from workbench.audit.models.optimisation import RULES as OPTIMISATION_RULES
from workbench.audit.models.ranking import RULES as RANKING_RULES
from workbench.audit.models.relevance import RULES as REWARD_RULES
from workbench.audit.models.reward_models import RULES as ENSEMBLE_RULES
from workbench.audit.models.seen import RULES as SEEN_RULES
from workbench.calibration.apart.result import RULES as APART_RULES
from workbench.calibration.choose.check import RULES as CHOICE_CHECK_RULES
from workbench.calibration.choose.result import RULES as CHOICE_RULES
from workbench.calibration.few.result import RULES as FEW_RULES
from workbench.calibration.instrument.result import RULES as INSTRUMENT_RULES
from workbench.calibration.instrument.split_result import RULES as SPLIT_RULES
from workbench.calibration.monitor.result import RULES as MONITOR_RULES
from workbench.calibration.paired.result import RULES as PAIRED_RULES
from workbench.calibration.panel.findings import RULES as PANEL_RULES
from workbench.calibration.plan.result import RULES as PLAN_RULES
from workbench.calibration.repair.findings import RULES as REPAIR_RULES
from workbench.calibration.route.result import RULES as ROUTE_RULES
from workbench.calibration.shortcuts.result import RULES as SHORTCUT_RULES
from workbench.calibration.soft.result import RULES as VERDICT_RULES
from workbench.ceiling.result import RULES as CEILING_RULES
from workbench.compare.scenario_ratings.result import RULES as SCENARIO_RATING_RULES
from workbench.curate.findings import RULES as CURATE_RULES
from workbench.decompose.checks.rules import RULES as CHECK_RULES
from workbench.decompose.identify import HIGH_CONDITION
from workbench.decompose.missing import RULES as MISSING_RULES
from workbench.explain.rationales.findings import RULES as RATIONALE_RULES
from workbench.feedback.findings import RULES as FEEDBACK_RULES
from workbench.finding import Rule
from workbench.principles.held_out.evaluate import RULES as PRINCIPLE_RULES
from workbench.structure.categories.result import RULES as CATEGORY_RULES
from workbench.structure.groups.findings import RULES as GROUP_RULES
from workbench.structure.mixed.result import RULES as MIXED_RULES
from workbench.structure.people.findings import RULES as PEOPLE_RULES
from workbench.structure.raters.result import RULES as RATER_RULES
from workbench.structure.reliability.result import RULES as RELIABILITY_RULES
from workbench.structure.transitivity.findings import RULES as TRANSITIVITY_RULES
from workbench.structure.values.result import RULES as VALUE_RULES

Q_LEVEL = 0.05
"""A finding needs a q-value below this."""

SLOT_POINTS = 0.025
"""A position bias needs P(first preferred | all else equal) this far from one half."""

LOST_SHARE = 0.05
"""Rows of a file, or verdicts of an annotator, above this share are too many to lose quietly."""

HARDLY = 0.5
"""Multiple of the reference's sharpness below which a judge follows hardly anything of it."""

RULES = {
    "differs-from-reference": Rule(
        "weight beyond what the reference's taste at this judge's sharpness would give, "
        "log-odds per unit of the factor",
        f"q < {Q_LEVEL:g} (Benjamini-Hochberg over all comparisons of the report)",
        "Do not let this judge stand for the reference where the factor varies.",
    ),
    "opposite-taste": Rule(
        "ratio of this judge's weights to those of the reference, below 0 (it has no interval "
        "where all labels are the opposite, and no value from one factor alone)",
        f"interval below 0, and q < {Q_LEVEL:g} for another taste (Benjamini-Hochberg over all "
        "groups of the report)",
        "Look for answers that were read the wrong way round before anything else.",
    ),
    "no-common-taste": Rule(
        "sharpness of this judge as a multiple of that of the reference (no value where what the "
        "two reward is unrelated)",
        f"interval from 0 and below {HARDLY:g}, or from 0 or no ratio that fits and q < "
        f"{Q_LEVEL:g} for another taste; q < {Q_LEVEL:g} for other weights (Benjamini-Hochberg "
        "over all groups of the report)",
        "Look at its raw weights: what it rewards is something else, or nothing that is measured.",
    ),
    "position-bias": Rule(
        "P(the response shown first is preferred), all else equal",
        f"q < {Q_LEVEL:g} and more than {100 * SLOT_POINTS:g} points from 50%",
        "Ask this judge in both orders and average.",
    ),
    "no-better-than-baseline": Rule(
        "held-out accuracy of the factors minus that of the best baseline, on the same labels",
        "paired interval not above 0",
        "Read this annotator's weights with care, or add factors.",
    ),
    "collinear": Rule(
        "condition number of the design (it has no interval)",
        f"above {HIGH_CONDITION:g} (Belsley, Kuh and Welsch 1980)",
        "Leave one of the factors out, or read their weights together.",
    ),
    "undefined-weight": Rule(
        "none: the labels cannot tell the weight",
        "no finite estimate",
        "Leave the factor out, or label pairs in which it varies.",
    ),
    "rows-left-out": Rule(
        "share of the file's rows that were left out (a count: it has no interval)",
        f"above {LOST_SHARE:.0%}",
        "Look at the examples in the data card: a mapping or another format may read them.",
    ),
    "verdicts-unread": Rule(
        "share of an annotator's verdicts that could not be read (a count: it has no interval)",
        f"above {LOST_SHARE:.0%}",
        "Read the raw replies, and mend the reader or the judge; no weight knows of these pairs.",
    ),
}
"""The rules of data, decompositions and contrasts, by the ``rule_id`` of their findings."""

ALL_RULES = {
    **RULES,
    **MISSING_RULES,
    **CHECK_RULES,
    **PRINCIPLE_RULES,
    **AUDIT_RULES,
    **TEMPLATE_RULES,
    **FOLLOWED_RULES,
    **OBSERVED_RULES,
    **RANKING_RULES,
    **CALIBRATION_RULES,
    **DISPLACEMENT_RULES,
    **REWARD_RULES,
    **ENSEMBLE_RULES,
    **OPTIMISATION_RULES,
    **SEEN_RULES,
    **SCENARIO_RATING_RULES,
    **CURATE_RULES,
    **RATER_RULES,
    **MIXED_RULES,
    **RELIABILITY_RULES,
    **GROUP_RULES,
    **TRANSITIVITY_RULES,
    **PEOPLE_RULES,
    **FEW_RULES,
    **CHOICE_RULES,
    **CHOICE_CHECK_RULES,
    **PLAN_RULES,
    **INSTRUMENT_RULES,
    **SPLIT_RULES,
    **PANEL_RULES,
    **ROUTE_RULES,
    **REPAIR_RULES,
    **VERDICT_RULES,
    **PAIRED_RULES,
    **MONITOR_RULES,
    **SHORTCUT_RULES,
    **VALUE_RULES,
    **RATIONALE_RULES,
    **FEEDBACK_RULES,
    **APART_RULES,
    **CATEGORY_RULES,
    **CEILING_RULES,
}
"""Every rule."""
