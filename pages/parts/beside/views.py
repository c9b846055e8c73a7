"""What can be asked of judges beside people; each is one verb."""

from __future__ import annotations

from parts.beside.card import card_files
from parts.structure.views import View

_WHO = ("judges", "reference")
JUDGE = ("judge", "an annotator who is not of the reference")
_MODELS = ("a", "two models with names")

JUDGES = (
    View(
        "Few labels",
        "few_labels",
        "What do many verdicts and few labels of people tell together: rates, ratings, weights?",
        (*_WHO, "factors", "by"),
        factors="used",
        needs=JUDGE,
    ),
    View(
        "Panel",
        "panel",
        "Do several judges together say what people say, and as how many do they count?",
        _WHO,
        factors="",
        needs=JUDGE,
    ),
    View(
        "Instrument",
        "instrument",
        "How steeply does each judge follow people, how readily does it tie, and whom does it "
        "measure otherwise?",
        (*_WHO, "factors", "by"),
        factors="used",
        needs=JUDGE,
    ),
    View(
        "Spread of a score",
        "variance_split",
        "How much of a verdict is the pair, and how much the judge, the order or chance?",
        ("judges",),
        factors="",
    ),
    View(
        "Soft verdicts",
        "calibrate_verdicts",
        "Is 80 % of a judge 80 % of people, and what makes it so on pairs held out?",
        ("judge", "reference", "by", "factors"),
        factors="used",
        needs=JUDGE,
    ),
    View(
        "Two judges",
        "compare_annotators",
        "Which of two judges, or of all, agrees more with people on the same pairs?",
        (*_WHO, "by"),
        factors="",
        needs=JUDGE,
    ),
    View(
        "Two models",
        "compare_models",
        "Which of two models wins, by head-to-head and against the same opponents?",
        ("a", "b", "annotator", "by"),
        factors="",
        needs=_MODELS,
    ),
    View(
        "Models by scenario",
        "rate_scenarios",
        "Is the best model the best in every scenario (or slice), and what is a fair rating over "
        "all?",
        ("annotator", "by"),
        factors="",
        needs=_MODELS,
    ),
    View(
        "Mend a judge",
        "repair_judge",
        "What would make this judge say what people say, on prompts it was not mended on?",
        ("judge", "people", "factors"),
        needs=JUDGE,
    ),
    View(
        "Shortcuts",
        "check_benchmark",
        "What solves these pairs without reading them?",
        ("reference", "by"),
        factors="used",
    ),
    View(
        "Card",
        "measure_judge",
        "What is known of this judge, and what is not, on one page that goes with it?",
        ("judge", "reference", "factors"),
        factors="used",
        needs=JUDGE,
        files=card_files,
    ),
)
"""What judges beside people tell, in the order of the tabs."""
