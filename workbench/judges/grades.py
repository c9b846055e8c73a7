"""An LLM that grades each response alone."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from workbench.data.columns import prompt_of
from workbench.data.dataset import PreferenceData
from workbench.errors import DesignError
from workbench.judges.asking import AskingJudge
from workbench.judges.base import FAILED, NOT_ASKED, label_rows, text_pairs
from workbench.llm.asker import Asks
from workbench.llm.question import object_schema, question, rows, shown
from workbench.llm.reply import Reply
from workbench.llm.request import Request, Sampling

_TASK = (
    "You grade one response to a prompt. Grade how well it serves the person who wrote the "
    "prompt: it does what was asked, is right, and is clear. Length and layout are no merits in "
    "themselves."
)
_FORM = (
    'Reply with one JSON object and nothing else: {{"grade": a whole number from {low} (useless) '
    "to {high} (could not be better)}}."
)


class GradeJudge(AskingJudge):
    """A model that grades each response alone; the higher grade is preferred.

    Equal grades are a tie. A response that stands in many pairs is graded once.

    Parameters
    ----------
    model : str
    asks : Asks
    low, high : int
        Of the scale.
    samples : int
        Grades of each response; their mean counts.
    sampling : Sampling, optional
    name : str, optional
        Of the annotator; the model's when None.

    Raises
    ------
    DesignError
        An empty scale, or no sample.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import workbench as wb
    >>> from workbench.llm.asker import Asker
    >>> from workbench.llm.journal import Journal
    >>> from workbench.llm.offline import OfflineModel
    >>> data = wb.load("sample")
    >>> few = data.filter(pair_ids=data.pairs["pair_id"][:3])
    >>> with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "j.sqlite") as journal:
    ...     with Asker(OfflineModel("offline:plain"), journal) as asker:
    ...         len(GradeJudge("offline:plain", asker).verdicts(few))
    3
    """

    form = stage = "grade"

    def __init__(
        self,
        model: str,
        asks: Asks,
        *,
        low: int = 1,
        high: int = 10,
        samples: int = 1,
        sampling: Sampling | None = None,
        name: str | None = None,
    ) -> None:
        if high <= low or samples < 1:
            raise DesignError(
                "The judge cannot grade like that.",
                found=f"low={low}, high={high}, samples={samples}",
                expected="high above low, and 1 sample or more",
                fix="Give other options.",
            )
        super().__init__(model, asks, samples, sampling, name)
        self.low, self.high = low, high

    def settings(self) -> dict[str, Any]:
        """Return what made the verdicts, as plain JSON values."""
        return self._settings(scale=[self.low, self.high], samples=self.samples)

    def verdicts(self, data: PreferenceData) -> pd.DataFrame:
        """Return a label for each pair."""
        pairs = text_pairs(data)
        sides = [
            pd.DataFrame({"prompt": prompt_of(pairs, s), "text": pairs[f"response_{s}"]})
            for s in "ab"
        ]
        texts = pd.concat(sides, ignore_index=True)
        code = texts.groupby(["prompt", "text"], sort=False, dropna=False).ngroup().to_numpy()
        first = np.unique(code, return_index=True)[1]
        alone = texts.iloc[first]
        requests = (
            self._request(row, sample) for row in rows(alone) for sample in range(self.samples)
        )
        # of each reply only what the grade says is held, not the reply
        graded = [
            _Graded(_mean(part), _raw(part), self._failure(part), None in part)
            for part in self._replies(requests, len(alone))
        ]
        n = len(pairs)
        return _labels(pairs, [graded[k] for k in code[:n]], [graded[k] for k in code[n:]])

    def _request(self, row: dict[str, Any], sample: int) -> Request:
        texts = {"prompt": shown(row["prompt"]), "response": row["text"]}
        messages = question(_TASK, texts, _FORM.format(low=self.low, high=self.high))
        scale = {"type": "integer", "minimum": self.low, "maximum": self.high}
        schema = object_schema({"grade": scale})
        return Request(self.model, messages, self.sampling, schema, sample, {"task": "grade"})


class _Graded(NamedTuple):
    """What the replies about one response say."""

    grade: float
    raw: str
    failure: str | None
    open: bool


def _labels(pairs: pd.DataFrame, a: list[_Graded], b: list[_Graded]) -> pd.DataFrame:
    difference = np.array([x.grade for x in a]) - np.array([y.grade for y in b])
    preference = np.where(np.isnan(difference), np.nan, (np.sign(difference) + 1) / 2)
    both = list(zip(a, b, strict=True))
    reasons = [
        None if np.isfinite(d) else NOT_ASKED if x.open or y.open else FAILED
        for d, (x, y) in zip(difference, both, strict=True)
    ]
    raw = [f"A: {x.raw}\nB: {y.raw}" for x, y in both]
    failure = [y.failure if x.failure is None else x.failure for x, y in both]
    labels = label_rows(pairs, preference, reason=reasons, raw=raw)
    return labels.assign(
        strength=np.abs(difference), failure=pd.Series(failure, dtype="object"),
        grade_a=[x.grade for x in a], grade_b=[x.grade for x in b],
    )  # fmt: skip


def _mean(replies: list[Reply | None]) -> float:
    grades = [reply.value["grade"] for reply in replies if reply is not None and not reply.failed]
    return float(np.mean(grades)) if grades else np.nan


def _raw(replies: list[Reply | None]) -> str:
    return "\n".join("" if reply is None else reply.text for reply in replies)
