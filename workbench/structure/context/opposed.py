"""The layout of two opposed criteria a pair, on which no answer without context beats one half."""

from __future__ import annotations

import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.errors import DataError

LAYOUT = "rpr"
"""The format whose card says that both criteria of a pair are opposed."""


EXACT = "exactly one half by construction: each pair has two opposed criteria"
"""Why the accuracy of an answer without context has no interval."""


def complete_pairs(
    data: PreferenceData, truth: pd.DataFrame, opposed: bool | None
) -> tuple[pd.Index, bool]:
    """Return the pairs that have two opposed criteria, and whether every pair has to.

    On such a pair an answer that does not depend on the criterion is right once and wrong once,
    a tie half each: its accuracy is exactly one half, whoever answers.

    Parameters
    ----------
    data : PreferenceData
    truth : DataFrame
        Reference of the contexts: ``pair, criterion, side``.
    opposed : bool, optional
        Whether the layout promises it; by the format that was read when None.

    Raises
    ------
    DataError
        A pair contradicts what the layout promises.

    Examples
    --------
    >>> import workbench as wb
    >>> told = pd.DataFrame({"pair": [0, 0], "criterion": ["brief", "full"], "side": [1.0, -1.0]})
    >>> complete_pairs(wb.load("sample"), told, None)
    (Index([0], dtype='int64', name='pair'), False)
    """
    report = data.load_report
    promised = (report is not None and report.format == LAYOUT) if opposed is None else opposed
    sides = truth.groupby("pair", sort=True)["side"].agg(["size", "sum", "prod"])
    whole = (sides["size"] == 2) & (sides["sum"] == 0) & (sides["prod"] == -1)
    if promised and not whole.all():
        bad = sides.index[~whole]
        one = truth[truth["pair"] == bad[0]]
        said = ", ".join(f"{r.criterion!r}: {_word(r.side)}" for r in one.itertuples())
        raise DataError(
            "The data contradict the layout of two opposed criteria a pair.",
            where=f"pair {data.pairs['pair_id'].iloc[bad[0]]}",
            found=f"{len(bad):,} of {len(sides):,} pairs otherwise; the first has {said[:200]}",
            expected="one criterion for A and one for B on every pair",
            fix="Leave these pairs out, or pass opposed=False (--not-opposed): the accuracy of an "
            "answer without context is then measured and not one half by construction.",
        )
    return sides.index[whole], promised


def _word(side: float) -> str:
    return {1.0: "A", -1.0: "B"}.get(side, "tie")
