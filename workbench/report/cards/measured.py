"""The card of a judge, measured from its verdicts and labels of a reference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from workbench.audit.judges.verdicts.board import judge_board
from workbench.audit.judges.verdicts.preferences import judges_beside, reference_mask
from workbench.calibration.soft.calibrate import calibrate_verdicts
from workbench.compare.contrast import contrast
from workbench.data.dataset import PreferenceData
from workbench.decompose.decomposition import decompose
from workbench.errors import WorkbenchError
from workbench.provenance import Provenance
from workbench.report.cards.card import JudgeCard, judge_card
from workbench.results import TIDY, Result

if TYPE_CHECKING:
    import plotly.graph_objects as go


@dataclass(frozen=True, eq=False)
class MeasuredJudge(Result):
    """What was measured of a judge beside a reference, and the card of it.

    Attributes
    ----------
    card : JudgeCard
    results : tuple of Result
        Whose numbers on the judge the card has.
    settings : dict
    provenance : Provenance
    """

    heading: ClassVar[str] = "Card of a judge"
    about: ClassVar[str] = (
        "What was measured of one judge: agreement, position, length and style, weights beside "
        "those of the reference, calibration; and what was not, with the reason."
    )

    card: JudgeCard
    results: tuple[Result, ...]
    settings: dict[str, Any]
    provenance: Provenance

    def to_frame(self) -> pd.DataFrame:
        """Return one row a number of the card.

        ``group`` is the judge. After the tidy columns, of which errors and p are in the results'
        own tables: ``section, result, method, reason``.
        """
        rows = [
            {
                **number,
                "group": self.settings["judge"],
                "term": number["measure"],
                "section": one["title"],
                "result": one["result"],
            }
            for one in self.card.record["measured"]
            for number in one["numbers"]
        ]
        return pd.DataFrame(rows).reindex(
            columns=["group", *TIDY, "section", "result", "method", "reason"]
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the numbers of the card, and what was not measured."""
        columns = ["title", "reason"]
        missing = pd.DataFrame(self.card.record["not_measured"], columns=columns)
        return {"card": self.to_frame(), "not_measured": missing}

    def summary(self) -> str:
        """Return in lines what was measured and what was not."""
        return self.card.summary()

    def plot(self) -> go.Figure:
        """Return the figure of what stands first on the card."""
        return self.results[0].plot()


def measure_judge(
    data: PreferenceData,
    judge: str,
    reference: str = "human",
    *,
    factors: Sequence[str] | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> MeasuredJudge:
    """Measure what a card says of a judge that stands beside labels of a reference.

    Parameters
    ----------
    data : PreferenceData
        With scored factors, for the weights.
    judge : str
        An annotator.
    reference : str
        An annotator or a kind.
    factors : sequence of str, optional
        Whose weights are compared; all when None.
    level : float
    seed : int

    Returns
    -------
    MeasuredJudge
        Its ``card`` is what :func:`workbench.judge_card` makes of :func:`workbench.judge_board`,
        :func:`workbench.contrast` and :func:`workbench.calibrate_verdicts`. What cannot be
        measured is on it with the reason.

    Raises
    ------
    DataError
        The data have no such judge.
    DesignError
        The judge is of the reference, or nothing can be measured of it.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> found = wb.measure_judge(data, "sim-reward", factors=["words"])
    >>> found.to_frame()["section"].iloc[0]
    'Agreement with the reference'
    """
    judges_beside(data, [judge], reference_mask(data, reference))
    options: dict[str, Any] = {"factors": factors, "level": level, "seed": seed}
    # the judge beside the reference alone: what is said of other judges is not on its card
    asked: dict[str, Callable[[], Result]] = {
        "agreement": lambda: judge_board(data, [judge], reference, level=level, seed=seed),
        "contrast": lambda: _gap(data, judge, reference, options),
        "calibration": lambda: calibrate_verdicts(data, judge, reference, **options),
    }
    results: list[Result] = []
    failed: dict[str, str] = {}
    for section, measure in asked.items():
        try:
            results.append(measure())
        except WorkbenchError as error:
            failed[section] = error.what
    card = judge_card(*results, judge=judge, data=data, failed=failed)
    return MeasuredJudge(
        card=card,
        results=tuple(results),
        settings={"judge": judge, "reference": reference, "factors": factors, "level": level},
        provenance=Provenance.capture(seed=seed, dataset=data.digest),
    )


def _gap(data: PreferenceData, judge: str, reference: str, options: dict[str, Any]) -> Result:
    """Return where the judge's weights differ from the reference's."""
    fits = [decompose(data, annotator=who, folds=0, **options) for who in (judge, reference)]
    return contrast(*fits)
