"""What stands beside the texts of one pair: titles, media, labels and factors."""

from __future__ import annotations

import numpy as np
import pandas as pd

from workbench.data.dataset import PreferenceData
from workbench.data.formats.battles.media import named
from workbench.data.on_view.pictures import MediaColumn
from workbench.errors import DataError
from workbench.factors.text import text_values


def titles_of(pair: pd.Series) -> tuple[str, str]:
    """Return a line above each response: side, model, number of words.

    Examples
    --------
    >>> import workbench as wb
    >>> titles_of(wb.load("sample").pairs.iloc[0])[0].startswith("Response A")
    True
    """

    def title(side: str) -> str:
        model, text = pair[f"model_{side}"], pair[f"response_{side}"]
        count = "no text"
        if pd.notna(text):
            # counted as the factor of that name counts them
            count = f"{text_values([str(text)], names=['words'])['words'].iloc[0]:,.0f} words"
        return ", ".join([f"Response {side.upper()}", *([str(model)] * pd.notna(model)), count])

    return title("a"), title("b")


def media_of(pair: pd.Series, of: MediaColumn) -> list[str]:
    r"""Return the names of the media of a pair's prompt (``media``) or of one of its responses.

    They are text of the data set, paths or URLs: to be shown as text, never as links.

    Examples
    --------
    >>> media_of(pd.Series({"media_a": "a.png\nb.png", "media_b": None}), "media_a")
    ['a.png', 'b.png']
    """
    return named(pair.get(of))


def names_media(data: PreferenceData) -> bool:
    """Tell whether any pair names media.

    Examples
    --------
    >>> import workbench as wb
    >>> names_media(wb.load("sample"))
    False
    """
    columns = [c for c in ("media", "media_a", "media_b") if c in data.pairs]
    return bool(data.pairs[columns].notna().any(axis=None))


def labels_of(data: PreferenceData, pair_id: str) -> pd.DataFrame:
    """Return every label of a pair, without columns that it leaves empty.

    Raises
    ------
    DataError
        The data do not have the pair.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.load("sample")
    >>> "preference" in labels_of(data, data.pairs["pair_id"][0])
    True
    """
    row = _row_of(data, pair_id)
    # by position: names of millions of labels are not compared for one pair
    own = data.labels.iloc[np.flatnonzero(data.pair_rows == row)].drop(columns="pair_id")
    # a criterion tells labels apart only where the data have several
    criterion = ["criterion"] if len(data.criteria) > 1 else []
    always = ["annotator", "kind", *criterion, "preference", "order_shown", "reason"]
    known = {*always, "criterion"}
    more = [name for name in own if name not in known and own[name].notna().any()]
    order = ["kind", "annotator", "criterion", "order_shown", "replicate"]
    return own[[*always, *more]].loc[own.sort_values(order).index].reset_index(drop=True)


def factor_values(data: PreferenceData, pair_id: str) -> pd.DataFrame:
    """Return the raw value of each side and the coded difference of each factor of a pair.

    Returns
    -------
    DataFrame
        ``factor, value_a, value_b, coded``; values are NaN for a factor of the pair as a
        whole.

    Raises
    ------
    DataError
        The data do not have the pair.

    Examples
    --------
    >>> import workbench as wb
    >>> data = wb.score_factors(wb.load("sample"), wb.factors.FAMILIES["length"])
    >>> list(factor_values(data, data.pairs["pair_id"][0]).columns)
    ['factor', 'value_a', 'value_b', 'coded']
    """
    row = _row_of(data, pair_id)
    coded, raw = data.factors.iloc[row], data.factor_values.iloc[row]
    names = data.factor_names
    return pd.DataFrame(
        {
            "factor": pd.Series(names, dtype="str"),
            "value_a": pd.Series([raw.get(f"{name}_a") for name in names], dtype="float64"),
            "value_b": pd.Series([raw.get(f"{name}_b") for name in names], dtype="float64"),
            "coded": pd.Series([coded[name] for name in names], dtype="float64"),
        }
    )


def _row_of(data: PreferenceData, pair_id: str) -> int:
    # one look at a million names costs less than an index of them
    at = np.flatnonzero(data.pairs["pair_id"].eq(pair_id))
    if not len(at):
        raise DataError(
            "There is no such pair.",
            found=repr(pair_id),
            expected="a pair_id of the data",
            fix="Take it from data.pairs['pair_id'].",
        )
    return int(at[0])
