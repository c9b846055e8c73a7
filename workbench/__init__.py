"""The Preference Workbench: what preference labels reward, with intervals.

The public verbs and types load on first use, so that importing the package is cheap.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench import data as data
    from workbench import engine as engine
    from workbench import factors as factors
    from workbench.audit.followed.followed import followed as followed
    from workbench.audit.followed.items import read_items as read_items
    from workbench.audit.followed.result import Followed as Followed
    from workbench.audit.judges.audit import audit_judge as audit_judge
    from workbench.audit.judges.forecast import susceptibility as susceptibility
    from workbench.audit.judges.groups.probe import audit_groups as audit_groups
    from workbench.audit.judges.groups.result import GroupAudit as GroupAudit
    from workbench.audit.judges.groups.templates import group_pairs as group_pairs
    from workbench.audit.judges.manipulate import manipulate as manipulate
    from workbench.audit.judges.plan import plan_audit as plan_audit
    from workbench.audit.judges.scorecard import JudgeAudit as JudgeAudit
    from workbench.audit.judges.verdicts.board import JudgeBoard as JudgeBoard
    from workbench.audit.judges.verdicts.board import judge_board as judge_board
    from workbench.audit.judges.verdicts.corrected import correct_rates as correct_rates
    from workbench.audit.judges.verdicts.observed import Observed as Observed
    from workbench.audit.judges.verdicts.observed import observe as observe
    from workbench.audit.judges.verdicts.relations import drift as drift
    from workbench.audit.judges.verdicts.relations import family_preference as family_preference
    from workbench.audit.models.likelihoods.on_policy import on_policy as on_policy
    from workbench.calibration.apart.apart import apart as apart
    from workbench.calibration.choose.check import ChoiceCheck as ChoiceCheck
    from workbench.calibration.choose.check import check_choice as check_choice
    from workbench.calibration.choose.choose import choose_pairs as choose_pairs
    from workbench.calibration.choose.result import Choice as Choice
    from workbench.calibration.few.few_labels import few_labels as few_labels
    from workbench.calibration.few.result import FewLabels as FewLabels
    from workbench.calibration.instrument.instrument import instrument as instrument
    from workbench.calibration.instrument.result import Instrument as Instrument
    from workbench.calibration.instrument.split_result import VarianceSplit as VarianceSplit
    from workbench.calibration.instrument.variance_split import variance_split as variance_split
    from workbench.calibration.monitor.monitor import monitor as monitor
    from workbench.calibration.monitor.result import Monitor as Monitor
    from workbench.calibration.paired.annotators import compare_annotators as compare_annotators
    from workbench.calibration.paired.models import compare_models as compare_models
    from workbench.calibration.paired.result import AnnotatorComparison as AnnotatorComparison
    from workbench.calibration.paired.result import ModelComparison as ModelComparison
    from workbench.calibration.panel.judge import PanelJudge as PanelJudge
    from workbench.calibration.panel.panel import panel as panel
    from workbench.calibration.panel.result import Panel as Panel
    from workbench.calibration.plan.plan import plan_labels as plan_labels
    from workbench.calibration.plan.result import LabelPlan as LabelPlan
    from workbench.calibration.repair.prompt import RepairedPrompt as RepairedPrompt
    from workbench.calibration.repair.prompt import repair_prompt as repair_prompt
    from workbench.calibration.repair.repair import repair_judge as repair_judge
    from workbench.calibration.repair.result import Repair as Repair
    from workbench.calibration.route.result import Routing as Routing
    from workbench.calibration.route.route import route as route
    from workbench.calibration.shortcuts.benchmark import check_benchmark as check_benchmark
    from workbench.calibration.shortcuts.result import BenchmarkCheck as BenchmarkCheck
    from workbench.calibration.soft.calibrate import calibrate_verdicts as calibrate_verdicts
    from workbench.calibration.soft.result import CalibratedVerdicts as CalibratedVerdicts
    from workbench.calibration.tasks.with_answers import with_answers as with_answers
    from workbench.calibration.tasks.write import write_tasks as write_tasks
    from workbench.ceiling.ceiling import ceiling as ceiling
    from workbench.ceiling.result import Ceiling as Ceiling
    from workbench.compare.alignment import Alignment as Alignment
    from workbench.compare.alignment import align as align
    from workbench.compare.concordance import Concordance as Concordance
    from workbench.compare.concordance import concordance as concordance
    from workbench.compare.contrast import Contrast as Contrast
    from workbench.compare.contrast import contrast as contrast
    from workbench.compare.generation import Generation as Generation
    from workbench.compare.generation import generation as generation
    from workbench.compare.scenario_ratings.rate import rate_scenarios as rate_scenarios
    from workbench.compare.scenario_ratings.result import ScenarioRatings as ScenarioRatings
    from workbench.compare.scenarios import ScenarioPool as ScenarioPool
    from workbench.compare.scenarios import pool_scenarios as pool_scenarios
    from workbench.compare.similarity import similarity as similarity
    from workbench.compare.similarity_result import Similarity as Similarity
    from workbench.curate.curation import curate as curate
    from workbench.curate.curation_result import Curation as Curation
    from workbench.curate.strength import strength as strength
    from workbench.curate.strength_result import Strength as Strength
    from workbench.data.add_judge import add_judge as add_judge
    from workbench.data.dataset import PreferenceData as PreferenceData
    from workbench.data.explain import Explanation as Explanation
    from workbench.data.explain import explain as explain
    from workbench.data.joined import concat as concat
    from workbench.data.load import load as load
    from workbench.data.load import preview as preview
    from workbench.data.parts.loading import load_parts as load_parts
    from workbench.data.parts.parted import PartedData as PartedData
    from workbench.data.parts.parted import open_parts as open_parts
    from workbench.data.split import split as split
    from workbench.data.store import open_folder as open_folder
    from workbench.data.store import save as save
    from workbench.decompose.bootstrap import Bootstrap as Bootstrap
    from workbench.decompose.bootstrap import bootstrap as bootstrap
    from workbench.decompose.checks.check import check_fit as check_fit
    from workbench.decompose.checks.result import FitCheck as FitCheck
    from workbench.decompose.decomposition import Decomposition as Decomposition
    from workbench.decompose.decomposition import decompose as decompose
    from workbench.decompose.missing import MissingVerdicts as MissingVerdicts
    from workbench.decompose.missing import missing_verdicts as missing_verdicts
    from workbench.decompose.posterior import Dissection as Dissection
    from workbench.decompose.posterior import dissect as dissect
    from workbench.decompose.published import PublishedFits as PublishedFits
    from workbench.decompose.published import read_fits as read_fits
    from workbench.discover.discover import discover as discover
    from workbench.discover.result import Discovery as Discovery
    from workbench.doctor.checkup import Checkup as Checkup
    from workbench.doctor.doctor import doctor as doctor
    from workbench.errors import ConfigError as ConfigError
    from workbench.errors import DataError as DataError
    from workbench.errors import DesignError as DesignError
    from workbench.errors import JudgeError as JudgeError
    from workbench.errors import WorkbenchError as WorkbenchError
    from workbench.explain.attribution import Attribution as Attribution
    from workbench.explain.attribution import attribute as attribute
    from workbench.explain.hard_pairs import disagreements as disagreements
    from workbench.explain.hard_pairs import most_wrong as most_wrong
    from workbench.explain.rationales.rationales import rationales as rationales
    from workbench.explain.rationales.result import Rationales as Rationales
    from workbench.factors.rubric.result import RubricScores as RubricScores
    from workbench.factors.rubric.score import score_rubric as score_rubric
    from workbench.factors.score import score_factors as score_factors
    from workbench.factors.words.said import Said as Said
    from workbench.feedback.feedback import feedback as feedback
    from workbench.feedback.result import Feedback as Feedback
    from workbench.judges.chat import ChatJudge as ChatJudge
    from workbench.judges.grades import GradeJudge as GradeJudge
    from workbench.judges.judge import judge as judge
    from workbench.judges.mended import MendedJudge as MendedJudge
    from workbench.judges.result import Judgement as Judgement
    from workbench.judges.reward import RewardJudge as RewardJudge
    from workbench.judges.rules import PlantedJudge as PlantedJudge
    from workbench.judges.rules import RuleJudge as RuleJudge
    from workbench.llm.asker import Asker as Asker
    from workbench.llm.endpoint import Endpoint as Endpoint
    from workbench.llm.journal import Journal as Journal
    from workbench.llm.offline import OfflineModel as OfflineModel
    from workbench.overview.overview import Overview as Overview
    from workbench.overview.overview import overview as overview
    from workbench.plots.notebook.picture import picture as picture
    from workbench.principles.constitution import Constitution as Constitution
    from workbench.principles.extract import extract as extract
    from workbench.principles.extraction import Extraction as Extraction
    from workbench.principles.principle import Principle as Principle
    from workbench.principles.recipe import Recipe as Recipe
    from workbench.ratings.bradley_terry import rate as rate
    from workbench.ratings.length_control import LengthControlled as LengthControlled
    from workbench.ratings.length_control import length_control as length_control
    from workbench.ratings.result import Ratings as Ratings
    from workbench.report.build import report as report
    from workbench.report.cards.card import JudgeCard as JudgeCard
    from workbench.report.cards.card import judge_card as judge_card
    from workbench.report.cards.measured import MeasuredJudge as MeasuredJudge
    from workbench.report.cards.measured import measure_judge as measure_judge
    from workbench.report.compared import compare_reports as compare_reports
    from workbench.screening.screening import Screening as Screening
    from workbench.screening.screening import screen as screen
    from workbench.structure.categories.categories import categories as categories
    from workbench.structure.categories.result import Categories as Categories
    from workbench.structure.context.context import context as context
    from workbench.structure.context.result import Context as Context
    from workbench.structure.groups.groups import groups as groups
    from workbench.structure.groups.groups_result import Groups as Groups
    from workbench.structure.mixed.mixed import mixed as mixed
    from workbench.structure.mixed.result import Mixed as Mixed
    from workbench.structure.people.people import people as people
    from workbench.structure.people.result import People as People
    from workbench.structure.raters.agreement import rater_agreement as rater_agreement
    from workbench.structure.raters.result import RaterAgreement as RaterAgreement
    from workbench.structure.reliability.reliability import reliability as reliability
    from workbench.structure.reliability.result import Reliability as Reliability
    from workbench.structure.transitivity.result import Transitivity as Transitivity
    from workbench.structure.transitivity.transitivity import transitivity as transitivity
    from workbench.structure.values.result import Values as Values
    from workbench.structure.values.values import values as values
    from workbench.whole_run.result import WholeRun as WholeRun
    from workbench.whole_run.run import run as run

try:
    __version__ = version("preference-workbench")
except PackageNotFoundError:
    __version__ = "unknown"

_EXPORTS = {
    "Discovery": "workbench.discover.result",
    "discover": "workbench.discover.discover",
    "PreferenceData": "workbench.data.dataset",
    "concat": "workbench.data.joined",
    "load_parts": "workbench.data.parts.loading",
    "open_parts": "workbench.data.parts.parted",
    "PartedData": "workbench.data.parts.parted",
    "explain": "workbench.data.explain",
    "Explanation": "workbench.data.explain",
    "load": "workbench.data.load",
    "preview": "workbench.data.load",
    "split": "workbench.data.split",
    "open_folder": "workbench.data.store",
    "save": "workbench.data.store",
    "score_factors": "workbench.factors.score",
    "decompose": "workbench.decompose.decomposition",
    "Decomposition": "workbench.decompose.decomposition",
    "contrast": "workbench.compare.contrast",
    "Contrast": "workbench.compare.contrast",
    "compare_annotators": "workbench.calibration.paired.annotators",
    "AnnotatorComparison": "workbench.calibration.paired.result",
    "check_benchmark": "workbench.calibration.shortcuts.benchmark",
    "BenchmarkCheck": "workbench.calibration.shortcuts.result",
    "compare_models": "workbench.calibration.paired.models",
    "ModelComparison": "workbench.calibration.paired.result",
    "add_judge": "workbench.data.add_judge",
    "align": "workbench.compare.alignment",
    "Alignment": "workbench.compare.alignment",
    "attribute": "workbench.explain.attribution",
    "Attribution": "workbench.explain.attribution",
    "bootstrap": "workbench.decompose.bootstrap",
    "Bootstrap": "workbench.decompose.bootstrap",
    "check_fit": "workbench.decompose.checks.check",
    "FitCheck": "workbench.decompose.checks.result",
    "concordance": "workbench.compare.concordance",
    "Concordance": "workbench.compare.concordance",
    "few_labels": "workbench.calibration.few.few_labels",
    "FewLabels": "workbench.calibration.few.result",
    "dissect": "workbench.decompose.posterior",
    "doctor": "workbench.doctor.doctor",
    "Checkup": "workbench.doctor.checkup",
    "Dissection": "workbench.decompose.posterior",
    "rationales": "workbench.explain.rationales.rationales",
    "Rationales": "workbench.explain.rationales.result",
    "feedback": "workbench.feedback.feedback",
    "Feedback": "workbench.feedback.result",
    "Said": "workbench.factors.words.said",
    "disagreements": "workbench.explain.hard_pairs",
    "missing_verdicts": "workbench.decompose.missing",
    "MissingVerdicts": "workbench.decompose.missing",
    "generation": "workbench.compare.generation",
    "Generation": "workbench.compare.generation",
    "length_control": "workbench.ratings.length_control",
    "LengthControlled": "workbench.ratings.length_control",
    "most_wrong": "workbench.explain.hard_pairs",
    "pool_scenarios": "workbench.compare.scenarios",
    "ScenarioPool": "workbench.compare.scenarios",
    "rate_scenarios": "workbench.compare.scenario_ratings.rate",
    "ScenarioRatings": "workbench.compare.scenario_ratings.result",
    "PublishedFits": "workbench.decompose.published",
    "rate": "workbench.ratings.bradley_terry",
    "Ratings": "workbench.ratings.result",
    "read_fits": "workbench.decompose.published",
    "ceiling": "workbench.ceiling.ceiling",
    "Ceiling": "workbench.ceiling.result",
    "screen": "workbench.screening.screening",
    "Screening": "workbench.screening.screening",
    "similarity": "workbench.compare.similarity",
    "Similarity": "workbench.compare.similarity_result",
    "score_rubric": "workbench.factors.rubric.score",
    "RubricScores": "workbench.factors.rubric.result",
    "judge": "workbench.judges.judge",
    "Judgement": "workbench.judges.result",
    "ChatJudge": "workbench.judges.chat",
    "GradeJudge": "workbench.judges.grades",
    "MendedJudge": "workbench.judges.mended",
    "RewardJudge": "workbench.judges.reward",
    "RuleJudge": "workbench.judges.rules",
    "PlantedJudge": "workbench.judges.rules",
    "Asker": "workbench.llm.asker",
    "Endpoint": "workbench.llm.endpoint",
    "Journal": "workbench.llm.journal",
    "OfflineModel": "workbench.llm.offline",
    "picture": "workbench.plots.notebook.picture",
    "Constitution": "workbench.principles.constitution",
    "extract": "workbench.principles.extract",
    "Extraction": "workbench.principles.extraction",
    "Principle": "workbench.principles.principle",
    "Recipe": "workbench.principles.recipe",
    "curate": "workbench.curate.curation",
    "Curation": "workbench.curate.curation_result",
    "context": "workbench.structure.context.context",
    "Context": "workbench.structure.context.result",
    "strength": "workbench.curate.strength",
    "Strength": "workbench.curate.strength_result",
    "PanelJudge": "workbench.calibration.panel.judge",
    "panel": "workbench.calibration.panel.panel",
    "Panel": "workbench.calibration.panel.result",
    "rater_agreement": "workbench.structure.raters.agreement",
    "RaterAgreement": "workbench.structure.raters.result",
    "mixed": "workbench.structure.mixed.mixed",
    "Mixed": "workbench.structure.mixed.result",
    "reliability": "workbench.structure.reliability.reliability",
    "Reliability": "workbench.structure.reliability.result",
    "groups": "workbench.structure.groups.groups",
    "Groups": "workbench.structure.groups.groups_result",
    "instrument": "workbench.calibration.instrument.instrument",
    "Instrument": "workbench.calibration.instrument.result",
    "variance_split": "workbench.calibration.instrument.variance_split",
    "VarianceSplit": "workbench.calibration.instrument.split_result",
    "people": "workbench.structure.people.people",
    "People": "workbench.structure.people.result",
    "transitivity": "workbench.structure.transitivity.transitivity",
    "categories": "workbench.structure.categories.categories",
    "Categories": "workbench.structure.categories.result",
    "values": "workbench.structure.values.values",
    "apart": "workbench.calibration.apart.apart",
    "on_policy": "workbench.audit.models.likelihoods.on_policy",
    "Values": "workbench.structure.values.result",
    "Transitivity": "workbench.structure.transitivity.result",
    "choose_pairs": "workbench.calibration.choose.choose",
    "Choice": "workbench.calibration.choose.result",
    "with_answers": "workbench.calibration.tasks.with_answers",
    "write_tasks": "workbench.calibration.tasks.write",
    "route": "workbench.calibration.route.route",
    "Routing": "workbench.calibration.route.result",
    "check_choice": "workbench.calibration.choose.check",
    "ChoiceCheck": "workbench.calibration.choose.check",
    "Repair": "workbench.calibration.repair.result",
    "RepairedPrompt": "workbench.calibration.repair.prompt",
    "repair_judge": "workbench.calibration.repair.repair",
    "repair_prompt": "workbench.calibration.repair.prompt",
    "overview": "workbench.overview.overview",
    "Overview": "workbench.overview.overview",
    "report": "workbench.report.build",
    "judge_card": "workbench.report.cards.card",
    "JudgeCard": "workbench.report.cards.card",
    "MeasuredJudge": "workbench.report.cards.measured",
    "measure_judge": "workbench.report.cards.measured",
    "compare_reports": "workbench.report.compared",
    "run": "workbench.whole_run.run",
    "WholeRun": "workbench.whole_run.result",
    "audit_judge": "workbench.audit.judges.audit",
    "followed": "workbench.audit.followed.followed",
    "Followed": "workbench.audit.followed.result",
    "read_items": "workbench.audit.followed.items",
    "audit_groups": "workbench.audit.judges.groups.probe",
    "GroupAudit": "workbench.audit.judges.groups.result",
    "group_pairs": "workbench.audit.judges.groups.templates",
    "plan_audit": "workbench.audit.judges.plan",
    "JudgeAudit": "workbench.audit.judges.scorecard",
    "observe": "workbench.audit.judges.verdicts.observed",
    "Observed": "workbench.audit.judges.verdicts.observed",
    "judge_board": "workbench.audit.judges.verdicts.board",
    "JudgeBoard": "workbench.audit.judges.verdicts.board",
    "correct_rates": "workbench.audit.judges.verdicts.corrected",
    "drift": "workbench.audit.judges.verdicts.relations",
    "family_preference": "workbench.audit.judges.verdicts.relations",
    "manipulate": "workbench.audit.judges.manipulate",
    "susceptibility": "workbench.audit.judges.forecast",
    "calibrate_verdicts": "workbench.calibration.soft.calibrate",
    "CalibratedVerdicts": "workbench.calibration.soft.result",
    "ConfigError": "workbench.errors",
    "DataError": "workbench.errors",
    "DesignError": "workbench.errors",
    "JudgeError": "workbench.errors",
    "WorkbenchError": "workbench.errors",
    "monitor": "workbench.calibration.monitor.monitor",
    "Monitor": "workbench.calibration.monitor.result",
    "plan_labels": "workbench.calibration.plan.plan",
    "LabelPlan": "workbench.calibration.plan.result",
}

_ROOMS = ("data", "engine", "factors")


class _Package(ModuleType):
    """The package module, on which a verb wins over the room of the same name.

    ``workbench.decompose`` is a function; ``from workbench.decompose import ...`` still
    imports from the room, as Python finds rooms by their full name.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _EXPORTS and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> Any:
    if name in _EXPORTS:
        value = getattr(import_module(_EXPORTS[name]), name)
    elif name in _ROOMS:
        value = import_module(f"workbench.{name}")
    else:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_EXPORTS, *_ROOMS})
