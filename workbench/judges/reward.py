"""A reward model as a judge: any Python callable that scores responses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.data.columns import prompt_of
from workbench.data.dataset import PreferenceData
from workbench.errors import JudgeError
from workbench.judges.base import label_rows, text_pairs

Score = Callable[[Sequence[tuple[str, str]]], Sequence[float] | NDArray[np.float64]]
_EXAMPLES = 3


class RewardJudge:
    r"""A callable that gives each response a reward; the higher one is preferred.

    Parameters
    ----------
    score : callable
        Takes a batch of (prompt, response), returns as many numbers. A NaN is no reward: the
        label fails, and says so.
    name : str
    soft : bool
        The preference is :math:`\sigma(r_A - r_B)` instead of which is higher.
    batch : int
        Responses in a call.

    Examples
    --------
    >>> import workbench as wb
    >>> judge = RewardJudge(lambda batch: [len(text) for _, text in batch], "longest")
    >>> judge.verdicts(wb.load("sample"))["preference"].isin([0, 0.5, 1]).all()
    np.True_
    """

    kind = "reward_model"

    def __init__(self, score: Score, name: str, *, soft: bool = False, batch: int = 256) -> None:
        self.score, self.name, self.soft, self.batch = score, name, soft, batch

    def settings(self) -> dict[str, Any]:
        """Return what made the verdicts, as plain JSON values."""
        return {"judge": "reward", "name": self.name, "soft": self.soft}

    def verdicts(self, data: PreferenceData) -> pd.DataFrame:
        """Return a label for each pair, with both rewards in ``raw``.

        Raises
        ------
        JudgeError
            The callable fails, or returns something else than a number for each response.
        """
        pairs = text_pairs(data)
        a, b = self.rewards(pairs)
        difference = a - b
        with np.errstate(over="ignore"):
            soft = 1.0 / (1.0 + np.exp(-difference))
        hard = np.where(np.isnan(difference), np.nan, (np.sign(difference) + 1.0) / 2.0)
        raw = [f"A: {x:.17g}\nB: {y:.17g}" for x, y in zip(a, b, strict=True)]
        rows = label_rows(pairs, soft if self.soft else hard, raw=raw)
        failure = ["the reward is NaN" if lost else None for lost in np.isnan(difference)]
        return rows.assign(strength=np.abs(difference), failure=pd.Series(failure, dtype="object"))

    def rewards(self, pairs: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the rewards of responses A and B; NaN where there is none.

        Parameters
        ----------
        pairs : DataFrame
            ``prompt, response_a, response_b``.

        Raises
        ------
        JudgeError
            The callable fails, or returns something else than a number for each response.
        """
        a, b = (
            self._rewards(
                list(zip(prompt_of(pairs, s).fillna(""), pairs[f"response_{s}"], strict=True)),
                s.upper(),
            )
            for s in "ab"
        )
        return a, b

    def _rewards(self, texts: list[tuple[str, str]], side: str) -> NDArray[np.float64]:
        rewards = np.empty(len(texts))
        for start in range(0, len(texts), self.batch):
            part = texts[start : start + self.batch]
            where = f"pairs {start + 1} to {start + len(part)}, response {side}"
            try:
                found = np.asarray(self.score(part), dtype=float)
            except Exception as error:
                raise JudgeError(
                    f"The reward model {self.name!r} failed.",
                    where=where,
                    found=f"{type(error).__name__}: {str(error)[:200]}",
                    expected="a number for each (prompt, response)",
                    fix="Try it on those texts alone.",
                ) from error
            if found.shape != (len(part),):
                raise JudgeError(
                    f"The reward model {self.name!r} returned something else.",
                    where=where,
                    found=f"shape {found.shape}",
                    expected=f"{len(part)} numbers",
                    fix="Return one number for each (prompt, response), in order.",
                )
            rewards[start : start + len(part)] = found
        return rewards
