"""Judges: what turns pairs into labels, as a person does."""

from workbench.judges.base import Judge
from workbench.judges.chat import ChatJudge
from workbench.judges.grades import GradeJudge
from workbench.judges.judge import judge
from workbench.judges.mended import MendedJudge
from workbench.judges.result import Judgement
from workbench.judges.reward import RewardJudge
from workbench.judges.rules import PlantedJudge, RuleJudge
from workbench.judges.templates import TEMPLATES, Template

__all__ = [
    "TEMPLATES",
    "ChatJudge",
    "GradeJudge",
    "Judge",
    "Judgement",
    "MendedJudge",
    "PlantedJudge",
    "RewardJudge",
    "RuleJudge",
    "Template",
    "judge",
]
